/** `staffetta export`: the mail of an account as files that every mail program reads. */
import type { Command } from 'commander'
import type { MailboxRow } from '../storage/mail-reader.ts'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import type { MailboxName } from '../store/mailbox-name.ts'
import { noAccount } from './account.ts'
import { CommandError, EXIT, read, usage } from './access.ts'
import { ownAddress } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { emlFormat } from './export-eml.ts'
import { maildirFormat } from './export-maildir.ts'
import { mboxFormat } from './export-mbox.ts'
import { exportAll, type Exported } from './export-run.ts'
import type { ExportFormat } from './export-source.ts'
import { mailboxName } from './mailbox-argument.ts'
import { openProgress } from './progress.ts'
import { printable, table, terminal } from './table.ts'
import { count, printJson, sizeText } from './words.ts'

const FORMATS = { maildir: maildirFormat, mbox: mboxFormat, eml: emlFormat } as const

interface ExportCommandOptions extends DataOptions {
  readonly format: keyof typeof FORMATS
  readonly mailbox?: MailboxName
  readonly json?: true
}

export function addExport(root: Command): void {
  withData(root.command('export'))
    .description("write an account's mail to files")
    .argument('<address>', 'anna@example.org')
    .argument('<target>', 'a folder; for one mailbox as mbox, the file')
    .option('--format <format>', 'maildir, mbox or eml', formatOf, 'maildir' as const)
    .option('--mailbox <name>', 'only this one, into the target itself', mailboxName)
    .option('--json', 'the summary as one JSON document')
    .addHelpText(
      'after',
      `
Flags and dates are kept: in the names of the files (maildir), in header fields
(mbox), in flags.tsv beside the files (eml). Into a Maildir or a folder of .eml
files a later export adds only what is new.`,
    )
    .action(async (text: string, target: string, options: ExportCommandOptions) => {
      const address = ownAddress(text)
      await read(await dataOf(options), async reader => {
        const account = reader.account(address)
        if (!account) throw noAccount(address)
        const mailboxes = chosen(reader, account.id, options.mailbox)
        const format = FORMATS[options.format](target, options.mailbox !== undefined)
        report(await run(reader, mailboxes, format, target), address, target, options)
      })
    })
}

function chosen(reader: StorageReader, account: number, name: MailboxName | undefined): readonly MailboxRow[] {
  if (name === undefined) return reader.mail.mailboxes(account)
  const row = reader.mail.mailboxNamed(account, name)
  if (!row) throw new CommandError(`there is no mailbox ${name}; see: staffetta mail mailboxes ADDRESS`)
  return [row]
}

async function run(
  reader: StorageReader,
  mailboxes: readonly MailboxRow[],
  format: ExportFormat,
  target: string,
): Promise<Exported> {
  const progress = openProgress()
  try {
    return await exportAll({ mailboxes, reader, format, progress })
  } catch (error) {
    throw new CommandError(`${target} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    progress.end()
  }
}

function formatOf(text: string): keyof typeof FORMATS {
  if (text === 'mbox' || text === 'maildir' || text === 'eml') return text
  throw usage(`"${text}" is not a format; write maildir, mbox or eml`)
}

function report(exported: Exported, address: string, target: string, { format, json }: ExportCommandOptions): void {
  if (json) printJson({ account: address, target, format, ...exported })
  else print(exported, target)
  if (exported.failed > 0) process.exitCode = EXIT.nothing
}

function print(
  { mailboxes, exported, bytes, already, failed, failures, keywordsLeft }: Exported,
  target: string,
): void {
  const columns = [
    { head: 'MAILBOX', of: (row: Row) => row.name, atLeast: 20 },
    { head: 'EXPORTED', of: (row: Row) => row.exported.toLocaleString('en'), align: 'right' as const },
    { head: 'ALREADY THERE', of: (row: Row) => row.already.toLocaleString('en'), align: 'right' as const },
  ]
  type Row = (typeof mailboxes)[number]
  console.log(`${table(columns, mailboxes, terminal())}\n`)
  const were = already > 0 ? `; ${already.toLocaleString('en')} were there already` : ''
  console.log(`${count(exported, 'message')}, ${sizeText(bytes)}, exported to ${printable(target)}${were}`)
  if (keywordsLeft > 0) console.log(`${count(keywordsLeft, 'keyword')} could not be kept: a Maildir has 26`)
  if (failed === 0) return
  console.error(`${count(failed, 'message or mailbox', 'messages or mailboxes')} could not be exported:`)
  for (const { where, reason } of failures) console.error(`  ${printable(where)}: ${printable(reason)}`)
  if (failed > failures.length) console.error(`  and ${(failed - failures.length).toLocaleString('en')} more`)
}

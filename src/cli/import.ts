/** `staffetta import`: mail from files or from another server, into the mailboxes of an account. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import type { MailboxName } from '../store/mailbox-name.ts'
import { noAccount } from './account.ts'
import { CommandError, EXIT, read, usage } from './access.ts'
import { ownAddress } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { folderSource, type SourceFormat } from './import-folder.ts'
import { type ImapAddress, imapSource, parseImapAddress } from './import-imap.ts'
import { importAll, type Imported } from './import-run.ts'
import type { SourceMailbox } from './import-source.ts'
import { targetsOf } from './import-targets.ts'
import { mailboxName } from './mailbox-argument.ts'
import { openMailWriter } from './mail-writer.ts'
import { askPassword, passwordFromStdin } from './password.ts'
import { openProgress } from './progress.ts'
import { printable, table, terminal } from './table.ts'
import { count, printJson, sizeText } from './words.ts'

interface ImportOptions extends DataOptions {
  readonly mailbox?: MailboxName
  readonly format?: SourceFormat
  readonly dryRun?: true
  readonly passwordStdin?: true
  readonly insecure?: true
  readonly json?: true
}

export function addImport(root: Command): void {
  withData(root.command('import'))
    .description('take mail over from files or from another server')
    .argument('<address>', 'the account: anna@example.org')
    .argument('<source...>', 'mbox files, Maildirs, folders of .eml files, or imaps://anna@mail.example.org/')
    .option('--mailbox <name>', 'INBOX goes into this mailbox, all others below it', mailboxName)
    .option('--format <format>', 'look only for mbox, maildir or eml', formatOf)
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--password-stdin', "the other server's password is the first line of the standard input")
    .option('--insecure', 'take any certificate of the other server, or no TLS where it has none')
    .option('--json', 'the summary as one JSON document')
    .addHelpText(
      'after',
      `
Flags and dates are kept. What an earlier run has brought is left out, also when it
was deleted since: run it as often as you like. Sent, Drafts, Junk, Trash and
Archive are found under the names that other programs give them.

Exit codes: 0 everything is there, 1 some messages could not be imported.`,
    )
    .action(async (text: string, sources: string[], options: ImportOptions) => {
      const address = ownAddress(text)
      const data = await dataOf(options)
      await read(data, async reader => {
        const account = reader.account(address)
        if (!account) throw noAccount(address)
        const opened = await openSources(sources, options)
        try {
          const imported = await run(data, account.id, reader, opened.mailboxes, options)
          report(imported, address, options)
        } finally {
          await opened.close()
        }
      })
    })
}

async function run(
  data: string,
  account: number,
  reader: StorageReader,
  sources: readonly SourceMailbox[],
  { dryRun, mailbox }: ImportOptions,
): Promise<Imported> {
  const writer = dryRun ? undefined : await openMailWriter(data)
  const progress = openProgress()
  try {
    const targets = targetsOf(sources, mailbox)
    return await importAll({ account, targets, reader, writer, progress, now: Date.now })
  } finally {
    progress.end()
    writer?.close()
  }
}

interface Sources {
  readonly mailboxes: readonly SourceMailbox[]
  close(): Promise<void>
}

async function openSources(texts: readonly string[], options: ImportOptions): Promise<Sources> {
  const [first = '', ...others] = texts
  const address = parseImapAddress(first)
  if (!address) return { mailboxes: await foldersOf(texts, options.format), close: async () => undefined }
  if (others.length > 0) throw usage('from another server one account at a time is imported')
  return imapSource(address, { password: await passwordOf(address, options), insecure: options.insecure === true })
}

async function passwordOf({ user, host }: ImapAddress, { passwordStdin }: ImportOptions): Promise<string> {
  const password = await (passwordStdin ? passwordFromStdin() : askPassword(`Password of ${user} on ${host}: `))
  if (password === '') throw usage('the password is empty')
  return password
}

async function foldersOf(paths: readonly string[], format: SourceFormat | undefined): Promise<SourceMailbox[]> {
  const all: SourceMailbox[] = []
  for (const path of paths) {
    if (!existsSync(path)) throw usage(`there is no ${path}`)
    try {
      all.push(...(await folderSource(path, format)))
    } catch (error) {
      if (error instanceof CommandError) throw error
      throw new CommandError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (all.length > 0) return all
  throw new CommandError(`there is no mail in ${paths.join(', ')}: neither mbox files, Maildirs nor .eml files`)
}

function formatOf(text: string): SourceFormat {
  if (text === 'mbox' || text === 'maildir' || text === 'eml') return text
  throw usage(`"${text}" is not a format; write mbox, maildir or eml`)
}

function report(imported: Imported, address: string, { dryRun, json }: ImportOptions): void {
  const { mailboxes, bytes, already, failed, failures, keywordsLeft, stopped } = imported
  if (json) {
    const whole = { imported: imported.imported, bytes, already, failed, failures, keywordsLeft, mailboxes }
    printJson({ account: address, dryRun: dryRun === true, ...whole, stopped: stopped?.message ?? null })
  } else print(imported, dryRun === true)
  if (failed > 0) process.exitCode = EXIT.nothing
  if (stopped) throw stopped
}

function print({ mailboxes, imported, bytes, already, failed, failures, keywordsLeft }: Imported, dry: boolean): void {
  const columns = [
    { head: 'MAILBOX', of: (row: Row) => row.name, atLeast: 20 },
    { head: dry ? 'NEW' : 'IMPORTED', of: (row: Row) => row.imported.toLocaleString('en'), align: 'right' as const },
    { head: 'ALREADY THERE', of: (row: Row) => row.already.toLocaleString('en'), align: 'right' as const },
  ]
  type Row = (typeof mailboxes)[number]
  if (mailboxes.length > 0) console.log(`${table(columns, mailboxes, terminal())}\n`)
  const were = already > 0 ? `; ${already.toLocaleString('en')} had been imported before` : ''
  console.log(`${count(imported, 'message')}, ${sizeText(bytes)}, ${dry ? 'would be ' : ''}imported${were}`)
  if (keywordsLeft > 0) console.log(`${count(keywordsLeft, 'keyword')} could not be kept`)
  if (failed === 0) return
  console.error(`${count(failed, 'message or mailbox', 'messages or mailboxes')} could not be imported:`)
  for (const { where, reason } of failures) console.error(`  ${printable(where)}: ${printable(reason)}`)
  if (failed > failures.length) console.error(`  and ${(failed - failures.length).toLocaleString('en')} more`)
}

/** `staffetta mail`: what is in the mailboxes. */
import type { Command } from 'commander'
import { scanHeader } from '../mail/header.ts'
import { formatId } from '../mail/id.ts'
import type { MailboxRow } from '../storage/mail-reader.ts'
import type { MailListing, StorageReader } from '../storage/sqlite/reader.ts'
import { INBOX, inOrder } from '../store/mailbox-name.ts'
import { noAccount } from './account.ts'
import { CommandError, read } from './access.ts'
import { ownAddress, wholeNumber } from './addresses.ts'
import { mailboxName } from './mailbox-argument.ts'
import { beginningOf, headerOf, write, writeContent } from './content.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { decodeWords } from './encoded-words.ts'
import { senderText } from './queue-text.ts'
import { printable, table, terminal } from './table.ts'
import { isoTime, printJson, sizeText, whenText } from './words.ts'

/** Bytes in which subject and author are looked for. */
const LOOK = 32 * 1024
const PAGE = 1000

export function addMail(root: Command): void {
  const mail = root.command('mail').description('the messages in the mailboxes')

  addMailboxes(mail)

  withData(mail.command('list'))
    .description("show an account's messages, the newest last")
    .argument('<address>', 'anna@example.org')
    .option('--mailbox <name>', 'of this mailbox', mailboxName, mailboxName(INBOX))
    .option('--limit <number>', 'the newest so many', wholeNumber)
    .option('--json', 'one JSON document')
    .action(async (text: string, options: MailOptions & { limit?: number; json?: true }) => {
      const address = ownAddress(text)
      const rows = await read(await dataOf(options), async reader => {
        const all = mailsOf(reader, address, options.mailbox)
        return Promise.all(all.slice(-(options.limit ?? all.length)).map(row => described(reader, row)))
      })
      if (options.json) {
        return printJson(
          rows.map(({ uid, message, at, size, sender, from, subject }) => ({
            uid,
            id: formatId(message),
            at: isoTime(at),
            size,
            sender,
            from,
            subject,
          })),
        )
      }
      if (rows.length === 0) return console.log(`The mailbox ${options.mailbox} of ${address} is empty.`)
      const now = Date.now()
      const columns = [
        { head: 'UID', of: (row: Row) => String(row.uid), align: 'right' as const },
        { head: 'CAME', of: (row: Row) => whenText(row.at, now) },
        { head: 'SIZE', of: (row: Row) => sizeText(row.size), align: 'right' as const },
        { head: 'FROM', of: (row: Row) => row.from ?? senderText(row.sender), atLeast: 16 },
        { head: 'SUBJECT', of: (row: Row) => row.subject ?? '', atLeast: 16 },
      ]
      console.log(table(columns, rows, terminal()))
    })

  withData(mail.command('show'))
    .description('print a message, byte for byte')
    .argument('<address>', 'anna@example.org')
    .argument('<uid>', 'its number in the list', wholeNumber)
    .option('--mailbox <name>', 'in this mailbox', mailboxName, mailboxName(INBOX))
    .option('--headers', 'only its header, readable')
    .action(async (text: string, uid: number, options: MailOptions & { headers?: true }) => {
      const address = ownAddress(text)
      await read(await dataOf(options), async reader => {
        const account = withMailbox(reader, address, options.mailbox)
        const [row] = reader.mails(account, uid - 1, 1, options.mailbox)
        const content = row?.uid === uid ? reader.content(row.message) : undefined
        if (!row || !content)
          throw new CommandError(
            `${address} has no message ${uid} in ${options.mailbox}; see: staffetta mail list ${address}`,
          )
        if (options.headers) return console.log(headersText(row.head, await headerOf(content)))
        await write(process.stdout, row.head)
        await writeContent(process.stdout, content)
      })
    })
}

interface MailOptions extends DataOptions {
  readonly mailbox: string
}

function addMailboxes(mail: Command): void {
  withData(mail.command('mailboxes'))
    .description("show an account's mailboxes")
    .argument('<address>', 'anna@example.org')
    .option('--json', 'one JSON document')
    .action(async (text: string, options: DataOptions & { json?: true }) => {
      const address = ownAddress(text)
      const rows = await read(await dataOf(options), reader => {
        const account = reader.account(address)
        if (!account) throw noAccount(address)
        const byName = new Map(reader.mail.mailboxes(account.id).map(row => [row.name, row]))
        return inOrder(byName.keys()).flatMap(name => byName.get(name) ?? [])
      })
      if (options.json) return printJson(rows.map(mailboxJson))
      const right = 'right' as const
      const columns = [
        { head: 'MAILBOX', of: (row: MailboxRow) => row.name, atLeast: 20 },
        { head: 'MESSAGES', of: (row: MailboxRow) => row.exists.toLocaleString('en'), align: right },
        { head: 'UNSEEN', of: (row: MailboxRow) => row.unseen.toLocaleString('en'), align: right },
        { head: 'SIZE', of: (row: MailboxRow) => sizeText(row.size), align: right },
        { head: 'FOR', of: (row: MailboxRow) => row.specialUse.map(use => use.slice(1)).join(', ') },
      ]
      console.log(table(columns, rows, terminal()))
    })
}

function mailboxJson({ name, exists, unseen, size, uidValidity, specialUse }: MailboxRow): Record<string, unknown> {
  return { mailbox: name, messages: exists, unseen, bytes: size, uidValidity, specialUse }
}

/** The account, which has such a mailbox. Throws CommandError otherwise. */
function withMailbox(reader: StorageReader, address: string, mailbox: string): number {
  const account = reader.account(address)
  if (!account) throw noAccount(address)
  if (reader.mail.mailboxNamed(account.id, mailbox)) return account.id
  throw new CommandError(`${address} has no mailbox ${mailbox}; see: staffetta mail mailboxes ${address}`)
}

interface Row extends MailListing {
  readonly from: string | null
  readonly subject: string | null
}

function mailsOf(reader: StorageReader, address: string, mailbox: string): MailListing[] {
  const account = withMailbox(reader, address, mailbox)
  const all: MailListing[] = []
  for (let page = reader.mails(account, 0, PAGE, mailbox); page.length > 0; ) {
    all.push(...page)
    page = reader.mails(account, page.at(-1)?.uid ?? Number.MAX_SAFE_INTEGER, PAGE, mailbox)
  }
  return all
}

/** With what its header says of it; null where that says nothing. */
async function described(reader: StorageReader, row: MailListing): Promise<Row> {
  const content = reader.content(row.message)
  const header = content && scanHeader(await beginningOf(content, LOOK), [])
  const decoded = (text: string | undefined): string | null => (text === undefined ? null : decodeWords(text))
  return { ...row, from: decoded(header?.from), subject: decoded(header?.subject) }
}

/** Decoded, and without anything that could move the cursor. */
function headersText(head: string, header: Uint8Array): string {
  return (head + Buffer.from(header).toString())
    .split(/\r?\n/)
    .map(line => printable(decodeWords(line)))
    .join('\n')
    .trimEnd()
}

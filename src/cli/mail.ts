/** `staffetta mail`: what is in the mailboxes. */
import type { Command } from 'commander'
import { scanHeader } from '../mail/header.ts'
import { formatId } from '../mail/id.ts'
import type { MailListing, StorageReader } from '../storage/sqlite/reader.ts'
import { noAccount } from './account.ts'
import { CommandError, read } from './access.ts'
import { ownAddress, wholeNumber } from './addresses.ts'
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

  withData(mail.command('list'))
    .description("show an account's messages, the newest last")
    .argument('<address>', 'anna@example.org')
    .option('--limit <number>', 'the newest so many', wholeNumber)
    .option('--json', 'one JSON document')
    .action(async (text: string, options: DataOptions & { limit?: number; json?: true }) => {
      const address = ownAddress(text)
      const rows = await read(await dataOf(options), async reader => {
        const all = mailsOf(reader, address)
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
      if (rows.length === 0) return console.log(`The mailbox of ${address} is empty.`)
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
    .option('--headers', 'only its header, readable')
    .action(async (text: string, uid: number, options: DataOptions & { headers?: true }) => {
      const address = ownAddress(text)
      await read(await dataOf(options), async reader => {
        const account = reader.account(address)
        if (!account) throw noAccount(address)
        const [row] = reader.mails(account.id, uid - 1, 1)
        const content = row?.uid === uid ? reader.content(row.message) : undefined
        if (!row || !content)
          throw new CommandError(`${address} has no message ${uid}; see: staffetta mail list ${address}`)
        if (options.headers) return console.log(headersText(row.head, await headerOf(content)))
        await write(process.stdout, row.head)
        await writeContent(process.stdout, content)
      })
    })
}

interface Row extends MailListing {
  readonly from: string | null
  readonly subject: string | null
}

function mailsOf(reader: StorageReader, address: string): MailListing[] {
  const account = reader.account(address)
  if (!account) throw noAccount(address)
  const all: MailListing[] = []
  for (let page = reader.mails(account.id, 0, PAGE); page.length > 0; ) {
    all.push(...page)
    page = reader.mails(account.id, page.at(-1)?.uid ?? Number.MAX_SAFE_INTEGER, PAGE)
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

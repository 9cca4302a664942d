/** An export, mailbox by mailbox, beside a running server too: what comes meanwhile may be in it or not, what goes is left out. */
import type { MailboxRow, MailRow } from '../storage/mail-reader.ts'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import { exportedMail, type ExportFormat, type MailboxWriter } from './export-source.ts'
import type { Progress } from './progress.ts'

export interface ExportOptions {
  readonly mailboxes: readonly MailboxRow[]
  readonly reader: StorageReader
  readonly format: ExportFormat
  readonly progress: Progress
}

export interface Exported {
  readonly mailboxes: readonly { readonly name: string; readonly exported: number; readonly already: number }[]
  readonly exported: number
  readonly bytes: number
  /** What an earlier export has written. */
  readonly already: number
  readonly failed: number
  /** The first MAX_FAILURES of those that failed. */
  readonly failures: readonly { readonly where: string; readonly reason: string }[]
  /** Keywords for which the format has no place, over all messages. */
  readonly keywordsLeft: number
}

const MAX_FAILURES = 1000
/** Mails that are read at once. */
const PAGE = 256

export async function exportAll({ mailboxes, reader, format, progress }: ExportOptions): Promise<Exported> {
  const counted: { name: string; exported: number; already: number }[] = []
  const failures: { where: string; reason: string }[] = []
  let failed = 0
  let bytes = 0
  let keywordsLeft = 0
  let looked = 0

  function fail(where: string, error: unknown): void {
    failed++
    const reason = typeof error === 'string' ? error : error instanceof Error ? error.message : String(error)
    if (failures.length < MAX_FAILURES) failures.push({ where, reason })
  }

  type Count = (typeof counted)[number]

  type Keywords = ReadonlyMap<number, string>

  async function writeOne(
    row: MailRow,
    { name }: MailboxRow,
    keywords: Keywords,
    writer: MailboxWriter,
    count: Count,
  ): Promise<void> {
    const content = reader.content(row.message)
    if (!content) return // it went meanwhile
    try {
      keywordsLeft += await writer.write(exportedMail(row, content, keywords))
      count.exported++
      bytes += row.size
    } catch (error) {
      if (reader.content(row.message)) fail(`${name}, UID ${row.uid}`, error)
    }
    progress.show(looked, bytes, name)
  }

  async function writePage(rows: readonly MailRow[], mailbox: MailboxRow, writer: MailboxWriter, count: Count) {
    const keywords = new Map(reader.mail.keywords(mailbox.id))
    for (let from = 0; from < rows.length; from += format.parallel) {
      const group = rows.slice(from, from + format.parallel)
      await Promise.all(group.map(row => writeOne(row, mailbox, keywords, writer, count)))
    }
  }

  async function writeMailbox(mailbox: MailboxRow, writer: MailboxWriter): Promise<void> {
    const count = { name: mailbox.name, exported: 0, already: 0 }
    counted.push(count)
    let rows = reader.mail.mailRows(mailbox.id, [1, mailbox.uidNext - 1], PAGE)
    while (rows.length > 0) {
      looked += rows.length
      const wanted = rows.filter(({ uid }) => !writer.has(uid))
      count.already += rows.length - wanted.length
      await writePage(wanted, mailbox, writer, count)
      rows = reader.mail.mailRows(mailbox.id, [(rows.at(-1)?.uid ?? 0) + 1, mailbox.uidNext - 1], PAGE)
    }
  }

  for (const mailbox of mailboxes) {
    const writer = await openMailbox(mailbox)
    if (typeof writer === 'string') {
      fail(mailbox.name, writer)
      continue
    }
    try {
      await writeMailbox(mailbox, writer)
      await writer.end()
    } catch (error) {
      await writer.abandon()
      throw error
    }
  }

  async function openMailbox(mailbox: MailboxRow): Promise<MailboxWriter | string> {
    try {
      return await format.open(mailbox)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  progress.end()
  const sum = (of: 'exported' | 'already'): number => counted.reduce((total, each) => total + each[of], 0)
  return {
    mailboxes: counted,
    exported: sum('exported'),
    bytes,
    already: sum('already'),
    failed,
    failures,
    keywordsLeft,
  }
}

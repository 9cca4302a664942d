import type { StatusItem } from '../../imap/command.ts'
import { mailboxId } from '../../imap/object-id.ts'
import { mailboxName } from '../../imap/response.ts'
import { DELETED } from '../../mail/flags.ts'
import type { MailboxRow } from '../../storage/mail-reader.ts'
import { ok } from './answers.ts'
import { useCondstore } from './condstore.ts'
import { mailboxFor } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

const LAST_UID = 2 ** 32 - 1

/** RFC 9051 §6.3.11 */
export function status(
  { mailbox, items }: { readonly mailbox: string; readonly items: readonly StatusItem[] },
  session: ImapSession,
): Tagged {
  const found = mailboxFor(session, mailbox, 'r')
  if ('is' in found) return found
  enableFor(items, session)
  session.write(statusResponse(session, mailbox, found.row, items))
  return ok('Done')
}

/** RFC 7162 §3.1.2: who asks for HIGHESTMODSEQ has CONDSTORE from now on. */
export function enableFor(items: readonly StatusItem[], session: ImapSession): void {
  if (!items.includes('HIGHESTMODSEQ')) return
  if (session.selected) useCondstore(session, session.selected)
  else session.enable('CONDSTORE')
}

/** Under the name that is given. */
export function statusResponse(
  session: ImapSession,
  name: string,
  row: MailboxRow,
  items: readonly StatusItem[],
): string {
  const values = items.map(item => `${item} ${valueOf(item, row, session)}`)
  return `* STATUS ${mailboxName(name, session.utf8)} (${values.join(' ')})\r\n`
}

function valueOf(item: StatusItem, row: MailboxRow, session: ImapSession): string | number {
  switch (item) {
    case 'MESSAGES':
      return row.exists
    case 'RECENT':
      return recent(row, session)
    case 'UIDNEXT':
      return row.uidNext
    case 'UIDVALIDITY':
      return row.uidValidity
    case 'UNSEEN':
      return row.unseen
    case 'DELETED':
      return row.deleted
    case 'SIZE':
      return row.size // RFC 8438
    case 'HIGHESTMODSEQ':
      return row.modseq
    case 'MAILBOXID':
      return `(${mailboxId(row.id)})` // RFC 8474 §4.3
    case 'APPENDLIMIT':
      return session.services.limits.messageSize // RFC 7889 §3
    case 'DELETED-STORAGE':
      return deletedSize(row, session) // RFC 9208 §4.1.5: in octets
  }
}

/** RFC 3501 §2.3.2: how many no session was told of; in the selected mailbox, before this one was. */
function recent(row: MailboxRow, { selected, services }: ImapSession): number {
  if (selected?.view.mailbox === row.id) return selected.recent()
  if (row.recentFrom >= row.uidNext) return 0
  if (row.recentFrom <= 1) return row.exists
  return services.reader.column(row.id, 'size', [row.recentFrom, LAST_UID]).length
}

function deletedSize(row: MailboxRow, { services: { reader } }: ImapSession): number {
  if (row.deleted === 0) return 0
  if (row.deleted === row.exists) return row.size
  const { uids, flags } = reader.mails(row.id)
  const deleted = new Set(uids.filter((_, index) => ((flags[index] ?? 0) & DELETED) !== 0))
  let size = 0
  for (const [uid, octets] of reader.column(row.id, 'size', [1, LAST_UID])) if (deleted.has(uid)) size += octets
  return size
}

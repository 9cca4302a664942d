import { mailbox } from '../arguments.ts'
import type { Command, StatusItem } from '../command.ts'
import { type Cursor, list, oneOf, space } from '../parser.ts'

const ITEMS = [
  'MESSAGES',
  'RECENT', // RFC 3501 §6.3.10
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE', // RFC 8438
  'HIGHESTMODSEQ', // RFC 7162 §3.1.7
  'MAILBOXID', // RFC 8474 §4.3
  'APPENDLIMIT', // RFC 7889 §3.2
  'DELETED-STORAGE', // RFC 9208 §4.1.4
] as const

/** RFC 9051 §6.3.11: STATUS SP mailbox SP status-items */
export function status(c: Cursor): Command {
  space(c)
  const asked = mailbox(c)
  space(c)
  return { name: 'STATUS', mailbox: asked, items: statusItems(c) }
}

/** "(" status-att *(SP status-att) ")", each once. */
export function statusItems(c: Cursor): readonly StatusItem[] {
  return [...new Set(list(c, () => oneOf(c, ITEMS, 'A status item'), 'some'))]
}

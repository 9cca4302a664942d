import { mailbox } from '../arguments.ts'
import type { Command } from '../command.ts'
import { atom, close, type Cursor, expected, list, open, space, take } from '../parser.ts'

/** Commands that name one mailbox and nothing else. */
export function oneMailbox(
  name: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'GETQUOTAROOT' | 'GETACL' | 'MYRIGHTS',
): (c: Cursor) => Command {
  return c => {
    space(c)
    const named = mailbox(c)
    if (name === 'GETQUOTAROOT') return { name, mailbox: named }
    if (name === 'GETACL' || name === 'MYRIGHTS') return { name, mailbox: named }
    return { name, mailbox: named }
  }
}

/** RFC 9051 §6.3.4, RFC 6154 §3: CREATE SP mailbox [SP "(" "USE" SP "(" [use-attr …] ")" ")"] */
export function create(c: Cursor): Command {
  space(c)
  const created = mailbox(c)
  if (!take(c, ' ')) return { name: 'CREATE', mailbox: created, specialUse: [] }
  open(c)
  if (!take(c, 'USE ')) expected(c, 'USE')
  const specialUse = list(c, () => useAttribute(c), 'empty')
  close(c)
  return { name: 'CREATE', mailbox: created, specialUse }
}

const USES = ['\\All', '\\Archive', '\\Drafts', '\\Flagged', '\\Junk', '\\Sent', '\\Trash']

/** As RFC 6154 §2 writes it; one that it does not know as the client does. */
function useAttribute(c: Cursor): string {
  if (!take(c, '\\')) expected(c, 'A special use')
  const attribute = `\\${atom(c, 'A special use')}`
  return USES.find(use => use.toLowerCase() === attribute.toLowerCase()) ?? attribute
}

/** RFC 9051 §6.3.6: RENAME SP mailbox SP mailbox */
export function rename(c: Cursor): Command {
  space(c)
  const from = mailbox(c)
  space(c)
  return { name: 'RENAME', from, to: mailbox(c) }
}

import { mailbox, text } from '../arguments.ts'
import type { Command } from '../command.ts'
import { astring, bad, type Cursor, space } from '../parser.ts'

const RIGHTS = /^[a-z0-9]*$/

/** RFC 4314 §3.1: SETACL SP mailbox SP identifier SP mod-rights */
export function setAcl(c: Cursor): Command {
  space(c)
  const named = mailbox(c)
  space(c)
  const identifier = text(c, 'An identifier')
  space(c)
  const given = astring(c, 'Rights')
  const how = given.startsWith('+') ? 'add' : given.startsWith('-') ? 'remove' : 'set'
  const rights = how === 'set' ? given : given.slice(1)
  // RFC 4314 §2: upper case is reserved
  if (!RIGHTS.test(rights)) bad(c, 'Rights are lower-case letters and digits')
  return { name: 'SETACL', mailbox: named, identifier, how, rights: [...new Set(rights)].join('') }
}

/** RFC 4314 §3.2, §3.4: SP mailbox SP identifier */
export function ofIdentifier(name: 'DELETEACL' | 'LISTRIGHTS'): (c: Cursor) => Command {
  return c => {
    space(c)
    const named = mailbox(c)
    space(c)
    return { name, mailbox: named, identifier: text(c, 'An identifier') }
  }
}

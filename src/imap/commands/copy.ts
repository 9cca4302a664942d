import { mailbox, sequenceSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { type Cursor, space } from '../parser.ts'

/** RFC 9051 §6.4.7, §6.4.8: COPY SP sequence-set SP mailbox */
export function copy(name: 'COPY' | 'MOVE', uid: boolean): (c: Cursor) => Command {
  return c => {
    space(c)
    const set = sequenceSet(c)
    space(c)
    return { name, uid, set, mailbox: mailbox(c) }
  }
}

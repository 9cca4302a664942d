import { sequenceSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { type Cursor, space } from '../parser.ts'

/** RFC 4315 §2.1: UID EXPUNGE SP sequence-set */
export function uidExpunge(c: Cursor): Command {
  space(c)
  return { name: 'UID EXPUNGE', set: sequenceSet(c) }
}

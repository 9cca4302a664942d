import { flags, modSequence, sequenceSet } from '../arguments.ts'
import type { Store } from '../command.ts'
import { close, type Cursor, expected, oneOf, peek, space, take } from '../parser.ts'

/** RFC 9051 §6.4.6, RFC 7162 §3.1.3: STORE SP sequence-set [SP "(" "UNCHANGEDSINCE" SP valzer ")"] SP store-att-flags */
export function store(uid: boolean): (c: Cursor) => Store {
  return c => {
    space(c)
    const set = sequenceSet(c)
    space(c)
    const unchangedSince = peek(c) === '(' ? modifier(c) : undefined
    const how = take(c, '+') ? 'add' : take(c, '-') ? 'remove' : 'set'
    const item = oneOf(c, ['FLAGS', 'FLAGS.SILENT'], 'FLAGS or FLAGS.SILENT')
    space(c)
    return { name: 'STORE', uid, set, how, silent: item === 'FLAGS.SILENT', flags: flags(c), unchangedSince }
  }
}

function modifier(c: Cursor): number {
  if (!take(c, '(UNCHANGEDSINCE ')) expected(c, 'UNCHANGEDSINCE')
  const modseq = modSequence(c)
  close(c)
  space(c)
  return modseq
}

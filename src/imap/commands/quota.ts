import { text } from '../arguments.ts'
import type { Command } from '../command.ts'
import { atom, type Cursor, list, number64, space } from '../parser.ts'

/** RFC 9208 §4.1.2: GETQUOTA SP quota-root-name */
export function getQuota(c: Cursor): Command {
  space(c)
  return { name: 'GETQUOTA', root: text(c, 'A quota root') }
}

/** RFC 9208 §4.1.4: SETQUOTA SP quota-root-name SP "(" [resource SP limit …] ")" */
export function setQuota(c: Cursor): Command {
  space(c)
  const root = text(c, 'A quota root')
  space(c)
  return { name: 'SETQUOTA', root, limits: list(c, () => limit(c), 'empty') }
}

function limit(c: Cursor): readonly [resource: string, limit: number] {
  const resource = atom(c, 'A resource').toUpperCase()
  space(c)
  return [resource, number64(c, 'A limit')]
}

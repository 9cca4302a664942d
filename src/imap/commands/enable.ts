import type { Command } from '../command.ts'
import { atom, type Cursor, space, take, word } from '../parser.ts'

/** RFC 9051 §6.3.1: ENABLE 1*(SP capability) */
export function enable(c: Cursor): Command {
  const capabilities: string[] = []
  space(c)
  do capabilities.push(atom(c, 'A capability').toUpperCase())
  while (take(c, ' '))
  return { name: 'ENABLE', capabilities }
}

/** RFC 4978 §3: COMPRESS SP algorithm */
export function compress(c: Cursor): Command {
  space(c)
  return { name: 'COMPRESS', mechanism: word(c, 'An algorithm') }
}

import type { Command } from '../command.ts'
import { close, type Cursor, decodeUtf8, nstring, open, space, take } from '../parser.ts'

// RFC 2971 §3.3: what a client must not exceed; what does is not read, because nothing hangs on it.
const MAX_FIELDS = 30
const MAX_NAME = 30
const MAX_VALUE = 1024

/** RFC 2971 §3.1: ID SP "(" string SP nstring … ")", or NIL. */
export function id(c: Cursor): Command {
  space(c)
  if (take(c, 'NIL')) return { name: 'ID', fields: [] }
  const fields: [string, string | undefined][] = []
  open(c)
  if (take(c, ')')) return { name: 'ID', fields }
  do {
    const name = nstring(c, 'The name of a field') ?? ''
    space(c)
    const value = nstring(c, 'The value of a field')
    if (fields.length < MAX_FIELDS) fields.push([readable(name, MAX_NAME) ?? '', readable(value, MAX_VALUE)])
  } while (take(c, ' '))
  close(c)
  return { name: 'ID', fields }
}

function readable(octets: string | undefined, most: number): string | undefined {
  return octets === undefined ? undefined : (decodeUtf8(octets) ?? octets).slice(0, most)
}

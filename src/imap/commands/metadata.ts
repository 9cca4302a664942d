import { mailbox } from '../arguments.ts'
import type { Command } from '../command.ts'
import {
  astring,
  bad,
  type Cursor,
  list,
  match,
  nstring,
  number,
  octetsOf,
  oneOf,
  oneOrMore,
  peek,
  space,
} from '../parser.ts'

/** Entries of one command. */
const MAX_ENTRIES = 100
const MAX_NAME = 250

type GetMetadata = Extract<Command, { readonly name: 'GETMETADATA' }>
type Options = Pick<GetMetadata, 'maxSize' | 'depth'>

const NO_OPTIONS: Options = { maxSize: undefined, depth: 0 }
const OPTIONS_COME = /\((?=MAXSIZE |DEPTH )/iy

/** RFC 5464 §4.2: GETMETADATA [SP options] SP mailbox SP entries. Its examples (erratum 2785) have the options behind the mailbox. */
export function getMetadata(c: Cursor): GetMetadata {
  space(c)
  const first = peek(c) === '(' ? options(c) : undefined
  if (first) space(c)
  const named = mailbox(c)
  space(c)
  const then = !first && comesOptions(c) ? options(c) : undefined
  if (then) space(c)
  return { name: 'GETMETADATA', mailbox: named, ...(first ?? then ?? NO_OPTIONS), entries: metadataEntries(c) }
}

/** RFC 5464 §5: entry / "(" entry *(SP entry) ")" */
export function metadataEntries(c: Cursor): readonly string[] {
  const entries = oneOrMore(c, () => entryName(c))
  if (entries.length > MAX_ENTRIES) bad(c, `${c.name} may have ${MAX_ENTRIES} entries`)
  return entries
}

function comesOptions(c: Cursor): boolean {
  const before = c.at
  const come = match(c, OPTIONS_COME) !== ''
  c.at = before
  return come
}

function options(c: Cursor): Options {
  let given = NO_OPTIONS
  const option = (): void => {
    const which = oneOf(c, ['MAXSIZE', 'DEPTH'], 'MAXSIZE or DEPTH')
    space(c)
    given = which === 'MAXSIZE' ? { ...given, maxSize: number(c, 'A size') } : { ...given, depth: depth(c) }
  }
  list(c, option, 'some')
  return given
}

/** RFC 5464 §4.2.2 */
function depth(c: Cursor): Options['depth'] {
  const given = oneOf(c, ['0', '1', 'INFINITY'], '0, 1 or infinity')
  return given === 'INFINITY' ? 'infinity' : given === '1' ? 1 : 0
}

const ENTRY = /^\/(?:private|shared)(?:\/[^/*%\x00-\x1f\x7f-\xff]+)+$/

/** RFC 5464 §3.1: names are US-ASCII and compared without case; in lower case. */
function entryName(c: Cursor): string {
  const name = astring(c, 'The name of an entry').toLowerCase()
  if (!ENTRY.test(name) || name.length > MAX_NAME) {
    bad(c, 'An entry starts with /private/ or /shared/ and has no wildcards and no empty parts')
  }
  return name
}

/** RFC 5464 §4.3: SETMETADATA SP mailbox SP "(" entry SP value *(SP entry SP value) ")" */
export function setMetadata(c: Cursor): Command {
  space(c)
  const named = mailbox(c)
  space(c)
  const entries = list(c, () => entry(c), 'some')
  if (entries.length > MAX_ENTRIES) bad(c, `SETMETADATA may have ${MAX_ENTRIES} entries`)
  return { name: 'SETMETADATA', mailbox: named, entries }
}

/** RFC 5464 §5: value = nstring / literal8 */
function entry(c: Cursor): { readonly name: string; readonly value: Buffer | undefined } {
  const name = entryName(c)
  space(c)
  const value = nstring(c, 'A value')
  return { name, value: value === undefined ? undefined : octetsOf(value) }
}

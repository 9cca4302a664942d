/** What many commands are given: mailboxes, sets, flags, dates. */
import { MAX_KEYWORD, SYSTEM_FLAGS, union, type Flags } from '../mail/flags.ts'
import type { SeqRange, SequenceSet } from '../mail/sequence-set.ts'
import { parseDateTime, parseDay } from './date.ts'
import {
  astring,
  atom,
  bad,
  type Cursor,
  decodeUtf8,
  expected,
  list,
  listMailbox,
  match,
  number64,
  nzNumber,
  peek,
  take,
  utf8,
} from './parser.ts'
import { compilePattern } from './pattern.ts'
import { parseSequenceSet } from './sequence-set.ts'
import { decodeUtf7 } from './utf7.ts'

const INBOX = /^INBOX(?=$|\/)/i

/** RFC 9051 §9 mailbox, in Unicode. Whether there can be one of that name is judged by others. */
export function mailbox(c: Cursor): string {
  return mailboxOf(c, astring(c, 'A mailbox name')).replace(INBOX, 'INBOX') // RFC 9051 §5.1: in any case
}

/** RFC 9051 §6.3.9: the reference name of LIST, which may be ''. */
export function reference(c: Cursor): string {
  return mailboxOf(c, astring(c, 'A reference name'))
}

/** RFC 9051 §6.3.9: a mailbox name with wildcards. */
export function listPattern(c: Cursor): string {
  const pattern = mailboxOf(c, listMailbox(c, 'A mailbox pattern'))
  if (!compilePattern(pattern)) bad(c, `A pattern in ${c.name} has too many wildcards`)
  return pattern
}

function mailboxOf(c: Cursor, octets: string): string {
  const name = c.utf8 ? decodeUtf8(octets) : decodeUtf7(octets)
  // RFC 9051 §5.1, RFC 3501 §5.1.3
  if (name === undefined) bad(c, `A mailbox name is not ${c.utf8 ? 'UTF-8' : 'modified UTF-7'}`)
  return name ?? ''
}

const SET = /[\d:*,$]+/y
const NO_SET: SequenceSet = []

/** RFC 9051 §9 sequence-set, RFC 5182 `$`. */
export function sequenceSet(c: Cursor): SequenceSet {
  const text = match(c, SET)
  const set = parseSequenceSet(text)
  if (set === undefined) {
    if (text === '') expected(c, 'A sequence set')
    else bad(c, `A sequence set in ${c.name} is wrong, or has too many parts`)
  }
  return set ?? NO_SET
}

/** RFC 7162 §7: sequence-set without `*` and `$`. */
export function knownSet(c: Cursor): readonly SeqRange[] {
  const set = sequenceSet(c)
  if (set !== '$' && !set.flat().includes('*')) return set
  expected(c, 'A set of known numbers')
  return []
}

/** RFC 7162 §7 mod-sequence-valzer: 63 bits, as exactly as JavaScript has them, which is exact for ours. */
export function modSequence(c: Cursor): number {
  const value = number64(c, 'A mod-sequence')
  if (value >= 2 ** 63) expected(c, 'A mod-sequence')
  return value
}

/** RFC 9394 §4: `1:100`, or `-1:-100` from the end; as it was written, since the answer says it again. */
export function partialRange(c: Cursor): readonly [number, number] {
  const sign = take(c, '-') ? -1 : 1
  const first = nzNumber(c, 'A range')
  if (!take(c, sign < 0 ? ':-' : ':')) expected(c, 'A range')
  const last = nzNumber(c, 'A range')
  return [sign * first, sign * last]
}

/** RFC 9051 §9: flag-list = "(" [flag *(SP flag)] ")" */
export function flagList(c: Cursor): Flags {
  return flagsOf(list(c, () => flag(c), 'empty'))
}

/** RFC 9051 §9: flag *(SP flag), or a list of them. */
export function flags(c: Cursor): Flags {
  if (peek(c) === '(') return flagList(c)
  const names = [flag(c)]
  while (take(c, ' ')) names.push(flag(c))
  return flagsOf(names)
}

function flag(c: Cursor): string {
  if (!take(c, '\\')) return keyword(c)
  const name = `\\${atom(c, 'The name of a flag')}`
  const known = [...SYSTEM_FLAGS.map(([, system]) => system), RECENT].includes(canonical(name))
  if (!known) bad(c, `${c.name} knows no such system flag`) // RFC 9051 §2.3.2: they are pre-defined
  return name
}

/** RFC 9051 §9 flag-keyword */
export function keyword(c: Cursor): string {
  const name = atom(c, 'A flag')
  if (name.length > MAX_KEYWORD) bad(c, `A keyword may have ${MAX_KEYWORD} characters`)
  return name
}

const RECENT = '\\Recent'

function canonical(name: string): string {
  return name.slice(0, 2).toUpperCase() + name.slice(2).toLowerCase()
}

/** Keywords as first written; they are compared without case. RFC 3501 §2.3.2: \Recent cannot be changed by the client. */
function flagsOf(names: readonly string[]): Flags {
  let system = 0
  const keywords = new Map<string, string>()
  for (const name of names) {
    const bit = SYSTEM_FLAGS.find(([, known]) => known === canonical(name))?.[0]
    if (bit !== undefined) system = union(system, bit)
    else if (!name.startsWith('\\') && !keywords.has(name.toLowerCase())) keywords.set(name.toLowerCase(), name)
  }
  return { system, keywords: [...keywords.values()] }
}

const DATE = /\d{1,2}-[A-Za-z]{3}-\d{4}/y

/** RFC 9051 §9: date = date-text / DQUOTE date-text DQUOTE; ms since 1970 of its midnight, without regard to zones. */
export function date(c: Cursor): number {
  const quoted = take(c, '"')
  const day = parseDay(match(c, DATE))
  if (day === undefined || (quoted && !take(c, '"'))) expected(c, 'A date like 1-Feb-2025')
  return day ?? 0
}

const DATE_TIME = /"[ \d][^"]{16,26}"/y

/** RFC 9051 §9 date-time, ms since 1970. */
export function dateTime(c: Cursor): number {
  const time = parseDateTime(match(c, DATE_TIME).slice(1, -1))
  if (time === undefined) expected(c, 'A date like "17-Jul-2025 02:44:25 -0700"')
  return time ?? 0
}

/** RFC 8474 §7: objectid */
export function objectId(c: Cursor): string {
  const id = match(c, /[A-Za-z0-9_-]+/y)
  if (id === '' || id.length > 255) expected(c, 'An object id')
  return id
}

/** Text for people that is an astring: names of others, quota roots. */
export function text(c: Cursor, what: string): string {
  return utf8(c, astring(c, what), what)
}

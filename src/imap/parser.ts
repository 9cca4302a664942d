/**
 * The tokens of RFC 9051 §9, read by a cursor that moves through a command. The first thing that does not fit is remembered, and nothing is
 * left to be read then: whoever reads goes on without asking, gets '' and 0, and finds every list ended.
 */
import { isUtf8 } from 'node:buffer'
import type { Literal, RawCommand } from './raw-command.ts'

export interface Cursor {
  /** Names of mailboxes are UTF-8. */
  readonly utf8: boolean
  /** Of the command, for people. */
  name: string
  /** Where the arguments begin. */
  arguments: number
  readonly pieces: RawCommand['pieces']
  /** The piece of text that is read, and where in it. */
  piece: number
  text: string
  at: number
  failure: Failure | undefined
}

export type Failure =
  | { readonly is: 'bad'; readonly text: string }
  | { readonly is: 'no'; readonly code: string; readonly text: string }

export function openCursor({ pieces }: RawCommand, utf8: boolean): Cursor {
  const text = pieces[0]
  return {
    utf8,
    name: '',
    arguments: 0,
    pieces,
    piece: 0,
    text: typeof text === 'string' ? text : '',
    at: 0,
    failure: undefined,
  }
}

/** `what`: "A mailbox name", which was expected here. */
export function expected(c: Cursor, what: string): void {
  const where = c.piece === 0 && c.at <= c.arguments + 1 ? 'after' : 'in'
  bad(c, c.name === '' ? `${what} is expected` : `${what} is expected ${where} ${c.name}`)
}

export function bad(c: Cursor, text: string): void {
  fail(c, { is: 'bad', text })
}

/** Well written, but not to be had. `code`: without brackets. */
export function refuse(c: Cursor, code: string, text: string): void {
  fail(c, { is: 'no', code, text })
}

function fail(c: Cursor, failure: Failure): void {
  c.failure ??= failure
  c.piece = c.pieces.length - 1
  c.text = ''
  c.at = 0
}

export function atEnd(c: Cursor): boolean {
  return c.at === c.text.length && c.piece >= c.pieces.length - 1
}

/** The character that comes next, '' before a literal and at the end. */
export function peek(c: Cursor): string {
  return c.text.charAt(c.at)
}

/** Reads this text, without regard to case, if it comes next. */
export function take(c: Cursor, text: string): boolean {
  const found = c.text.slice(c.at, c.at + text.length)
  if (found !== text && found.toUpperCase() !== text) return false
  c.at += text.length
  return true
}

/** Reads what fits the sticky expression; '' if nothing does. */
export function match(c: Cursor, expression: RegExp): string {
  expression.lastIndex = c.at
  if (!expression.test(c.text)) return ''
  const found = c.text.slice(c.at, expression.lastIndex)
  c.at += found.length
  return found
}

/** At the end of a list or of the command it is what should come after the space that is missed. */
export function space(c: Cursor): void {
  if (!take(c, ' ') && peek(c) !== ')' && !atEnd(c)) expected(c, 'A space')
}

export function open(c: Cursor): void {
  if (!take(c, '(')) expected(c, 'A list in parentheses')
}

export function close(c: Cursor): void {
  if (!take(c, ')')) expected(c, 'A closing parenthesis')
}

/** RFC 9051 §9: "(" item *(SP item) ")". `empty`: there may be none. */
export function list<Item>(c: Cursor, item: () => Item, empty: 'empty' | 'some'): readonly Item[] {
  open(c)
  const items: Item[] = []
  if (empty === 'empty' && take(c, ')')) return items
  do items.push(item())
  while (take(c, ' '))
  close(c)
  return items
}

/** One item, or a list of them. */
export function oneOrMore<Item>(c: Cursor, item: () => Item): readonly Item[] {
  return peek(c) === '(' ? list(c, item, 'some') : [item()]
}

const ATOM = /[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+/y
// RFC 9051 §9: ASTRING-CHAR = ATOM-CHAR / resp-specials
const ASTRING = /[^(){ %*"\\\x00-\x1f\x7f-\xff]+/y
// RFC 9051 §9: list-char = ATOM-CHAR / list-wildcards / resp-specials; UTF-8 in it does no harm
const LIST_MAILBOX = /[^(){ "\\\x00-\x1f\x7f]+/y
const WORD = /[A-Za-z0-9.=-]+/y

/** RFC 9051 §9 atom */
export function atom(c: Cursor, what: string): string {
  const found = match(c, ATOM)
  if (found === '') expected(c, what)
  return found
}

/** A word of the protocol, in upper case. */
export function word(c: Cursor, what: string): string {
  const found = match(c, WORD).toUpperCase()
  if (found === '') expected(c, what)
  return found
}

/** One of these words; the first where it is none of them. */
export function oneOf<const Word extends string>(c: Cursor, words: readonly [Word, ...Word[]], what: string): Word {
  const before = c.at
  const found = match(c, WORD).toUpperCase()
  const known = words.find(one => one === found)
  if (known === undefined) {
    c.at = before
    expected(c, what)
  }
  return known ?? words[0]
}

const QUOTED = /"[^"\\\0\r\n]*(?:\\["\\][^"\\\0\r\n]*)*"/y

/** RFC 9051 §9 string: quoted or literal, one character for each octet; undefined: neither comes next. */
function optionalString(c: Cursor): string | undefined {
  if (peek(c) === '"') {
    const quoted = match(c, QUOTED)
    if (quoted === '') bad(c, 'A quoted string has no end, or something in it that needs a literal')
    const inner = quoted.slice(1, -1)
    return inner.includes('\\') ? inner.replace(/\\(.)/g, '$1') : inner
  }
  const literal = takeLiteral(c)
  if (!literal) return undefined
  const text = literal.bytes?.toString('latin1') ?? ''
  // RFC 9051 §9: CHAR8 = %x01-ff; RFC 3516 §4.4: a literal8 may have NUL.
  if (literal.kind === 'plain' && text.includes('\0')) bad(c, 'A literal must not have NUL in it')
  return text
}

/** The literal that comes next, if one does. */
export function takeLiteral(c: Cursor): Literal | undefined {
  if (c.at < c.text.length) return undefined
  const literal = c.pieces[c.piece + 1]
  if (literal === undefined || typeof literal === 'string') return undefined
  c.piece += 2
  const text = c.pieces[c.piece]
  c.text = typeof text === 'string' ? text : ''
  c.at = 0
  return literal
}

/** RFC 9051 §9 astring, one character for each octet. */
export function astring(c: Cursor, what: string): string {
  return stringOr(c, ASTRING, what)
}

/** RFC 9051 §9 list-mailbox = 1*list-char / string, one character for each octet. */
export function listMailbox(c: Cursor, what: string): string {
  return stringOr(c, LIST_MAILBOX, what)
}

function stringOr(c: Cursor, expression: RegExp, what: string): string {
  const string = optionalString(c)
  if (string !== undefined) return string
  const found = match(c, expression)
  if (found === '') expected(c, what)
  return found
}

/** RFC 9051 §9 nstring, one character for each octet; undefined: NIL. */
export function nstring(c: Cursor, what: string): string | undefined {
  if (take(c, 'NIL')) return undefined
  const found = optionalString(c)
  if (found === undefined) expected(c, what)
  return found ?? ''
}

const DIGITS = /\d{1,19}/y

/** RFC 9051 §9 number64, as exactly as JavaScript has it. */
export function number64(c: Cursor, what: string): number {
  const digits = match(c, DIGITS)
  if (digits === '' || /^\d$/.test(peek(c))) expected(c, what)
  return Number(digits)
}

const MAX_NUMBER = 4_294_967_295

/** RFC 9051 §9 number */
export function number(c: Cursor, what: string): number {
  const value = number64(c, what)
  if (value > MAX_NUMBER) bad(c, `${what} of at most 32 bits is expected in ${c.name}`)
  return value
}

/** RFC 9051 §9 nz-number */
export function nzNumber(c: Cursor, what: string): number {
  const value = number(c, what)
  if (value === 0) expected(c, what)
  return value
}

/** Octets, given one character each, as UTF-8. */
export function utf8(c: Cursor, octets: string, what: string): string {
  const text = decodeUtf8(octets)
  if (text === undefined) bad(c, `${what} is not UTF-8`)
  return text ?? ''
}

/** undefined: not UTF-8. */
export function decodeUtf8(octets: string): string | undefined {
  if (/^[\0-\x7f]*$/.test(octets)) return octets
  const bytes = octetsOf(octets)
  return isUtf8(bytes) ? bytes.toString() : undefined
}

export function octetsOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

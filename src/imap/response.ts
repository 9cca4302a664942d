/**
 * How things are written in responses: RFC 9051 §9. All answer text that goes out as UTF-8, so a literal's count is of its octets, not of
 * characters. `utf8`: the client takes UTF-8 in quoted strings and mailbox names.
 */
import { formatDateTime } from './date.ts'
import { formatRanges } from './sequence-set.ts'
import { encodeUtf7 } from './utf7.ts'

/** Characters of a quoted string; longer texts are literals, which everybody can read. */
const MAX_QUOTED = 1000

const ATOM = /^[A-Za-z0-9!#$&'+,./:;<=>?@[^_`|}~\]-]+$/
const QUOTABLE_ASCII = /^[^\0\r\n\x80-\uffff]*$/
const QUOTABLE = /^[^\0\r\n]*$/
const SPECIALS = /["\\]/g

/** RFC 9051 §9 string. NUL cannot be sent and is left out. */
export function quotedOrLiteral(text: string, utf8: boolean): string {
  const quotable = (utf8 ? QUOTABLE : QUOTABLE_ASCII).test(text)
  if (quotable && text.length <= MAX_QUOTED) return `"${text.replace(SPECIALS, '\\$&')}"`
  const sendable = text.replaceAll('\0', '')
  return `{${Buffer.byteLength(sendable)}}\r\n${sendable}`
}

/** RFC 9051 §9 astring: an atom where it can be one and is not taken for NIL. */
export function astring(text: string, utf8: boolean): string {
  return ATOM.test(text) && text.length <= MAX_QUOTED && text.toUpperCase() !== 'NIL'
    ? text
    : quotedOrLiteral(text, utf8)
}

/** RFC 9051 §9 nstring; undefined is NIL. */
export function nstring(text: string | undefined, utf8: boolean): string {
  return text === undefined ? 'NIL' : quotedOrLiteral(text, utf8)
}

/** RFC 9051 §5.1, RFC 3501 §5.1.3 */
export function mailboxName(name: string, utf8: boolean): string {
  return astring(utf8 ? name : encodeUtf7(name), utf8)
}

/** RFC 9051 §7.5.2 INTERNALDATE, with its quotes, of ms since 1970. */
export function internalDate(ms: number): string {
  return `"${formatDateTime(ms)}"`
}

/** A parenthesized list of what is written already. */
export function parenthesized(items: readonly string[]): string {
  return `(${items.join(' ')})`
}

/** Response codes with something in them, without brackets. */
export const codes = {
  /** RFC 4315 §3 */
  appendUid: (uidValidity: number, uids: readonly number[]): string => `APPENDUID ${uidValidity} ${formatRanges(uids)}`,
  /** RFC 4315 §3; the first of `from` became the first of `to`, and so on, so both are written in this order. */
  copyUid: (uidValidity: number, from: readonly number[], to: readonly number[]): string =>
    `COPYUID ${uidValidity} ${formatRanges(from)} ${formatRanges(to)}`,
  /** RFC 7162 §3.1.3 */
  modified: (numbers: readonly number[]): string => `MODIFIED ${formatRanges(numbers)}`,
  /** RFC 7162 §3.1.2.1 */
  highestModSeq: (modseq: number): string => `HIGHESTMODSEQ ${modseq}`,
  /** RFC 8474 §5.1 */
  mailboxId: (id: string): string => `MAILBOXID (${id})`,
} as const

import type { LiteralKind } from './raw-command.ts'

/** What stands at the end of a line before a literal: `{5}`, `{5+}`, `~{5}`. */
export interface Announcement {
  /** Where in the line it starts. */
  readonly start: number
  /** Octets; may be larger than any that is accepted, up to Infinity. */
  readonly size: number
  /** RFC 7888 §3: without `+` the client waits. */
  readonly sync: boolean
  readonly kind: LiteralKind
}

const [QUOTE, PLUS, BACKSLASH, OPEN, CLOSE, TILDE] = [0x22, 0x2b, 0x5c, 0x7b, 0x7d, 0x7e]
const [ZERO, NINE] = [0x30, 0x39]
/** RFC 6855 §4 */
const UTF8 = /(?:^| )UTF8 \($/i
const UTF8_LENGTH = 7

/** RFC 9051 §9 literal, literal8. undefined: the line does not end with one, or it stands in an open quoted string. */
export function findAnnouncement(line: Buffer): Announcement | undefined {
  let at = line.length - 1
  if (line[at] !== CLOSE) return undefined
  const sync = line[--at] !== PLUS
  if (!sync) at--
  const last = at
  while (isDigit(line[at])) at--
  if (at === last || line[at] !== OPEN) return undefined
  const eight = line[at - 1] === TILDE
  const start = eight ? at - 1 : at
  if (quoteIsOpen(line, start)) return undefined
  const size = Number(line.toString('latin1', at + 1, last + 1))
  if (!eight) return { start, size, sync, kind: 'plain' }
  const utf8 = UTF8.test(line.toString('latin1', Math.max(0, start - UTF8_LENGTH), start))
  return { start, size, sync, kind: utf8 ? 'utf8' : 'literal8' }
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= ZERO && octet <= NINE
}

function quoteIsOpen(line: Buffer, end: number): boolean {
  let open = false
  for (let at = line.indexOf(QUOTE); at !== -1 && at < end; at++) {
    if (open && line[at] === BACKSLASH) at++
    else if (line[at] === QUOTE) open = !open
  }
  return open
}

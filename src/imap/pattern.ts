/**
 * RFC 9051 §6.3.9: the patterns of LIST. `*` stands for anything, `%` for anything without the hierarchy separator, which is `/`. What is
 * between wildcards is looked for from left to right, with all places where it may end kept as a set: the work grows with the length of the
 * name times the number of wildcards, and never with their combinations.
 */

/** Wildcards of one pattern, runs of them counted once. */
export const MAX_WILDCARDS = 100

export type NameMatcher = (name: string) => boolean

interface Piece {
  readonly wildcard: '*' | '%'
  /** What follows the wildcard. */
  readonly text: string
}

const SEPARATOR = '/'
const INBOX = 'INBOX'

/** Of reference and pattern put together. undefined: too many wildcards. */
export function compilePattern(pattern: string): NameMatcher | undefined {
  const matches = compile(pattern)
  if (!matches) return undefined
  // RFC 9051 §5.1: INBOX is that name in any case; a mailbox named so has it in upper case.
  const level = pattern.indexOf(SEPARATOR) === -1 ? pattern.length : pattern.indexOf(SEPARATOR)
  const upper = pattern.slice(0, level).toUpperCase() + pattern.slice(level)
  const matchesInbox = upper === pattern ? undefined : compile(upper)
  if (!matchesInbox) return matches
  return name => matches(name) || (isInbox(name) && matchesInbox(name))
}

function isInbox(name: string): boolean {
  return name === INBOX || name.startsWith(INBOX + SEPARATOR)
}

function compile(pattern: string): NameMatcher | undefined {
  const [prefix = '', ...rest] = pattern.split(/([%*]+)/, 2 * MAX_WILDCARDS + 3)
  if (rest.length > 2 * MAX_WILDCARDS) return undefined
  const pieces: Piece[] = []
  for (let n = 0; n < rest.length; n += 2) {
    pieces.push({ wildcard: rest[n]?.includes('*') ? '*' : '%', text: rest[n + 1] ?? '' })
  }
  if (pieces.length === 0) return name => name === prefix
  return name => name.startsWith(prefix) && matchPieces(name, prefix.length, pieces)
}

function matchPieces(name: string, start: number, pieces: readonly Piece[]): boolean {
  /** Where what was matched so far may end, ascending. */
  let ends: readonly number[] = [start]
  for (const [n, piece] of pieces.entries()) {
    if (ends.length === 0) return false
    if (n === pieces.length - 1) return matchLast(name, ends, piece)
    ends = nextEnds(name, ends, piece)
  }
  return false
}

/** The last piece's text must be the end of the name. */
function matchLast(name: string, ends: readonly number[], { wildcard, text }: Piece): boolean {
  const at = name.length - text.length
  if (!name.endsWith(text)) return false
  const before = ends.findLast(end => end <= at)
  return before !== undefined && (wildcard === '*' || !name.slice(before, at).includes(SEPARATOR))
}

function nextEnds(name: string, ends: readonly number[], { wildcard, text }: Piece): readonly number[] {
  const next: number[] = []
  let n = 0
  let before = ends[0] ?? 0
  let slash = -1
  for (let at = name.indexOf(text, before); at !== -1 && at <= name.length; at = name.indexOf(text, at + 1)) {
    for (let end = ends[n + 1]; end !== undefined && end <= at; end = ends[n + 1]) {
      before = end
      n++
    }
    if (wildcard === '%') slash = nextSlash(name, before, slash)
    if (wildcard === '*' || slash >= at) next.push(at + text.length)
    if (at === name.length) break
  }
  return next
}

/** The first separator from `from` on, or the name's length; `known` is what was found for an earlier place. */
function nextSlash(name: string, from: number, known: number): number {
  if (known >= from) return known
  const found = name.indexOf(SEPARATOR, from)
  return found === -1 ? name.length : found
}

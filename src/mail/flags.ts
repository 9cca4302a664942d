/** RFC 9051 §2.3.2: the flags of a mail. In arrays and in the database they are the bits of one integer: five system flags, then the keywords of the mailbox. */
export interface Flags {
  /** SEEN and the like, added up. */
  readonly system: number
  /** As first written in this mailbox; compared without case. */
  readonly keywords: readonly string[]
}

/** Bits of the system flags. */
export const SEEN = 1
export const ANSWERED = 2
export const FLAGGED = 4
export const DELETED = 8
export const DRAFT = 16

export const SYSTEM_FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [SEEN, '\\Seen'],
  [ANSWERED, '\\Answered'],
  [FLAGGED, '\\Flagged'],
  [DELETED, '\\Deleted'],
  [DRAFT, '\\Draft'],
]

/** The place of a mailbox's first keyword: its bit is 2 ** FIRST_KEYWORD. */
export const FIRST_KEYWORD = 5
/** Keywords of one mailbox: with the system flags they fit an integer that JavaScript keeps exactly. */
export const MAX_KEYWORDS = 48
/** Characters of a keyword. */
export const MAX_KEYWORD = 100

export const NO_FLAGS: Flags = { system: 0, keywords: [] }

const HIGH = 2 ** 32

/** Whether the bit at this place (0 to 52) is set. */
export function hasBit(bits: number, place: number): boolean {
  return Math.floor(bits / 2 ** place) % 2 === 1
}

export function union(a: number, b: number): number {
  return (Math.floor(a / HIGH) | Math.floor(b / HIGH)) * HIGH + ((a | b) >>> 0)
}

/** `a` without what is in `b`. */
export function without(a: number, b: number): number {
  return (Math.floor(a / HIGH) & ~Math.floor(b / HIGH)) * HIGH + ((a & ~b) >>> 0)
}

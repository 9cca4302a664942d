/**
 * The id of a message in this installation, given before it is stored (the Received field and the 250 name it).
 * A number of 53 bits: 41 bits of ms since 2026, 4 bits for the thread that gave it, 8 bits of counter. Ids therefore sort by time,
 * so that rows are appended to their tables and whatever is too old is one range.
 */
export type Id = number

const EPOCH = Date.UTC(2026, 0, 1)
const PER_MS = 256
const SLOTS = 16
/** The slot of what comes in by the command line; protocol threads have those before it. */
export const OPERATOR_SLOT = SLOTS - 1
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford's base 32

/** Ids of one thread, each larger than the one before and than `newest`, also when the clock steps back. `slot`: 0 to 15. */
export function idSource(slot: number, newest: Id, now: () => number): () => Id {
  let last = Math.floor(newest / (PER_MS * SLOTS)) * PER_MS + PER_MS
  return () => {
    last = Math.max(last + 1, (now() - EPOCH) * PER_MS)
    return Math.floor(last / PER_MS) * PER_MS * SLOTS + slot * PER_MS + (last % PER_MS)
  }
}

/** The smallest id that could have been given at this time (ms since 1970). */
export function idAt(ms: number): Id {
  return Math.max(0, ms - EPOCH) * PER_MS * SLOTS
}

/** When it was given, in ms since 1970. */
export function timeOfId(id: Id): number {
  return Math.floor(id / (PER_MS * SLOTS)) + EPOCH
}

/** The thread that gave it. */
export function slotOfId(id: Id): number {
  return Math.floor(id / PER_MS) % SLOTS
}

/** Eleven letters and digits, as people see it. */
export function formatId(id: Id): string {
  let text = ''
  for (let rest = id, i = 0; i < 11; i++, rest = Math.floor(rest / 32)) text = DIGITS[rest % 32] + text
  return text
}

/** undefined for what `formatId` can't have written. */
export function parseId(text: string): Id | undefined {
  if (!/^[0-9a-hjkmnp-tv-z]{11}$/i.test(text)) return undefined
  let id = 0
  for (const digit of text.toLowerCase()) id = id * 32 + DIGITS.indexOf(digit)
  return Number.isSafeInteger(id) ? id : undefined
}

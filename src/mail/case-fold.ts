/**
 * RFC 9051 §6.4.4: texts are searched without regard to case. As RFC 5051 (i;unicode-casemap) has it, characters are decomposed and their
 * case taken away, and the results compared unit by unit: `e` is found in `é`, and `STRASSE` in `Straße`. Needle and text go the same way.
 */
export function foldCase(text: string): string {
  // Nothing but ASCII: by far the fastest way to ask.
  if (Buffer.byteLength(text) === text.length) return text.toLowerCase()
  return foldByTable(text) ?? foldWhole(text)
}

/** Units at the end of a piece that are looked at for a place to cut. */
const MAX_TAIL = 256

/**
 * Where a text can be cut so that folding the two sides gives the same as folding the whole: before a character that begins anew, whatever
 * comes before it. Near the end; the end itself when there is none in the last 256 units.
 */
export function foldBoundary(text: string): number {
  for (let at = text.length - 1; at > 0 && at >= text.length - MAX_TAIL; at--) {
    const unit = text.charCodeAt(at)
    // Below the combining marks; ideographs.
    if (unit < 0x300 || (unit >= 0x3400 && unit < 0xa000)) return at
  }
  return text.length
}

function foldWhole(text: string): string {
  // Upper case first, because several small letters have the same capital (σ and ς, i and ı, s and ſ); of Σ there may come ς at the end of a word.
  return text.normalize('NFKD').toUpperCase().toLowerCase().replaceAll('ς', 'σ')
}

// The same four times as fast, character by character, for texts in which no combining marks have to be put in order (RFC 5051 does not
// ask for it, but texts in which e.g. Vietnamese tones follow a letter with a mark are otherwise not found).

/** Of each unit the one that it becomes; below 128 it is ASCII and none of these. */
const [UNKNOWN, SEVERAL, NOT_ALONE] = [0, 1, 2]
/** Filled as characters are met. */
const FOLDED = new Uint16Array(0x10000)
const SEVERALS = new Map<number, string>()
for (let unit = 0; unit < 0x80; unit++) FOLDED[unit] = String.fromCharCode(unit).toLowerCase().charCodeAt(0)
/** The surrogate before those of U+1F400 to U+1F7FF, emoji and the like, which become themselves. */
const PICTOGRAPHS = 0xd83d
FOLDED[PICTOGRAPHS] = PICTOGRAPHS

/** undefined: it has a character that cannot be looked at alone. */
function foldByTable(text: string): string | undefined {
  const capacity = text.length * 2 + 32
  const bytes = Buffer.allocUnsafe(capacity * 2)
  const units = new Uint16Array(bytes.buffer, bytes.byteOffset, capacity)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    let folded = FOLDED[unit] ?? UNKNOWN
    if (unit < 0x80 || folded > NOT_ALONE) {
      units[length++] = folded
      if (unit !== PICTOGRAPHS) continue
      const low = text.charCodeAt(++at)
      if (!(low >= 0xdc00 && low < 0xe000)) return undefined
      units[length++] = low
    } else {
      if (folded === UNKNOWN) folded = learn(unit)
      if (folded === NOT_ALONE) return undefined
      const several = SEVERALS.get(unit) ?? String.fromCharCode(folded)
      for (let n = 0; n < several.length; n++) units[length++] = several.charCodeAt(n)
    }
    if (length > capacity - 32 - (text.length - at)) return undefined
  }
  return bytes.toString('utf16le', 0, length * 2)
}

function learn(unit: number): number {
  const character = String.fromCharCode(unit)
  const becomes = foldWhole(character)
  let folded = becomes.length === 1 ? becomes.charCodeAt(0) : SEVERAL
  if (becomes.length > 1) SEVERALS.set(unit, becomes)
  if ((unit >= 0xd800 && unit < 0xe000) || isReordered(character)) folded = NOT_ALONE
  FOLDED[unit] = folded
  return folded
}

/** Whether it is, or begins with, a mark that may change places with one before it: its canonical combining class is not 0. */
function isReordered(character: string): boolean {
  const first = character.normalize('NFKD').charAt(0)
  const [low, high] = ['\u0334', '\u0345'] // of the classes 1 and 240, the lowest and the highest
  return (first + low).normalize('NFKD') !== first + low || (high + first).normalize('NFKD') !== high + first
}

/**
 * RFC 9051 §6.4.4: texts are searched without regard to case. As RFC 5051 (i;unicode-casemap) has it, characters are decomposed and their
 * case taken away, and the results compared unit by unit: `e` is found in `é`, and `STRASSE` in `Straße`. Needle and text go the same way.
 */
const BEYOND_ASCII = /[^\0-\x7f]/

/** Of nearly all texts as fast as lower case. */
export function foldCase(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase()
  // Upper case first, because several small letters have the same capital (σ and ς, i and ı, s and ſ); of Σ there may come ς at the end of a word.
  return text.normalize('NFKD').toUpperCase().toLowerCase().replaceAll('ς', 'σ')
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

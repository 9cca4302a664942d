/**
 * RFC 5322 §3.2: the words of structured fields: atoms, quoted strings, comments. A cursor walks through an unfolded value; bytes above ASCII
 * count as letters (RFC 6532), whatever charset they are of. Text that breaks the rules is read as far as it goes.
 */

export interface Cursor {
  readonly text: string
  at: number
  /** What stood in the last comment that was passed, without its brackets. */
  comment: string
}

const [TAB, LF, CR, SPACE, QUOTE, OPEN, CLOSE, DOT, BACKSLASH] = [0x09, 0x0a, 0x0d, 0x20, 0x22, 0x28, 0x29, 0x2e, 0x5c]

const ATEXT = 1
const TOKEN = 2
const KIND = kinds()

function kinds(): Uint8Array {
  const kinds = new Uint8Array(256).fill(ATEXT | TOKEN, 0x21)
  kinds[0x7f] = 0
  for (const special of '()<>@,;:\\"[].') kinds[special.charCodeAt(0)] = 0 // RFC 5322 §3.2.3
  for (const special of '/?=') kinds[special.charCodeAt(0)] = ATEXT // RFC 2045 §5.1: tspecials
  kinds[DOT] = TOKEN
  return kinds
}

export function cursorOf(text: string): Cursor {
  return { text, at: 0, comment: '' }
}

/** The character under the cursor; '' at the end. */
export function peek(cursor: Cursor): string {
  return cursor.text.charAt(cursor.at)
}

/** RFC 5322 §3.2.2: CFWS. false: a comment is not closed, and the cursor stands at the end. */
export function skipCfws(cursor: Cursor): boolean {
  const { text } = cursor
  for (;;) {
    const code = text.charCodeAt(cursor.at)
    if (code === SPACE || code === TAB || code === CR || code === LF) cursor.at++
    else if (code !== OPEN) return true
    else if (!skipComment(cursor)) return false
  }
}

function skipComment(cursor: Cursor): boolean {
  const { text } = cursor
  let comment = ''
  let from = cursor.at + 1
  let depth = 1
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) {
      comment += text.slice(from, at)
      from = ++at
    } else if (code === OPEN) depth++
    else if (code === CLOSE && --depth === 0) {
      cursor.comment = comment + text.slice(from, at)
      cursor.at = at + 1
      return true
    }
  }
  cursor.at = text.length
  return false
}

/** RFC 5322 §3.2.3: 1*atext; '' when there is none. What follows stays under the cursor. */
export function readAtom(cursor: Cursor): string {
  return run(cursor, ATEXT)
}

/** RFC 2045 §5.1: token; '' when there is none. */
export function readToken(cursor: Cursor): string {
  return run(cursor, TOKEN)
}

function run(cursor: Cursor, kind: number): string {
  const { text, at } = cursor
  let end = at
  while (end < text.length && ((KIND[text.charCodeAt(end)] ?? 0) & kind) !== 0) end++
  cursor.at = end
  return text.slice(at, end)
}

/** RFC 5322 §3.2.4: quoted-string, at its first quote; without quotes and backslashes. undefined: it is not closed, the cursor stands at the end. */
export function readQuoted(cursor: Cursor): string | undefined {
  const { text } = cursor
  let value = ''
  let from = cursor.at + 1
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      cursor.at = at + 1
      return value + text.slice(from, at)
    }
    if (code === BACKSLASH) {
      value += text.slice(from, at)
      from = ++at
    }
  }
  cursor.at = text.length
  return undefined
}

/**
 * RFC 5322 §3.2.5, §4.1: phrase = 1*word / obs-phrase: words and dots, one space between words that stood apart, and the CFWS after it.
 * '' where there is no word. undefined: something in it is not closed, or it begins with a dot.
 */
export function readPhrase(cursor: Cursor): string | undefined {
  const { text } = cursor
  if (text.charCodeAt(cursor.at) === DOT) return undefined
  let phrase = ''
  for (let first = true; ; first = false) {
    const quoted = text.charCodeAt(cursor.at) === QUOTE
    const word = quoted ? readQuoted(cursor) : run(cursor, ATEXT | TOKEN)
    if (word === undefined) return undefined
    phrase += first ? word : ` ${word}`
    if (!skipCfws(cursor)) return undefined
    const code = text.charCodeAt(cursor.at)
    if (code !== QUOTE && (KIND[code] ?? 0) === 0) return phrase
  }
}

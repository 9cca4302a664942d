/** RFC 2047: encoded words in header fields, `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=`, as they were meant. */
import { decodeCharset } from './charset.ts'

/** RFC 2047 §2; RFC 2231 §5: the charset may be followed by `*` and a language. Longer words than the 75 characters of RFC 2047 are common. */
const WORD = /=\?([^?*\s]{1,75})(?:\*[^?\s]{0,75})?\?([bq])\?([^?\r\n]*)\?=/gi

const BASE64 = /^[A-Za-z0-9+/\s]*=*\s*$/
const NOT_QUOTED = /=(?![0-9a-f]{2})/i

/** Words of one charset that follow each other. */
interface Run {
  readonly charset: string
  readonly bytes: Uint8Array[]
}

/** `text` (an unfolded value) with its encoded words decoded. What is no valid word stays as it is. */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text
  let decoded = ''
  let after = 0
  let run: Run | undefined
  for (const match of text.matchAll(WORD)) {
    const [word, charset = '', encoding = '', encoded = ''] = match
    const bytes = wordBytes(encoding, encoded)
    if (bytes === undefined) continue
    const between = text.slice(after, match.index)
    after = match.index + word.length
    // RFC 2047 §6.2: white space between adjacent words is ignored.
    const adjacent = run !== undefined && /^[ \t\r\n]*$/.test(between)
    if (run && adjacent && run.charset === charset.toLowerCase()) {
      // RFC 2047 §5 (3) forbids it, and yet characters are split between words: their bytes are joined first.
      run.bytes.push(bytes)
      continue
    }
    decoded += runText(run) + (adjacent ? '' : between)
    run = { charset: charset.toLowerCase(), bytes: [bytes] }
  }
  return decoded + runText(run) + text.slice(after)
}

/** undefined: not in this encoding. */
function wordBytes(encoding: string, encoded: string): Uint8Array | undefined {
  if (encoding === 'b' || encoding === 'B') return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined
  if (NOT_QUOTED.test(encoded)) return undefined
  // RFC 2047 §4.2 (2): the underscore is a space. What was sent in 8 bits was decoded as UTF-8 already.
  const quoted = encoded.replaceAll('_', ' ')
  const plain = Buffer.from(quoted)
  return quoted.includes('=') ? unquoted(plain) : plain
}

function unquoted(quoted: Buffer): Uint8Array {
  let length = 0
  for (let at = 0; at < quoted.length; at++) {
    const byte = quoted[at] ?? 0
    const escape = byte === 0x3d
    quoted[length++] = escape ? Number.parseInt(quoted.toString('latin1', at + 1, at + 3), 16) : byte
    if (escape) at += 2
  }
  return quoted.subarray(0, length)
}

/** A line end or NUL that was hidden in a word is a space: nobody's header gets lines that were not there. */
function runText(run: Run | undefined): string {
  if (run === undefined) return ''
  const [first] = run.bytes
  const bytes = run.bytes.length === 1 && first ? first : Buffer.concat(run.bytes)
  return decodeCharset(bytes, run.charset).replace(/[\r\n\0]+/g, ' ')
}

/** What of a message is text: the header and the parts that people read, decoded. SEARCH looks at it, and `signature.ts` is made of it. */
import { isAscii, isUtf8 } from 'node:buffer'
import { decodeCharset } from './charset.ts'
import type { Part } from './description.ts'
import { decodeWords } from './encoded-word.ts'
import { view } from './entity.ts'
import { decodeTransfer } from './transfer-encoding.ts'

/** A piece of a message that is text, as a range of its content. */
export interface TextRange {
  readonly is: 'header' | 'body'
  readonly part: Part
  readonly start: number
  readonly end: number
}

const [TAB, LF, CR, SPACE, COLON] = [0x09, 0x0a, 0x0d, 0x20, 0x3a]

/**
 * Everything that SEARCH TEXT looks at, in order: the header of the message, those of its parts and of messages in it, and the bodies that
 * `isText`. Each piece is searched by itself.
 */
export function textRanges(message: Part): readonly TextRange[] {
  const ranges: TextRange[] = []
  const open: Part[] = [message]
  for (let part = open.pop(); part; part = open.pop()) {
    if (part.body > part.start) ranges.push({ is: 'header', part, start: part.start, end: part.body })
    if (isText(part)) ranges.push({ is: 'body', part, start: part.body, end: part.end })
    for (let at = part.parts.length - 1; at >= 0; at--) {
      const child = part.parts[at]
      if (child) open.push(child)
    }
  }
  return ranges
}

/** Texts, notifications and the like, and what should have parts but could not be taken apart. */
export function isText(part: Part): boolean {
  return part.parts.length === 0 && /^(?:text|message|multipart)\//.test(part.type)
}

/** `bytes` are those of the range. */
export function textOfRange(range: TextRange, bytes: Uint8Array): string {
  return range.is === 'header' ? headerText(bytes) : textOf(range.part, bytes)
}

/** The body of a part as text: its transfer encoding and its charset decoded. Never fails; markup stays markup. */
export function textOf(part: Part, body: Uint8Array): string {
  return decodeCharset(decodeTransfer(body, part.encoding), part.charset)
}

/** A whole header as text: unfolded, encoded words decoded, one field a line. */
export function headerText(header: Uint8Array): string {
  if (isAscii(header) || isUtf8(header)) return decodeWords(unfold(decodeCharset(header, undefined)))
  // Fields of several charsets: each is guessed by itself.
  const bytes = view(header)
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const end = fieldEnd(bytes, at)
    text += unfold(decodeCharset(bytes.subarray(at, end), undefined))
    at = end
  }
  return decodeWords(text)
}

/** The values of the fields with that name (in lower case), without white space around them; unfolded, encoded words decoded. Reads up to the empty line. */
export function headerValues(header: Uint8Array, field: string): string[] {
  const bytes = view(header)
  const values: string[] = []
  for (let at = 0; at < bytes.length && !isEmptyLine(bytes, at); ) {
    const end = fieldEnd(bytes, at)
    const value = valueStart(bytes, at, field)
    if (value !== undefined)
      values.push(decodeWords(unfold(decodeCharset(bytes.subarray(value, end), undefined)).trim()))
    at = end
  }
  return values
}

/** RFC 5322 §2.2.3: the line end goes, the white space stays; a tab that was there only to fold is a space. */
function unfold(text: string): string {
  return text.replace(/\r?\n[ \t]/g, ' ')
}

/** After the line end of the field at `at`, with the lines folded onto it. A bare LF ends a line too: what was not sent by SMTP may have it. */
function fieldEnd(bytes: Buffer, at: number): number {
  for (let lf = bytes.indexOf(LF, at); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] !== SPACE && bytes[lf + 1] !== TAB) return lf + 1
  }
  return bytes.length
}

function isEmptyLine(bytes: Buffer, at: number): boolean {
  return bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)
}

/** After the colon; undefined: a field of another name. RFC 5322 §4.5: white space before the colon is obsolete, but there. */
function valueStart(bytes: Buffer, start: number, name: string): number | undefined {
  let at = start
  for (let of = 0; of < name.length; of++) {
    const byte = bytes[at++] ?? 0
    if ((byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte) !== name.charCodeAt(of)) return undefined
  }
  while (bytes[at] === SPACE || bytes[at] === TAB) at++
  return bytes[at] === COLON ? at + 1 : undefined
}

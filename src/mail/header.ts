/**
 * The header of a message as bytes (RFC 5322 §2.2). Fields are found as ranges; a string is made only of what somebody reads.
 * A line ends with CRLF and with nothing else. The header ends at the first empty line, as for every other reader of the
 * message, so that nobody sees a field that another one takes for body; lines in it that are no field belong to nobody.
 */
import { isAscii, isUtf8 } from 'node:buffer'

/** Bytes: a header is not looked for any further. The line that goes beyond is body. */
export const HEADER_MAX = 256 * 1024

const [TAB, LF, CR, SPACE, COLON] = [0x09, 0x0a, 0x0d, 0x20, 0x3a]

/** One field, as offsets into the message. */
export interface Field {
  /** The first byte of its name. */
  readonly start: number
  /** After the name. */
  readonly nameEnd: number
  /** After the colon. */
  readonly value: number
  /** After the value, before its final CRLF. */
  readonly valueEnd: number
  /** After its final CRLF: the next field, or the end of the header. */
  readonly end: number
}

/** What the receiving path wants to know of a header. */
export interface HeaderScan {
  /** The offset of the first body byte. */
  readonly end: number
  /** Received fields; RFC 5321 §6.3 counts them to find loops. */
  readonly received: number
  /** The values of the first such fields, unfolded but not decoded (RFC 2047). */
  readonly messageId: string | undefined
  readonly from: string | undefined
  readonly subject: string | undefined
  /** How often the names that were asked for occur, in their order. */
  readonly counts: readonly number[]
}

/**
 * The offset of the first body byte, after the empty line. A message without an empty line has a header up to the first
 * line that is no field, which is where its body begins; with nothing but fields the header is all of it.
 */
export function headerEnd(bytes: Uint8Array): number {
  const head = bytes.length > HEADER_MAX ? bytes.subarray(0, HEADER_MAX) : bytes
  for (let line = 0; line < head.length; ) {
    const next = lineEnd(head, line, head.length)
    if (next - line === 2 && head[line] === CR && head[line + 1] === LF) return next
    line = next
  }
  return endOfFields(head, bytes.length > HEADER_MAX)
}

/** All fields, in order. Lines that are no field are left out, with the folded lines that follow them. */
export function* headerFields(bytes: Uint8Array): Generator<Field, void> {
  const end = headerEnd(bytes)
  for (let field = nextField(bytes, 0, end); field !== undefined; field = nextField(bytes, field.end, end)) yield field
}

/** The first field at or after `at`, which is the start of a line, in a header that ends at `end` (see `headerEnd`). */
export function nextField(bytes: Uint8Array, at: number, end: number): Field | undefined {
  for (let line = at; line < end; ) {
    const next = foldedEnd(bytes, line, end)
    const nameEnd = fieldNameEnd(bytes, line, next)
    if (nameEnd !== undefined) {
      const value = bytes.indexOf(COLON, nameEnd) + 1
      const valueEnd = next - line >= 2 && bytes[next - 1] === LF && bytes[next - 2] === CR ? next - 2 : next
      return { start: line, nameEnd, value, valueEnd, end: next }
    }
    line = next
  }
  return undefined
}

/** The value of the first field of that name (in lower case), as `fieldText` gives it; undefined: there is none. */
export function fieldValue(bytes: Uint8Array, name: string): string | undefined {
  for (const field of headerFields(bytes)) if (isNamed(bytes, field, name)) return fieldText(bytes, field)
  return undefined
}

/** How many fields have that name (in lower case). */
export function countFields(bytes: Uint8Array, name: string): number {
  let count = 0
  for (const field of headerFields(bytes)) if (isNamed(bytes, field, name)) count++
  return count
}

/** Everything that the receiving path needs, in one pass. `names` in lower case; the answer has `counts` for them. */
export function scanHeader(bytes: Uint8Array, names: readonly string[]): HeaderScan {
  const end = headerEnd(bytes)
  const counts = names.map(() => 0)
  let received = 0
  let messageId: Field | undefined
  let from: Field | undefined
  let subject: Field | undefined
  for (let field = nextField(bytes, 0, end); field !== undefined; field = nextField(bytes, field.end, end)) {
    if (isNamed(bytes, field, 'received')) received++
    else if (isNamed(bytes, field, 'message-id')) messageId ??= field
    else if (isNamed(bytes, field, 'from')) from ??= field
    else if (isNamed(bytes, field, 'subject')) subject ??= field
    for (let at = 0; at < names.length; at++) {
      if (isNamed(bytes, field, names[at] ?? '')) counts[at] = (counts[at] ?? 0) + 1
    }
  }
  const text = (field: Field | undefined) => (field === undefined ? undefined : fieldText(bytes, field))
  return { end, received, messageId: text(messageId), from: text(from), subject: text(subject), counts }
}

/** Whether the field has that name, given in lower case (RFC 5322 §1.2.2: names are compared without case). */
export function isNamed(bytes: Uint8Array, field: Field, name: string): boolean {
  if (field.nameEnd - field.start !== name.length) return false
  for (let at = 0; at < name.length; at++) {
    const byte = bytes[field.start + at] ?? 0
    if ((byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte) !== name.charCodeAt(at)) return false
  }
  return true
}

/** In lower case. */
export function fieldName(bytes: Uint8Array, field: Field): string {
  return view(bytes, field.start, field.nameEnd).toString('latin1').toLowerCase()
}

/** The value unfolded (RFC 5322 §2.2.3), without white space around it; UTF-8 (RFC 6532), or Latin-1 where it is not that. */
export function fieldText(bytes: Uint8Array, field: Field): string {
  let start = field.value
  let end = field.valueEnd
  while (start < end && isSpace(bytes[start])) start++
  while (end > start && isSpace(bytes[end - 1])) end--
  const raw = view(bytes, start, end)
  const text = !isAscii(raw) && isUtf8(raw) ? raw.toString('utf8') : raw.toString('latin1')
  return text.includes('\r\n') ? text.replaceAll('\r\n', '').trim() : text
}

function view(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB
}

/** After the CRLF that ends the line at `at`, or `limit`. */
function lineEnd(bytes: Uint8Array, at: number, limit: number): number {
  for (let lf = bytes.indexOf(LF, at); lf !== -1 && lf < limit; lf = bytes.indexOf(LF, lf + 1)) {
    if (lf > at && bytes[lf - 1] === CR) return lf + 1
  }
  return limit
}

/** The same, with the lines folded onto it. */
function foldedEnd(bytes: Uint8Array, at: number, limit: number): number {
  let end = lineEnd(bytes, at, limit)
  while (end < limit && isSpace(bytes[end])) end = lineEnd(bytes, end, limit)
  return end
}

/** RFC 5322 §2.2: 1*ftext before the colon; §4.5: or white space between them. undefined: no field. */
function fieldNameEnd(bytes: Uint8Array, at: number, end: number): number | undefined {
  let nameEnd = at
  while (nameEnd < end && isFtext(bytes[nameEnd] ?? 0)) nameEnd++
  let colon = nameEnd
  while (colon < end && isSpace(bytes[colon])) colon++
  return nameEnd > at && bytes[colon] === COLON && colon < end ? nameEnd : undefined
}

/** RFC 5322 §3.6.8: ftext = %d33-57 / %d59-126 */
function isFtext(byte: number): boolean {
  return byte > SPACE && byte < 0x7f && byte !== COLON
}

/** Where there is no empty line: the first line that is no field. When `cut`, the last one may go on and is none. */
function endOfFields(head: Uint8Array, cut: boolean): number {
  let line = 0
  while (line < head.length) {
    const next = foldedEnd(head, line, head.length)
    if ((cut && next === head.length) || fieldNameEnd(head, line, next) === undefined) return line
    line = next
  }
  return line
}

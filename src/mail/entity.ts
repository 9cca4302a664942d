/**
 * RFC 2045 §2.4: a MIME entity, as ranges of its bytes: header, body, and the parts of a multipart body. Nothing is copied or decoded
 * here; a header is looked at only for the fields that are asked for. CRLF is the only line end.
 */
import { type Field, headerEnd, headerFields, isNamed } from './header.ts'

/** Offsets in the entity: the fields are [0, header), the empty line lies between `header` and `body`, the body goes to the end. */
export interface Split {
  readonly header: number
  readonly body: number
}

/** RFC 2045 §5.1; type and parameter names in lower case, parameter values as they are. */
export interface ContentType {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** A part of a multipart: [start, end) of the body, without the line end that belongs to the delimiter. */
export interface PartRange {
  readonly start: number
  readonly end: number
}

/** RFC 2046 §5.1.1: [0, preamble) comes before the first delimiter, [epilogue, …) after the close delimiter and its line end. */
export interface Multipart {
  readonly preamble: number
  readonly parts: readonly PartRange[]
  /** undefined: the close delimiter is missing; the last part goes to the end. */
  readonly epilogue: number | undefined
}

/** RFC 2046 §5.1.1: a boundary has at most 70 characters; some senders' are longer. */
const MAX_BOUNDARY = 250
/** Characters of a field value that are looked at. */
const MAX_VALUE = 8192
const MAX_PARAMETERS = 32

const [TAB, LF, CR, SPACE, HYPHEN] = [0x09, 0x0a, 0x0d, 0x20, 0x2d]

/** The same bytes with Buffer's searching, nothing copied. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Without an empty line `header` and `body` are the same offset (see `headerEnd`). */
export function splitEntity(entity: Uint8Array): Split {
  const body = headerEnd(entity)
  const empty = isCrlf(entity, body - 2) && (body === 2 || isCrlf(entity, body - 4))
  return { header: empty ? body - 2 : body, body }
}

/** The fields of an entity with that name (in lower case), at most two: one is read, a second tells that the header is ambiguous. */
export function findFields(entity: Uint8Array, name: string): Field[] {
  const found: Field[] = []
  for (const field of headerFields(entity)) {
    if (isNamed(entity, field, name) && found.push(field) === 2) break
  }
  return found
}

/** RFC 2045 §5.1, and what senders make of it: comments, values without quotes. undefined: no type in it. */
export function parseContentType(text: string): ContentType | undefined {
  const value = text.slice(0, MAX_VALUE)
  const type = /^(?:\s|\([^()]*\))*([^\s()<>@,;:\\"/[\]?=]+)\s*\/\s*([^\s()<>@,;:\\"/[\]?=]+)/.exec(value)
  if (type === null) return undefined
  const parameters = new Map<string, string>()
  const parameter =
    /(?:\s|\([^()]*\))*;(?:\s|\([^()]*\))*(?:([^\s()<>@,;:\\"/[\]?=]+)\s*=\s*(?:"((?:[^"\\]|\\[^])*)"|([^\s;"]+)))?/y
  parameter.lastIndex = type[0].length
  for (let count = 0; count < MAX_PARAMETERS; count++) {
    const match = parameter.exec(value)
    if (match === null) break
    const [, name, quoted, token] = match
    if (name !== undefined && !parameters.has(name.toLowerCase())) {
      parameters.set(name.toLowerCase(), quoted?.replace(/\\([^])/g, '$1') ?? token ?? '')
    }
  }
  return { type: `${type[1]}/${type[2]}`.toLowerCase(), parameters }
}

/** RFC 2045 §5.2: of an entity that says nothing (or nonsense) of itself. */
export const TEXT_PLAIN: ContentType = { type: 'text/plain', parameters: new Map() }

/**
 * The parts of a multipart body. undefined: no usable boundary, no part, or more than `maxParts` parts.
 */
export function splitMultipart(body: Buffer, boundary: string | undefined, maxParts: number): Multipart | undefined {
  // RFC 2046 §5.1.1: a boundary does not end in white space; what is there was added on the way.
  const delimiter = Buffer.from(`--${(boundary ?? '').trimEnd()}`, 'latin1')
  if (delimiter.length === 2 || delimiter.length > MAX_BOUNDARY) return undefined
  const parts: PartRange[] = []
  let preamble: number | undefined
  let partStart = 0
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    const line = delimiterLine(body, at, at + delimiter.length)
    if (line === undefined) continue
    if (preamble === undefined) preamble = at
    else parts.push({ start: partStart, end: Math.max(partStart, at - 2) })
    if (parts.length > maxParts) return undefined
    if (line.closes) return parts.length === 0 ? undefined : { preamble, parts, epilogue: line.end }
    partStart = line.end
  }
  if (preamble === undefined || parts.length === maxParts) return undefined
  return { preamble, parts: [...parts, { start: partStart, end: body.length }], epilogue: undefined }
}

/** RFC 2046 §5.1.1: the whole line is the delimiter, but for white space at its end. `end` is after its line end. */
function delimiterLine(body: Buffer, start: number, after: number): { closes: boolean; end: number } | undefined {
  if (start !== 0 && !isCrlf(body, start - 2)) return undefined
  const closes = body[after] === HYPHEN && body[after + 1] === HYPHEN
  let end = closes ? after + 2 : after
  while (body[end] === SPACE || body[end] === TAB) end++
  if (end === body.length) return { closes, end }
  return isCrlf(body, end) ? { closes, end: end + 2 } : undefined
}

function isCrlf(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF
}

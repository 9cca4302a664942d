/** BODY[section]<partial>, RFC822 and its like: ranges of a message, as literals. */
import type { FileHandle } from 'node:fs/promises'
import type { FetchItem, Partial, Section } from '../../imap/fetch-item.ts'
import { contentSize } from '../../mail/content.ts'
import { view } from '../../mail/entity.ts'
import { imapString } from '../../mail/imap-string.ts'
import type { FetchedMail } from './fetched-mail.ts'
import { headerFields } from './header-fields.ts'
import type { Pace, ResponseWriter } from './response-writer.ts'
import { type Span, spanOf } from './section.ts'

/** Bytes of a file that are read at once. */
const READ = 128 * 1024
/** RFC 9051 §9: CHAR8 is no NUL; of a byte that may not be sent something is there that can be seen. */
const INSTEAD_OF_NUL = 0x80

/** Writes the value of one item of one mail. A promise where a file is read, or the client has to take what was written. */
export type ItemWriter = (mail: FetchedMail) => Promise<void> | undefined

export type BodyItem = Extract<FetchItem, { readonly item: 'BODY[]' }>

/** `name` is what the client reads before the value. */
export function bodyWriter({ section, partial }: BodyItem, out: ResponseWriter): ItemWriter {
  const { text } = section
  if (text.is !== 'HEADER.FIELDS' && text.is !== 'HEADER.FIELDS.NOT') {
    return mail => writeSpan(spanIn(mail, section), partial, mail, out)
  }
  const names = new Set(text.fields.map(name => name.toLowerCase()))
  const how = text.is === 'HEADER.FIELDS' ? 'keep' : 'drop'
  const write = (header: Uint8Array): undefined => writeBytes(headerFields(header, names, how), partial, out)
  return mail => {
    const span = spanIn(mail, section)
    if (!span) return out.text('NIL')
    const header = read(mail, span)
    out.worked(header instanceof Promise ? span[1] - span[0] : 0)
    return header instanceof Promise ? header.then(write) : write(header)
  }
}

/** RFC 9051 §7.5.2: `BODY[1.HEADER.FIELDS (Subject)]<0> ` as it stands before the value; field names as they were asked for. */
export function bodyName({ section: { part, text }, partial }: BodyItem): string {
  const fields = 'fields' in text ? ` (${text.fields.map(fieldName).join(' ')})` : ''
  const of = text.is === 'all' ? part.join('.') : [...part, text.is].join('.') + fields
  return `BODY[${of}]${origin(partial)} `
}

const ATOM = /^[A-Za-z0-9!#$&'+,./:;<=>?@^_`|}~-]+$/

/** RFC 9051 §9 header-fld-name = astring, of octets as they came in. */
function fieldName(octets: string): string {
  return ATOM.test(octets) && octets.toUpperCase() !== 'NIL' ? octets : imapString(octets)
}

/** `<7>` */
export function origin(partial: Partial | undefined): string {
  return partial ? `<${partial.origin}>` : ''
}

/** undefined: there is no such part. */
function spanIn({ parts, head, content }: FetchedMail, section: Section): Span | undefined {
  return spanOf(section, parts, head.length, head.length + contentSize(content))
}

/** The octets of a partial, of so many. RFC 9051 §6.4.5: what goes beyond the end is cut, and what lies there is empty. */
export function clip([from, to]: Span, partial: Partial | undefined): Span {
  if (!partial) return [from, to]
  const start = Math.min(to, from + partial.origin)
  return [start, Math.min(to, start + partial.octets)]
}

/** What is generated, whole. */
export function writeBytes(bytes: Uint8Array, partial: Partial | undefined, out: ResponseWriter): undefined {
  const [from, to] = clip([0, bytes.length], partial)
  if (beginLiteral(to - from, '{', out)) out.bytes(withoutNul(bytes.subarray(from, to)))
}

export function writeSpan(
  span: Span | undefined,
  partial: Partial | undefined,
  mail: FetchedMail,
  out: ResponseWriter,
): Promise<void> | undefined {
  if (!span) return out.text('NIL')
  const [from, to] = clip(span, partial)
  if (!beginLiteral(to - from, '{', out)) return undefined
  return eachPiece(mail, [from, to], piece => out.bytes(withoutNul(piece)), out)
}

/** false: there is nothing, and that was written. */
export function beginLiteral(size: number, brace: '{' | '~{', out: ResponseWriter): boolean {
  if (size === 0) {
    out.text('""')
    return false
  }
  out.text(brace)
  out.number(size)
  out.text('}\r\n')
  return true
}

/** Hands over these bytes of a message: at once what is in memory; of a file in pieces, as the client takes them. */
export function eachPiece(
  { head, content, file }: FetchedMail,
  [from, to]: Span,
  take: (piece: Uint8Array) => void,
  pace: Pace,
): Promise<void> | undefined {
  const memory = content.in === 'memory' ? content.bytes : content.head
  if (from < head.length) take(head.subarray(from, to))
  const start = Math.max(0, from - head.length)
  const end = to - head.length
  if (start < memory.length && end > 0) take(memory.subarray(start, end))
  if (content.in === 'memory' || end <= memory.length) return undefined
  if (!file) throw new Error('a body is read before its file is open')
  return eachPieceOfFile(file, [Math.max(start, memory.length) - memory.length, end - memory.length], take, pace)
}

async function eachPieceOfFile(
  file: FileHandle,
  [from, to]: Span,
  take: (piece: Uint8Array) => void,
  pace: Pace,
): Promise<void> {
  for (let at = from; at < to && !pace.gone; ) {
    // Memory of its own each time: the connection still holds what went before.
    const part = Buffer.allocUnsafeSlow(Math.min(READ, to - at))
    const { bytesRead } = await file.read(part, 0, part.length, at)
    if (bytesRead === 0) throw new Error('the file of a body is shorter than was recorded')
    at += bytesRead
    take(part.subarray(0, bytesRead))
    pace.worked(bytesRead)
    const room = pace.room()
    if (room) await room
  }
}

/** Bytes of a message as one piece; to be asked only for what is bounded (a header), or in memory anyway. */
export function read(mail: FetchedMail, span: Span): Uint8Array | Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const whole = (): Uint8Array => (pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces))
  const reading = eachPiece(mail, span, piece => pieces.push(piece), UNHURRIED)
  return reading ? reading.then(whole) : whole()
}

/** A header is short: it is read without asking for room. */
const UNHURRIED: Pace = { worked: () => undefined, room: () => undefined, gone: false }

function withoutNul(bytes: Uint8Array): Uint8Array {
  if (view(bytes).indexOf(0) < 0) return bytes
  return Buffer.from(bytes).map(byte => (byte === 0 ? INSTEAD_OF_NUL : byte))
}

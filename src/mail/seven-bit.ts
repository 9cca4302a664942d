/**
 * RFC 6152 §3: a message with 8-bit content for a host without 8BITMIME is converted to 7-bit MIME or returned as undeliverable (5.6.3).
 * `toSevenBit` walks the MIME structure: leaves that need it are encoded, the labels of what encloses them follow, all other bytes
 * stay what they are. Where a conversion would not tell the truth there is none:
 *
 * - multipart/signed with content that needs it: the signature (RFC 1847 §2.1) would break, and its reader would see a forgery;
 * - 8-bit bytes in a header: only SMTPUTF8 carries them (RFC 6531 §3.5), and which charset they are in nobody said;
 * - structure we cannot follow: an ambiguous or unknown transfer encoding, no boundary, nesting or parts beyond our bounds.
 *
 * A DKIM signature over the body does not survive: convert before signing.
 */
import { isAscii } from 'node:buffer'
import {
  type ContentType,
  findFields,
  parseContentType,
  splitEntity,
  splitMultipart,
  TEXT_PLAIN,
  view,
} from './entity.ts'
import { type Field, fieldText, headerEnd } from './header.ts'
import { decodeQuotedPrintable, encodeQuotedPrintable } from './quoted-printable.ts'

/** RFC 2045 §2.7 to §2.9 */
export type Transport = '7bit' | '8bit' | 'binary'

const MAX_LINE = 998 // RFC 5321 §4.5.3.1.6, RFC 2045 §2.7: without its CRLF
const MAX_DEPTH = 20
const MAX_PARTS = 1000
const BASE64_LINE = 57 // bytes that become the 76 characters of RFC 2045 §6.8

/** What the content asks of a transport: 'binary' for a NUL, CR or LF alone, or a line over 998 bytes (RFC 3030 §3). */
export function needs(bytes: Uint8Array): Transport {
  let eightBit = false
  let lineStart = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte >= 0x80) {
      eightBit = true
    } else if (byte <= 0x0d) {
      if (byte === 0x0d) {
        if (bytes[at + 1] !== 0x0a || at - lineStart > MAX_LINE) return 'binary'
        lineStart = ++at + 1
      } else if (byte === 0x0a || byte === 0) {
        return 'binary'
      }
    }
  }
  if (bytes.length - lineStart > MAX_LINE) return 'binary'
  return eightBit ? '8bit' : '7bit'
}

/** RFC 6532 §3: whether the header of the message (not those of its parts) needs SMTPUTF8. */
export function hasNonAsciiHeader(bytes: Uint8Array): boolean {
  return !isAscii(bytes.subarray(0, headerEnd(bytes)))
}

/** The message with 7-bit bytes and lines of at most 998; undefined: it cannot be made so truthfully (see above). */
export function toSevenBit(bytes: Uint8Array): Uint8Array | undefined {
  const walk: Walk = { out: [], parts: 0 }
  return convertEntity(view(bytes), { in: 'message', depth: 0 }, walk) ? Buffer.concat(walk.out) : undefined
}

interface Walk {
  readonly out: Uint8Array[]
  parts: number
}

/** Where an entity stands; what it is when it does not say (RFC 2046 §5.1.5: in a digest, a message). */
interface Place {
  readonly in: 'message' | 'multipart' | 'multipart/digest'
  readonly depth: number
}

/** What its header says of an entity; `contentType` is undefined where it says nothing. */
interface Labels {
  readonly contentType: ContentType | undefined
  readonly encoding: string
  readonly encodingField: Field | undefined
  /** MIME-Version is there. */
  readonly mime: boolean
}

function convertEntity(entity: Buffer, place: Place, walk: Walk): boolean {
  const split = splitEntity(entity)
  const header = entity.subarray(0, split.header)
  const gap = entity.subarray(split.header, split.body)
  const body = entity.subarray(split.body)
  const labels = readLabels(entity)
  if (needs(header) !== '7bit' || ++walk.parts > MAX_PARTS || place.depth > MAX_DEPTH) return keep(entity, walk)
  if (labels === undefined || (gap.length === 0 && body.length !== 0)) return keep(entity, walk)
  const contentType = labels.contentType ?? (place.in === 'multipart/digest' ? MESSAGE : TEXT_PLAIN)
  const identity = isIdentity(labels.encoding)
  const nested: Place = {
    in: contentType.type === 'multipart/digest' ? contentType.type : 'multipart',
    depth: place.depth + 1,
  }
  if (contentType.type === 'multipart/signed') return keep(entity, walk)
  if (contentType.type.startsWith('multipart/')) {
    // RFC 2045 §6.4: a multipart that is encoded itself is malformed.
    if (!identity) return keep(entity, walk)
    const boundary = contentType.parameters.get('boundary')
    walk.out.push(relabel(header, labels), gap)
    return convertMultipart(body, boundary, nested, walk)
  }
  if (contentType.type === 'message/rfc822' && identity) {
    walk.out.push(relabel(header, labels), gap)
    return convertEntity(body, { in: 'message', depth: place.depth + 1 }, walk)
  }
  if (needs(body) === '7bit') {
    walk.out.push(relabel(header, labels), gap, body)
    return true
  }
  return convertLeaf(header, body, labels, contentType, place, walk)
}

const MESSAGE: ContentType = { type: 'message/rfc822', parameters: new Map() }

/** What we do not look into goes as it is, if it can. */
function keep(bytes: Buffer, walk: Walk): boolean {
  if (needs(bytes) !== '7bit') return false
  walk.out.push(bytes)
  return true
}

/** undefined: more than one Content-Type or Content-Transfer-Encoding, so that readers would differ. */
function readLabels(entity: Buffer): Labels | undefined {
  const types = findFields(entity, 'content-type')
  const encodings = findFields(entity, 'content-transfer-encoding')
  if (types.length > 1 || encodings.length > 1) return undefined
  const [type] = types
  const [encoding] = encodings
  return {
    contentType: type === undefined ? undefined : (parseContentType(fieldText(entity, type)) ?? OPAQUE),
    encoding: encoding === undefined ? '7bit' : encodingName(fieldText(entity, encoding)), // RFC 2045 §6.1
    encodingField: encoding,
    mime: findFields(entity, 'mime-version').length > 0,
  }
}

function encodingName(value: string): string {
  const name = value.replace(/\([^()]*\)/g, '')
  return name.trim().toLowerCase()
}

/** RFC 2045 §5.2 lets one take an unreadable Content-Type for text/plain; base64 is the safer guess. */
const OPAQUE: ContentType = { type: 'application/octet-stream', parameters: new Map() }

function isIdentity(encoding: string): boolean {
  return encoding === '7bit' || encoding === '8bit' || encoding === 'binary'
}

/** RFC 2045 §6.2: the label of what holds no 8-bit data any more; a header that needs no other label stays as it is. */
function relabel(header: Buffer, labels: Labels): Buffer {
  return labels.encoding === '8bit' || labels.encoding === 'binary' ? withEncoding(header, labels, '7bit') : header
}

function withEncoding(header: Buffer, { encodingField: old }: Labels, encoding: string): Buffer {
  const field = Buffer.from(`Content-Transfer-Encoding: ${encoding}\r\n`)
  if (old === undefined) return Buffer.concat([header, field])
  return Buffer.concat([header.subarray(0, old.start), field, header.subarray(old.end)])
}

function convertMultipart(body: Buffer, boundary: string | undefined, place: Place, walk: Walk): boolean {
  const multipart = splitMultipart(body, boundary, MAX_PARTS)
  if (multipart === undefined) return keep(body, walk)
  const { preamble, parts, epilogue = body.length } = multipart
  // RFC 2046 §5.1.1: readers ignore preamble and epilogue; 8-bit ones are left out, they bear no label that could be changed.
  let at = needs(body.subarray(0, preamble)) === '7bit' ? 0 : preamble
  for (const part of parts) {
    walk.out.push(body.subarray(at, part.start))
    if (!convertEntity(body.subarray(part.start, part.end), place, walk)) return false
    at = part.end
  }
  walk.out.push(body.subarray(at, epilogue))
  const rest = body.subarray(epilogue)
  if (needs(rest) === '7bit') walk.out.push(rest)
  return true
}

function convertLeaf(
  header: Buffer,
  body: Buffer,
  labels: Labels,
  contentType: ContentType,
  place: Place,
  walk: Walk,
): boolean {
  const data = decodeBody(body, labels.encoding)
  // RFC 2046 §5.2.2: message/partial is 7-bit by definition; an external body's is a header.
  if (data === undefined || /^message\/(?:partial|external-body)$/.test(contentType.type)) return false
  const encoding = labels.encoding === 'base64' ? 'base64' : encodingFor(data, contentType.type)
  walk.out.push(withEncoding(header, labels, encoding))
  if (labels.contentType === undefined && !isAscii(data)) {
    // RFC 1428 §3: 8-bit text whose charset nobody named.
    walk.out.push(Buffer.from('Content-Type: text/plain; charset=unknown-8bit\r\n'))
  }
  if (place.in === 'message' && !labels.mime) {
    walk.out.push(Buffer.from('MIME-Version: 1.0\r\n')) // RFC 2045 §4: or else nobody would decode it
  }
  walk.out.push(EMPTY_LINE, encoding === 'base64' ? encodeBase64(data) : encodeQuotedPrintable(data))
  return true
}

const EMPTY_LINE = Buffer.from('\r\n')

/** undefined: an encoding we do not know, or base64 that readers would understand differently. */
function decodeBody(body: Buffer, encoding: string): Uint8Array | undefined {
  if (isIdentity(encoding)) return body
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(body)
  if (encoding !== 'base64' || !isAscii(body)) return undefined
  const text = body.toString('latin1').replace(/[\r\n\t ]+/g, '')
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

/** Text stays readable; other data takes the shorter encoding: base64 when more than a sixth of the bytes would be escaped. */
function encodingFor(data: Uint8Array, type: string): 'quoted-printable' | 'base64' {
  let escapes = 0
  let nuls = 0
  for (const byte of data) {
    if (byte >= 0x7f || byte === 0x3d || (byte < 0x20 && byte !== 0x0d && byte !== 0x0a && byte !== 0x09)) escapes++
    if (byte === 0) nuls++
  }
  const text = nuls === 0 && (type.startsWith('text/') || type.startsWith('message/'))
  return text || escapes * 6 <= data.length ? 'quoted-printable' : 'base64'
}

/** RFC 2045 §6.8: lines of 76 characters, each with its CRLF. */
function encodeBase64(data: Uint8Array): Uint8Array {
  const bytes = view(data)
  const lines = Math.ceil(bytes.length / BASE64_LINE)
  const out = Buffer.allocUnsafe(Math.ceil(bytes.length / 3) * 4 + lines * 2)
  let length = 0
  for (let at = 0; at < bytes.length; at += BASE64_LINE) {
    length += out.write(
      `${bytes.toString('base64', at, Math.min(at + BASE64_LINE, bytes.length))}\r\n`,
      length,
      'latin1',
    )
  }
  return out.subarray(0, length)
}

/** RFC 3516: BINARY[part] and BINARY.SIZE[part], bodies of parts without their transfer encoding. */
import type { FetchItem } from '../../imap/fetch-item.ts'
import { contentSize } from '../../mail/content.ts'
import type { Part } from '../../mail/description.ts'
import { view } from '../../mail/entity.ts'
import { decodeTransfer, transferDecoder } from '../../mail/transfer-encoding.ts'
import { beginLiteral, clip, eachPiece, type ItemWriter, origin, read } from './fetch-body.ts'
import type { FetchedMail } from './fetched-mail.ts'
import type { Pace, ResponseWriter } from './response-writer.ts'
import { findPart, isMultipart, messageIn, type Span } from './section.ts'
import type { Bookmark, Selected } from './session.ts'

/** Octets at the end of a piece among which a place is looked for where nothing is carried over. */
const TAIL = 16

export type BinaryItem = Extract<FetchItem, { readonly item: 'BINARY[]' | 'BINARY.SIZE[]' }>

interface Encoded {
  readonly span: Span
  readonly encoding: Part['encoding']
}

export function binaryName(item: BinaryItem): string {
  const part = `[${item.part.join('.')}]`
  return item.item === 'BINARY[]' ? `BINARY${part}${origin(item.partial)} ` : `BINARY.SIZE${part} `
}

/** RFC 3516 §4.3: whether a part that is asked for has an encoding that we don't know; the FETCH is answered NO then. */
export function hasUnknownEncoding(mail: FetchedMail, items: readonly BinaryItem[]): boolean {
  return items.some(({ part }) => encodedPart(mail, part)?.encoding === 'other')
}

export function binaryWriter(item: BinaryItem, selected: Selected, out: ResponseWriter): ItemWriter {
  if (item.item === 'BINARY.SIZE[]') {
    return mail => {
      const part = encodedPart(mail, item.part)
      const size = part ? decodedSize(mail, part, out) : 0
      return size instanceof Promise ? size.then(out.number) : out.number(size)
    }
  }
  return mail => {
    const part = encodedPart(mail, item.part)
    if (!part) return out.text('NIL')
    return mail.content.in === 'memory'
      ? writeDecoded(mail, part, item.partial, out)
      : writeFile(mail, part, item.partial, selected, out)
  }
}

/** No number: the whole message, header and all. undefined: there is no such part. */
function encodedPart({ parts, head, content }: FetchedMail, numbers: readonly number[]): Encoded | undefined {
  if (numbers.length === 0) return { span: [0, head.length + contentSize(content)], encoding: 'identity' }
  const part = parts && findPart(parts.part, numbers)
  if (!part) return undefined
  // RFC 2045 §6.4: what holds other parts has no encoding of its own, whatever it says.
  const encoding = isMultipart(part) || messageIn(part) ? 'identity' : part.encoding
  return { span: [head.length + part.body, head.length + part.end], encoding }
}

/** RFC 3516 §4.2: in octets, after decoding. */
function decodedSize(mail: FetchedMail, { span, encoding }: Encoded, out: ResponseWriter): number | Promise<number> {
  if (encoding === 'identity') return span[1] - span[0]
  const decoder = transferDecoder(encoding)
  let size = 0
  const count = (piece: Uint8Array): void => {
    size += decoder.feed(piece).length
  }
  const total = (): number => size + decoder.end().length
  const reading = eachPiece(mail, span, count, out)
  return reading ? reading.then(total) : total()
}

function writeDecoded(
  mail: FetchedMail,
  { span, encoding }: Encoded,
  partial: Parameters<typeof clip>[1],
  out: ResponseWriter,
): Promise<void> | undefined {
  const write = (bytes: Uint8Array): undefined => {
    const decoded = decodeTransfer(bytes, encoding)
    const [from, to] = clip([0, decoded.length], partial)
    const wanted = decoded.subarray(from, to)
    // RFC 3516 §4.2: NUL goes in a literal8 only.
    if (beginLiteral(wanted.length, view(wanted).indexOf(0) < 0 ? '{' : '~{', out)) out.bytes(wanted)
  }
  const bytes = read(mail, span)
  return bytes instanceof Promise ? bytes.then(write) : write(bytes)
}

/**
 * Read twice: first to know how long it is, because that stands before it. Large parts are read in many small pieces, one behind the other:
 * each begins where the one before it ended, or every piece would cost the whole part.
 */
async function writeFile(
  mail: FetchedMail,
  part: Encoded,
  partial: Parameters<typeof clip>[1],
  selected: Selected,
  out: ResponseWriter,
): Promise<void> {
  const place = bookmarked(mail, part, partial?.origin ?? 0, selected)
  const until = partial ? partial.origin + partial.octets : Number.POSITIVE_INFINITY
  let size = 0
  const measure = (decoded: Uint8Array, at: number): void => {
    size = at + decoded.length
  }
  await decodeFrom(place, until, { mail, part }, measure, out)
  const [from, to] = clip([0, size], partial)
  if (!beginLiteral(to - from, '~{', out)) return
  const write = (decoded: Uint8Array, at: number): void => {
    const wanted = decoded.subarray(Math.max(0, from - at), Math.max(0, to - at))
    if (wanted.length > 0) out.bytes(wanted)
  }
  selected.bookmark = await decodeFrom(place, to, { mail, part }, write, out)
}

function bookmarked({ row }: FetchedMail, { span }: Encoded, origin: number, { bookmark }: Selected): Bookmark {
  const [message, start] = [row?.message ?? 0, span[0]]
  const fits = bookmark?.message === message && bookmark.start === start && bookmark.decoded <= origin
  return fits ? bookmark : { message, start, raw: 0, decoded: 0 }
}

/** Decodes from there on, `until` so many octets came out of the whole; `at`: how many did before. Answers the last place on the way where it can be taken up. */
async function decodeFrom(
  place: Bookmark,
  until: number,
  { mail, part: { span, encoding } }: { readonly mail: FetchedMail; readonly part: Encoded },
  take: (decoded: Uint8Array, at: number) => void,
  out: ResponseWriter,
): Promise<Bookmark> {
  const decoder = transferDecoder(encoding)
  let last = place
  let { raw, decoded } = place
  const give = (bytes: Uint8Array): void => {
    take(bytes, decoded)
    decoded += bytes.length
  }
  const feed = (bytes: Uint8Array): void => {
    give(decoder.feed(bytes))
    raw += bytes.length
    if (decoder.fresh && decoded <= until) last = { ...place, raw, decoded }
  }
  const pace: Pace = {
    worked: out.worked,
    room: out.room,
    get gone() {
      return out.gone || decoded >= until
    },
  }
  const pieces = (piece: Uint8Array): void => {
    let at = Math.max(0, piece.length - TAIL)
    feed(piece.subarray(0, at))
    while (at < piece.length && !decoder.fresh) feed(piece.subarray(at, ++at))
    feed(piece.subarray(at))
  }
  await eachPiece(mail, [span[0] + place.raw, span[1]], pieces, pace)
  if (span[0] + raw === span[1]) give(decoder.end())
  return last
}

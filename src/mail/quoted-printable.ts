/** RFC 2045 §6.7: the content transfer encoding quoted-printable, from bytes to bytes. */

const LINE = 76 // RFC 2045 §6.7 (5): characters of an encoded line, a final "=" included
const [TAB, LF, CR, SPACE, HYPHEN, EQUALS] = [0x09, 0x0a, 0x0d, 0x20, 0x2d, 0x3d]
const HEX = Buffer.from('0123456789ABCDEF')

/** CRLF stays a line break; CR or LF alone, trailing white space and every byte that is not printable ASCII are encoded. */
export function encodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(encodedBound(bytes.length))
  let length = 0
  let column = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === CR && bytes[at + 1] === LF) {
      out[length++] = CR
      out[length++] = LF
      column = 0
      at++
      continue
    }
    const ends = endsLine(bytes, at + 1)
    let plain = byte === SPACE || byte === TAB ? !ends : byte > SPACE && byte < 0x7f && byte !== EQUALS
    if (column + (plain ? 1 : 3) > (ends ? LINE : LINE - 1)) {
      out[length++] = EQUALS // RFC 2045 §6.7 (5): soft line break
      out[length++] = CR
      out[length++] = LF
      column = 0
    }
    // No line may begin like a boundary (RFC 2046 §5.1.1), not even one that a soft line break begins.
    if (byte === HYPHEN && column === 0 && bytes[at + 1] === HYPHEN) plain = false
    const width = plain ? 1 : 3
    column += width
    if (plain) {
      out[length++] = byte
    } else {
      out[length++] = EQUALS
      out[length++] = HEX[byte >> 4] ?? 0
      out[length++] = HEX[byte & 15] ?? 0
    }
  }
  return out.subarray(0, length)
}

/** Decodes as RFC 2045 §6.7 advises robust readers: what is no valid escape stands for itself, white space at line ends is dropped. */
export function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    const space = byte === SPACE || byte === TAB
    if (byte !== EQUALS && !space) {
      out[length++] = byte
      continue
    }
    const after = skipSpace(bytes, at + 1)
    const breakLength = lineBreak(bytes, after)
    if (breakLength !== 0 || after === bytes.length) {
      at = space ? after - 1 : after + breakLength - 1 // a soft line break goes with its line end, white space without it
      continue
    }
    const high = space ? -1 : hexDigit(bytes[at + 1])
    const low = space ? -1 : hexDigit(bytes[at + 2])
    if (high >= 0 && low >= 0) {
      out[length++] = (high << 4) | low
      at += 2
    } else if (space) {
      while (at < after) out[length++] = bytes[at++] ?? 0
      at--
    } else {
      out[length++] = byte
    }
  }
  return out.subarray(0, length)
}

/** Each byte becomes at most three; a soft break of three comes at most once in 73 of them. */
function encodedBound(length: number): number {
  return length * 3 + Math.ceil((length * 3) / 73 + 1) * 3
}

function endsLine(bytes: Uint8Array, at: number): boolean {
  return at >= bytes.length || (bytes[at] === CR && bytes[at + 1] === LF)
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at] === SPACE || bytes[at] === TAB) at++
  return at
}

/** Length of the line end at `at`, 0 when there is none; a bare LF counts, since reports are read from files as well. */
function lineBreak(bytes: Uint8Array, at: number): number {
  if (bytes[at] === LF) return 1
  return bytes[at] === CR && bytes[at + 1] === LF ? 2 : 0
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte & 0xdf
  return letter >= 0x41 && letter <= 0x46 ? letter - 0x37 : -1
}

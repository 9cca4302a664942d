/** RFC 2045 §6: content transfer encodings, whole or in pieces, and as tolerant as §6.7 and §6.8 advise. */
import type { Part } from './description.ts'
import { view } from './entity.ts'
import { decodeQuotedPrintable } from './quoted-printable.ts'

/** Of a body that comes in pieces, cut anywhere; what it gives, joined, is what `decodeTransfer` gives for the whole. */
export interface TransferDecoder {
  feed(chunk: Uint8Array): Buffer
  end(): Buffer
  /** Nothing is carried over: what comes next is decoded as it would be by a new decoder. */
  readonly fresh: boolean
  /** What was fed so far is not as the RFC says, or not an encoding that we know: it was decoded as far as it makes sense. */
  readonly malformed: boolean
}

/** Bytes of white space at the end of a line that are waited for; a longer run is text. */
const MAX_CARRY = 1024

const NOTHING = Buffer.alloc(0)
const [TAB, LF, CR, SPACE, EQUALS] = [0x09, 0x0a, 0x0d, 0x20, 0x3d]

/** The decoded bytes; of `identity` and `other` the very same memory. */
export function decodeTransfer(bytes: Uint8Array, encoding: Part['encoding']): Buffer {
  switch (encoding) {
    case 'identity':
    case 'other':
      return view(bytes)
    case 'base64': {
      const decoder = base64Decoder()
      const decoded = decoder.feed(bytes)
      const rest = decoder.end()
      return rest.length === 0 ? decoded : Buffer.concat([decoded, rest])
    }
    case 'quoted-printable':
      return view(decodeQuotedPrintable(bytes))
  }
}

export function transferDecoder(encoding: Part['encoding']): TransferDecoder {
  switch (encoding) {
    case 'identity':
    case 'other':
      return { feed: view, end: () => NOTHING, fresh: true, malformed: encoding === 'other' }
    case 'base64':
      return base64Decoder()
    case 'quoted-printable':
      return quotedPrintableDecoder()
  }
}

/** RFC 3516 §4.3: a body that is not well encoded is UNKNOWN-CTE. */
export function isWellEncoded(bytes: Uint8Array, encoding: Part['encoding']): boolean {
  const decoder = transferDecoder(encoding)
  decoder.feed(bytes)
  decoder.end()
  return !decoder.malformed
}

const [IGNORED, PADDING, GARBAGE] = [64, 65, 66]
/** RFC 2045 §6.8 table 1. */
const VALUES = new Uint8Array(256).fill(GARBAGE)
for (const [value, byte] of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').entries()) {
  VALUES[byte] = value
}
VALUES[EQUALS] = PADDING
for (const space of [TAB, LF, CR, SPACE]) VALUES[space] = IGNORED

/** RFC 2045 §6.8: characters outside of the alphabet are ignored; `=` ends the data. */
function base64Decoder(): TransferDecoder {
  let quantum = 0
  let digits = 0
  let padding = 0
  let malformed = false

  return {
    feed(chunk) {
      const out = Buffer.allocUnsafe(((chunk.length + digits) >> 2) * 3 + 3)
      let length = 0
      for (let at = 0; at < chunk.length; at++) {
        const value = VALUES[chunk[at] ?? 0] ?? 0
        if (digits === 0 && padding === 0) {
          // Four digits that follow each other, as nearly all do, are one step.
          const second = VALUES[chunk[at + 1] ?? 0] ?? 0
          const third = VALUES[chunk[at + 2] ?? 0] ?? 0
          const fourth = VALUES[chunk[at + 3] ?? 0] ?? 0
          if ((value | second | third | fourth) < IGNORED) {
            out[length++] = (value << 2) | (second >> 4)
            out[length++] = (second << 4) | (third >> 2)
            out[length++] = (third << 6) | fourth
            at += 3
            continue
          }
        }
        if (value === IGNORED) continue
        if (value >= PADDING || padding > 0) {
          if (value === PADDING) padding++
          else malformed = true
          continue
        }
        quantum = (quantum << 6) | value
        if (++digits < 4) continue
        out[length++] = quantum >> 16
        out[length++] = quantum >> 8
        out[length++] = quantum
        quantum = 0
        digits = 0
      }
      return out.subarray(0, length)
    },
    end() {
      malformed ||= digits === 1 || (digits === 0 ? padding > 0 : digits + padding !== 4)
      const bits = quantum << (6 * (4 - digits))
      const rest = Buffer.from([(bits >> 16) & 255, (bits >> 8) & 255]).subarray(0, Math.max(0, digits - 1))
      digits = 0
      quantum = 0
      return rest
    },
    get fresh() {
      return digits === 0 && padding === 0
    },
    get malformed() {
      return malformed
    },
  }
}

function quotedPrintableDecoder(): TransferDecoder {
  let carry = NOTHING
  let malformed = false

  function decode(bytes: Buffer): Buffer {
    malformed ||= hasBrokenEscape(bytes)
    return view(decodeQuotedPrintable(bytes))
  }

  return {
    feed(chunk) {
      const bytes = carry.length === 0 ? view(chunk) : Buffer.concat([carry, chunk])
      const cut = decided(bytes)
      carry = Buffer.from(bytes.subarray(cut))
      return decode(bytes.subarray(0, cut))
    },
    end() {
      const rest = carry
      carry = NOTHING
      return decode(rest)
    },
    get fresh() {
      return carry.length === 0
    },
    get malformed() {
      return malformed
    },
  }
}

/** Up to where what comes next makes no difference: before an escape, or white space, that may go on. */
function decided(bytes: Buffer): number {
  let cut = bytes.length
  if (cut > 1 && bytes[cut - 2] === EQUALS) cut -= 2
  else if (bytes[cut - 1] === CR) cut--
  while (bytes[cut - 1] === SPACE || bytes[cut - 1] === TAB || bytes[cut - 1] === EQUALS) cut--
  return bytes.length - cut > MAX_CARRY ? bytes.length : cut
}

/** RFC 2045 §6.7 (1), (5): `=` stands before two hexadecimal digits, or before the end of a line. */
function hasBrokenEscape(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(EQUALS); at !== -1; at = bytes.indexOf(EQUALS, at + 1)) {
    if (/^=(?:[0-9a-f]{2}|[ \t]*(?:\r?\n|$))/i.test(bytes.toString('latin1', at, at + 80))) continue
    return true
  }
  return false
}

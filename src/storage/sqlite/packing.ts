import { crc32 } from 'node:zlib'
import type { MailColumns } from '../mail-reader.ts'

/**
 * The columns of the mails of one block of UIDs, as bytes that are read as typed arrays: a look at each mail would take most of the time. UIDs
 * in 4 bytes; flags and MODSEQs in 1, 2, 4 or 8, as the largest of them needs; each column begins at a multiple of 8. In the machine's own
 * order of bytes: on a machine with another nothing is known again.
 */

/** MARK, mails, and bytes of each of their flags and MODSEQs in two bytes each; a sum of these and of all that follows in 4. */
const HEADER = 16
const SUM_AT = 8
const MARK = 0x5041

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** As they were packed. */
export interface Packed {
  readonly uids: Uint32Array
  readonly flags: Numbers
  readonly modseqs: Numbers
}

/** 65,535 mails at most. */
export function pack({ uids, flags, modseqs }: MailColumns): Uint8Array {
  const columns = [uids, narrowest(flags), narrowest(modseqs)]
  const widths = columns.slice(1).map(column => column.BYTES_PER_ELEMENT)
  const bytes = new Uint8Array(columns.reduce((size, column) => size + padded(column.byteLength), HEADER))
  let at = HEADER
  for (const column of columns) {
    bytes.set(bytesOfNumbers(column), at)
    at += padded(column.byteLength)
  }
  bytes.set(bytesOfNumbers(Uint16Array.of(MARK, uids.length, ...widths)))
  bytes.set(bytesOfNumbers(Uint32Array.of(sumOf(bytes))), SUM_AT)
  return bytes
}

/** Views on the bytes, which are to begin at a multiple of 8 of their buffer. undefined: they are not as they were packed. */
export function unpack(bytes: Uint8Array): Packed | undefined {
  const { buffer, byteOffset, length } = bytes
  if (length < HEADER || byteOffset % 8 > 0) return undefined
  const [mark, count = 0, flagsWidth = 0, modseqsWidth = 0] = new Uint16Array(buffer, byteOffset, SUM_AT / 2)
  const flagsAt = HEADER + padded(4 * count)
  const modseqsAt = flagsAt + padded(flagsWidth * count)
  if (mark !== MARK || length !== modseqsAt + padded(modseqsWidth * count)) return undefined
  const [sum] = new Uint32Array(buffer, byteOffset + SUM_AT, 1)
  if (sum !== sumOf(bytes)) return undefined
  const uids = new Uint32Array(buffer, byteOffset + HEADER, count)
  const flags = numbersAt(buffer, byteOffset + flagsAt, count, flagsWidth)
  const modseqs = numbersAt(buffer, byteOffset + modseqsAt, count, modseqsWidth)
  return flags && modseqs && { uids, flags, modseqs }
}

function sumOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(HEADER), crc32(bytes.subarray(0, SUM_AT)))
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function narrowest(values: Float64Array): Numbers {
  let most = 0
  for (const value of values) if (value > most) most = value
  if (most < 2 ** 8) return Uint8Array.from(values)
  if (most < 2 ** 16) return Uint16Array.from(values)
  return most < 2 ** 32 ? Uint32Array.from(values) : values
}

function bytesOfNumbers({ buffer, byteOffset, byteLength }: Numbers): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** undefined: there is no such width. */
function numbersAt(buffer: ArrayBufferLike, at: number, count: number, width: number): Numbers | undefined {
  if (width === 1) return new Uint8Array(buffer, at, count)
  if (width === 2) return new Uint16Array(buffer, at, count)
  if (width === 4) return new Uint32Array(buffer, at, count)
  return width === 8 ? new Float64Array(buffer, at, count) : undefined
}

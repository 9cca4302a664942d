/**
 * A signature tells which messages cannot hold a text, so that only the others are looked at: of all the trigrams (three units in a row) of
 * a message's folded texts, hashed, the set of bits. A needle is in a message only if all its trigrams are. Signatures have 512 to 4,096
 * bytes, by how much text there is; a large one is folded onto 512 bytes (`store/search-index.ts`) by OR of its parts.
 */
import { foldCase } from './case-fold.ts'

/** Bits of the largest, and of the smallest; powers of two. */
export const MAX_BITS = 32 * 1024
export const MIN_BITS = 4 * 1024

/** A larger signature is taken when more of the bits are set. */
const DENSE = 0.5
/** Of the largest: with more bits set it hardly keeps anything away. */
const USELESS = 0.8

export interface SignatureBuilder {
  /** A piece that is searched by itself. As it is read: not folded. */
  add(text: string): void
  /** undefined: so much text that a signature would be of no use. The builder is used up. */
  done(): Uint8Array | undefined
}

/** About 15 µs for a text of 5 KB. */
export function signatureBuilder(): SignatureBuilder {
  const bits = new Uint32Array(MAX_BITS / 32)
  return {
    add(text) {
      const folded = foldCase(text)
      setTrigrams(bits, folded, 0, folded.length, 0)
      tagFields(bits, folded)
    },
    done: () => smallest(bits),
  }
}

/** The places of a needle's trigrams among MAX_BITS; none for one of less than three units. `field` (in lower case): in the value of that header field. */
export function needleHashes(needle: string, field?: string): number[] {
  const folded = foldCase(needle)
  const bits = new Uint32Array(MAX_BITS / 32)
  setTrigrams(bits, folded, 0, folded.length, 0)
  const tag = field === undefined ? undefined : FIELDS.get(field)
  if (tag !== undefined) setTrigrams(bits, folded, 0, folded.length, tag)
  const hashes: number[] = []
  for (let place = 0; place < MAX_BITS; place++) if (((bits[place >>> 5] ?? 0) >>> (place & 31)) & 1) hashes.push(place)
  return hashes
}

/** Whether a text of this signature may hold a needle. */
export function mayHold(signature: Uint8Array, hashes: readonly number[]): boolean {
  const mask = signature.length * 8 - 1
  for (const hash of hashes) {
    const place = hash & mask
    if ((((signature[place >>> 3] ?? 0) >>> (place & 7)) & 1) === 0) return false
  }
  return true
}

/**
 * Header fields that people search by: their values' trigrams are there a second time, each field's hashed in its own way. The header is
 * known by its lines only, so that a line of text that looks like it is taken for it too; that does no harm.
 */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ['from', 0x51ed270b],
  ['to', 0x2545f491],
  ['cc', 0x7fb5d329],
  ['subject', 0x1b873593],
])
const FIELD_LINE = /^(from|to|cc|subject)[ \t]*:/gm

function tagFields(bits: Uint32Array, folded: string): void {
  for (const match of folded.matchAll(FIELD_LINE)) {
    const start = match.index + match[0].length
    const end = folded.indexOf('\n', start)
    setTrigrams(bits, folded, start, end === -1 ? folded.length : end, FIELDS.get(match[1] ?? '') ?? 0)
  }
}

/** Of the units [start, end). */
function setTrigrams(bits: Uint32Array, folded: string, start: number, end: number, tag: number): void {
  let first = folded.charCodeAt(start)
  let second = folded.charCodeAt(start + 1)
  for (let at = start + 2; at < end; at++) {
    const third = folded.charCodeAt(at)
    let hash = (Math.imul(first, 0x9e3779b1) + Math.imul(second, 0x85ebca6b) + Math.imul(third, 0xc2b2ae35)) ^ tag
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 17 // as many bits as MAX_BITS has places
    const word = hash >>> 5
    bits[word] = (bits[word] ?? 0) | (1 << (hash & 31))
    first = second
    second = third
  }
}

function smallest(bits: Uint32Array): Uint8Array | undefined {
  for (let size = MIN_BITS; size <= MAX_BITS; size *= 2) {
    const folded = foldBits(bits, size / 32)
    const density = ones(folded) / size
    if (density <= DENSE || (size === MAX_BITS && density <= USELESS)) {
      return new Uint8Array(folded.buffer, 0, size / 8)
    }
  }
  return undefined
}

/** OR of the parts of that many words each. */
function foldBits(bits: Uint32Array, words: number): Uint32Array<ArrayBuffer> {
  const folded = new Uint32Array(words)
  for (let at = 0; at < bits.length; at++) folded[at & (words - 1)] = (folded[at & (words - 1)] ?? 0) | (bits[at] ?? 0)
  return folded
}

function ones(bits: Uint32Array): number {
  let count = 0
  for (const word of bits) {
    let rest = word - ((word >>> 1) & 0x55555555)
    rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333)
    count += Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

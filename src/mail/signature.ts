/**
 * A signature tells which messages cannot hold a text, so that only the others are looked at: of all the trigrams (three units in a row) of
 * a message's folded texts, hashed, the set of bits. A needle is in a message only if all its trigrams are. Signatures have 512 to 4,096
 * bytes, by how much text there is; a large one is folded onto 512 bytes (`store/search-index.ts`) by OR of its parts.
 */
import { foldCase } from './case-fold.ts'

/** Bits of the largest, and of the smallest; powers of two. */
export const MAX_BITS = 32 * 1024
export const MIN_BITS = 4 * 1024

const [TAB, SPACE, COLON] = [0x09, 0x20, 0x3a]

/** A larger signature is taken when more of the bits are set. */
const DENSE = 0.5
/** Of the largest: with more bits set it hardly keeps anything away. */
const USELESS = 0.8

export interface SignatureBuilder {
  /** A piece that is searched by itself. As it is read: not folded. Only in a header there are fields to be searched by themselves. */
  add(text: string, is: 'header' | 'body'): void
  /** undefined: so much text that a signature would be of no use. The builder is used up. */
  done(): Uint8Array | undefined
}

/** 15 to 20 µs for a message of 5 KB. */
export function signatureBuilder(): SignatureBuilder {
  const bits = spare ?? new Int32Array(MAX_BITS / 32)
  spare = undefined
  /** Bits that may be set. */
  let most = 0
  return {
    add(text, is) {
      const folded = foldCase(text)
      most += folded.length
      setTrigrams(bits, folded, 0, folded.length, 0)
      if (is === 'body') return
      most += folded.length
      tagFields(bits, folded)
    },
    done() {
      const signature = most > MAX_BITS * USELESS && isUseless(bits) ? undefined : smallest(bits)
      spare = bits.fill(0)
      return signature
    },
  }
}

/** The bits of the last builder, for the next: most messages are described in one go, and new memory costs as much as the trigrams. */
let spare: Int32Array | undefined

/**
 * The places of a folded needle's trigrams among MAX_BITS; none for one of less than three units. `field` (in lower case): in the value of
 * that header field.
 */
export function needleHashes(folded: string, field?: string): number[] {
  const tag = FIELDS.get(field ?? '')
  const hashes = new Set<number>()
  for (let at = 2; at < folded.length; at++) {
    const [first, second, third] = [folded.charCodeAt(at - 2), folded.charCodeAt(at - 1), folded.charCodeAt(at)]
    hashes.add(hashOf(first, second, third, 0))
    if (tag !== undefined) hashes.add(hashOf(first, second, third, tag))
  }
  return [...hashes]
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
 * Header fields that people search by: their values' trigrams are there a second time, each field's hashed in its own way. Also those of the
 * parts, and of messages in the message; that does no harm.
 */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ['from', 0x51ed270b],
  ['to', 0x2545f491],
  ['cc', 0x7fb5d329],
  ['subject', 0x1b873593],
])

function tagFields(bits: Int32Array, folded: string): void {
  for (const [name, tag] of FIELDS) {
    if (folded.startsWith(name)) tagField(bits, folded, name.length, tag)
    const line = `\n${name}`
    for (let at = folded.indexOf(line); at !== -1; at = folded.indexOf(line, at + 1)) {
      tagField(bits, folded, at + line.length, tag)
    }
  }
}

/** `at`: after the name. */
function tagField(bits: Int32Array, folded: string, at: number, tag: number): void {
  let colon = at
  while (folded.charCodeAt(colon) === SPACE || folded.charCodeAt(colon) === TAB) colon++
  if (folded.charCodeAt(colon) !== COLON) return
  const end = folded.indexOf('\n', colon)
  setTrigrams(bits, folded, colon + 1, end === -1 ? folded.length : end, tag)
}

/** Of the units [start, end). */
function setTrigrams(bits: Int32Array, folded: string, start: number, end: number, tag: number): void {
  if (end - start < 3) return
  let first = folded.charCodeAt(start)
  let second = folded.charCodeAt(start + 1)
  for (let at = start + 2; at < end; at++) {
    const third = folded.charCodeAt(at)
    const hash = hashOf(first, second, third, tag)
    bits[hash >>> 5] = (bits[hash >>> 5] ?? 0) | (1 << (hash & 31))
    first = second
    second = third
  }
}

/** A place among MAX_BITS. */
function hashOf(first: number, second: number, third: number, tag: number): number {
  const hash = (Math.imul(first, 0x9e3779b1) + Math.imul(second, 0x85ebca6b) + Math.imul(third, 0xc2b2ae35)) ^ tag
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 17
}

function isUseless(bits: Int32Array): boolean {
  return onesOf(bits, bits.length, 0) > MAX_BITS * USELESS
}

/** The half on the half, as long as it does not get too dense; in place. */
function smallest(bits: Int32Array): Uint8Array {
  let words = bits.length
  for (let half = words / 2; half >= MIN_BITS / 32 && onesOf(bits, half, half) <= half * 32 * DENSE; half /= 2) {
    for (let at = 0; at < half; at++) bits[at] = (bits[at] ?? 0) | (bits[at + half] ?? 0)
    words = half
  }
  return new Uint8Array(bits.slice(0, words).buffer)
}

/** How many are set in the first words, each together with the one that stands `offset` words behind it. */
function onesOf(bits: Int32Array, words: number, offset: number): number {
  let count = 0
  for (let at = 0; at < words; at++) {
    const word = (bits[at] ?? 0) | (bits[at + offset] ?? 0)
    let rest = word - ((word >>> 1) & 0x55555555)
    rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333)
    count += Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

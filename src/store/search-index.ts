/**
 * The search index of a mailbox: which mails may hold a text, without looking at each. A block is 1,024 UIDs in a row, made once, when all of
 * them were given; it is their signatures turned round: for each of the 4,096 bits of a signature the slice of the mails that have it. A
 * query reads only the slices of its needle's trigrams, and what is in all of them may hold it. UIDs that are gone are in no slice.
 */
import { foldCase } from '../mail/case-fold.ts'
import { headerText } from '../mail/message-text.ts'
import { MIN_BITS, needleHashes } from '../mail/signature.ts'
import type { MailReader } from '../storage/mail-reader.ts'

/** UIDs of a block: those from block * BLOCK on. */
export const BLOCK = 1024
/** A row of the storage holds the slices of that many bits: few, because a query seldom needs two of the same row. */
export const SLICES_PER_ROW = 8
export const ROWS = MIN_BITS / SLICES_PER_ROW

const SLICE_BYTES = BLOCK / 8
const ROW_BYTES = SLICES_PER_ROW * SLICE_BYTES
/** Slices that a query reads of a block. So many trigrams of a longer needle leave no more than all of them would. */
const MAX_SLICES = 24

export interface BlockBuilder {
  /** `signature` undefined: nobody knows what is in it. `head`: the copy's own lines, which are searched too. */
  add(uid: number, signature: Uint8Array | undefined, head: string): void
  /** None at all without mails. */
  rows(): readonly Uint8Array[]
}

export function blockBuilder(): BlockBuilder {
  const slices = new Uint8Array(MIN_BITS * SLICE_BYTES)
  const bits = new Uint8Array(MIN_BITS / 8)
  let mails = 0
  return {
    add(uid, signature, head) {
      mails++
      if (signature) foldSignature(signature, bits)
      else bits.fill(0xff)
      for (const hash of needleHashes(foldCase(headerText(Buffer.from(head))))) {
        const at = (hash & (MIN_BITS - 1)) >>> 3
        bits[at] = (bits[at] ?? 0) | (1 << (hash & 7))
      }
      setSlices(slices, bits, uid % BLOCK)
    },
    rows: () =>
      Array.from({ length: mails > 0 ? ROWS : 0 }, (_, row) => slices.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES)),
  }
}

/** Onto the smallest size. */
function foldSignature(signature: Uint8Array, into: Uint8Array): void {
  const mask = into.length - 1
  into.fill(0)
  for (let at = 0; at < signature.length; at++) into[at & mask] = (into[at & mask] ?? 0) | (signature[at] ?? 0)
}

function setSlices(slices: Uint8Array, bits: Uint8Array, place: number): void {
  const mail = 1 << (place & 7)
  for (let at = 0; at < bits.length; at++) {
    for (let rest = bits[at] ?? 0; rest !== 0; rest &= rest - 1) {
      const slice = at * 8 + 31 - Math.clz32(rest & -rest)
      const byte = slice * SLICE_BYTES + (place >>> 3)
      slices[byte] = (slices[byte] ?? 0) | mail
    }
  }
}

/** Of these UIDs of one block, those whose mails may hold a text with these hashes (`needleHashes`); all of them when the index does not help. */
export function candidates(
  reader: Pick<MailReader, 'indexRow'>,
  mailbox: number,
  uids: Uint32Array,
  hashes: readonly number[],
): Uint32Array {
  if (hashes.length === 0) return uids
  const block = Math.floor((uids[0] ?? 0) / BLOCK)
  const mails = bitmapOf(uids)
  for (const [row, slices] of byRow(hashes)) {
    const bytes = reader.indexRow(mailbox, block, row)
    if (!bytes || bytes.length < ROW_BYTES) continue
    let any = 0
    for (const slice of slices) any = intersect(mails, bytes, slice * SLICE_BYTES)
    if (any === 0) return uids.subarray(0, 0)
  }
  return uids.filter(uid => isIn(mails, uid % BLOCK))
}

function bitmapOf(uids: Uint32Array): Uint8Array {
  const mails = new Uint8Array(SLICE_BYTES)
  for (const uid of uids) {
    const place = uid % BLOCK
    mails[place >>> 3] = (mails[place >>> 3] ?? 0) | (1 << (place & 7))
  }
  return mails
}

function isIn(mails: Uint8Array, place: number): boolean {
  return ((mails[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0
}

/** The slices to read, by row and place in the row. Of many, some all over the needle: neighbours say the same. */
function byRow(hashes: readonly number[]): ReadonlyMap<number, ReadonlySet<number>> {
  const rows = new Map<number, Set<number>>()
  const step = Math.max(1, hashes.length / MAX_SLICES)
  for (let n = 0; n < hashes.length; n += step) {
    const bit = (hashes[Math.floor(n)] ?? 0) & (MIN_BITS - 1)
    const row = Math.floor(bit / SLICES_PER_ROW)
    const slices = rows.get(row) ?? new Set()
    rows.set(row, slices.add(bit % SLICES_PER_ROW))
  }
  return rows
}

/** 0: nothing is left. */
function intersect(mails: Uint8Array, row: Uint8Array, offset: number): number {
  let any = 0
  for (let at = 0; at < SLICE_BYTES; at++) {
    const both = (mails[at] ?? 0) & (row[offset + at] ?? 0)
    mails[at] = both
    any |= both
  }
  return any
}

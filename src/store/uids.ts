/** Sets of UIDs as ascending arrays. What is answered may share its memory with what was given; nobody writes into either. */
import type { UidRange } from '../mail/sequence-set.ts'

/** Those that are in both. */
export function intersection(uids: Uint32Array, others: ArrayLike<number>): Uint32Array {
  const found = new Uint32Array(Math.min(uids.length, others.length))
  let length = 0
  for (let i = 0, j = 0; i < uids.length && j < others.length; ) {
    const a = uids[i] ?? 0
    const b = others[j] ?? 0
    if (a === b) found[length++] = a
    if (a <= b) i++
    if (b <= a) j++
  }
  return found.subarray(0, length)
}

/** Those of the first that are not in the second. */
export function difference(uids: Uint32Array, others: ArrayLike<number>): Uint32Array {
  if (others.length === 0) return uids
  const found = new Uint32Array(uids.length)
  let length = 0
  for (let i = 0, j = 0; i < uids.length; i++) {
    const uid = uids[i] ?? 0
    while (j < others.length && (others[j] ?? 0) < uid) j++
    if (others[j] !== uid) found[length++] = uid
  }
  return found.subarray(0, length)
}

/** Those of either. */
export function union(uids: Uint32Array, others: Uint32Array): Uint32Array {
  if (uids.length === 0) return others
  if (others.length === 0) return uids
  const found = new Uint32Array(uids.length + others.length)
  let length = 0
  for (let i = 0, j = 0; i < uids.length || j < others.length; ) {
    const a = uids[i] ?? Number.POSITIVE_INFINITY
    const b = others[j] ?? Number.POSITIVE_INFINITY
    found[length++] = Math.min(a, b)
    if (a <= b) i++
    if (b <= a) j++
  }
  return found.subarray(0, length)
}

/** Those that lie in the ranges. */
export function within(uids: Uint32Array, ranges: readonly UidRange[]): Uint32Array {
  const found = new Uint32Array(uids.length)
  let length = 0
  let i = 0
  for (const [first, last] of ranges) {
    i = placeOf(uids, first, i)
    for (; i < uids.length && (uids[i] ?? 0) <= last; i++) found[length++] = uids[i] ?? 0
  }
  return found.subarray(0, length)
}

/** The place of the first, from `from` on, that is not smaller than `uid`. */
export function placeOf(uids: Uint32Array, uid: number, from = 0): number {
  let low = from
  let high = uids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((uids[middle] ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return low
}

/** UIDs as far apart as this are read as one range, with what lies between. */
const GAP = 16

/** Ranges of at most `most` that hold these UIDs and little else, each with the place of its first. */
export function* slices(
  uids: Uint32Array,
  most: number,
): Generator<{ readonly from: number; readonly range: UidRange }> {
  let from = 0
  for (let i = 0; i < uids.length; i++) {
    const uid = uids[i] ?? 0
    const next = uids[i + 1]
    if (next !== undefined && next - uid <= GAP && i + 1 - from < most) continue
    yield { from, range: [uids[from] ?? 0, uid] }
    from = i + 1
  }
}

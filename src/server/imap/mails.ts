/** The mails of a client's view of its mailbox: one after the other, or in slices for the storage. */
import type { UidRange } from '../../mail/sequence-set.ts'
import { placeOf } from '../../store/uids.ts'
import type { Version } from '../../store/view.ts'

/** Stands on one mail after each `next` that answers true. */
export interface MailCursor {
  seq: number
  uid: number
  /** The end of its range: up to here all that comes is wanted. */
  last: number
  next(): boolean
}

/** Mails of one operation of the storage, so that nobody waits long for his turn. */
export const OPERATION = 2000

/** The client's mails in these ranges (ascending, disjoint). */
export function mailsIn(version: Version, ranges: readonly UidRange[]): MailCursor {
  const uids = known(version)
  let range = 0
  let place = 0
  return {
    seq: 0,
    uid: 0,
    last: 0,
    next() {
      while (place >= uids.length || (uids[place] ?? 0) > this.last) {
        const wanted = ranges[range++]
        if (wanted === undefined || place >= uids.length) return false
        place = placeOf(uids, wanted[0], place)
        this.last = wanted[1]
      }
      this.uid = uids[place] ?? 0
      this.seq = ++place
      return true
    },
  }
}

/** The same mails as ranges, at most `most` mails at a time, of those that are wanted. Within the ranges the client knows every mail there is. */
export function* inSlices(
  version: Version,
  ranges: readonly UidRange[],
  most: number,
  wanted: (uid: number) => boolean = () => true,
): Generator<UidRange[]> {
  const mails = mailsIn(version, ranges)
  let slice: [number, number][] = []
  let count = 0
  let before = 0
  while (mails.next()) {
    if (!wanted(mails.uid)) continue
    const open = slice.at(-1)
    if (open && mails.seq === before + 1) open[1] = mails.uid
    else slice.push([mails.uid, mails.uid])
    before = mails.seq
    if (++count < most) continue
    yield slice
    slice = []
    count = 0
  }
  if (count > 0) yield slice
}

/** RFC 9394 §3.1: the mails at these places, counted from 1, or from the end with negative numbers. */
export function partOf(version: Version, ranges: readonly UidRange[], [a, b]: readonly [number, number]): UidRange[] {
  const uids = known(version)
  const places = ranges.map(([first, last]) => [placeOf(uids, first), placeOf(uids, last + 1)] as const)
  const total = places.reduce((sum, [from, to]) => sum + to - from, 0)
  const [one, other] = [a, b].map(place => (place < 0 ? total + place : place - 1))
  const first = Math.min(one ?? 0, other ?? 0)
  const last = Math.max(one ?? 0, other ?? 0)
  const part: UidRange[] = []
  let before = 0
  for (const [from, to] of places) {
    const begin = Math.max(from, from + first - before)
    const end = Math.min(to, from + last + 1 - before)
    if (begin < end) part.push([uids[begin] ?? 0, uids[end - 1] ?? 0])
    before += to - from
  }
  return part
}

function known({ uids, exists }: Version): Uint32Array {
  return uids.subarray(0, exists)
}

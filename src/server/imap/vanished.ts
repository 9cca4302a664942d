/** UIDs that are gone, as a client hears of them with VANISHED (EARLIER): RFC 7162 §3.2.5, §3.2.6. */
import type { SeqNumber, SequenceSet, UidRange } from '../../mail/sequence-set.ts'
import { difference, within } from '../../store/uids.ts'
import type { Version } from '../../store/view.ts'
import type { ImapSession, Selected } from './session.ts'

const LAST_UID = 2 ** 32 - 1

/**
 * The UIDs of a set, ascending and disjoint, whether or not a mail has them. `*` leaves it open: where the largest UIDs went, `1:*` means them
 * too, although it is the largest one that is left.
 */
export function askedUids(set: SequenceSet, saved: readonly UidRange[]): readonly UidRange[] {
  if (set === '$') return saved
  const number = (of: SeqNumber): number => (of === '*' ? LAST_UID : of)
  const ranges = set.map(([a, b]) => [Math.min(number(a), number(b)), Math.max(number(a), number(b))] as const)
  const disjoint: UidRange[] = []
  let next = 1
  for (const [first, last] of ranges.sort(([a], [b]) => a - b)) {
    if (last < next) continue
    disjoint.push([Math.max(first, next), last])
    next = last + 1
  }
  return disjoint
}

/**
 * UIDs from `first` on, of those asked for, that are gone since this MODSEQ; where nobody remembers since when, all of them that are not
 * there (RFC 7162 §3.2.5.1). What the client does not know to be gone yet is left out: it is told later, as VANISHED alone.
 */
export function vanishedSince(
  { view, version }: Selected,
  modseq: number,
  asked: readonly UidRange[],
  first: number,
  { services: { reader } }: ImapSession,
): Uint32Array {
  const given: UidRange = [first, view.row.uidNext - 1]
  const remembered = reader.vanished(view.mailbox, modseq)
  const uids = remembered ? within(Uint32Array.from(remembered), [given]) : allOf(given)
  // What just came is neither gone nor known.
  return difference(difference(within(uids, asked), knownTo(version)), knownTo(view.version))
}

function knownTo({ uids, exists }: Version): Uint32Array {
  return uids.subarray(0, exists)
}

function allOf([first, last]: UidRange): Uint32Array {
  return Uint32Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}

/** What a client keeps of mailboxes that it has left, and how it comes up to date with QRESYNC: RFC 7162 §3.2.5. */
import assert from 'node:assert/strict'
import type { Random } from '../fuzz/random.ts'
import type { Answer } from './command.ts'
import { isSynced, itemsOf, type Mirror } from './mirror.ts'
import { type Box, sameFlags } from './model.ts'
import { setOf } from './response.ts'

interface Kept {
  readonly uidValidity: number
  /** All changes up to here are known. */
  modseq: number
  /** In order of UID. */
  mails: Map<number, ReadonlySet<string>>
  /** What the last parameter spoke of; undefined: of all. */
  asked: ReadonlySet<number> | undefined
}

export interface Resync {
  /** The client knows all of its mailbox in this moment, with all flags. */
  keep(mirror: Mirror): void
  /** It leaves: what it has heard since is known too. */
  leave(mirror: Mirror): void
  /** Without QRESYNC; undefined: it was never there. */
  parameter(box: Box, random: Random): string | undefined
  /** Takes what SELECT answered. Throws where the client is not up to date. */
  done(box: Box, mirror: Mirror, answer: Answer): void
}

export function newResync(): Resync {
  const boxes = new Map<Box, Kept>()

  function mailsOf({ entries }: Mirror): Map<number, ReadonlySet<string>> | undefined {
    const mails = new Map<number, ReadonlySet<string>>()
    for (const { uid, flags } of entries) {
      if (uid === undefined || flags === undefined) return undefined
      mails.set(uid, flags)
    }
    return mails
  }

  return {
    keep(mirror) {
      const { box } = mirror
      const mails = mailsOf(mirror)
      if (!box || box.deleted || !mails || box.uidValidity === undefined || !isSynced(mirror)) return
      boxes.set(box, { uidValidity: box.uidValidity, modseq: box.modseq, mails, asked: undefined })
    },

    leave(mirror) {
      const kept = mirror.box && boxes.get(mirror.box)
      const mails = mailsOf(mirror)
      if (kept && mails) kept.mails = mails
    },

    parameter(box, random) {
      const kept = boxes.get(box)
      if (!kept) return undefined
      kept.asked = undefined
      const uids = [...kept.mails.keys()]
      const start = `${kept.uidValidity} ${kept.modseq}`
      if (uids.length === 0 || random(3) === 0) return `(${start})`
      const places = uids.flatMap((_, i) => (random(3) === 0 ? [i] : []))
      const pairs =
        places.length === 0 ? '' : ` (${setOf(places.map(i => i + 1))} ${setOf(places.map(i => uids[i] ?? 0))})`
      const match = random(2) === 0 ? pairs : ''
      const known = random(2) === 0 ? uids : uids.filter(() => random(2) === 0)
      if (known.length === 0) return match === '' ? `(${start})` : `(${start}${match})`
      kept.asked = new Set(known)
      return `(${start} ${setOf(known)}${match})`
    },

    done(box, { entries }, { untagged, during, undisturbed }) {
      const kept = boxes.get(box)
      if (!kept) return
      for (const uid of during.earlier) {
        assert.ok(!entries.some(entry => entry.uid === uid), `UID ${uid} vanished and is there`)
        kept.mails.delete(uid)
      }
      for (const { values } of untagged) {
        if (values[1] !== 'FETCH' || !Array.isArray(values[2])) continue
        const items = itemsOf(values[2])
        const flags = items.get('FLAGS')
        assert.ok(Array.isArray(flags) && items.has('UID') && items.has('MODSEQ'), 'FLAGS, UID and MODSEQ are due')
        kept.mails.set(Number(items.get('UID')), withoutRecent(flags))
      }
      if (!undisturbed) return void boxes.delete(box)
      compare(box, kept)
      if (kept.asked) return void boxes.delete(box)
      // RFC 7162 §3.2.5: it knows which UIDs stand under which numbers.
      const uids = [...kept.mails.keys()].sort((a, b) => a - b)
      for (const [i, entry] of entries.entries()) {
        entry.uid ??= uids[i]
        entry.flags ??= kept.mails.get(entry.uid ?? 0)
      }
      kept.modseq = box.modseq
    },
  }
}

function withoutRecent(flags: readonly unknown[]): ReadonlySet<string> {
  return new Set(flags.map(flag => String(flag).toLowerCase()).filter(flag => flag !== '\\recent'))
}

function compare(box: Box, { mails, asked }: Kept): void {
  const meant = (uid: number): boolean => asked?.has(uid) ?? true
  const expected = box.mails.filter(({ uid }) => meant(uid))
  const known = [...mails.keys()].filter(meant).sort((a, b) => a - b)
  assert.deepEqual(
    known,
    expected.map(({ uid }) => uid),
    'what is there after QRESYNC',
  )
  for (const { uid, flags } of expected)
    assert.ok(sameFlags(flags, mails.get(uid) ?? new Set()), `UID ${uid} has other flags after QRESYNC`)
}

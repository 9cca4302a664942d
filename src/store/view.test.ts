import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { MailboxRow, MailColumns } from '../storage/mail-reader.ts'
import { openView, search, type ViewReader, type Version } from './view.ts'

/** A mailbox in memory, as the storage would tell of it. */
function mailbox() {
  let mails: { uid: number; flags: number; modseq: number; changed?: true }[] = []
  const vanished: { uid: number; modseq: number }[] = []
  let uidNext = 1
  let modseq = 1
  let exists = true
  const columns = (of: typeof mails): MailColumns => ({
    uids: Uint32Array.from(of, mail => mail.uid),
    flags: Float64Array.from(of, mail => mail.flags),
    modseqs: Float64Array.from(of, mail => mail.modseq),
  })
  let meanwhile = (): void => undefined
  const reader: ViewReader = {
    atOnce(read) {
      const task = meanwhile
      meanwhile = () => undefined
      const answer = read()
      meanwhile = task
      return answer
    },
    mailbox() {
      const answer = exists ? row() : undefined
      meanwhile()
      return answer
    },
    keywords: () => [],
    mails: () => columns(mails),
    changes: (_, since, from) => ({
      mails: columns(mails.filter(mail => mail.modseq > since && (mail.changed || mail.uid >= from))),
      vanished: vanished.filter(of => of.modseq > since).map(of => of.uid),
    }),
  }
  function row(): MailboxRow {
    return {
      id: 1,
      account: 1,
      owner: 'anna@example.org',
      name: 'INBOX',
      uidValidity: 1,
      uidNext,
      modseq,
      exists: mails.length,
      unseen: 0,
      deleted: 0,
      size: 0,
      recentFrom: 1,
      specialUse: [],
    }
  }
  return {
    reader,
    mails: () => mails,
    add(count: number) {
      modseq++
      for (let i = 0; i < count; i++) mails.push({ uid: uidNext++, flags: 0, modseq })
    },
    flag(place: number, flags: number) {
      const mail = mails[place % Math.max(1, mails.length)]
      if (mail) Object.assign(mail, { flags, modseq: ++modseq, changed: true })
    },
    expunge(every: number) {
      modseq++
      const gone = mails.filter((_, i) => i % every === 0)
      for (const { uid } of gone) vanished.push({ uid, modseq })
      vanished.sort((a, b) => a.uid - b.uid)
      mails = mails.filter((_, i) => i % every !== 0)
    },
    remove() {
      exists = false
    },
    /** Whenever the row was read, but for what is read at once. */
    meanwhile(task: () => void) {
      meanwhile = task
    },
  }
}

type Action =
  | { do: 'add'; count: number }
  | { do: 'flag'; place: number; flags: number }
  | { do: 'expunge'; every: number }
  | { do: 'refresh' }

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 0, max: 40 }) }),
  fc.record({
    do: fc.constant('flag' as const),
    place: fc.nat(),
    flags: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  }),
  fc.record({ do: fc.constant('expunge' as const), every: fc.integer({ min: 1, max: 10 }) }),
  fc.constant({ do: 'refresh' as const }),
)

/** What went since a version: where nothing did, what it had is the beginning of what is there. */
function gone(before: Version, now: Version): number[] {
  const there = [...now.uids.subarray(0, now.exists)]
  const had = [...before.uids.subarray(0, before.exists)]
  if (before.vanished === now.vanished) assert.deepEqual(there.slice(0, had.length), had)
  return had.filter(uid => !there.includes(uid))
}

test('the row is of the same moment as the mails', () => {
  const box = mailbox()
  box.meanwhile(() => box.add(1))
  const view = openView(box.reader, 1)
  assert.ok(view)
  for (let i = 0; i < 5; i++) {
    const exists: number = view.version.exists
    assert.deepEqual([view.row.uidNext, view.row.exists], [exists + 1, exists])
    view.refresh()
  }
})

test('a version stays what it was, and from whatever one it is known what went since', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), actions => {
      const box = mailbox()
      box.add(5)
      const view = openView(box.reader, 1)
      assert.ok(view)
      const versions: [Version, number[]][] = []
      const note = (): void => {
        const { uids, exists } = view.version
        versions.push([view.version, [...uids.subarray(0, exists)]])
      }
      note()
      for (const act of actions) {
        if (act.do === 'add') box.add(act.count)
        else if (act.do === 'flag') box.flag(act.place, act.flags)
        else if (act.do === 'expunge') box.expunge(act.every)
        else {
          view.refresh()
          note()
        }
      }
      view.refresh()
      const uids = box.mails().map(mail => mail.uid)
      for (const [version, had] of versions) {
        assert.deepEqual([...version.uids.subarray(0, version.exists)], had)
        assert.deepEqual(
          gone(version, view.version),
          had.filter(uid => !uids.includes(uid)),
        )
      }
      for (const mail of box.mails()) {
        const index = view.indexOf(mail.uid)
        assert.equal(view.flagsAt(index), mail.flags)
        assert.equal(view.modseqAt(index), mail.modseq)
      }
    }),
  )
})

test('what changed since a MODSEQ, up to a UID', () => {
  const box = mailbox()
  box.add(3)
  const view = openView(box.reader, 1)
  assert.ok(view)
  const since = view.row.modseq
  assert.deepEqual(view.changedSince(since, 9), [])
  box.add(1)
  box.flag(3, 8)
  box.flag(1, 8)
  view.refresh()
  assert.deepEqual(view.changedSince(since, 9), [2, 4])
  assert.deepEqual(view.changedSince(since, 3), [2])
  assert.deepEqual(view.changedSince(view.modseqAt(3), 9), [2])
})

test('nothing came and nothing went: the same version', () => {
  const box = mailbox()
  box.add(3)
  const view = openView(box.reader, 1)
  const before = view?.version
  box.flag(1, 8)
  view?.refresh()
  assert.equal(view?.version, before)
})

test('of all that a mailbox was, only what is held stays in memory', async () => {
  const box = mailbox()
  box.add(5)
  const view = openView(box.reader, 1)
  assert.ok(view)
  const held = view.version
  const between: WeakRef<Version>[] = []
  for (let i = 0; i < 5; i++) {
    box.add(2)
    box.expunge(3)
    view.refresh()
    between.push(new WeakRef(view.version))
  }
  await turn() // a WeakRef keeps its object until the turn in which it was made has ended
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  collect()
  assert.equal(held.exists, 5)
  assert.deepEqual(
    between.slice(0, -1).map(ref => ref.deref()),
    [undefined, undefined, undefined, undefined],
  )
})

test('of a mailbox that was deleted all mails vanish', () => {
  const box = mailbox()
  box.add(3)
  const view = openView(box.reader, 1)
  assert.ok(view)
  const before = view.version
  box.remove()
  view.refresh()
  assert.ok(view.gone)
  assert.deepEqual(gone(before, view.version), [1, 2, 3])
})

test('a UID is found where it is, and only there', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 32 - 1 })), fc.nat(), (numbers, extra) => {
      const uids = Uint32Array.from(numbers.sort((a, b) => a - b))
      for (const [place, uid] of numbers.entries()) assert.equal(search(uids, uids.length, uid), place)
      if (!numbers.includes(extra)) assert.equal(search(uids, uids.length, extra), -1)
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
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
  const reader: ViewReader = {
    mailbox: () => (exists ? row() : undefined),
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

/** What a client that was told each step has in hand. */
function walk(from: Version): { uids: number[]; told: Map<number, number> } {
  let uids = [...from.uids.subarray(0, from.exists)]
  const told = new Map<number, number>()
  for (let step = from.next; step; step = step.to.next) {
    for (const uid of step.vanished) assert.ok(uids.includes(uid), 'only what was known vanishes')
    const gone = new Set(step.vanished)
    uids = uids.filter(uid => !gone.has(uid))
    for (let i = 0; i < step.changed.length; i += 2) told.set(step.changed[i] ?? 0, step.changed[i + 1] ?? 0)
    assert.equal(step.to.exists, uids.length + step.added)
    uids.push(...step.to.uids.subarray(uids.length, step.to.exists))
  }
  return { uids, told }
}

test('whoever walks the steps, from whatever version, ends with what is there', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), actions => {
      const box = mailbox()
      box.add(5)
      const view = openView(box.reader, 1)
      assert.ok(view)
      const versions = [view.version]
      for (const act of actions) {
        if (act.do === 'add') box.add(act.count)
        else if (act.do === 'flag') box.flag(act.place, act.flags)
        else if (act.do === 'expunge') box.expunge(act.every)
        else {
          view.refresh()
          versions.push(view.version)
        }
      }
      view.refresh()
      const uids = box.mails().map(mail => mail.uid)
      for (const version of versions) assert.deepEqual(walk(version).uids, uids)
      for (const mail of box.mails()) {
        const index = view.indexOf(mail.uid)
        assert.equal(view.flagsAt(index), mail.flags)
        assert.equal(view.modseqAt(index), mail.modseq)
      }
    }),
  )
})

test('a change of flags is told with its MODSEQ, also of a mail that came after the view was opened', () => {
  const box = mailbox()
  box.add(2)
  const view = openView(box.reader, 1)
  assert.ok(view)
  const before = view.version
  box.add(1)
  view.refresh()
  box.flag(2, 8)
  view.refresh()
  assert.deepEqual([...walk(before).told], [[3, view.modseqAt(2)]])
})

test('nothing changed: no step', () => {
  const box = mailbox()
  box.add(3)
  const view = openView(box.reader, 1)
  view?.refresh()
  assert.equal(view?.version.next, undefined)
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
  assert.deepEqual(walk(before).uids, [])
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

/** Random operations on the mailboxes of two accounts, and the same on plain objects: all that can be read must be the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Flags, hasBit } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import { type FakeMailboxes, fakeMailboxes, namesOf } from './fake-mailboxes.ts'
import { appending, clock, fakeStorage, type FakeStorage } from './fake-mail.ts'

type Step =
  | { readonly do: 'append' | 'replace'; readonly box: number; readonly flags: readonly Flags[]; readonly size: number }
  | { readonly do: 'deliver'; readonly account: number; readonly size: number }
  | {
      readonly do: 'store'
      readonly box: number
      readonly uids: readonly UidRange[]
      readonly how: 'set' | 'add' | 'remove'
      readonly flags: Flags
    }
  | { readonly do: 'copy' | 'move'; readonly box: number; readonly to: number; readonly uids: readonly UidRange[] }
  | {
      readonly do: 'expunge'
      readonly box: number
      readonly uids: readonly UidRange[]
      readonly which: 'deleted' | 'all'
    }
  | { readonly do: 'create'; readonly account: number; readonly name: string }
  | { readonly do: 'delete'; readonly box: number }
  | { readonly do: 'rename'; readonly box: number; readonly name: string }
  | { readonly do: 'quota'; readonly account: number; readonly mails: number | undefined }

const box = fc.nat(40)
const account = fc.constantFrom(1, 2)
const size = fc.integer({ min: 1, max: 50 })
const name = fc.constantFrom('a', 'a/b', 'a/b/c', 'b', 'b/a', 'a0', 'INBOX/x', 'Trash/y')
const flags: fc.Arbitrary<Flags> = fc.record({
  system: fc.nat(31),
  keywords: fc.uniqueArray(fc.constantFrom('x', 'y', 'Z', '$Work'), { maxLength: 3 }),
})
const uids: fc.Arbitrary<readonly UidRange[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 })
  .map(all => all.sort((a, b) => a - b))
  .map(all => all.flatMap((first, i) => (i % 2 === 0 ? [[first, all[i + 1] ?? first] as const] : [])))

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('append', 'append', 'replace'),
    box,
    flags: fc.array(flags, { minLength: 1, maxLength: 4 }),
    size,
  }),
  fc.record({ do: fc.constant('deliver'), account, size }),
  fc.record({ do: fc.constant('store'), box, uids, how: fc.constantFrom('set', 'add', 'remove'), flags }),
  fc.record({ do: fc.constantFrom('copy', 'move'), box, to: box, uids }),
  fc.record({ do: fc.constant('expunge'), box, uids, which: fc.constantFrom('deleted', 'all') }),
  fc.record({ do: fc.constant('create'), account, name }),
  fc.record({ do: fc.constant('delete'), box }),
  fc.record({ do: fc.constant('rename'), box, name }),
  fc.record({
    do: fc.constant('quota'),
    account,
    mails: fc.option(fc.integer({ min: 5, max: 30 }), { nil: undefined }),
  }),
)

/** The model learns of new mailboxes by their names, as a client does. */
function learn(storage: FakeStorage, model: FakeMailboxes): void {
  for (const owner of [1, 2])
    for (const row of storage.mail.mailboxes(owner)) if (!model.boxes.has(row.id)) model.make(row.id, owner, row.name)
}

function run(all: readonly Step[]): void {
  let close = (): void => undefined
  const storage = fakeStorage(end => {
    close = end
  })
  const model = fakeMailboxes()
  const limits = new Map<number, number>()
  try {
    learn(storage, model)
    for (const one of all) {
      perform(one, storage, model, limits)
      clock.now += 100
      compare(storage, model)
    }
    assert.deepEqual(storage.problems(), [])
  } finally {
    close()
  }
}

function perform(one: Step, storage: FakeStorage, model: FakeMailboxes, limits: Map<number, number>): void {
  const { ask } = storage
  const ids = [...model.boxes.keys()]
  const pick = (n: number): number => ids[n % ids.length] ?? 0
  const allows = (of: number, mails: number): boolean =>
    mails <= 0 || model.usage(of).mails + mails <= (limits.get(of) ?? Number.POSITIVE_INFINITY)
  switch (one.do) {
    case 'append':
    case 'replace': {
      const mailbox = pick(one.box)
      const [first] = model.box(mailbox).mails
      const replaces = one.do === 'replace' ? { mailbox, uid: first?.uid ?? 1 } : undefined
      const messages = one.flags.map(of => appending(one.size, of))
      const answer = ask('append', { mailbox, owner: 1, messages, replaces })
      if (replaces && !first) return assert.equal(answer.is, 'missing')
      if (!allows(model.box(mailbox).account, messages.length - (replaces ? 1 : 0)))
        return assert.equal(answer.is, 'over-quota')
      const added = one.flags.map(of => ({ flags: namesOf(of), size: one.size }))
      assert.deepEqual(answer.is === 'appended' && answer.uids, model.add(mailbox, added))
      if (first && replaces) model.expunge(mailbox, [[first.uid, first.uid]], 'all')
      return
    }
    case 'deliver': {
      storage.deliver(one.account, one.size, 'Head: x\r\n')
      const inbox = ids.find(id => model.box(id).account === one.account && model.box(id).name === 'INBOX') ?? 0
      model.add(inbox, [{ flags: new Set(), size: one.size + 9 }])
      return
    }
    case 'store': {
      const mailbox = pick(one.box)
      const answer = ask('store', {
        mailbox,
        uids: one.uids,
        how: one.how,
        flags: one.flags,
        unchangedSince: undefined,
      })
      const changed = model.store(mailbox, one.uids, one.how, one.flags)
      return assert.deepEqual(answer, { is: 'stored', modseq: model.box(mailbox).modseq, changed, modified: [] })
    }
    case 'copy':
    case 'move': {
      const [from, to] = [pick(one.box), pick(one.to)]
      const [source, target] = [model.box(from).account, model.box(to).account]
      const answer = ask('copy', { how: one.do, from, to, uids: one.uids })
      const found = model.within(from, one.uids)
      if (!(one.do === 'move' && source === target) && !allows(target, found.length))
        return assert.equal(answer.is, 'over-quota')
      assert.deepEqual(answer.is === 'copied' && [answer.from, answer.to], [
        found.map(({ uid }) => uid),
        model.add(to, found),
      ])
      if (one.do === 'move' && found.length > 0)
        model.expunge(
          from,
          found.map(({ uid }) => [uid, uid] as const),
          'all',
        )
      return
    }
    case 'expunge': {
      const mailbox = pick(one.box)
      const answer = ask('expunge', { mailbox, uids: one.uids, which: one.which })
      const gone = model.expunge(mailbox, one.uids, one.which)
      return assert.deepEqual(answer, { is: 'expunged', modseq: model.box(mailbox).modseq, uids: gone })
    }
    case 'create': {
      const there = ids.some(id => model.box(id).account === one.account && model.box(id).name === one.name)
      const answer = ask('mailbox', { is: 'create', account: one.account, name: one.name, specialUse: [] })
      assert.equal(answer.is, there ? 'exists' : 'done')
      return learn(storage, model)
    }
    case 'delete': {
      const mailbox = pick(one.box)
      const { account: of, name: its } = model.box(mailbox)
      const above = ids.some(id => model.box(id).account === of && model.box(id).name.startsWith(`${its}/`))
      const answer = ask('mailbox', { is: 'delete', mailbox })
      assert.equal(answer.is, its === 'INBOX' ? 'cannot' : above ? 'has-children' : 'done')
      if (answer.is === 'done') model.boxes.delete(mailbox)
      return
    }
    case 'rename': {
      const mailbox = pick(one.box)
      const { account: of, name: old } = model.box(mailbox)
      const answer = ask('mailbox', { is: 'rename', mailbox, name: one.name })
      const there = ids.some(id => model.box(id).account === of && model.box(id).name === one.name)
      assert.equal(answer.is, there ? 'exists' : old !== 'INBOX' && one.name.startsWith(`${old}/`) ? 'cannot' : 'done')
      if (answer.is !== 'done') return
      if (old === 'INBOX') model.empty(mailbox, answer.mailbox, one.name)
      else
        for (const its of model.boxes.values())
          if (its.account === of && `${its.name}/`.startsWith(`${old}/`))
            its.name = one.name + its.name.slice(old.length)
      return learn(storage, model)
    }
    case 'quota': {
      const of = one.account === 1 ? 'anna@home.test' : 'bruno@home.test'
      ask('directory', { is: 'set-quota', of, each: false, mails: one.mails, bytes: undefined })
      limits.set(one.account, one.mails ?? Number.POSITIVE_INFINITY)
    }
  }
}

function compare({ mail }: FakeStorage, model: FakeMailboxes): void {
  for (const owner of [1, 2]) {
    const rows = mail.mailboxes(owner)
    const own = [...model.boxes].filter(([, its]) => its.account === owner)
    assert.deepEqual(new Map(rows.map(row => [row.id, row.name])), new Map(own.map(([id, its]) => [id, its.name])))
    for (const row of rows) {
      assert.deepEqual(
        [row.uidNext, row.modseq, row.exists, row.unseen, row.deleted, row.size],
        model.counters(row.id),
        row.name,
      )
      compareMails(mail, model, row.id)
    }
    const { bytes, mails } = model.usage(owner)
    assert.deepEqual([mail.quota(owner).account.usedBytes, mail.quota(owner).account.usedMails], [bytes, mails])
  }
}

function compareMails(mail: FakeStorage['mail'], model: FakeMailboxes, id: number): void {
  const names = [1, 2, 4, 8, 16].map((bit, place) => [place, String(bit)] as const)
  const places = [...names, ...mail.keywords(id).map(([place, word]) => [place, word.toLowerCase()] as const)]
  const decoded = (bits: number): string[] =>
    places
      .filter(([place]) => hasBit(bits, place))
      .map(([, word]) => word)
      .sort()
  const { uids: all, flags: bits, modseqs } = mail.mails(id)
  const its = model.box(id)
  assert.deepEqual(
    [...all].map((uid, i) => [uid, decoded(bits[i] ?? 0), modseqs[i]]),
    its.mails.map(({ uid, flags: of, modseq }) => [uid, [...of].sort(), modseq]),
  )
  const since = Math.max(0, its.modseq - 2)
  const { mails, vanished } = mail.changes(id, since, 1)
  assert.deepEqual(
    [...mails.uids],
    its.mails.filter(({ modseq }) => modseq > since).map(({ uid }) => uid),
  )
  const gone = its.vanished.filter(({ modseq }) => modseq > since).map(({ uid }) => uid)
  assert.deepEqual(
    vanished,
    gone.sort((a, b) => a - b),
  )
}

test('whatever is done, what is read is what a plain model says, and nothing disagrees', () => {
  fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), run), { numRuns: 25 })
})

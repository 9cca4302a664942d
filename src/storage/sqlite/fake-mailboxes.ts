/** For tests: the mailboxes as plain objects, done without any thought of speed, to compare the real ones with. */
import { DELETED, type Flags, SEEN } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'

export interface FakeMail {
  readonly uid: number
  /** Names of keywords, and numbers of system flags. */
  flags: ReadonlySet<string>
  modseq: number
  readonly size: number
}

export interface FakeBox {
  readonly account: number
  name: string
  uidNext: number
  modseq: number
  mails: FakeMail[]
  readonly vanished: { readonly uid: number; readonly modseq: number }[]
}

const SYSTEM = [1, 2, 4, 8, 16]

export function namesOf({ system, keywords }: Flags): Set<string> {
  return new Set([
    ...SYSTEM.filter(bit => (system & bit) !== 0).map(String),
    ...keywords.map(name => name.toLowerCase()),
  ])
}

function within(uid: number, ranges: readonly UidRange[]): boolean {
  return ranges.some(([first, last]) => uid >= first && uid <= last)
}

export function fakeMailboxes() {
  const boxes = new Map<number, FakeBox>()

  const sizeOf = (box: FakeBox): number => box.mails.reduce((sum, mail) => sum + mail.size, 0)
  const boxOf = (id: number): FakeBox => {
    const box = boxes.get(id)
    if (!box) throw new Error(`there is no mailbox ${id}`)
    return box
  }

  function make(id: number, account: number, name: string): FakeBox {
    const box = { account, name, uidNext: 1, modseq: 1, mails: [], vanished: [] }
    boxes.set(id, box)
    return box
  }

  function vanish(box: FakeBox, uids: readonly number[]): void {
    if (uids.length === 0) return
    box.modseq++
    box.mails = box.mails.filter(mail => !uids.includes(mail.uid))
    for (const uid of uids) box.vanished.push({ uid, modseq: box.modseq })
  }

  return {
    boxes,
    make,
    box: boxOf,
    usage: (account: number): { bytes: number; mails: number } => {
      const own = [...boxes.values()].filter(box => box.account === account)
      return {
        bytes: own.reduce((sum, box) => sum + sizeOf(box), 0),
        mails: own.reduce((sum, box) => sum + box.mails.length, 0),
      }
    },
    add(id: number, all: readonly { readonly flags: ReadonlySet<string>; readonly size: number }[]): number[] {
      const box = boxOf(id)
      if (all.length > 0) box.modseq++
      return all.map(({ flags, size }) => {
        const uid = box.uidNext++
        box.mails.push({ uid, flags, size, modseq: box.modseq })
        return uid
      })
    },
    within: (id: number, ranges: readonly UidRange[]): FakeMail[] =>
      boxOf(id).mails.filter(mail => within(mail.uid, ranges)),
    store(id: number, ranges: readonly UidRange[], how: 'set' | 'add' | 'remove', flags: Flags): number[] {
      const box = boxOf(id)
      const names = namesOf(flags)
      const next = (old: ReadonlySet<string>): ReadonlySet<string> => {
        if (how === 'set') return names
        return how === 'add' ? new Set([...old, ...names]) : new Set([...old].filter(one => !names.has(one)))
      }
      const same = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
        a.size === b.size && [...a].every(one => b.has(one))
      const changed = box.mails.filter(({ uid, flags: old }) => within(uid, ranges) && !same(old, next(old)))
      if (changed.length > 0) box.modseq++
      for (const mail of changed) Object.assign(mail, { flags: next(mail.flags), modseq: box.modseq })
      return changed.map(mail => mail.uid)
    },
    expunge(id: number, ranges: readonly UidRange[], which: 'deleted' | 'all'): number[] {
      const box = boxOf(id)
      const uids = box.mails
        .filter(({ uid, flags }) => within(uid, ranges) && (which === 'all' || flags.has(String(DELETED))))
        .map(mail => mail.uid)
      vanish(box, uids)
      return uids
    },
    /** INBOX into a new mailbox. */
    empty(id: number, into: number, name: string): void {
      const box = boxOf(id)
      const target = make(into, box.account, name)
      if (box.mails.length === 0) return
      Object.assign(target, { uidNext: box.uidNext, modseq: 2, mails: box.mails.map(mail => ({ ...mail, modseq: 2 })) })
      vanish(
        box,
        box.mails.map(mail => mail.uid),
      )
    },
    /** What the storage says of a mailbox in its row. */
    counters(id: number): readonly number[] {
      const box = boxOf(id)
      const unseen = box.mails.filter(({ flags }) => !flags.has(String(SEEN))).length
      const deleted = box.mails.filter(({ flags }) => flags.has(String(DELETED))).length
      return [box.uidNext, box.modseq, box.mails.length, unseen, deleted, sizeOf(box)]
    },
  }
}

export type FakeMailboxes = ReturnType<typeof fakeMailboxes>

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { DELETED, type Flags, NO_FLAGS, SEEN } from '../../mail/flags.ts'
import { bodyPath } from '../bodies.ts'
import type { MailboxChange } from '../mail-operations.ts'
import { appending, clock, fakeDescription, fakeStorage, type FakeStorage } from './fake-mail.ts'

const INBOX = 1
const TRASH = 6
/** Of bruno. */
const OTHER = 7

function append(storage: FakeStorage, mailbox: number, flags: readonly Flags[], size = 10) {
  const messages = flags.map(of => appending(size, of))
  return storage.ask('append', { mailbox, owner: 1, messages, replaces: undefined })
}

function fill(storage: FakeStorage, mailbox: number, mails: number): void {
  append(
    storage,
    mailbox,
    Array.from({ length: mails }, () => NO_FLAGS),
  )
}

const change = (storage: FakeStorage, of: MailboxChange) => storage.ask('mailbox', of)
const create = (storage: FakeStorage, name: string, account = 1) =>
  change(storage, { is: 'create', account, name, specialUse: [] })

suite('mail in mailboxes', () => {
  test('what was accepted is delivered with its head, and described once', t => {
    const { mail, notices, deliver, ask, problems } = fakeStorage(close => t.after(close))
    notices.length = 0
    deliver(1, 100, 'Return-Path: <é>\r\n')
    assert.deepEqual(notices, [{ is: 'mailboxes', changed: [{ account: 1, mailbox: INBOX, how: 'mail' }] }])
    const id = deliver(1, 100, '', false)
    assert.deepEqual(notices.at(-1), { is: 'undescribed' })
    assert.equal(mail.mail(INBOX, 1)?.size, 119)
    assert.deepEqual(mail.description(mail.mail(INBOX, 1)?.message ?? 0), fakeDescription())
    assert.deepEqual([mail.undescribed(10), mail.undescribedUids(INBOX, [1, 9])], [[id], [2]])
    assert.deepEqual(mail.column(INBOX, 'sent', [1, 9]), [
      [1, 1.7e12],
      [2, clock.now],
    ])
    ask('describe', [
      { message: id, description: fakeDescription(5) },
      { message: 12345, description: fakeDescription() },
    ])
    assert.deepEqual(mail.undescribed(10), [])
    assert.deepEqual(mail.where(INBOX, 'sent', '<', 6), [2])
    assert.equal(mail.description(12345), undefined)
    assert.deepEqual(problems(), [])
  })

  test('a full quota refuses APPEND and COPY, and neither delivery nor MOVE', t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, deliver, mail, problems } = storage
    const quota = (of: string, each: boolean, mails: number | undefined, bytes: number | undefined) =>
      ask('directory', { is: 'set-quota', of, each, mails, bytes })
    fill(storage, INBOX, 2)
    assert.equal(quota('nobody@home.test', false, 1, 1), 'missing')
    quota('home.test', true, 2, undefined)
    assert.deepEqual(mail.quota(1).account, { usedBytes: 20, usedMails: 2, maxBytes: undefined, maxMails: 2 })
    assert.equal(append(storage, INBOX, [NO_FLAGS]).is, 'over-quota')
    assert.equal(ask('copy', { how: 'copy', from: INBOX, to: TRASH, uids: [[1, 1]] }).is, 'over-quota')
    assert.equal(ask('copy', { how: 'move', from: INBOX, to: TRASH, uids: [[1, 1]] }).is, 'copied')
    assert.equal(append(storage, OTHER, [NO_FLAGS, NO_FLAGS]).is, 'appended')
    assert.equal(ask('copy', { how: 'move', from: INBOX, to: OTHER, uids: [[1, 9]] }).is, 'over-quota')
    deliver(1, 10)
    // The account's own limit stands before that of each.
    quota('anna@home.test', false, 4, 60)
    assert.equal(append(storage, INBOX, [NO_FLAGS], 31).is, 'over-quota')
    assert.equal(append(storage, INBOX, [NO_FLAGS], 30).is, 'appended')
    quota('home.test', false, 6, undefined)
    quota('anna@home.test', false, 9, undefined)
    assert.equal(append(storage, INBOX, [NO_FLAGS]).is, 'over-quota')
    quota('home.test', true, undefined, undefined)
    // Within the domain nothing becomes more.
    assert.equal(ask('copy', { how: 'move', from: INBOX, to: OTHER, uids: [[1, 2]] }).is, 'copied')
    assert.deepEqual([mail.quota(1).account.usedMails, mail.quota(2).account.usedMails], [3, 3])
    assert.deepEqual(problems(), [])
  })

  test('REPLACE puts the new one and takes the old one at the same moment, or neither', t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, mail, problems } = storage
    fill(storage, INBOX, 1)
    ask('directory', { is: 'set-quota', of: 'anna@home.test', each: false, mails: 1, bytes: 12 })
    const replace = (uid: number, size: number) =>
      ask('append', { mailbox: INBOX, owner: 1, messages: [appending(size)], replaces: { mailbox: INBOX, uid } })
    assert.equal(replace(2, 10).is, 'missing')
    assert.equal(replace(1, 13).is, 'over-quota')
    assert.deepEqual(replace(1, 12), {
      is: 'appended',
      uidValidity: mail.mailbox(INBOX)?.uidValidity,
      uids: [2],
      modseq: 3,
    })
    assert.deepEqual([...mail.mails(INBOX).uids], [2])
    assert.deepEqual(mail.vanished(INBOX, 3), [1])
    assert.deepEqual(problems(), [])
  })

  test('STORE says what it changed and what UNCHANGEDSINCE kept', t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, mail, problems } = storage
    fill(storage, INBOX, 4)
    const store = (how: 'set' | 'add' | 'remove', flags: Flags, unchangedSince?: number) =>
      ask('store', {
        mailbox: INBOX,
        uids: [
          [1, 2],
          [4, 9],
        ],
        how,
        flags,
        unchangedSince,
      })
    assert.deepEqual(store('add', { system: SEEN, keywords: ['$Work'] }), {
      is: 'stored',
      modseq: 3,
      changed: [1, 2, 4],
      modified: [],
    })
    assert.deepEqual(store('add', { system: SEEN, keywords: ['$work'] }), {
      is: 'stored',
      modseq: 3,
      changed: [],
      modified: [],
    })
    ask('store', { mailbox: INBOX, uids: [[2, 2]], how: 'set', flags: NO_FLAGS, unchangedSince: undefined })
    assert.deepEqual(store('set', { system: DELETED, keywords: [] }, 3), {
      is: 'stored',
      modseq: 5,
      changed: [1, 4],
      modified: [2],
    })
    assert.deepEqual(store('remove', { system: 0, keywords: ['never'] }), {
      is: 'stored',
      modseq: 5,
      changed: [],
      modified: [],
    })
    assert.deepEqual([...mail.mails(INBOX).flags], [DELETED, 0, 0, DELETED])
    assert.deepEqual([...mail.changes(INBOX, 4, 5).mails.uids], [1, 4])
    assert.deepEqual(mail.keywords(INBOX), [[5, '$Work']])
    assert.deepEqual([mail.mailbox(INBOX)?.unseen, mail.mailbox(INBOX)?.deleted], [4, 2])
    assert.deepEqual(problems(), [])
  })

  test('forty-eight keywords have room, and those that nobody uses make room', t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, mail, problems } = storage
    const names = Array.from({ length: 48 }, (_, i) => `k${i}`)
    append(storage, INBOX, [{ system: 0, keywords: names }, NO_FLAGS])
    assert.equal(append(storage, INBOX, [{ system: 0, keywords: ['K0', 'one', 'more'] }]).is, 'limit')
    const one = { system: 0, keywords: ['one'] }
    assert.equal(
      ask('store', { mailbox: INBOX, uids: [[2, 2]], how: 'set', flags: one, unchangedSince: undefined }).is,
      'limit',
    )
    // At other places in another mailbox, and the last is the largest bit.
    append(storage, TRASH, [one])
    assert.equal(ask('copy', { how: 'copy', from: INBOX, to: TRASH, uids: [[1, 1]] }).is, 'limit')
    ask('store', {
      mailbox: INBOX,
      uids: [[1, 1]],
      how: 'remove',
      flags: { system: 0, keywords: ['k7'] },
      unchangedSince: undefined,
    })
    assert.equal(ask('copy', { how: 'move', from: INBOX, to: TRASH, uids: [[1, 1]] }).is, 'copied')
    assert.equal(mail.mail(TRASH, 2)?.flags, 2 ** 53 - 2 ** 6)
    assert.equal(append(storage, INBOX, [one]).is, 'appended')
    assert.deepEqual(mail.keywords(INBOX), [[5, 'one']])
    assert.deepEqual(problems(), [])
  })

  test('with the last copy a message goes, many of them in batches, files too', async t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, data, mail, reader, swept, problems } = storage
    const large = appending()
    const path = bodyPath(data, large.id)
    writeFileSync(path, 'a large one')
    const content = { in: 'file', path, head: Buffer.alloc(0), size: 11 } as const
    ask('append', { mailbox: INBOX, owner: 1, messages: [{ ...large, content }], replaces: undefined })
    fill(storage, INBOX, 450)
    ask('copy', { how: 'copy', from: INBOX, to: TRASH, uids: [[1, 1]] })
    const { message } = mail.mail(INBOX, 451) ?? { message: 0 }
    assert.equal(ask('expunge', { mailbox: INBOX, uids: [[1, 999]], which: 'all' }).is, 'expunged')
    assert.ok(reader.content(message), 'its turn has not come')
    assert.deepEqual(problems(), [])
    await swept()
    assert.equal(reader.content(message), undefined)
    assert.equal(mail.description(message), undefined)
    assert.ok(existsSync(path))
    ask('expunge', { mailbox: TRASH, uids: [[1, 1]], which: 'all' })
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.ok(!existsSync(path))
    assert.deepEqual(problems(), [])
  })

  test('what vanished is known for a while, and then that it is not known', t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, mail, problems } = storage
    for (let i = 0; i < 11; i++) fill(storage, INBOX, 2000)
    const odd = (from: number, to: number) =>
      Array.from({ length: (to - from) / 2 }, (_, i) => [from + 2 * i, from + 2 * i] as const)
    const before = mail.mailbox(INBOX)?.modseq ?? 0
    ask('expunge', { mailbox: INBOX, uids: odd(1, 15_001), which: 'all' })
    assert.equal(mail.vanished(INBOX, before)?.length, 7500)
    ask('expunge', { mailbox: INBOX, uids: odd(2, 15_002), which: 'all' })
    ask('expunge', { mailbox: INBOX, uids: odd(15_001, 22_001), which: 'all' })
    ask('expunge', { mailbox: INBOX, uids: odd(15_002, 22_002), which: 'all' })
    assert.equal(mail.vanished(INBOX, before), undefined)
    assert.equal(mail.changes(INBOX, before, 1).vanished, undefined)
    assert.equal(mail.vanished(INBOX, before + 2)?.length, 7000)
    assert.deepEqual(problems(), [])
  })

  test('an index block is taken when it is full, and only then', t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, mail, notices, problems } = storage
    const index = (block: number) => ask('index', { mailbox: INBOX, block, rows: [Buffer.from('a'), Buffer.from('b')] })
    fill(storage, INBOX, 1022)
    index(0)
    assert.deepEqual([mail.indexBlocks(INBOX), mail.unindexed(9)], [[], []])
    notices.length = 0
    fill(storage, INBOX, 1)
    assert.deepEqual(notices.at(-1), { is: 'undescribed' })
    assert.deepEqual(mail.unindexed(9), [{ mailbox: INBOX, block: 0 }])
    index(0)
    assert.deepEqual([mail.indexBlocks(INBOX), mail.unindexed(9)], [[0], []])
    assert.deepEqual(mail.indexRow(INBOX, 0, 1), new Uint8Array(Buffer.from('b')))
    assert.equal(mail.indexRow(INBOX, 0, 2), undefined)
    assert.deepEqual(problems(), [])
    // Emptied into another mailbox its mails keep their UIDs and their index.
    change(storage, { is: 'rename', mailbox: INBOX, name: 'old' })
    const old = mail.mailboxNamed(1, 'old')?.id ?? 0
    assert.deepEqual([mail.indexBlocks(INBOX), mail.indexBlocks(old), mail.unindexed(9)], [[], [0], []])
    assert.deepEqual(problems(), [])
  })
})

suite('mailboxes', () => {
  test('a mailbox is made with those above it, renamed with those below it, and removed when none is below it', async t => {
    const storage = fakeStorage(close => t.after(close))
    const { mail, notices, swept, problems } = storage
    const names = () =>
      mail
        .mailboxes(1)
        .map(row => row.name)
        .slice(0, -5)
    create(storage, 'B/c/d')
    assert.equal(create(storage, 'B/c').is, 'exists')
    const [b, d] = [mail.mailboxNamed(1, 'B')?.id ?? 0, mail.mailboxNamed(1, 'B/c/d')?.id ?? 0]
    assert.equal(change(storage, { is: 'delete', mailbox: b }).is, 'has-children')
    assert.equal(change(storage, { is: 'rename', mailbox: b, name: 'B/x' }).is, 'cannot')
    create(storage, 'B0')
    notices.length = 0
    assert.deepEqual(change(storage, { is: 'rename', mailbox: b, name: 'A/é' }), { is: 'done', mailbox: b })
    assert.deepEqual(names(), ['A', 'A/é', 'A/é/c', 'A/é/c/d', 'Archive', 'B0'])
    const [told] = notices
    assert.ok(told?.is === 'mailboxes' && told.changed.length === 4)
    const { uidValidity = 0 } = mail.mailbox(d) ?? {}
    fill(storage, d, 3)
    assert.equal(change(storage, { is: 'delete', mailbox: d }).is, 'done')
    assert.equal(mail.mailbox(d), undefined)
    assert.deepEqual(mail.quota(1).account.usedMails, 0)
    assert.equal(append(storage, d, [NO_FLAGS]).is, 'missing')
    assert.deepEqual(problems().length, 0)
    await swept()
    assert.deepEqual(problems().length, 0)
    create(storage, 'A/é/c/d')
    assert.ok((mail.mailboxNamed(1, 'A/é/c/d')?.uidValidity ?? 0) > uidValidity)
  })

  test('what cannot be', t => {
    const storage = fakeStorage(close => t.after(close))
    assert.equal(change(storage, { is: 'delete', mailbox: INBOX }).is, 'cannot')
    assert.equal(change(storage, { is: 'create', account: 1, name: 'Also', specialUse: ['\\Sent'] }).is, 'cannot')
    assert.equal(change(storage, { is: 'create', account: 99, name: 'x', specialUse: [] }).is, 'missing')
    assert.equal(change(storage, { is: 'rename', mailbox: 99, name: 'x' }).is, 'missing')
    assert.equal(change(storage, { is: 'rename', mailbox: TRASH, name: 'Sent' }).is, 'exists')
    assert.equal(change(storage, { is: 'rename', mailbox: INBOX, name: 'Sent' }).is, 'exists')
    assert.equal(create(storage, 'x'.repeat(1001)).is, 'limit')
    create(storage, `x/${'y'.repeat(990)}`)
    const x = storage.mail.mailboxNamed(1, 'x')?.id ?? 0
    assert.equal(change(storage, { is: 'rename', mailbox: x, name: 'x'.repeat(20) }).is, 'limit')
    assert.deepEqual(storage.problems(), [])
  })

  test('INBOX is emptied into a new mailbox and stays', t => {
    const storage = fakeStorage(close => t.after(close))
    const { mail, problems } = storage
    append(storage, INBOX, [{ system: SEEN, keywords: ['$Work'] }, NO_FLAGS])
    create(storage, 'INBOX/below')
    change(storage, { is: 'rename', mailbox: INBOX, name: 'Old/mail' })
    const old = mail.mailboxNamed(1, 'Old/mail')
    assert.deepEqual([old?.exists, old?.unseen, mail.keywords(old?.id ?? 0)], [2, 1, [[5, '$Work']]])
    assert.deepEqual([...mail.mails(old?.id ?? 0).uids], [1, 2])
    const inbox = mail.mailboxNamed(1, 'INBOX')
    assert.deepEqual([inbox?.id, inbox?.exists, inbox?.uidNext], [INBOX, 0, 3])
    assert.deepEqual(mail.vanished(INBOX, 2), [1, 2])
    assert.ok(mail.mailboxNamed(1, 'INBOX/below'))
    assert.deepEqual(problems(), [])
  })

  test('subscriptions, annotations, rights and what was seen as recent', t => {
    const storage = fakeStorage(close => t.after(close))
    const { mail } = storage
    const id = mail.mailboxNamed(1, 'Sent')?.id ?? 0
    change(storage, { is: 'subscribe', account: 1, name: 'gone', on: true })
    change(storage, { is: 'subscribe', account: 1, name: 'Sent', on: false })
    assert.deepEqual(mail.subscriptions(1), ['Archive', 'Drafts', 'INBOX', 'Junk', 'Trash', 'gone'])
    const annotate = (name: string, value: Uint8Array | undefined, mailbox: number | undefined = id) =>
      change(storage, { is: 'metadata', account: 1, mailbox, entries: [{ name, value }] })
    annotate('/shared/comment', new Uint8Array([1]))
    annotate('/SHARED/comment', new Uint8Array([2]))
    assert.deepEqual(mail.metadata(1, id), [{ name: '/SHARED/comment', value: new Uint8Array([2]) }])
    assert.deepEqual(mail.metadata(1, undefined), [])
    for (let i = 1; i < 100; i++) annotate(`/private/${i}`, new Uint8Array([i]))
    assert.equal(annotate('/private/100', new Uint8Array([1])).is, 'limit')
    annotate('/shared/comment', undefined)
    assert.equal(annotate('/private/100', new Uint8Array(64 * 1024 + 1)).is, 'limit')
    assert.equal(annotate('/private/100', new Uint8Array(64 * 1024)).is, 'done')
    change(storage, { is: 'acl', mailbox: id, identifier: 'bruno@home.test', rights: 'lr' })
    assert.deepEqual(mail.acl(id), [{ identifier: 'bruno@home.test', rights: 'lr' }])
    assert.deepEqual(
      mail.shared(2, 'bruno@home.test').map(row => `${row.owner} ${row.name}`),
      ['anna@home.test Sent'],
    )
    assert.deepEqual(mail.shared(1, 'anna@home.test'), [])
    change(storage, { is: 'acl', mailbox: id, identifier: 'bruno@home.test', rights: '' })
    assert.deepEqual(mail.shared(2, 'bruno@home.test'), [])
    change(storage, { is: 'recent', mailbox: id, uid: 7 })
    change(storage, { is: 'recent', mailbox: id, uid: 3 })
    assert.equal(mail.mailbox(id)?.recentFrom, 8)
    assert.deepEqual(storage.problems(), [])
  })

  test('with an account everything of it goes, and its part of what the domain uses', async t => {
    const storage = fakeStorage(close => t.after(close))
    const { ask, mail, notices, swept, problems } = storage
    append(storage, INBOX, [{ system: 0, keywords: ['$Work'] }])
    change(storage, { is: 'acl', mailbox: INBOX, identifier: 'anyone', rights: 'lr' })
    change(storage, {
      is: 'metadata',
      account: 1,
      mailbox: undefined,
      entries: [{ name: '/a', value: new Uint8Array(1) }],
    })
    ask('directory', { is: 'remove-account', address: 'anna@home.test' })
    assert.ok(
      notices.some(
        notice => notice.is === 'mailboxes' && notice.changed.some(of => of.mailbox === INBOX && of.how === 'list'),
      ),
    )
    assert.deepEqual([mail.mailboxes(1), mail.shared(2, 'bruno@home.test'), mail.mailbox(INBOX)], [[], [], undefined])
    assert.equal(mail.quota(2).domain.usedMails, 0)
    await swept()
    assert.deepEqual(
      [mail.keywords(INBOX), mail.acl(INBOX), mail.metadata(1, undefined), mail.subscriptions(1)],
      [[], [], [], []],
    )
    assert.deepEqual(problems(), [])
  })
})

import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import type { NotifyEvent, NotifyGroup } from '../../imap/command.ts'
import { NO_FLAGS, SEEN } from '../../mail/flags.ts'
import { setAcl } from './acl.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { type FakeMail, FakeSession, openFakeMail } from './fake-session.ts'
import { setMetadata } from './metadata.ts'
import { notify } from './notify.ts'
import { rename } from './rename.ts'
import { subscribe } from './subscribe.ts'

const ANNA = 'anna@example.org'
const BOB = 'bob@example.org'
const MESSAGES: readonly NotifyEvent[] = [{ is: 'MessageNew', fetch: [] }, { is: 'MessageExpunge' }]
const ALL: readonly NotifyEvent[] = [
  ...MESSAGES,
  { is: 'FlagChange' },
  { is: 'MailboxName' },
  { is: 'SubscriptionChange' },
  { is: 'MailboxMetadataChange' },
  { is: 'ServerMetadataChange' },
]

let mail: FakeMail
/** Who asked to be notified, and who does something. */
let watcher: FakeSession
let other: FakeSession
beforeEach(async () => {
  mail = await openFakeMail([ANNA, BOB])
  watcher = mail.session(ANNA)
  other = mail.session(ANNA)
})
afterEach(() => mail.close())

const group = (
  is: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed',
  events: readonly NotifyEvent[],
): NotifyGroup => ({
  filter: { is },
  events,
})
const named = (is: 'subtree' | 'mailboxes', names: string[], events: readonly NotifyEvent[]): NotifyGroup => ({
  filter: { is, names },
  events,
})
const ask = (status: boolean, ...groups: NotifyGroup[]): Promise<string[]> =>
  watcher.run(notify, { name: 'NOTIFY', set: { status, groups } })

/** What the watcher heard without asking. */
async function heard(): Promise<string[]> {
  await new Promise(resolve => setImmediate(resolve))
  return watcher.lines()
}

const idOf = (name: string, address = ANNA): number =>
  mail.reader.mailboxNamed(mail.session(address).account?.id ?? 0, name)?.id ?? 0

async function flag(name: string, uid: number): Promise<void> {
  await mail.storage.ask('store', {
    mailbox: idOf(name),
    uids: [[uid, uid]],
    how: 'add',
    flags: { system: SEEN, keywords: [] },
    unchangedSince: undefined,
  })
}

function select(name: string): void {
  const view = watcher.services.views.open(idOf(name))
  assert.ok(view)
  watcher.select(view, { name, readOnly: false, rights: 'lrswipkxtea' })
}

suite('NOTIFY SET', () => {
  test('what is no sense, and what we have not', async () => {
    const bad: readonly NotifyGroup[][] = [
      [group('personal', [{ is: 'MessageExpunge' }])],
      [group('personal', [{ is: 'MessageNew', fetch: [] }])],
      [group('personal', [{ is: 'FlagChange' }])],
      [group('selected', MESSAGES), group('selected-delayed', MESSAGES)],
      [group('selected', [...MESSAGES, { is: 'MailboxName' }])],
    ]
    for (const groups of bad) assert.match((await ask(false, ...groups))[0] ?? '', /^BAD /)
    assert.deepEqual(await ask(false, group('personal', [...MESSAGES, { is: 'AnnotationChange' }])), [
      'NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)]',
    ])
    const names = Array.from({ length: 1001 }, (_, i) => `m${i}`)
    assert.deepEqual(await ask(false, named('mailboxes', names, MESSAGES)), ['NO [NOTIFICATIONOVERFLOW]'])
    assert.equal(watcher.notify, undefined)
  })

  test('STATUS is told at once, of what is watched and not selected', async () => {
    await mail.append(ANNA, 'Drafts')
    select('INBOX')
    const lines = await ask(
      true,
      group('selected', MESSAGES),
      named('mailboxes', ['INBOX', 'Drafts', 'Nothing'], MESSAGES),
    )
    assert.deepEqual(
      lines.map(line => line.replace(/UIDVALIDITY \d+/, 'UIDVALIDITY …')),
      ['* STATUS Drafts (MESSAGES 1 UIDNEXT 2 UIDVALIDITY …)', 'OK Done'],
    )
  })

  test('a mailbox that may be seen but not read', async () => {
    await mail.session(BOB).run(setAcl, { mailbox: 'INBOX', identifier: ANNA, how: 'set', rights: 'l' })
    assert.deepEqual(await ask(false, named('mailboxes', ['user/bob@example.org'], MESSAGES)), [
      '* LIST (\\NoAccess) "/" user/bob@example.org',
      'OK Done',
    ])
  })

  test('NONE ends it', async () => {
    await ask(false, group('personal', ALL))
    assert.deepEqual(await watcher.run(notify, { name: 'NOTIFY', set: undefined }), ['OK Done'])
    await mail.append(ANNA, 'INBOX')
    assert.deepEqual(await heard(), [])
  })

  test('nobody listens any more when it ends, or another takes its place', async () => {
    const { services, account } = watcher
    let listening = 0
    const views: typeof services.views = {
      ...services.views,
      listen(to, listener) {
        listening++
        const stop = services.views.listen(to, listener)
        return () => {
          listening--
          stop()
        }
      },
    }
    watcher = new FakeSession({ ...services, views }, account)
    select('INBOX')
    await ask(false, group('selected', MESSAGES), group('personal', MESSAGES))
    await ask(false, group('selected', MESSAGES))
    assert.equal(listening, 2)
    await watcher.run(notify, { name: 'NOTIFY', set: undefined })
    assert.equal(listening, 0)
  })

  test('a refused one changes nothing', async () => {
    await ask(false, group('inboxes', MESSAGES))
    await ask(false, group('personal', [{ is: 'FlagChange' }]))
    await mail.append(ANNA, 'INBOX')
    assert.deepEqual(await heard(), ['* STATUS INBOX (UIDNEXT 2 MESSAGES 1)'])
  })
})

suite('events', () => {
  test('mail and flags of mailboxes that are not selected', async () => {
    await ask(false, group('personal', ALL))
    await mail.append(ANNA, 'INBOX')
    await mail.append(ANNA, 'Sent')
    assert.deepEqual(await heard(), ['* STATUS INBOX (UIDNEXT 2 MESSAGES 1)', '* STATUS Sent (UIDNEXT 2 MESSAGES 1)'])
    await flag('INBOX', 1)
    assert.match((await heard()).join(), /^\* STATUS INBOX \(UIDVALIDITY \d+ HIGHESTMODSEQ 3\)$/)
    await flag('INBOX', 1)
    assert.deepEqual(await heard(), []) // nothing changed
    watcher.enable('CONDSTORE')
    await mail.storage.ask('expunge', { mailbox: idOf('INBOX'), uids: [[1, 1]], which: 'all' })
    assert.match((await heard()).join(), /^\* STATUS INBOX \(UIDNEXT 2 MESSAGES 0 HIGHESTMODSEQ 4\)$/)
  })

  test('the first group that means a mailbox decides', async () => {
    await other.run(create, { mailbox: 'Lists/a', specialUse: [] })
    await ask(false, named('mailboxes', ['Lists/a'], []), named('subtree', ['Lists'], MESSAGES), group('inboxes', []))
    for (const name of ['Lists', 'Lists/a', 'INBOX', 'Sent']) await mail.append(ANNA, name)
    assert.deepEqual(await heard(), ['* STATUS Lists (UIDNEXT 2 MESSAGES 1)'])
  })

  test('names that are new, changed and gone', async () => {
    await ask(false, group('personal', ALL))
    await other.run(create, { mailbox: 'a/b', specialUse: [] })
    assert.deepEqual(await heard(), ['* LIST (\\HasChildren) "/" a', '* LIST (\\HasNoChildren) "/" a/b'])
    await other.run(rename, { from: 'a', to: 'c' })
    assert.deepEqual(await heard(), [
      '* LIST (\\HasChildren) "/" c ("OLDNAME" (a))',
      '* LIST (\\HasNoChildren) "/" c/b ("OLDNAME" (a/b))',
    ])
    await other.run(deleteMailbox, { mailbox: 'c/b' })
    assert.deepEqual(await heard(), ['* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" c/b'])
    await mail.append(ANNA, 'c')
    assert.deepEqual(await heard(), ['* STATUS c (UIDNEXT 2 MESSAGES 1)'])
  })

  test('subscriptions', async () => {
    await ask(false, group('personal', [{ is: 'SubscriptionChange' }]))
    await other.run(create, { mailbox: 'a', specialUse: [] })
    assert.deepEqual(await heard(), [])
    await other.run(subscribe, { name: 'SUBSCRIBE', mailbox: 'a' })
    assert.deepEqual(await heard(), ['* LIST (\\HasNoChildren \\Subscribed) "/" a'])
    await other.run(subscribe, { name: 'UNSUBSCRIBE', mailbox: 'a' })
    assert.deepEqual(await heard(), ['* LIST (\\HasNoChildren) "/" a'])
  })

  test('annotations, by the names of their entries', async () => {
    const set = (mailbox: string, name: string, text: string | undefined): Promise<string[]> =>
      other.run(setMetadata, { mailbox, entries: [{ name, value: text === undefined ? text : Buffer.from(text) }] })
    await set('INBOX', '/private/a', '1')
    await ask(false, group('personal', ALL))
    await set('INBOX', '/private/a', '2')
    assert.deepEqual(await heard(), ['* METADATA INBOX /private/a'])
    await set('INBOX', '/private/a', '2')
    assert.deepEqual(await heard(), [])
    await set('INBOX', '/private/a', undefined)
    assert.deepEqual(await heard(), ['* METADATA INBOX /private/a'])
    await set('', '/private/b', 'x')
    assert.deepEqual(await heard(), ['* METADATA "" /private/b'])
  })

  test("somebody else's mailbox, once it may be seen, and until then", async () => {
    const bob = mail.session(BOB)
    const share = (rights: string): Promise<string[]> =>
      bob.run(setAcl, { mailbox: 'INBOX', identifier: ANNA, how: 'set', rights })
    await share('lr')
    await ask(false, named('subtree', ['user/bob@example.org'], ALL))
    await mail.append(BOB, 'INBOX')
    assert.deepEqual(await heard(), ['* STATUS user/bob@example.org (UIDNEXT 2 MESSAGES 1)'])
    await share('')
    assert.deepEqual(await heard(), ['* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" user/bob@example.org'])
    await mail.append(BOB, 'INBOX')
    assert.deepEqual(await heard(), [])
  })

  test('too many at once', async () => {
    const { services, account } = watcher
    const [row] = mail.reader.mailboxes(account?.id ?? 0)
    assert.ok(row)
    const rows = Array.from({ length: 1001 }, (_, i) => ({ ...row, id: 1000 + i, name: `m${i}` }))
    watcher = new FakeSession({ ...services, reader: { ...mail.reader, mailboxes: () => rows } }, account)
    await ask(false, group('personal', MESSAGES))
    services.views.changed(rows.map(({ id }) => ({ account: row.account, mailbox: id, how: 'mail' })))
    assert.deepEqual(
      (await heard()).map(line => line.slice(0, 29)),
      ['* OK [NOTIFICATIONOVERFLOW] T'],
    )
    assert.equal(watcher.notify, undefined)
    services.views.changed([{ account: row.account, mailbox: row.id, how: 'list' }])
    assert.deepEqual(await heard(), [])
  })
})

suite('the selected mailbox', () => {
  const FETCH: readonly NotifyEvent[] = [
    { is: 'MessageNew', fetch: [{ item: 'UID' }, { item: 'FLAGS' }] },
    { is: 'MessageExpunge' },
  ]

  test('its new messages are told with what was asked for, and not by STATUS', async () => {
    select('INBOX')
    await ask(false, group('selected', FETCH), group('personal', MESSAGES))
    assert.equal(watcher.notify?.selected, 'at-once')
    await mail.append(ANNA, 'INBOX')
    assert.deepEqual(await heard(), ['* 1 EXISTS', '* 1 FETCH (UID 1 FLAGS (\\Recent))'])
    await mail.append(ANNA, 'INBOX', { ...NO_FLAGS, system: SEEN })
    assert.deepEqual(await heard(), ['* 2 EXISTS', '* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))'])
  })

  test('when another is selected, the first is one of many', async () => {
    select('INBOX')
    await ask(false, group('selected-delayed', FETCH), group('personal', MESSAGES))
    assert.equal(watcher.notify?.selected, 'delayed')
    watcher.unselect()
    select('Sent')
    await watcher.tell()
    await mail.append(ANNA, 'INBOX')
    await mail.append(ANNA, 'Sent')
    assert.deepEqual(await heard(), [
      '* STATUS INBOX (UIDNEXT 2 MESSAGES 1)',
      '* 1 EXISTS',
      '* 1 FETCH (UID 1 FLAGS (\\Recent))',
    ])
    watcher.unselect()
    await watcher.tell()
    assert.deepEqual(watcher.lines(), ['* STATUS Sent (UIDNEXT 2 MESSAGES 1)'])
  })

  test('where nothing happened while it was selected nothing is told', async () => {
    select('INBOX')
    await ask(false, group('personal', ALL))
    watcher.unselect()
    await watcher.tell()
    assert.deepEqual(watcher.lines(), [])
  })

  test('without SELECTED nothing is told of it unasked', async () => {
    select('INBOX')
    await ask(false, group('personal', MESSAGES))
    assert.equal(watcher.notify?.selected, 'never')
    await mail.append(ANNA, 'INBOX')
    assert.deepEqual(await heard(), [])
  })
})

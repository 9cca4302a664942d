import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { DELETED, SEEN } from '../../mail/flags.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { type FakeSession, openFakeMail } from './fake-session.ts'
import { id } from './id.ts'
import { lsub } from './lsub.ts'
import { namespace } from './namespace.ts'
import { getQuota, getQuotaRoot, setQuota } from './quota.ts'
import { rename } from './rename.ts'
import { status } from './status.ts'
import { subscribe } from './subscribe.ts'

const ANNA = 'anna@example.org'
const mail = await openFakeMail([ANNA, 'bob@example.org', 'carl@other.test'])
after(() => mail.close())

function make(session: FakeSession, mailbox: string, ...specialUse: string[]): Promise<string[]> {
  return session.run(create, { mailbox, specialUse })
}

/** Without the number of the mailbox. */
async function tagged(answer: Promise<string[]>): Promise<string> {
  return ((await answer).at(-1) ?? '').replace(/\(F\d+\)/, '(F…)')
}

suite('CREATE', () => {
  const session = mail.session(ANNA)
  const ROWS = [
    ['Projects', 'OK [MAILBOXID (F…)]'],
    ['Projects', 'NO [ALREADYEXISTS]'],
    ['inbox', 'NO [ALREADYEXISTS]'],
    ['Deep/er/', 'OK [MAILBOXID (F…)]'], // RFC 9051 §6.3.4: the separator at the end is only a hint
    ['Deep', 'NO [ALREADYEXISTS]'], // made with what is below it
    ['INBOX/later', 'OK [MAILBOXID (F…)]'],
    ['a//b', 'NO [CANNOT]'],
    ['..', 'NO [CANNOT]'],
    ['100%', 'NO [CANNOT]'],
    ['user', 'NO [CANNOT]'], // others' mailboxes are there
    ['user/nobody@example.org/x', 'NO [NONEXISTENT]'],
    ['user/bob@example.org/x', 'NO [NONEXISTENT]'],
  ] as const
  for (const [name, answer] of ROWS) {
    test(`${name}: ${answer}`, async () => assert.equal(await tagged(make(session, name)), answer))
  }

  test('with a use, which only one mailbox has', async () => {
    assert.equal(await tagged(make(session, 'Sent 2', '\\Sent')), 'NO [USEATTR]')
    assert.equal(await tagged(make(session, 'Everything', '\\All')), 'NO [USEATTR]')
    assert.equal(await tagged(session.run(deleteMailbox, { mailbox: 'Archive' })), 'OK Deleted')
    assert.equal(await tagged(make(session, 'Kept', '\\archive')), 'OK [MAILBOXID (F…)]')
    assert.deepEqual(mail.reader.mailboxNamed(session.account?.id ?? 0, 'Kept')?.specialUse, ['\\Archive'])
  })
})

suite('DELETE', () => {
  const session = mail.session('bob@example.org')
  test('what is not there, INBOX, and what has children stay', async () => {
    await make(session, 'a/b')
    assert.equal(await tagged(session.run(deleteMailbox, { mailbox: 'nothing' })), 'NO [NONEXISTENT]')
    assert.equal(await tagged(session.run(deleteMailbox, { mailbox: 'inbox' })), 'NO [CANNOT]')
    assert.equal(await tagged(session.run(deleteMailbox, { mailbox: 'a' })), 'NO [HASCHILDREN]')
    assert.equal(await tagged(session.run(deleteMailbox, { mailbox: 'a/b' })), 'OK Deleted')
    assert.equal(await tagged(session.run(deleteMailbox, { mailbox: 'a' })), 'OK Deleted')
  })
})

suite('RENAME', () => {
  const session = mail.session('carl@other.test')
  const move = (from: string, to: string): Promise<string> => tagged(session.run(rename, { from, to }))
  const names = (): string[] => mail.reader.mailboxes(session.account?.id ?? 0).map(({ name }) => name)

  test('takes along what is below, and makes what is above', async () => {
    await make(session, 'a/b/c')
    assert.equal(await move('a', 'x/y'), 'OK Renamed')
    assert.deepEqual(
      names().filter(name => /^[ax]/.test(name)),
      ['x', 'x/y', 'x/y/b', 'x/y/b/c'],
    )
  })

  test('INBOX gives what is in it, and stays', async () => {
    await mail.append('carl@other.test', 'INBOX')
    assert.equal(await move('INBOX', 'Old'), 'OK Renamed')
    assert.deepEqual(await session.run(status, { mailbox: 'Old', items: ['MESSAGES'] }), [
      '* STATUS Old (MESSAGES 1)',
      'OK Done',
    ])
    assert.deepEqual(await session.run(status, { mailbox: 'inbox', items: ['MESSAGES'] }), [
      '* STATUS inbox (MESSAGES 0)',
      'OK Done',
    ])
  })

  test('INBOX gives what is in it to a mailbox below it too', async () => {
    await mail.append('carl@other.test', 'INBOX')
    assert.equal(await move('INBOX', 'INBOX/2025'), 'OK Renamed')
    assert.deepEqual(await session.run(status, { mailbox: 'INBOX/2025', items: ['MESSAGES'] }), [
      '* STATUS INBOX/2025 (MESSAGES 1)',
      'OK Done',
    ])
  })

  test('refuses what would leave the tree no tree', async () => {
    assert.equal(await move('nothing', 'something'), 'NO [NONEXISTENT]')
    assert.equal(await move('x', 'Old'), 'NO [ALREADYEXISTS]')
    assert.equal(await move('x', 'INBOX'), 'NO [ALREADYEXISTS]')
    assert.equal(await move('x', 'x/z'), 'NO [CANNOT]')
    assert.equal(await move('x', 'a//b'), 'NO [CANNOT]')
    assert.equal(await move('x', 'l/'.repeat(17) + 'l'), 'NO [CANNOT]') // x/y/b/c would have 21 levels
    assert.equal(await move('x', `user/${ANNA}/x`), 'NO [NONEXISTENT]')
  })
})

suite('SUBSCRIBE and LSUB', () => {
  const session = mail.session('bob@example.org')
  const ask = (reference: string, pattern: string): Promise<string[]> => session.run(lsub, { reference, pattern })
  const set = (name: 'SUBSCRIBE' | 'UNSUBSCRIBE', mailbox: string): Promise<string[]> =>
    session.run(subscribe, { name, mailbox })

  test('names that are subscribed are told, whether or not anything is there', async () => {
    for (const { name } of mail.reader.mailboxes(session.account?.id ?? 0)) await set('UNSUBSCRIBE', name)
    assert.deepEqual(await ask('', '*'), ['OK Done'])
    await make(session, 'News/comp/mail')
    assert.deepEqual(await set('SUBSCRIBE', 'News/comp/mail'), ['OK Subscribed'])
    assert.deepEqual(await set('SUBSCRIBE', 'inbox'), ['OK Subscribed'])
    assert.deepEqual(await set('SUBSCRIBE', 'Nothing'), ['NO [NONEXISTENT]'])
    assert.deepEqual(await ask('', '*'), ['* LSUB () "/" INBOX', '* LSUB () "/" News/comp/mail', 'OK Done'])
    // RFC 3501 §6.3.9: "a special situation"
    assert.deepEqual(await ask('', '%'), ['* LSUB () "/" INBOX', '* LSUB (\\Noselect) "/" News', 'OK Done'])
    assert.deepEqual(await ask('News/', '%'), ['* LSUB (\\Noselect) "/" News/comp', 'OK Done'])
    await session.run(deleteMailbox, { mailbox: 'News/comp/mail' })
    assert.deepEqual(await ask('News/', '*'), ['* LSUB () "/" News/comp/mail', 'OK Done'])
    assert.deepEqual(await set('UNSUBSCRIBE', 'News/comp/mail'), ['OK Unsubscribed'])
    assert.deepEqual(await set('UNSUBSCRIBE', 'News/comp/mail'), ['OK Unsubscribed'])
    assert.deepEqual(await ask('News/', '*'), ['OK Done'])
  })

  test('too many wildcards', async () => {
    assert.deepEqual(await ask('', '%*'.repeat(500)), ['* LSUB () "/" INBOX', 'OK Done']) // one run of them is one
    assert.deepEqual(await ask('', '*a'.repeat(500)), ['NO [LIMIT]'])
  })
})

suite('STATUS', () => {
  const session = mail.session(ANNA)
  test('all items', async () => {
    await make(session, 'Counted')
    const row = mail.reader.mailboxNamed(session.account?.id ?? 0, 'Counted')
    for (const system of [0, SEEN, DELETED]) await mail.append(ANNA, 'Counted', { system, keywords: [] })
    assert.deepEqual(
      await session.run(status, {
        mailbox: 'Counted',
        items: ['MESSAGES', 'RECENT', 'UIDNEXT', 'UNSEEN', 'DELETED', 'SIZE', 'APPENDLIMIT', 'DELETED-STORAGE'],
      }),
      [
        '* STATUS Counted (MESSAGES 3 RECENT 3 UIDNEXT 4 UNSEEN 2 DELETED 1 SIZE 51 APPENDLIMIT 50000000 DELETED-STORAGE 17)',
        'OK Done',
      ],
    )
    assert.deepEqual(await session.run(status, { mailbox: 'Counted', items: ['UIDVALIDITY', 'MAILBOXID'] }), [
      `* STATUS Counted (UIDVALIDITY ${row?.uidValidity} MAILBOXID (F${row?.id}))`,
      'OK Done',
    ])
    assert.ok(!session.enabled.has('CONDSTORE'))
  })

  test('what was shown is not RECENT any more', async () => {
    const mailbox = mail.reader.mailboxNamed(session.account?.id ?? 0, 'Counted')?.id ?? 0
    await mail.storage.ask('mailbox', { is: 'recent', mailbox, uid: 2 })
    assert.deepEqual(await session.run(status, { mailbox: 'Counted', items: ['RECENT'] }), [
      '* STATUS Counted (RECENT 1)',
      'OK Done',
    ])
  })

  test('HIGHESTMODSEQ turns CONDSTORE on (RFC 7162 §3.1.2)', async () => {
    const [line] = await session.run(status, { mailbox: 'Counted', items: ['HIGHESTMODSEQ'] })
    assert.match(line ?? '', /^\* STATUS Counted \(HIGHESTMODSEQ \d+\)$/)
    assert.ok(session.enabled.has('CONDSTORE'))
  })

  test('what is not there', async () => {
    assert.deepEqual(await session.run(status, { mailbox: 'Nothing', items: ['MESSAGES'] }), ['NO [NONEXISTENT]'])
  })
})

suite('NAMESPACE, ID, QUOTA', () => {
  const session = mail.session(ANNA)
  test('NAMESPACE', async () => {
    assert.deepEqual(await session.run(namespace, {}), ['* NAMESPACE (("" "/")) (("user/" "/")) NIL', 'OK Done'])
  })

  test('ID is answered before a log-in, too', async () => {
    const [line] = await mail.session('nobody@example.org').run(id, {})
    assert.match(line ?? '', /^\* ID \("name" "Staffetta" "vendor" "Staffetta" "version" "\d[^"]*"\)$/)
  })

  test('without limits the account has a root that says nothing, its domain none', async () => {
    assert.deepEqual(await session.run(getQuotaRoot, { mailbox: 'INBOX' }), [
      '* QUOTAROOT INBOX anna@example.org',
      '* QUOTA anna@example.org ()',
      'OK Done',
    ])
    assert.deepEqual(await session.run(getQuota, { root: 'example.org' }), ['NO [NONEXISTENT]'])
  })

  test('limits of the account and of its domain', async () => {
    await mail.append(ANNA, 'INBOX')
    await mail.storage.ask('directory', { is: 'set-quota', of: ANNA, each: false, bytes: 10_240, mails: 100 })
    await mail.storage.ask('directory', {
      is: 'set-quota',
      of: 'example.org',
      each: false,
      bytes: 1e9,
      mails: undefined,
    })
    const { account, domain } = mail.reader.quota(session.account?.id ?? 0)
    const own = `* QUOTA anna@example.org (STORAGE ${Math.ceil(account.usedBytes / 1024)} 10 MESSAGE ${account.usedMails} 100)`
    assert.deepEqual(await session.run(getQuotaRoot, { mailbox: 'inbox' }), [
      '* QUOTAROOT inbox anna@example.org example.org',
      own,
      `* QUOTA example.org (STORAGE ${Math.ceil(domain.usedBytes / 1024)} 976562)`,
      'OK Done',
    ])
    assert.deepEqual(await session.run(getQuota, { root: ANNA }), [own, 'OK Done'])
    assert.deepEqual(await session.run(getQuota, { root: 'bob@example.org' }), ['NO [NONEXISTENT]'])
    assert.deepEqual(await session.run(setQuota, {}), ['NO [NOPERM]'])
  })
})

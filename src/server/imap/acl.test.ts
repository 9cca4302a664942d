import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import type { List } from '../../imap/command.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './acl.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { openFakeMail } from './fake-session.ts'
import { list } from './list.ts'
import { nameAsShown, resolveMailbox } from './names.ts'
import { getQuota, getQuotaRoot } from './quota.ts'
import { rename } from './rename.ts'
import { status } from './status.ts'
import { subscribe } from './subscribe.ts'

const ANNA = 'anna@example.org'
const BOB = 'bob@example.org'
const HERS = 'user/anna@example.org/Projects'
const mail = await openFakeMail([ANNA, BOB, 'carl@other.test', 'a/b@example.org'])
const anna = mail.session(ANNA)
const bob = mail.session(BOB)
after(() => mail.close())
await anna.run(create, { mailbox: 'Projects', specialUse: [] })

const give = (identifier: string, rights: string, mailbox = 'Projects', how: 'set' | 'add' | 'remove' = 'set') =>
  anna.run(setAcl, { mailbox, identifier, how, rights })
const messages = (mailbox: string) => bob.run(status, { mailbox, items: ['MESSAGES'] })

const EVERYTHING: List = {
  name: 'LIST',
  extended: false,
  select: [],
  reference: '',
  patterns: ['user/*'],
  returns: { subscribed: false, children: false, specialUse: false, status: [], myRights: false, metadata: [] },
}

suite('SETACL, GETACL, DELETEACL', () => {
  test('the owner has everything, and hears who else has what', async () => {
    assert.deepEqual(await anna.run(getAcl, { mailbox: 'Projects' }), [
      '* ACL Projects anna@example.org lrswipkxteacd',
      'OK Done',
    ])
    assert.deepEqual(await give('BOB@example.org', 'lrd'), ['OK Done'])
    assert.deepEqual(await give('anyone', 'l', 'Projects', 'add'), ['OK Done'])
    assert.deepEqual(await give('-carl@other.test', 'l'), ['OK Done'])
    assert.deepEqual(await give(BOB, 'te', 'Projects', 'remove'), ['OK Done'])
    assert.deepEqual(await give(BOB, 's', 'Projects', 'add'), ['OK Done'])
    assert.deepEqual(await anna.run(getAcl, { mailbox: 'projects' }), ['NO [NONEXISTENT]'])
    assert.deepEqual(await anna.run(getAcl, { mailbox: 'Projects' }), [
      '* ACL Projects anna@example.org lrswipkxteacd -carl@other.test l anyone l bob@example.org lrs',
      'OK Done',
    ])
  })

  test('what cannot be given', async () => {
    assert.match((await give(BOB, 'lQ'))[0] ?? '', /^BAD /) // RFC 4314 §3.1
    assert.deepEqual(await give(ANNA, 'l'), ['NO [CANNOT]'])
    assert.deepEqual(await give(`-${ANNA}`, 'l'), ['NO [CANNOT]'])
    assert.deepEqual(await give('nobody@example.org', 'l'), ['NO [CANNOT]'])
    assert.deepEqual(await give(BOB, 'l', 'Nothing'), ['NO [NONEXISTENT]'])
    assert.deepEqual(await bob.run(setAcl, { mailbox: HERS, identifier: BOB, how: 'add', rights: 'a' }), [
      'NO [NOPERM]',
    ])
  })

  test('LISTRIGHTS and MYRIGHTS', async () => {
    assert.deepEqual(await anna.run(listRights, { mailbox: 'Projects', identifier: BOB }), [
      '* LISTRIGHTS Projects bob@example.org "" l r s w i p k x t e a c d',
      'OK Done',
    ])
    assert.deepEqual(await anna.run(listRights, { mailbox: 'Projects', identifier: ANNA }), [
      '* LISTRIGHTS Projects anna@example.org lrswipkxteacd',
      'OK Done',
    ])
    assert.deepEqual(await anna.run(myRights, { mailbox: 'INBOX' }), ['* MYRIGHTS INBOX lrswipkxteacd', 'OK Done'])
    assert.deepEqual(await bob.run(myRights, { mailbox: HERS }), [`* MYRIGHTS ${HERS} lrs`, 'OK Done'])
    assert.deepEqual(await bob.run(myRights, { mailbox: 'user/anna@example.org' }), ['NO [NONEXISTENT]'])
  })

  test('taken rights are gone, twice too', async () => {
    const take = (identifier: string) => anna.run(deleteAcl, { mailbox: 'Projects', identifier })
    assert.deepEqual(await take('-carl@other.test'), ['OK Done'])
    assert.deepEqual(await take('-carl@other.test'), ['OK There were none'])
    assert.deepEqual(await take('anyone'), ['OK Done'])
  })
})

suite("others' mailboxes", () => {
  test('are there under their names for those who may see them', async () => {
    assert.deepEqual(await bob.run(list, EVERYTHING), [
      '* LIST (\\NonExistent \\Noselect \\HasChildren) "/" user/anna@example.org',
      `* LIST (\\HasNoChildren) "/" ${HERS}`,
      'OK Done',
    ])
    assert.deepEqual(await mail.session('carl@other.test').run(list, EVERYTHING), ['OK Done'])
    assert.deepEqual(await messages(HERS), [`* STATUS ${HERS} (MESSAGES 0)`, 'OK Done'])
  })

  test('INBOX is that of its owner', async () => {
    await give(BOB, 'lr', 'INBOX')
    assert.equal(resolveMailbox(bob, 'user/anna@example.org')?.row.name, 'INBOX')
    assert.equal(resolveMailbox(bob, 'user/ANNA@example.org/inbox')?.row.name, 'INBOX')
    assert.equal(resolveMailbox(anna, 'user/anna@example.org')?.rights, 'lrswipkxtea')
    assert.equal(nameAsShown(bob, 'user/ANNA@Example.org/inbox'), 'user/anna@example.org')
    assert.equal(nameAsShown(anna, 'user/anna@example.org/Projects'), 'Projects')
    await give(BOB, '', 'INBOX')
    assert.equal(resolveMailbox(bob, 'user/anna@example.org'), undefined)
  })

  test('an address may have the separator in it', () => {
    assert.equal(resolveMailbox(mail.session('a/b@example.org'), 'user/a/b@example.org')?.row.owner, 'a/b@example.org')
  })

  test('without l but with another right one hears no more than that it is not there', async () => {
    await give(BOB, 'i')
    assert.deepEqual(await messages(HERS), ['NO [NONEXISTENT]'])
    assert.deepEqual(await bob.run(deleteMailbox, { mailbox: HERS }), ['NO [NONEXISTENT]'])
    assert.deepEqual(await bob.run(subscribe, { name: 'SUBSCRIBE', mailbox: HERS }), ['NO [NONEXISTENT]'])
    assert.deepEqual(await bob.run(list, EVERYTHING), ['OK Done'])
    await give(BOB, 'l')
    assert.deepEqual(await messages(HERS), ['NO [NOPERM]'])
    assert.equal((await bob.run(list, EVERYTHING))[1], `* LIST (\\Noselect \\HasNoChildren) "/" ${HERS}`)
  })

  test('no name that one asks for tells whether an account is there', async () => {
    const made = async (mailbox: string) => [
      ...(await bob.run(create, { mailbox, specialUse: [] })),
      ...(await bob.run(rename, { from: 'INBOX', to: mailbox })),
    ]
    for (const name of ['', '/INBOX', '/x', '/..', '/ ']) {
      assert.deepEqual(await made(`user/carl@other.test${name}`), await made(`user/nobody@other.test${name}`), name)
    }
  })

  test('a mailbox below it needs k, and has the rights of what is above', async () => {
    const below = `${HERS}/2026/May`
    await give(BOB, 'lr')
    assert.deepEqual(await bob.run(create, { mailbox: below, specialUse: [] }), ['NO [NOPERM]'])
    assert.deepEqual(await bob.run(create, { mailbox: 'user/anna@example.org/Other', specialUse: [] }), [
      'NO [NONEXISTENT]',
    ])
    await give(BOB, 'lrkx')
    await anna.run(deleteMailbox, { mailbox: 'Archive' })
    assert.deepEqual(await bob.run(create, { mailbox: below, specialUse: ['\\Archive'] }), ['NO [USEATTR]'])
    assert.match((await bob.run(create, { mailbox: below, specialUse: [] }))[0] ?? '', /^OK \[MAILBOXID/)
    for (const name of [`${HERS}/2026`, below]) {
      assert.deepEqual(await bob.run(myRights, { mailbox: name }), [`* MYRIGHTS ${name} lrkxc`, 'OK Done'])
    }
    assert.deepEqual(await bob.run(rename, { from: below, to: `${HERS}/2027` }), ['OK Renamed'])
    assert.deepEqual(await bob.run(rename, { from: `${HERS}/2027`, to: 'Mine' }), ['NO [CANNOT]'])
    assert.deepEqual(await bob.run(deleteMailbox, { mailbox: `${HERS}/2027` }), ['OK Deleted'])
  })

  test('quota is that of the owner', async () => {
    assert.deepEqual(await bob.run(getQuotaRoot, { mailbox: HERS }), [
      `* QUOTAROOT ${HERS} anna@example.org`,
      '* QUOTA anna@example.org ()',
      'OK Done',
    ])
    assert.deepEqual(await bob.run(getQuota, { root: ANNA }), ['* QUOTA anna@example.org ()', 'OK Done'])
    await give(BOB, 'l')
    assert.deepEqual(await bob.run(getQuotaRoot, { mailbox: HERS }), ['NO [NOPERM]'])
  })
})

import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setAcl } from './acl.ts'
import { openFakeMail } from './fake-session.ts'
import { getMetadata, setMetadata } from './metadata.ts'

const ANNA = 'anna@example.org'
const BOB = 'bob@example.org'
const HERS = 'user/anna@example.org'
const mail = await openFakeMail([ANNA, BOB])
const [anna, bob] = [mail.session(ANNA), mail.session(BOB)]
after(() => mail.close())

type Depth = 0 | 1 | 'infinity'

const set = (name: string, value: string | Buffer | undefined, mailbox = 'INBOX', by = anna): Promise<string[]> =>
  by.run(setMetadata, { mailbox, entries: [{ name, value: typeof value === 'string' ? Buffer.from(value) : value }] })

const get = (entries: string[], mailbox = 'INBOX', by = anna, depth: Depth = 0, maxSize?: number): Promise<string[]> =>
  by.run(getMetadata, { mailbox, entries, depth, maxSize })

suite('RFC 5464', () => {
  test('§4.3: an entry is set, read in any case, and removed', async () => {
    assert.deepEqual(await set('/private/comment', 'My new comment'), ['OK Done'])
    assert.deepEqual(await get(['/Private/Comment']), [
      '* METADATA INBOX (/private/comment "My new comment")',
      'OK Done',
    ])
    assert.deepEqual(await set('/PRIVATE/comment', undefined), ['OK Done'])
    assert.deepEqual(await get(['/private/comment']), ['* METADATA INBOX (/private/comment NIL)', 'OK Done'])
  })

  test('§5: values of any bytes', async () => {
    await set('/private/a', 'a "b" \\')
    await set('/private/b', 'ä\r\nb')
    await set('/private/c', Buffer.from([0x41, 0, 0x42]))
    await set('/private/d', '')
    assert.deepEqual(await get(['/private/a', '/private/b', '/private/c', '/private/d']), [
      '* METADATA INBOX (/private/a "a \\"b\\" \\\\" /private/b {5}',
      'ä',
      'b /private/c ~{3}',
      'A\0B /private/d "")',
      'OK Done',
    ])
    for (const name of ['/private/a', '/private/b', '/private/c', '/private/d']) await set(name, undefined)
  })

  test('§4.2.2: depth', async () => {
    await set('/private/filters/values/small', 'SMALLER 5000')
    await set('/private/filters/values/boss', 'FROM "boss"')
    await set('/private/filters/values', 'two')
    const [small, boss] = [
      '/private/filters/values/small "SMALLER 5000"',
      '/private/filters/values/boss "FROM \\"boss\\""',
    ]
    assert.deepEqual(await get(['/private/filters/values'], 'INBOX', anna, 1), [
      `* METADATA INBOX (/private/filters/values "two" ${boss} ${small})`,
      'OK Done',
    ])
    assert.deepEqual(await get(['/private/filters'], 'INBOX', anna, 1), [
      '* METADATA INBOX (/private/filters/values "two")',
      'OK Done',
    ])
    assert.deepEqual(await get(['/private'], 'INBOX', anna, 'infinity'), [
      `* METADATA INBOX (/private/filters/values "two" ${boss} ${small})`,
      'OK Done',
    ])
    assert.deepEqual(await get(['/shared'], 'INBOX', anna, 'infinity'), ['OK Done'])
  })

  test('§4.2.1: what is longer than MAXSIZE is left out', async () => {
    await set('/private/long', 'x'.repeat(199))
    assert.deepEqual(await get(['/private/long', '/private/filters/values'], 'INBOX', anna, 0, 100), [
      '* METADATA INBOX (/private/filters/values "two")',
      'OK [METADATA LONGENTRIES 199]',
    ])
  })

  test('§6.2.1: the server says what it is, and who looks after it', async () => {
    assert.deepEqual(await get(['/shared/comment', '/shared/admin'], ''), [
      '* METADATA "" (/shared/comment "Staffetta at mail.example.org" /shared/admin "mailto:postmaster@example.org")',
      'OK Done',
    ])
    assert.deepEqual(await set('/shared/comment', 'x', ''), ['NO [NOPERM]'])
    assert.deepEqual(await set('/private/comment', 'mine', ''), ['OK Done'])
    assert.deepEqual(await get(['/private/comment'], '', bob), ['* METADATA "" (/private/comment NIL)', 'OK Done'])
  })

  test('§4.3: limits', async () => {
    assert.deepEqual(await set('/private/long', 'x'.repeat(65_537)), ['NO [METADATA MAXSIZE 65536]'])
    const entries = Array.from({ length: 101 }, (_, i) => ({ name: `/private/n/${i}`, value: Buffer.from('x') }))
    assert.deepEqual(await anna.run(setMetadata, { mailbox: 'Sent', entries }), ['NO [METADATA TOOMANY]'])
    assert.deepEqual(await get(['/private/n/1'], 'Sent'), ['* METADATA Sent (/private/n/1 NIL)', 'OK Done'])
  })

  test('§3.2: names', async () => {
    for (const name of [
      'comment',
      '/comment',
      '/private/',
      '/private//a',
      '/private/a/',
      '/private/*',
      '/private/ä',
      '/other/a',
    ]) {
      assert.match((await set(name, 'x'))[0] ?? '', /^BAD /, name)
      assert.match((await get([name]))[0] ?? '', /^BAD /, name)
    }
    assert.match((await set('/private', 'x'))[0] ?? '', /^BAD /)
    assert.deepEqual(await get(['/private/comment'], 'Nothing'), ['NO [NONEXISTENT]'])
  })

  test('RFC 6154 §4: the use of a mailbox is read here, and not changed', async () => {
    assert.deepEqual(await get(['/private/specialuse'], 'Trash'), [
      '* METADATA Trash (/private/specialuse "\\\\Trash")',
      'OK Done',
    ])
    assert.deepEqual(await set('/private/specialuse', '\\Sent', 'Trash'), ['NO [USEATTR]'])
  })

  test("in somebody else's mailbox what is private is one's own, and what is shared is everybody's", async () => {
    assert.deepEqual(await get(['/shared/comment'], HERS, bob), ['NO [NONEXISTENT]'])
    await anna.run(setAcl, { mailbox: 'INBOX', identifier: BOB, how: 'set', rights: 'lr' })
    assert.deepEqual(await set('/shared/comment', 'by anna'), ['OK Done'])
    assert.deepEqual(await set('/shared/comment', 'by bob', HERS, bob), ['NO [NOPERM]'])
    assert.deepEqual(await set('/private/comment', 'of bob', HERS, bob), ['OK Done'])
    assert.deepEqual(await get(['/shared/comment', '/private/comment'], HERS, bob), [
      `* METADATA ${HERS} (/shared/comment "by anna" /private/comment "of bob")`,
      'OK Done',
    ])
    assert.deepEqual(await get(['/private/comment']), ['* METADATA INBOX (/private/comment NIL)', 'OK Done'])
    await anna.run(setAcl, { mailbox: 'INBOX', identifier: BOB, how: 'add', rights: 'w' })
    assert.deepEqual(await set('/shared/comment', 'by bob', HERS, bob), ['OK Done'])
    assert.deepEqual(await get(['/shared/comment']), ['* METADATA INBOX (/shared/comment "by bob")', 'OK Done'])
  })
})

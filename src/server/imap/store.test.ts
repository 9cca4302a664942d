import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'

const ANNA = 'anna@example.org'
const BEN = 'ben@example.org'

async function open(t: TestContext, mails = 4): Promise<{ server: FakeServer; anna: FakeClient; other: FakeClient }> {
  const server = await openFakeServer([ANNA, BEN])
  t.after(() => server.close())
  for (let i = 0; i < mails; i++) await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  const [anna, other] = [await server.connect(ANNA), await server.connect(ANNA)]
  await other.say('SELECT INBOX')
  await anna.say('SELECT INBOX')
  return { server, anna, other }
}

const OK = '. OK Stored\r\n'

/** Whose session it is \Recent to is not what these tests are about. */
const plain = (answer: string): string => answer.replaceAll(/ ?\\Recent/g, '')

test('flags are set, added and removed; the client hears what became different, once, and others as well', async t => {
  const { anna, other } = await open(t)
  for (const [command, expected] of [
    [
      'STORE 1:2 +FLAGS (\\Seen $Junk)',
      `* 1 FETCH (FLAGS (\\Seen $Junk))\r\n* 2 FETCH (FLAGS (\\Seen $Junk))\r\n${OK}`,
    ],
    ['STORE 2:3 +FLAGS (\\Seen)', `* 3 FETCH (FLAGS (\\Seen))\r\n${OK}`],
    ['UID STORE 1 FLAGS ($JUNK other)', `* 1 FETCH (UID 1 FLAGS ($Junk other))\r\n${OK}`],
    ['STORE 2 -FLAGS ($junk)', `* 2 FETCH (FLAGS (\\Seen))\r\n${OK}`],
    ['STORE 4 +FLAGS.SILENT (\\Deleted)', OK],
    ['UID STORE 100:200 +FLAGS (\\Seen)', OK],
    ['STORE 4 FLAGS ()', `* 4 FETCH (FLAGS ())\r\n${OK}`],
    ['STORE 4 FLAGS (\\Recent)', OK],
  ] as const) {
    assert.equal(plain(await anna.say(command)), expected, command)
  }
  assert.doesNotMatch(await anna.say('NOOP'), /FETCH/)
  const heard = await other.say('NOOP')
  for (const flags of ['1 FETCH (FLAGS ($Junk other', '2 FETCH (FLAGS (\\Seen', '3 FETCH (FLAGS (\\Seen']) {
    assert.ok(heard.includes(`* ${flags}`), `${flags} in ${heard}`)
  }
})

test('what somebody else changed is not hidden by a STORE that is to be silent', async t => {
  const { anna, other } = await open(t)
  // RFC 9051 §6.4.6: a change from an external source is told regardless of .SILENT.
  await other.say('STORE 1 +FLAGS (\\Flagged)')
  const heard = plain(await anna.say('STORE 1:2 +FLAGS.SILENT (\\Seen)'))
  assert.equal(heard, `* 1 FETCH (FLAGS (\\Seen \\Flagged))\r\n${OK}`)
  await other.say('STORE 2 +FLAGS ($Junk)')
  await anna.say('FETCH 3 FLAGS')
  await other.say('STORE 2 +FLAGS (\\Answered)')
  assert.equal(plain(await anna.say('STORE 2 -FLAGS.SILENT (\\Seen)')), `* 2 FETCH (FLAGS (\\Answered $Junk))\r\n${OK}`)
  await other.say('STORE 3 +FLAGS (\\Answered)')
  assert.equal(plain(await anna.say('STORE 3 FLAGS.SILENT (\\Draft)')), OK)
  assert.equal(await anna.say('NOOP'), '. OK Done\r\n')
})

test('what cannot be: numbers, a mailbox that is only read', async t => {
  const { anna } = await open(t)
  assert.match(await anna.say('STORE 5 +FLAGS (\\Seen)'), /^\. BAD/)
  await anna.say('EXAMINE INBOX')
  assert.match(await anna.say('STORE 1 +FLAGS (\\Seen)'), /^\. NO \[READ-ONLY\]/)
  await anna.say('SELECT INBOX')
  const keywords = Array.from({ length: 60 }, (_, n) => `k${n}`).join(' ')
  assert.match(await anna.say(`STORE 1 +FLAGS (${keywords})`), /^\. NO \[LIMIT\]/)
})

test('UNCHANGEDSINCE leaves alone what others changed, and says which', async t => {
  const { anna, other } = await open(t)
  const since = Number(/HIGHESTMODSEQ (\d+)/.exec(await anna.say('FETCH 1 MODSEQ'))?.[1])
  await other.say('STORE 2 +FLAGS (\\Flagged)')
  const answer = await anna.say(`STORE 1:3 (UNCHANGEDSINCE ${since}) +FLAGS.SILENT (\\Deleted)`)
  assert.equal(
    plain(answer),
    `* 1 FETCH (MODSEQ (${since + 2}))\r\n* 3 FETCH (MODSEQ (${since + 2}))\r\n` +
      `* 2 FETCH (FLAGS (\\Flagged) MODSEQ (${since + 1}))\r\n. OK [MODIFIED 2] Some were changed by others meanwhile\r\n`,
  )
  const again = await anna.say(`UID STORE 1:4 (UNCHANGEDSINCE ${since}) +FLAGS (\\Seen)`)
  assert.equal(
    plain(again),
    `* 4 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (${since + 3}))\r\n. OK [MODIFIED 1:3] Some were changed by others meanwhile\r\n`,
  )
  // What passes is told even if it had the flag already.
  assert.equal(
    plain(await anna.say(`STORE 4 (UNCHANGEDSINCE ${since + 3}) +FLAGS (\\Seen)`)),
    `* 4 FETCH (FLAGS (\\Seen) MODSEQ (${since + 3}))\r\n${OK}`,
  )
  assert.match(await anna.say('STORE 1 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)'), /\. OK \[MODIFIED 1\]/)
})

test('MODIFIED names what the command named: numbers, or UIDs', async t => {
  const { anna } = await open(t)
  await anna.say('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await anna.say('EXPUNGE')
  for (const [command, expected] of [
    ['STORE 2:3 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)', '2:3'],
    ['UID STORE 3:4 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)', '3:4'],
  ] as const) {
    const answer = await anna.say(command)
    assert.ok(answer.endsWith(`. OK [MODIFIED ${expected}] Some were changed by others meanwhile\r\n`), answer)
  }
})

test("a STORE that changes nothing doesn't hide what somebody else did", async t => {
  const { anna, other } = await open(t)
  await anna.say('STORE 1 +FLAGS (\\Seen)')
  await other.say('STORE 2 +FLAGS (\\Flagged)')
  assert.equal(plain(await anna.say('STORE 1 +FLAGS (\\Seen)')), `* 2 FETCH (FLAGS (\\Flagged))\r\n${OK}`)
})

test('mails that somebody expunged are passed over, and that is said', async t => {
  const { anna, other } = await open(t)
  await other.say('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.say('EXPUNGE')
  const answer = await anna.say('STORE 1:2 +FLAGS (\\Seen)')
  assert.equal(plain(answer), '* 2 FETCH (FLAGS (\\Seen))\r\n. OK [EXPUNGEISSUED] Some of the messages are gone\r\n')
})

test('thousands at once are stored in several operations', async t => {
  const { server, anna, other } = await open(t, 1)
  const { storage, reader } = server.services
  const mailbox = reader.mailboxNamed(server.services.accountNamed(ANNA)?.id ?? 0, 'INBOX')?.id ?? 0
  for (let mails = 1; mails < 4096; mails *= 2) {
    await storage.ask('copy', { how: 'copy', from: mailbox, to: mailbox, uids: [[1, 2 ** 32 - 1]] })
  }
  await other.say('NOOP')
  await anna.say('NOOP')
  const answer = await anna.say('STORE 1:* +FLAGS (\\Flagged)')
  assert.equal(answer.match(/FETCH \(FLAGS \(\\Flagged/g)?.length, 4096)
  assert.equal(await anna.say('UID STORE 1:* +FLAGS.SILENT (\\Deleted)'), OK)
  assert.equal((await other.say('NOOP')).match(/FETCH \(FLAGS \(\\Flagged \\Deleted/g)?.length, 4096)
  assert.equal((await anna.say('EXPUNGE')).match(/EXPUNGE\r\n/g)?.length, 4096)
})

test('RFC 4314: each flag has its right, and what others may change stays', async t => {
  const { server, anna } = await open(t)
  await anna.say('STORE 1 +FLAGS.SILENT (\\Seen \\Flagged \\Deleted work)')
  const ben = await server.connect(BEN)
  async function select(rights: string): Promise<void> {
    await anna.say(`SETACL INBOX ${BEN} ${rights}`)
    await ben.say(`SELECT user/${ANNA}`)
  }
  await select('lrs')
  assert.equal(
    plain(await ben.say('STORE 1 FLAGS (\\Answered)')),
    `* 1 FETCH (FLAGS (\\Flagged \\Deleted work))\r\n${OK}`,
  )
  assert.match(await ben.say('STORE 1 +FLAGS (\\Answered home)'), /^\. NO \[NOPERM\]/)
  assert.equal(
    plain(await ben.say('STORE 1 +FLAGS (\\Seen \\Answered)')),
    `* 1 FETCH (FLAGS (\\Seen \\Flagged \\Deleted work))\r\n${OK}`,
  )
  await select('lrw')
  assert.equal(
    plain(await ben.say('STORE 1 FLAGS (\\Draft home)')),
    `* 1 FETCH (FLAGS (\\Seen \\Deleted \\Draft home))\r\n${OK}`,
  )
  await select('lrt')
  assert.equal(plain(await ben.say('STORE 1 FLAGS ()')), `* 1 FETCH (FLAGS (\\Seen \\Draft home))\r\n${OK}`)
  await select('lri')
  assert.match(await ben.say('STORE 1 +FLAGS (\\Seen)'), /^\. NO \[NOPERM\]/)
})

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'

const ANNA = 'anna@example.org'
const BEN = 'ben@example.org'

async function open(t: TestContext): Promise<{ server: FakeServer; anna: FakeClient }> {
  const server = await openFakeServer([ANNA, BEN])
  t.after(() => server.close())
  for (let i = 0; i < 4; i++) await server.deliver(ANNA, 'Return-Path: <>\r\n', `A: ${i}\r\n\r\nc`)
  const anna = await server.connect(ANNA)
  await anna.say('SELECT INBOX')
  return { server, anna }
}

function heldBy(server: FakeServer, address: string, mailbox: string): { exists: number; uidValidity: number } {
  const { accountNamed, reader } = server.services
  return reader.mailboxNamed(accountNamed(address)?.id ?? 0, mailbox) ?? assert.fail(`no ${mailbox}`)
}

test('copies have the flags, the date and the lines of their original', async t => {
  const { server, anna } = await open(t)
  await anna.say('STORE 2 +FLAGS.SILENT (\\Flagged work)')
  const { uidValidity } = heldBy(server, ANNA, 'Archive')
  assert.equal(await anna.say('COPY 2:3 Archive'), `. OK [COPYUID ${uidValidity} 2:3 1:2] Copied\r\n`)
  assert.equal(await anna.say('UID COPY 4,1 Archive'), `. OK [COPYUID ${uidValidity} 1,4 3:4] Copied\r\n`)
  await anna.say('SELECT Archive')
  const text = 'Return-Path: <>\r\nA: 1\r\n\r\nc'
  assert.match(await anna.say('FETCH 1 (FLAGS BODY.PEEK[])'), /^\* 1 FETCH \(FLAGS \(\\Flagged work/)
  assert.ok((await anna.say('FETCH 1 BODY.PEEK[]')).includes(`{${text.length}}\r\n${text})`))
})

test('a mailbox can be copied into itself, and hears of it', async t => {
  const { anna } = await open(t)
  assert.match(await anna.say('COPY 1 INBOX'), /^\* 5 EXISTS\r\n(?:\* 5 RECENT\r\n)?\. OK \[COPYUID \d+ 1 5\]/)
})

test('what cannot be copied or moved, and what is nothing', async t => {
  const { anna } = await open(t)
  for (const [command, expected] of [
    ['COPY 1 Nowhere', /^\. NO \[TRYCREATE\]/],
    ['MOVE 1 Nowhere', /^\. NO \[TRYCREATE\]/],
    [`COPY 1 user/${BEN}`, /^\. NO \[TRYCREATE\]/],
    ['COPY 9 Archive', /^\. BAD/],
    ['UID COPY 900:901 Archive', /^\. OK There/],
    ['UID MOVE 900:901 Archive', /^\. OK There/],
  ] as const) {
    assert.match(await anna.say(command), expected, command)
  }
  await anna.say('EXAMINE INBOX')
  assert.match(await anna.say('MOVE 1 Archive'), /^\. NO \[READ-ONLY\]/)
  assert.match(await anna.say('EXPUNGE'), /^\. NO \[READ-ONLY\]/)
  assert.match(await anna.say('COPY 1 Archive'), /^\. OK \[COPYUID/)
})

test('MOVE: COPYUID first, then what went', async t => {
  const { server, anna } = await open(t)
  const { uidValidity } = heldBy(server, ANNA, 'Archive')
  assert.equal(
    await anna.say('MOVE 1,3 Archive'),
    `* OK [COPYUID ${uidValidity} 1,3 1:2] Moved\r\n* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n. OK Moved\r\n`,
  )
  await anna.say('ENABLE QRESYNC')
  assert.equal(
    await anna.say('UID MOVE 1:* Archive'),
    `* OK [COPYUID ${uidValidity} 2,4 3:4] Moved\r\n* VANISHED 2,4\r\n. OK Moved\r\n`,
  )
  assert.equal(heldBy(server, ANNA, 'INBOX').exists, 0)
  assert.equal(heldBy(server, ANNA, 'Archive').exists, 4)
})

test('EXPUNGE takes what is deleted, UID EXPUNGE only of its set, CLOSE says nothing', async t => {
  const { server, anna } = await open(t)
  await anna.say('STORE 1:3 +FLAGS.SILENT (\\Deleted)')
  assert.equal(await anna.say('UID EXPUNGE 2,4,9'), '* 2 EXPUNGE\r\n. OK Expunged\r\n')
  assert.equal(await anna.say('UID EXPUNGE 2'), '. OK Expunged\r\n')
  await anna.say('ENABLE CONDSTORE')
  assert.match(await anna.say('EXPUNGE'), /^\* 2 EXPUNGE\r\n\* 1 EXPUNGE\r\n\. OK \[HIGHESTMODSEQ \d+\] Expunged\r\n$/)
  await anna.say('STORE 1 +FLAGS.SILENT (\\Deleted)')
  assert.doesNotMatch(await anna.say('CLOSE'), /EXPUNGE/)
  assert.equal(heldBy(server, ANNA, 'INBOX').exists, 0)
})

test('what somebody expunged meanwhile is not copied', async t => {
  const { server, anna } = await open(t)
  const other = await server.connect(ANNA)
  await other.say('SELECT INBOX')
  await other.say('STORE 1:2 +FLAGS.SILENT (\\Deleted)')
  await other.say('EXPUNGE')
  assert.match(await anna.say('UID COPY 1 Archive'), /\. NO \[EXPUNGEISSUED\]/)
  assert.match(await anna.say('UID MOVE 1:2 Archive'), /\. OK There was nothing/)
  assert.equal(heldBy(server, ANNA, 'Archive').exists, 0)
})

test('over quota nothing is copied; moving needs no more room', async t => {
  const { server, anna } = await open(t)
  await server.services.storage.ask('directory', { is: 'set-quota', of: ANNA, each: false, bytes: undefined, mails: 5 })
  assert.match(await anna.say('COPY 1:2 Archive'), /^\. NO \[OVERQUOTA\]/)
  assert.equal(heldBy(server, ANNA, 'Archive').exists, 0)
  assert.match(await anna.say('MOVE 1:2 Archive'), /\. OK Moved/)
})

test('RFC 4314: into the mailbox of another with i, with the flags that one may set there; out of it with t and e', async t => {
  const { server, anna } = await open(t)
  const ben = await server.connect(BEN)
  await ben.say('CREATE Shared')
  await ben.say(`SETACL Shared ${ANNA} lrs`)
  await anna.say('STORE 1 +FLAGS.SILENT (\\Seen \\Flagged \\Deleted work)')
  assert.match(await anna.say(`COPY 1 user/${BEN}/Shared`), /^\. NO \[NOPERM\]/)
  await ben.say(`SETACL Shared ${ANNA} lrsi`)
  assert.match(await anna.say(`COPY 1 user/${BEN}/Shared`), /^\. OK \[COPYUID/)
  await anna.say(`SELECT user/${BEN}/Shared`)
  assert.match(await anna.say('FETCH 1 FLAGS'), /^\* 1 FETCH \(FLAGS \(\\Seen(?: \\Recent)?\)\)/)
  assert.match(await anna.say('MOVE 1 INBOX'), /^\. NO \[NOPERM\]/)
  assert.match(await anna.say('EXPUNGE'), /^\. NO \[NOPERM\]/)
  await ben.say(`SETACL Shared ${ANNA} lrsite`)
  await anna.say(`SELECT user/${BEN}/Shared`)
  assert.match(await anna.say('MOVE 1 INBOX'), /\. OK Moved/)
})

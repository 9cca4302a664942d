import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'

const ANNA = 'anna@example.org'
const BEN = 'ben@example.org'

async function open(t: TestContext, messageSize = 1_000_000): Promise<{ server: FakeServer; anna: FakeClient }> {
  const server = await openFakeServer([ANNA, BEN], { messageSize })
  t.after(() => server.close())
  return { server, anna: await server.connect(ANNA) }
}

function row(server: FakeServer, mailbox: string, address = ANNA) {
  const { accountNamed, reader } = server.services
  return reader.mailboxNamed(accountNamed(address)?.id ?? 0, mailbox) ?? assert.fail(`no ${mailbox}`)
}

const literal = (text: string, brace = '{'): string => `${brace}${text.length}+}\r\n${text}`

test('a message is stored with its flags and date, and its UID is told', async t => {
  const { server, anna } = await open(t)
  const { uidValidity } = row(server, 'Drafts')
  const text = 'Subject: x\r\n\r\nText\r\n'
  assert.equal(await anna.say('APPEND Drafts ', literal(text)), `. OK [APPENDUID ${uidValidity} 1] Stored\r\n`)
  const date = '"17-Jul-1996 02:44:25 -0700"'
  assert.equal(
    await anna.say(`APPEND drafts (\\Seen \\Draft $Mine) ${date} `, literal(text)).then(answer => answer.slice(0, 15)),
    '. NO [TRYCREATE',
  )
  assert.match(
    await anna.say(`APPEND Drafts (\\Seen \\Draft $Mine) ${date} `, literal(text)),
    /^\. OK \[APPENDUID \d+ 2\]/,
  )
  await anna.say('SELECT Drafts')
  const answer = await anna.say('FETCH 1:2 (FLAGS INTERNALDATE BODY.PEEK[])')
  assert.match(answer, /\* 2 FETCH \(FLAGS \(\\Seen \\Draft \$Mine[^)]*\) INTERNALDATE "17-Jul-1996 09:44:25 \+0000"/)
  assert.match(answer, /\* 1 FETCH \(FLAGS \([^)]*\) INTERNALDATE "17-Jul-2026 02:44:25 \+0000"/)
  assert.equal(answer.split(`{${text.length}}\r\n${text})`).length, 3)
})

test('MULTIAPPEND: all of them or none', async t => {
  const { server, anna } = await open(t)
  const { uidValidity } = row(server, 'INBOX')
  const messages = `${literal('A: 1\r\n\r\n1')} (\\Seen) ${literal('A: 2\r\n\r\n2')} ${literal('A: 3\r\n\r\n3')}`
  assert.equal(await anna.say('APPEND INBOX ', messages), `. OK [APPENDUID ${uidValidity} 1:3] Stored\r\n`)
  // RFC 3502 §6.3.11: the last one is empty: the client takes all of it back.
  assert.match(await anna.say('APPEND INBOX ', `${literal('A: 4\r\n\r\n')} ${literal('')}`), /^\. NO An empty/)
  await server.services.storage.ask('directory', { is: 'set-quota', of: ANNA, each: false, bytes: undefined, mails: 5 })
  assert.match(await anna.say('APPEND INBOX ', messages), /^\. NO \[OVERQUOTA\]/)
  assert.equal(row(server, 'INBOX').exists, 3)
})

test('who has it selected hears of it', async t => {
  const { anna } = await open(t)
  await anna.say('SELECT INBOX')
  assert.match(await anna.say('APPEND INBOX ', literal('A: 1\r\n\r\n1')), /^\* 1 EXISTS\r\n.*\. OK \[APPENDUID/s)
})

test('what is not stored leaves nothing behind', async t => {
  const { server, anna } = await open(t)
  const large = literal(`A: b\r\n\r\n${'x'.repeat(400_000)}`)
  for (const [command, expected] of [
    [`APPEND Nowhere ${large}`, /^\. NO \[TRYCREATE\]/],
    [`APPEND user/${BEN} ${large}`, /^\. NO \[TRYCREATE\]/],
    [`APPEND INBOX ${large} ${literal('')}`, /^\. NO An empty/],
    [`APPEND INBOX UTF8 (~${large})`, /^\. NO \[CANNOT\]/],
    [`APPEND INBOX (${Array.from({ length: 60 }, (_, n) => `k${n}`).join(' ')}) ${large}`, /^\. NO \[LIMIT\]/],
    [`REPLACE 1 INBOX ${large}`, /^\. BAD/],
  ] as const) {
    assert.match(await anna.say(command), expected, command.slice(0, 30))
  }
  await server.services.storage.ask('directory', {
    is: 'set-quota',
    of: ANNA,
    each: false,
    bytes: 1000,
    mails: undefined,
  })
  assert.match(await anna.say(`APPEND INBOX ${large}`), /^\. NO \[OVERQUOTA\]/)
  await new Promise(setImmediate)
  assert.deepEqual(readdirSync(join(server.data, 'bodies')), [])
})

test('a large message is a file under the number of the message', async t => {
  const { server, anna } = await open(t)
  const text = `Subject: large\r\n\r\n${'0123456789'.repeat(40_000)}`
  await anna.say('APPEND INBOX ', literal(text))
  assert.equal(readdirSync(join(server.data, 'bodies')).length, 1)
  await anna.say('SELECT INBOX')
  assert.ok((await anna.say('FETCH 1 BODY.PEEK[]')).startsWith(`* 1 FETCH (BODY[] {${text.length}}\r\n${text})`))
})

test('larger than is allowed', async t => {
  const { anna } = await open(t, 100)
  assert.match(await anna.say('APPEND INBOX ', literal('x'.repeat(101))), /^\. NO \[TOOBIG\]/)
  assert.match(await anna.say('APPEND INBOX ', literal('x'.repeat(100))), /^\. OK/)
})

test('UTF-8 when it was enabled, NUL in a literal8', async t => {
  const { anna } = await open(t)
  await anna.say('ENABLE UTF8=ACCEPT')
  assert.match(
    await anna.say('APPEND INBOX UTF8 (', literal('Subject: \xc3\xbc\r\n\r\n', '~{'), ')'),
    /^\. OK \[APPENDUID/,
  )
  assert.match(await anna.say('APPEND INBOX ', literal('A: b\r\n\r\nx\0y', '~{')), /^\. OK \[APPENDUID/)
  await anna.say('SELECT INBOX')
  assert.match(await anna.say('FETCH 2 BINARY.PEEK[1]'), /BINARY\[1\] ~\{3\}\r\nx\0y\)/)
})

test('REPLACE: the new one comes and the old one goes at the same moment', async t => {
  const { server, anna } = await open(t)
  for (let i = 0; i < 3; i++) await anna.say('APPEND Drafts ', literal(`A: ${i}\r\n\r\n`))
  const draft = literal('A: new\r\n\r\n')
  assert.match(await anna.say('REPLACE 1 Drafts ', draft), /^\. BAD/)
  await anna.say('SELECT Drafts')
  const { uidValidity } = row(server, 'Drafts')
  const told = (answer: string): string => answer.replaceAll(/\* \d+ RECENT\r\n/g, '')
  for (const [command, expected] of [
    [
      'REPLACE 2 Drafts (\\Draft) ',
      `* OK [APPENDUID ${uidValidity} 4] Replaced\r\n* 2 EXPUNGE\r\n* 3 EXISTS\r\n. OK Replaced\r\n`,
    ],
    [
      'UID REPLACE 1 Drafts ',
      `* OK [APPENDUID ${uidValidity} 5] Replaced\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n. OK Replaced\r\n`,
    ],
    [
      'REPLACE * Sent ',
      `* OK [APPENDUID ${row(server, 'Sent').uidValidity} 1] Replaced\r\n* 3 EXPUNGE\r\n. OK Replaced\r\n`,
    ],
    ['UID REPLACE 1 Drafts ', '. NO [NONEXISTENT] There is no message of that UID\r\n'],
    ['REPLACE 3 Drafts ', '. BAD There is no message of that number\r\n'],
  ] as const) {
    assert.equal(told(await anna.say(command, draft)), expected, command)
  }
  const other = await server.connect(ANNA)
  await other.say('SELECT Drafts')
  await other.say('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.say('EXPUNGE')
  assert.match(await anna.say('REPLACE 1 Drafts ', draft), /\. NO \[NONEXISTENT\]/)
  assert.equal(row(server, 'Drafts').exists, 1)
  await anna.say('EXAMINE Drafts')
  assert.match(await anna.say('REPLACE 1 Drafts ', draft), /\. NO \[READ-ONLY\]/)
})

test('RFC 4314: with the right i, and only the flags that one may set there', async t => {
  const { server, anna } = await open(t)
  const ben = await server.connect(BEN)
  await ben.say(`SETACL INBOX ${ANNA} ls`)
  assert.match(await anna.say(`APPEND user/${BEN} `, literal('A: b\r\n\r\n')), /^\. NO \[NOPERM\]/)
  await ben.say(`SETACL INBOX ${ANNA} lsi`)
  // RFC 4315 §3: who may not read it hears no UID.
  assert.equal(
    await anna.say(`APPEND user/${BEN} (\\Seen \\Flagged work) `, literal('A: b\r\n\r\n')),
    '. OK Stored\r\n',
  )
  await ben.say('SELECT INBOX')
  assert.match(await ben.say('FETCH 1 FLAGS'), /^\* 1 FETCH \(FLAGS \(\\Seen(?: \\Recent)?\)\)/)
})

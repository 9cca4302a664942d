import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AT, type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'

const ANNA = 'anna@example.org'
const HEAD = 'Return-Path: <b@example.net>\r\nDelivered-To: anna@example.org\r\n'
const PLAIN = 'Subject: plain\r\nTo: a@example.org\r\n x\r\nsubject: again\r\n\r\nOne line\r\n'
const MIXED = [
  'Subject: mixed',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=B',
  '',
  'preamble',
  '--B',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe=',
  '!',
  '--B',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQF',
  'BgcICQ==',
  '--B',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'inner text',
  '--B',
  'Content-Type: image/x',
  'Content-Transfer-Encoding: x-strange',
  '',
  'xyz',
  '--B--',
  '',
].join('\r\n')

async function open(t: TestContext): Promise<{ server: FakeServer; anna: FakeClient }> {
  const server = await openFakeServer([ANNA])
  t.after(() => server.close())
  return { server, anna: await server.connect(ANNA) }
}

const literal = (text: string): string => `{${text.length}}\r\n${text}`
const DONE = '. OK Fetched\r\n'

test('items are answered in the order in which they were asked for, in the form of the RFC', async t => {
  const { server, anna } = await open(t)
  await server.deliver(ANNA, HEAD, PLAIN)
  await anna.say('SELECT INBOX')
  const date = '"17-Jul-2026 02:44:25 +0000"'
  assert.equal(AT, Date.parse('2026-07-17T02:44:25Z'))
  const size = HEAD.length + PLAIN.length
  const header = `${PLAIN.split('\r\n\r\n')[0]}\r\n\r\n`
  for (const [items, expected] of [
    ['FLAGS', 'FLAGS (\\Recent)'],
    ['(UID FLAGS)', 'UID 1 FLAGS (\\Recent)'],
    ['(RFC822.SIZE INTERNALDATE)', `RFC822.SIZE ${size} INTERNALDATE ${date}`],
    ['(SAVEDATE THREADID)', `SAVEDATE ${date} THREADID NIL`],
    ['BODY', 'BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1)'],
    ['BODYSTRUCTURE', 'BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1 NIL NIL NIL NIL)'],
    ['PREVIEW', 'PREVIEW "One line"'],
    ['PREVIEW (LAZY)', 'PREVIEW "One line"'],
    ['BODY.PEEK[]', `BODY[] ${literal(HEAD + PLAIN)}`],
    ['BODY.PEEK[HEADER]', `BODY[HEADER] ${literal(HEAD + header)}`],
    ['RFC822.HEADER', `RFC822.HEADER ${literal(HEAD + header)}`],
    ['BODY.PEEK[TEXT]', `BODY[TEXT] ${literal('One line\r\n')}`],
    ['BODY.PEEK[1]', `BODY[1] ${literal('One line\r\n')}`],
    ['BODY.PEEK[1.MIME]', `BODY[1.MIME] ${literal(header)}`],
    ['BODY.PEEK[2]', 'BODY[2] NIL'],
    ['BODY.PEEK[1.HEADER]', 'BODY[1.HEADER] NIL'],
    ['BODY.PEEK[1.HEADER.FIELDS (Subject)]', 'BODY[1.HEADER.FIELDS (Subject)] NIL'],
    ['BODY.PEEK[]<3.4>', `BODY[]<3> ${literal(HEAD.slice(3, 7))}`],
    ['BODY.PEEK[]<60.10>', `BODY[]<60> ${literal((HEAD + PLAIN).slice(60, 70))}`],
    [`BODY.PEEK[]<${size - 2}.100>`, `BODY[]<${size - 2}> ${literal('\r\n')}`],
    [`BODY.PEEK[]<${size}.100>`, `BODY[]<${size}> ""`],
    ['BODY.PEEK[]<4294967295.1>', 'BODY[]<4294967295> ""'],
    [
      'BODY.PEEK[HEADER.FIELDS (SUBJECT return-Path)]',
      `BODY[HEADER.FIELDS (SUBJECT return-Path)] ${literal('Return-Path: <b@example.net>\r\nSubject: plain\r\nsubject: again\r\n\r\n')}`,
    ],
    [
      'BODY.PEEK[HEADER.FIELDS.NOT (Subject Delivered-To)]<0.31>',
      `BODY[HEADER.FIELDS.NOT (Subject Delivered-To)]<0> ${literal('Return-Path: <b@example.net>\r\nT')}`,
    ],
    ['BODY.PEEK[HEADER.FIELDS ("a b" Nil)]', `BODY[HEADER.FIELDS ("a b" "Nil")] ${literal('\r\n')}`],
  ] as const) {
    assert.equal(await anna.say(`FETCH 1 ${items}`), `* 1 FETCH (${expected})\r\n${DONE}`, items)
  }
  assert.match(await anna.say('FETCH 1 EMAILID'), /^\* 1 FETCH \(EMAILID \(M[0-9a-z]{11}\)\)/)
  assert.match(await anna.say('FETCH 1 ENVELOPE'), /^\* 1 FETCH \(ENVELOPE \(NIL "[a-z]+" NIL /)
})

test('parts, their headers and messages in messages; decoded where BINARY asks for it', async t => {
  const { server, anna } = await open(t)
  await server.deliver(ANNA, HEAD, MIXED)
  await anna.say('SELECT INBOX')
  const octets = '\0\x01\x02\x03\x04\x05\x06\x07\b\t'
  for (const [items, expected] of [
    ['BODY.PEEK[1]', `BODY[1] ${literal('Gr=C3=BC=C3=9Fe=\r\n!')}`],
    ['BINARY.PEEK[1]', `BINARY[1] ${literal('Gr\xc3\xbc\xc3\x9fe!')}`],
    ['(BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[9])', 'BINARY.SIZE[1] 8 BINARY.SIZE[2] 10 BINARY.SIZE[9] 0'],
    ['BINARY.PEEK[2]', `BINARY[2] ~${literal(octets)}`],
    ['BINARY.PEEK[2]<1.3>', `BINARY[2]<1> ${literal(octets.slice(1, 4))}`],
    ['BINARY.PEEK[2]<10.3>', 'BINARY[2]<10> ""'],
    ['BINARY.PEEK[9]', 'BINARY[9] NIL'],
    [
      'BODY.PEEK[2.MIME]',
      `BODY[2.MIME] ${literal('Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n')}`,
    ],
    ['BODY.PEEK[3]', `BODY[3] ${literal('Subject: inner\r\n\r\ninner text')}`],
    ['BINARY.PEEK[3]', `BINARY[3] ${literal('Subject: inner\r\n\r\ninner text')}`],
    ['BODY.PEEK[3.HEADER]', `BODY[3.HEADER] ${literal('Subject: inner\r\n\r\n')}`],
    ['BODY.PEEK[3.HEADER.FIELDS (From)]', `BODY[3.HEADER.FIELDS (From)] ${literal('\r\n')}`],
    ['BODY.PEEK[3.TEXT]', `BODY[3.TEXT] ${literal('inner text')}`],
    ['BODY.PEEK[3.1]', `BODY[3.1] ${literal('inner text')}`],
    ['BINARY.PEEK[]', `BINARY[] ${literal(HEAD + MIXED)}`],
    ['BINARY.SIZE[]', `BINARY.SIZE[] ${HEAD.length + MIXED.length}`],
  ] as const) {
    assert.equal(await anna.say(`FETCH 1 ${items}`), `* 1 FETCH (${expected})\r\n${DONE}`, items)
  }
  assert.match(await anna.say('FETCH 1 (FLAGS BINARY.PEEK[4])'), /^\. NO \[UNKNOWN-CTE\]/)
})

test('a body makes its message \\Seen, which is told beside it and once', async t => {
  const { server, anna } = await open(t)
  for (let i = 0; i < 3; i++) await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  await anna.say('SELECT INBOX')
  const all = literal('A: b\r\n\r\nc')
  assert.equal(
    await anna.say('FETCH 1 (BODY.PEEK[] RFC822.HEADER FLAGS)'),
    `* 1 FETCH (BODY[] ${all} RFC822.HEADER ${literal('A: b\r\n\r\n')} FLAGS (\\Recent))\r\n${DONE}`,
  )
  assert.equal(
    await anna.say('FETCH 1 BODY[TEXT]'),
    `* 1 FETCH (BODY[TEXT] ${literal('c')} FLAGS (\\Seen \\Recent))\r\n${DONE}`,
  )
  assert.equal(
    await anna.say('FETCH 1:2 (FLAGS RFC822)'),
    `* 1 FETCH (FLAGS (\\Seen \\Recent) RFC822 ${all})\r\n* 2 FETCH (FLAGS (\\Seen \\Recent) RFC822 ${all})\r\n${DONE}`,
  )
  await anna.say('ENABLE CONDSTORE')
  assert.match(
    await anna.say('UID FETCH 3 BINARY[1]'),
    /^\* 3 FETCH \(UID 3 BINARY\[1\] \{1\}\r\nc FLAGS \(\\Seen \\Recent\) MODSEQ \(\d+\)\)\r\n\. OK/,
  )
  await anna.say('STORE 1 -FLAGS.SILENT (\\Seen)')
  await anna.say('EXAMINE INBOX')
  assert.equal(await anna.say('FETCH 1 BODY[TEXT]'), `* 1 FETCH (BODY[TEXT] ${literal('c')})\r\n${DONE}`)
})

test('a message that somebody on another thread made unread becomes \\Seen again', async t => {
  const { server, anna } = await open(t)
  await anna.say('APPEND INBOX (\\Seen) {15+}\r\nSubject: x\r\n\r\nc')
  await anna.say('SELECT INBOX')
  const { reader, storage } = server.services
  const [inbox] = reader.mailboxes(server.services.accountNamed(ANNA)?.id ?? 0).filter(({ name }) => name === 'INBOX')
  await storage.ask('store', {
    mailbox: inbox?.id ?? 0,
    uids: [[1, 1]],
    how: 'set',
    flags: { system: 0, keywords: [] },
    unchangedSince: undefined,
  })
  assert.equal(
    await anna.say('FETCH 1 BODY[TEXT]'),
    `* 1 FETCH (BODY[TEXT] {1}\r\nc FLAGS (\\Seen \\Recent))\r\n${DONE}`,
  )
})

test('UID FETCH: the UID is always told, what is not there is passed over; a wrong number is BAD', async t => {
  const { server, anna } = await open(t)
  for (let i = 0; i < 4; i++) await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  await anna.say('SELECT INBOX')
  await anna.say('STORE 2 +FLAGS.SILENT (\\Deleted)')
  await anna.say('EXPUNGE')
  for (const [command, expected] of [
    ['UID FETCH 2:3 FLAGS', `* 2 FETCH (UID 3 FLAGS (\\Recent))\r\n${DONE}`],
    [
      'UID FETCH 1,* (FLAGS UID)',
      `* 1 FETCH (FLAGS (\\Recent) UID 1)\r\n* 3 FETCH (FLAGS (\\Recent) UID 4)\r\n${DONE}`,
    ],
    ['UID FETCH 100:200 FLAGS', DONE],
    ['UID FETCH 1:4 UID (PARTIAL -1:-2)', `* 2 FETCH (UID 3)\r\n* 3 FETCH (UID 4)\r\n${DONE}`],
    ['UID FETCH 1:4 UID (PARTIAL 2:2)', `* 2 FETCH (UID 3)\r\n${DONE}`],
    ['UID FETCH 1:4 UID (PARTIAL 9:10)', DONE],
  ] as const) {
    assert.equal(await anna.say(command), expected, command)
  }
  assert.match(await anna.say('FETCH 4 FLAGS'), /^\. BAD/)
})

test('CHANGEDSINCE and VANISHED answer what is different; MODSEQ turns CONDSTORE on', async t => {
  const { server, anna } = await open(t)
  for (let i = 0; i < 4; i++) await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  await anna.say('SELECT INBOX')
  const since = Number(/HIGHESTMODSEQ (\d+)/.exec(await anna.say('FETCH 1 MODSEQ'))?.[1])
  assert.equal(await anna.say('FETCH 1 MODSEQ'), `* 1 FETCH (MODSEQ (${since - 3}))\r\n${DONE}`)
  assert.equal(await anna.say(`FETCH 1:* FLAGS (CHANGEDSINCE ${since})`), DONE)
  await anna.say('STORE 3 +FLAGS.SILENT (\\Flagged)')
  await anna.say('STORE 2 +FLAGS.SILENT (\\Deleted)')
  await anna.say('EXPUNGE')
  const changed = `* 2 FETCH (UID 3 FLAGS (\\Flagged \\Recent) MODSEQ (${since + 1}))\r\n${DONE}`
  assert.equal(await anna.say(`UID FETCH 1:* FLAGS (CHANGEDSINCE ${since})`), changed)
  assert.match(await anna.say(`UID FETCH 1:* FLAGS (CHANGEDSINCE ${since} VANISHED)`), /^\. BAD/)
  await anna.say('ENABLE QRESYNC')
  assert.equal(
    await anna.say(`UID FETCH 1:* FLAGS (CHANGEDSINCE ${since} VANISHED)`),
    `* VANISHED (EARLIER) 2\r\n${changed}`,
  )
  assert.equal(await anna.say(`UID FETCH 3:* FLAGS (CHANGEDSINCE ${since} VANISHED)`), changed)
})

test('what somebody else expunged meanwhile is passed over, and that is said', async t => {
  const { server, anna } = await open(t)
  for (let i = 0; i < 3; i++) await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  const other = await server.connect(ANNA)
  await anna.say('SELECT INBOX')
  await other.say('SELECT INBOX')
  await other.say('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.say('EXPUNGE')
  const text = literal('c')
  assert.equal(
    await anna.say('FETCH 1:2 BODY.PEEK[TEXT]'),
    `* 2 FETCH (BODY[TEXT] ${text})\r\n. OK [EXPUNGEISSUED] Some of the messages are gone\r\n`,
  )
  assert.match(await anna.say('FETCH 1 FLAGS'), /^\. OK \[EXPUNGEISSUED\]/)
  assert.match(await anna.say('NOOP'), /^\* 1 EXPUNGE\r\n/)
})

test('NUL is not sent but in a literal8', async t => {
  const { server, anna } = await open(t)
  await server.deliver(ANNA, '', 'A: b\r\n\r\nx\0y')
  await anna.say('SELECT INBOX')
  assert.equal(await anna.say('FETCH 1 BODY.PEEK[TEXT]'), `* 1 FETCH (BODY[TEXT] ${literal('x\x80y')})\r\n${DONE}`)
  assert.equal(await anna.say('FETCH 1 BINARY.PEEK[1]'), `* 1 FETCH (BINARY[1] ~${literal('x\0y')})\r\n${DONE}`)
})

const LARGE = 10 * 1024 * 1024

/** A message with an attachment of 10 MB, by APPEND. */
async function appendLarge(anna: FakeClient): Promise<{ whole: string; data: Buffer }> {
  const data = Buffer.alloc((LARGE / 4) * 3)
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + (i >> 8)) & 255
  const base64 = data.toString('base64').replace(/.{76}/g, '$&\r\n')
  const whole = `Subject: large\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n`
  assert.match(await anna.say(`APPEND INBOX {${whole.length}+}\r\n`, whole), /^\. OK \[APPENDUID/)
  await anna.say('SELECT INBOX')
  return { whole, data }
}

/** Reads a little at a time. */
async function slowly(anna: FakeClient, command: string): Promise<string> {
  anna.stuck = true
  const answer = anna.say(command)
  const draining = setInterval(() => anna.drain(), 5)
  const text = await answer.finally(() => clearInterval(draining))
  anna.stuck = false
  anna.drain()
  return text
}

const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

test('10 MB go byte for byte to a client that reads slowly, and little of it waits in memory', async t => {
  const { anna } = await open(t)
  const { whole, data } = await appendLarge(anna)
  const answer = await slowly(anna, 'FETCH 1 BODY.PEEK[]')
  const from = answer.indexOf('\r\n') + 2
  assert.equal(answer.slice(0, from), `* 1 FETCH (BODY[] {${whole.length}}\r\n`)
  assert.equal(digest(answer.slice(from, from + whole.length)), digest(whole))
  assert.equal(answer.slice(from + whole.length), `)\r\n${DONE}`)
  const decoded = await slowly(anna, 'FETCH 1 BINARY.PEEK[1]')
  const begin = decoded.indexOf('\r\n') + 2
  assert.equal(decoded.slice(0, begin), `* 1 FETCH (BINARY[1] ~{${data.length}}\r\n`)
  assert.equal(digest(decoded.slice(begin, begin + data.length)), digest(data.toString('latin1')))
  assert.equal(decoded.slice(begin + data.length), `)\r\n${DONE}`)
  assert.ok(anna.mostUnsent <= 256 * 1024, `${anna.mostUnsent} bytes waited`)
})

test('of a file only what is asked for is sent', async t => {
  const { anna } = await open(t)
  const { whole, data } = await appendLarge(anna)
  const header = whole.slice(0, whole.indexOf('\r\n\r\n') + 4)
  for (const [items, expected] of [
    ['BODY.PEEK[HEADER]', `BODY[HEADER] ${literal(header)}`],
    ['BODY.PEEK[HEADER.FIELDS (Subject)]', `BODY[HEADER.FIELDS (Subject)] ${literal('Subject: large\r\n\r\n')}`],
    [
      'BODY.PEEK[1]<5000000.10>',
      `BODY[1]<5000000> ${literal(whole.slice(header.length + 5_000_000, header.length + 5_000_010))}`,
    ],
    ['BINARY.PEEK[1]<200000.12>', `BINARY[1]<200000> ~${literal(data.toString('latin1', 200_000, 200_012))}`],
    ['(BINARY.SIZE[1] RFC822.SIZE)', `BINARY.SIZE[1] ${data.length} RFC822.SIZE ${whole.length}`],
  ] as const) {
    assert.equal(await anna.say(`FETCH 1 ${items}`), `* 1 FETCH (${expected})\r\n${DONE}`, items)
  }
})

test('a lost file is said to be lost, and keeps nobody from the other messages', async t => {
  const { server, anna } = await open(t)
  const complaints: unknown[] = []
  Object.assign(server.services, { complain: (error: unknown) => complaints.push(error) })
  await appendLarge(anna)
  await server.deliver(ANNA, '', PLAIN)
  await anna.say('NOOP')
  const bodies = join(server.data, 'bodies')
  for (const name of readdirSync(bodies)) rmSync(join(bodies, name))
  assert.equal(
    await anna.say('FETCH 1:2 BODY.PEEK[TEXT]'),
    `* 2 FETCH (BODY[TEXT] ${literal('One line\r\n')})\r\n. NO [CORRUPTION] A message could not be read from the disk; the others were sent\r\n`,
  )
  assert.equal(complaints.length, 1)
  assert.match(await anna.say('FETCH 1 ENVELOPE'), /^\* 1 FETCH \(ENVELOPE [^]*OK Fetched\r\n$/)
})

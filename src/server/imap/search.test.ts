import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'
import { FakeSession, openFakeMail } from './fake-session.ts'
import { search } from './search.ts'

const ANNA = 'anna@example.org'

/** Mails as a mail client writes them, each with flags. */
const MAILS: readonly (readonly [flags: string, header: string, text: string])[] = [
  ['\\Seen', 'From: smith@example.com\r\nSubject: Lunch\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000', 'Shall we eat?'],
  ['\\Flagged', 'From: zoe@example.com\r\nSubject: Re: Lunch\r\nDate: Tue, 2 Jan 2024 00:30:00 +0200', 'Yes: soup'],
  ['\\Seen $Junk', 'From: shop@example.net\r\nSubject: =?utf-8?q?S=C3=BC=C3=9Fes?=', 'Buy soup'],
  ['\\Deleted \\Flagged', 'From: anna@example.org\r\nDate: Fri, 5 Jan 2024 10:00:00 +0000', 'x'.repeat(300)],
  ['', 'From: bob@example.com\r\nSubject: Re: Lunch\r\nDate: Sat, 6 Jan 2024 10:00:00 +0000', 'No soup for me'],
]

async function open(t: TestContext, before = ''): Promise<{ server: FakeServer; anna: FakeClient }> {
  const server = await openFakeServer([ANNA])
  t.after(() => server.close())
  const anna = await server.connect(ANNA)
  for (const [i, [flags, header, text]] of MAILS.entries()) {
    const content = `${header}\r\n\r\n${text}\r\n`
    const date = `"0${i + 1}-Feb-2024 12:00:00 +0000"`
    await anna.say(`APPEND INBOX (${flags}) ${date} {${content.length}+}\r\n${content}`)
  }
  // So that UIDs are not sequence numbers.
  await anna.say('APPEND INBOX (\\Deleted) {3+}\r\n\r\nx')
  if (before !== '') await anna.say(before)
  await anna.say('SELECT INBOX')
  return { server, anna }
}

/** The five mails have the UIDs 11 to 15. */
async function openWithUids(t: TestContext, before = ''): Promise<{ server: FakeServer; anna: FakeClient }> {
  const { server, anna } = await open(t)
  await anna.say('CREATE Box')
  for (let i = 0; i < 5; i++) await anna.say('COPY 1:2 Box')
  await anna.say('COPY 1:5 Box')
  await anna.say('SELECT Box')
  await anna.say('STORE 1:10 +FLAGS.SILENT (\\Deleted)')
  await anna.say('UID EXPUNGE 1:10')
  if (before !== '') await anna.say(before)
  return { server, anna }
}

async function table(anna: FakeClient, rows: readonly (readonly [command: string, answer: string])[]): Promise<void> {
  for (const [command, answer] of rows) assert.equal(await anna.say(command), answer, command)
}

const DONE = '. OK Done\r\n'
const SAVED = '. OK Done, and saved\r\n'
const found = (numbers: string): string => `* SEARCH${numbers === '' ? '' : ` ${numbers}`}\r\n${DONE}`

test('keys, in sequence numbers and in UIDs', async t => {
  const { anna } = await openWithUids(t)
  await table(anna, [
    ['SEARCH ALL', found('1 2 3 4 5')],
    ['UID SEARCH ALL', found('11 12 13 14 15')],
    ['SEARCH UNSEEN', found('2 4 5')],
    ['UID SEARCH FLAGGED UNDELETED', found('12')],
    ['SEARCH KEYWORD $junk', found('3')],
    ['SEARCH UNKEYWORD $Junk 2:3', found('2')],
    ['SEARCH NOT UID 12:14', found('1 5')],
    ['SEARCH OR 1 UID 15', found('1 5')],
    ['SEARCH FROM smith', found('1')],
    ['SEARCH FROM SMITH TEXT eat', found('1')],
    ['SEARCH BODY soup', found('2 3 5')],
    ['SEARCH BODY soup NOT (SUBJECT lunch)', found('3')],
    ['SEARCH CHARSET UTF-8 SUBJECT {7+}\r\nS\xc3\xbc\xc3\x9fes', found('3')],
    ['SEARCH HEADER Date ""', found('1 2 4 5')],
    ['SEARCH LARGER 200', found('4')],
    ['SEARCH ON 3-Feb-2024', found('3')],
    ['SEARCH BEFORE 3-Feb-2024', found('1 2')],
    ['SEARCH SENTON 2-Jan-2024', found('2')],
    ['SEARCH SENTSINCE 5-Jan-2024', found('3 4 5')],
    ['SEARCH SAVEDSINCE 1-Jan-2024', found('1 2 3 4 5')],
    ['SEARCH OLDER 60', found('1 2 3 4 5')],
    ['SEARCH YOUNGER 60', found('')],
    ['SEARCH THREADID T1', found('')],
    ['SEARCH EMAILID x', found('')],
  ])
  const emailId = /EMAILID \(([^)]+)/.exec(await anna.say('FETCH 4 EMAILID'))?.[1]
  assert.equal(await anna.say(`SEARCH EMAILID ${emailId}`), found('4'))
})

test('numbers that are those of no mail', async t => {
  const { server, anna } = await openWithUids(t)
  await table(anna, [
    ['SEARCH 4:700', found('4 5')],
    ['SEARCH 6', found('')],
    ['SEARCH *', found('5')],
    ['SEARCH 7:*', found('5')],
    ['UID SEARCH UID 1:12,900:*', found('11 12 15')],
  ])
  const other = await server.connect(ANNA)
  await other.say('SELECT Box')
  await other.say('EXPUNGE')
  // Mail that others removed is not found; its number stays until the client hears of it.
  assert.equal(await anna.say('SEARCH ALL'), found('1 2 3 5'))
  await anna.say('NOOP')
  assert.equal(await anna.say('SEARCH ALL'), found('1 2 3 4'))
  await anna.say('CREATE Empty')
  await anna.say('SELECT Empty')
  await table(anna, [
    ['SEARCH 1:*', found('')],
    ['SEARCH ALL', found('')],
    ['SORT (DATE) UTF-8 ALL', `* SORT\r\n${DONE}`],
    ['THREAD REFERENCES UTF-8 ALL', `* THREAD\r\n${DONE}`],
  ])
})

test('ESEARCH', async t => {
  const { anna } = await openWithUids(t)
  const esearch = (rest: string): string => `* ESEARCH (TAG)${rest}\r\n`
  const rows: readonly (readonly [string, string])[] = [
    ['SEARCH RETURN () ALL', esearch(' ALL 1:5')],
    ['SEARCH RETURN (ALL) UNSEEN', esearch(' ALL 2,4:5')],
    ['UID SEARCH RETURN (MIN MAX) UNSEEN', esearch(' UID MIN 12 MAX 15')],
    ['SEARCH RETURN (COUNT MIN) UNSEEN', esearch(' MIN 2 COUNT 3')],
    ['SEARCH RETURN (MIN) DRAFT', esearch('')],
    ['UID SEARCH RETURN (ALL COUNT) DRAFT', esearch(' UID COUNT 0')],
    ['UID SEARCH RETURN (PARTIAL 2:3) ALL', esearch(' UID PARTIAL (2:3 12:13)')],
    ['SEARCH RETURN (PARTIAL 4:900) ALL', esearch(' PARTIAL (4:900 4:5)')],
    ['SEARCH RETURN (PARTIAL 6:9) ALL', esearch(' PARTIAL (6:9 NIL)')],
    ['SEARCH RETURN (PARTIAL -1:-2 COUNT) ALL', esearch(' COUNT 5 PARTIAL (-1:-2 4:5)')],
    ['SEARCH RETURN (PARTIAL -4:-900) ALL', esearch(' PARTIAL (-4:-900 1:2)')],
    ['SEARCH RETURN (PARTIAL -2:-1) ALL', esearch(' PARTIAL (-2:-1 4:5)')],
    ['SEARCH RETURN (PARTIAL 3:2) ALL', esearch(' PARTIAL (3:2 2:3)')],
    ['SEARCH RETURN (PARTIAL -6:-9) ALL', esearch(' PARTIAL (-6:-9 NIL)')],
    // RFC 5267 §3: in the order of SORT, also what is least.
    ['SORT RETURN () (REVERSE ARRIVAL) UTF-8 ALL', esearch(' ALL 5,4,3,2,1')],
    ['UID SORT RETURN (MIN MAX COUNT) (REVERSE ARRIVAL) UTF-8 ALL', esearch(' UID MIN 15 MAX 11 COUNT 5')],
    ['SORT RETURN (PARTIAL 1:2) (REVERSE ARRIVAL) UTF-8 ALL', esearch(' PARTIAL (1:2 5,4)')],
  ]
  for (const [command, answer] of rows) assert.equal(untagged(await anna.say(command)), answer + DONE, command)
  // RFC 9051 §6.4.4
  await anna.say('ENABLE IMAP4rev2')
  assert.equal(untagged(await anna.say('SEARCH UNSEEN')), esearch(' ALL 2,4:5') + DONE)
  assert.equal(untagged(await anna.say('UID SEARCH DRAFT')), esearch(' UID') + DONE)
})

const untagged = (answer: string): string => answer.replace(/\(TAG "t\d+"\)/, '(TAG)')

test('ESEARCH names the tag of its command', async t => {
  const { anna } = await openWithUids(t)
  anna.send('a.7 SEARCH RETURN (COUNT) ALL\r\nb SEARCH RETURN (COUNT) UNSEEN\r\n')
  const heard = `${anna.heard()}${await anna.say('NOOP')}`
  assert.match(heard, /\* ESEARCH \(TAG "a\.7"\) COUNT 5\r\na\.7 OK [^*]*\* ESEARCH \(TAG "b"\) COUNT 3\r\nb OK /)
})

test('what SAVE saves: RFC 5182 §2.4, RFC 9394 §3.2', async t => {
  const { anna } = await openWithUids(t)
  const rows: readonly (readonly [returns: string, saved: string])[] = [
    ['SAVE', '12 14 15'],
    ['SAVE MIN', '12'],
    ['SAVE MAX', '15'],
    ['SAVE MIN MAX', '12 15'],
    ['SAVE ALL MIN', '12 14 15'],
    ['SAVE COUNT MAX', '12 14 15'],
    ['SAVE PARTIAL 2:2', '14'],
    ['SAVE PARTIAL 2:2 MIN', '12 14'],
    ['SAVE PARTIAL 2:2 MIN MAX', '12 14 15'],
    ['SAVE PARTIAL 2:2 COUNT', '12 14 15'],
  ]
  for (const [returns, saved] of rows) {
    const answer = await anna.say(`SEARCH RETURN (${returns}) UNSEEN`)
    assert.equal(answer.startsWith('* ESEARCH'), returns !== 'SAVE', returns)
    assert.ok(answer.endsWith(SAVED), answer)
    assert.equal(await anna.say('UID SEARCH $'), found(saved), returns)
  }
  await table(anna, [
    ['SEARCH RETURN (SAVE) 2:4', SAVED],
    ['SEARCH FLAGGED', found('2 4')], // without SAVE it stays what it is
    ['UID SEARCH UID $ UNSEEN', found('12 14')],
    ['UID SEARCH NOT $', found('11 15')],
    ['SEARCH OR $ 5', found('2 3 4 5')],
    ['SEARCH RETURN (SAVE) DRAFT', SAVED],
    ['SEARCH $', found('')],
  ])
  assert.match(await anna.say('SORT RETURN (SAVE COUNT) (REVERSE ARRIVAL) UTF-8 UNSEEN'), /COUNT 3/)
  assert.equal(await anna.say('UID SEARCH $'), found('12 14 15'))
})

test('MODSEQ: RFC 7162 §3.1.5, RFC 4731 §3.2', async t => {
  const { anna } = await openWithUids(t)
  // RFC 7162 §3.1: the first command that speaks of it turns it on.
  const first = await anna.say('SEARCH MODSEQ 1000')
  assert.match(first, /^\* OK \[HIGHESTMODSEQ \d+\] .*\r\n\* SEARCH\r\n\. OK Done\r\n$/)
  const since = 1 + Number(/\d+/.exec(first)?.[0])
  await anna.say('STORE 4 +FLAGS (\\Answered)')
  await anna.say('STORE 2 +FLAGS (\\Answered)')
  await anna.say('STORE 3 +FLAGS (\\Answered)')
  const [at4, at2, at3] = [since, since + 1, since + 2]
  const rows: readonly (readonly [string, string])[] = [
    [`SEARCH MODSEQ ${at2}`, `* SEARCH 2 3 (MODSEQ ${at3})\r\n`],
    [`SEARCH MODSEQ ${at3 + 1}`, '* SEARCH\r\n'],
    [`UID SEARCH OR MODSEQ ${at2} UID 14`, `* SEARCH 12 13 14 (MODSEQ ${at3})\r\n`],
    [`SORT (ARRIVAL) UTF-8 MODSEQ ${at4}`, `* SORT 2 3 4 (MODSEQ ${at3})\r\n`],
    [`SEARCH RETURN (MIN) MODSEQ ${at4}`, `* ESEARCH (TAG) MIN 2 MODSEQ ${at2}\r\n`],
    [`SEARCH RETURN (MAX) MODSEQ ${at4}`, `* ESEARCH (TAG) MAX 4 MODSEQ ${at4}\r\n`],
    [`SEARCH RETURN (MIN MAX) MODSEQ ${at4}`, `* ESEARCH (TAG) MIN 2 MAX 4 MODSEQ ${at2}\r\n`],
    [`SEARCH RETURN (MIN COUNT) MODSEQ ${at4}`, `* ESEARCH (TAG) MIN 2 COUNT 3 MODSEQ ${at3}\r\n`],
    [`SEARCH RETURN (ALL) MODSEQ ${at3 + 1}`, '* ESEARCH (TAG)\r\n'],
  ]
  for (const [command, answer] of rows) assert.equal(untagged(await anna.say(command)), answer + DONE, command)
})

test('SORT and THREAD', async t => {
  const { anna } = await openWithUids(t)
  await table(anna, [
    ['SORT (SUBJECT) UTF-8 ALL', `* SORT 4 1 2 5 3\r\n${DONE}`],
    ['UID SORT (REVERSE DATE) UTF-8 ALL', `* SORT 13 15 14 12 11\r\n${DONE}`],
    ['SORT (FROM) UTF-8 ALL', `* SORT 4 5 3 1 2\r\n${DONE}`],
    ['SORT (REVERSE SIZE SUBJECT) UTF-8 FLAGGED', `* SORT 4 2\r\n${DONE}`],
    ['SORT (DISPLAYFROM) UTF-8 UNSEEN', `* SORT 4 5 2\r\n${DONE}`],
    ['THREAD ORDEREDSUBJECT UTF-8 ALL', `* THREAD (1 (2)(5))(4)(3)\r\n${DONE}`],
    ['UID THREAD REFERENCES UTF-8 ALL', `* THREAD (11 (12)(15))(14)(13)\r\n${DONE}`],
    ['THREAD REFERENCES UTF-8 2:5', `* THREAD ((2)(5))(4)(3)\r\n${DONE}`],
  ])
})

test('mail that nobody described yet is found, sorted and threaded', async t => {
  const { server, anna } = await open(t)
  await server.deliver(
    ANNA,
    'X-Of-The-Copy: y\r\n',
    'Date: 1 Jan 2020 23:00 -0500\r\nSubject: Re: Lunch\r\n\r\nsoup\r\n',
  )
  await anna.say('NOOP')
  await table(anna, [
    ['SEARCH SENTBEFORE 2-Jan-2020', found('7')],
    ['SEARCH SENTON 2-Jan-2020', found('')],
    ['SEARCH BODY soup', found('2 3 5 7')],
    ['SORT (DATE) UTF-8 SUBJECT lunch', `* SORT 7 1 2 5\r\n${DONE}`],
    ['SORT (REVERSE SUBJECT) UTF-8 6:7', `* SORT 7 6\r\n${DONE}`],
    ['THREAD REFERENCES UTF-8 SUBJECT lunch', `* THREAD (1 (7)(2)(5))\r\n${DONE}`],
  ])
})

test('a search ends when its client leaves', async t => {
  const mail = await openFakeMail([ANNA])
  t.after(() => mail.close())
  for (let i = 0; i < 5; i++) await mail.append(ANNA, 'INBOX')
  const { services, account } = mail.session(ANNA)
  let looked = 0
  const content: typeof services.content = id => {
    looked++
    session.gone = true
    return services.content(id)
  }
  const session = new FakeSession({ ...services, content }, account)
  const view = services.views.open(services.reader.mailboxNamed(account?.id ?? 0, 'INBOX')?.id ?? 0)
  assert.ok(view)
  session.select(view, { name: 'INBOX', readOnly: false, rights: 'r' })
  const key = {
    is: 'and',
    keys: [
      { is: 'BODY', text: 'y' },
      { is: 'TEXT', text: 'y' },
    ],
  } as const
  const command = { name: 'SEARCH', uid: false, returns: undefined, program: { charset: undefined, key } } as const
  assert.deepEqual([await session.run(search, command), looked], [['BAD You left'], 1])
})

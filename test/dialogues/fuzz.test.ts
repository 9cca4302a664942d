/** Ten thousand sessions by seed: whatever a client sends, nothing is thrown, and every reply follows the grammar. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../src/smtp/session.ts'
import { ACCEPT } from '../../src/smtp/verdict.ts'
import { ALL_WELL, CONTEXT, newTalk, type Rules } from './talk.ts'

const SESSIONS = 10_000
const SEED = 20260101

type Random = (below: number) => number

/** mulberry32 */
function newRandom(seed: number): Random {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const MESSAGE = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<c@example.org>\r\nDATA\r\ntext\r\n.\r\n'

const PIECES = [
  'EHLO c.example\r\n',
  'HELO c.example\r\n',
  'LHLO c.example\r\n',
  'MAIL FROM:<a@b.example>\r\n',
  'MAIL FROM:<> SMTPUTF8 BODY=BINARYMIME SIZE=10 HOLDFOR=60\r\n',
  'RCPT TO:<c@example.org>\r\n',
  'RCPT TO:<c@example.org> NOTIFY=NEVER ORCPT=rfc822;a\r\n',
  'RCPT TO:<nobody@example.org>\r\n',
  'DATA\r\n',
  'Subject: x\r\n\r\ntext\r\n..\r\n.\r\n',
  '.\r\n',
  'BDAT 5\r\nab\r\nc',
  'BDAT 5 LAST\r\nabc\r\n',
  'BDAT 0 LAST\r\n',
  'BDAT 500\r\n',
  'BDAT 99999\r\n',
  'BDAT x\r\n',
  'RSET\r\n',
  'NOOP\r\n',
  'VRFY a\r\n',
  'HELP\r\n',
  'QUIT\r\n',
  'STARTTLS\r\n',
  'AUTH PLAIN AGFubmEAc2VjcmV0\r\n',
  'AUTH LOGIN\r\n',
  'YW5uYQ==\r\n',
  '*\r\n',
  'GET / HTTP/1.1\r\n',
  '\r\n',
  '\n',
  '\r',
  '\0',
  `${'x'.repeat(13_000)}\r\n`,
]

/** Most sessions start as sessions do, so that the depths are reached. */
function newOpening(random: Random, { kind, loginRequired }: Context): string {
  const hello = `${kind === 'lmtp' ? 'LHLO' : 'EHLO'} c.example\r\n`
  if (random(4) === 0) return ''
  return `${kind === 'submission' ? `${hello}STARTTLS\r\n` : ''}${hello}${loginRequired ? 'AUTH PLAIN AGFubmEAc2VjcmV0\r\n' : ''}`
}

function newInput(random: Random, context: Context): readonly [opening: Buffer, rest: Buffer] {
  let text = ''
  for (let count = random(25); count > 0; count--) text += random(5) === 0 ? MESSAGE : PIECES[random(PIECES.length)]
  const bytes = Buffer.from(text, 'latin1')
  for (let count = random(4) === 0 ? random(6) : 0; count > 0 && bytes.length > 0; count--) {
    bytes[random(bytes.length)] = random(3) === 0 ? random(256) : ([13, 10, 46, 32][random(4)] ?? 0)
  }
  return [Buffer.from(newOpening(random, context)), bytes]
}

function newRules(random: Random): Rules {
  const kind = (['smtp', 'submission', 'submissions', 'lmtp'] as const)[random(4)] ?? 'smtp'
  const [tls, tlsRequired] = [kind === 'submissions', kind === 'submission' && random(2) === 0]
  const [loginRequired, clearLogin] = [kind.startsWith('submission') && random(2) === 0, random(2) === 0]
  const refused = { code: 550, status: '5.1.1', text: ['No'] }
  return {
    ...ALL_WELL,
    tls,
    context: { ...CONTEXT, kind, tlsRequired, loginRequired, clearLogin, longestHold: random(2) * 60_000 },
    verdict: question => {
      if (random(40) === 0) return { is: random(4) === 0 ? 'disconnect' : 'refuse', reply: refused }
      const nobody = question.about === 'rcpt' && question.recipient.address.local === 'nobody'
      return nobody ? { is: 'refuse', reply: refused } : ACCEPT
    },
    submit: () => (random(5) === 0 ? refused : undefined),
  }
}

/** RFC 5321 §4.2: Greeting, Ehlo-response and Reply-line, in whole replies. */
const REPLIES =
  /^(?:(?:([2-5]\d\d)-[\x20-\x7e]*\r\n(?:\1-[\x20-\x7e]*\r\n)*\1 [\x20-\x7e]*\r\n)|[2-5]\d\d [\x20-\x7e]*\r\n)*$/

test('ten thousand random sessions', () => {
  const reached = new Set<string>()
  let messages = 0
  for (let number = 0; number < SESSIONS; number++) {
    const random = newRandom(SEED + number)
    const rules = newRules(random)
    const [opening, input] = newInput(random, rules.context)
    const talk = newTalk(rules)
    for (const line of opening.toString().split(/(?<=\n)/)) talk.send(Buffer.from(line))
    for (let at = 0; at < input.length; ) {
      const size = 1 + random(random(3) === 0 ? 10 : 3000)
      talk.send(input.subarray(at, at + size))
      at += size
      reached.add(talk.session().at)
      assertBounded(talk.session(), rules)
    }
    if (random(20) === 0) talk.happen({ on: random(2) === 0 ? 'timeout' : 'shutdown' })
    assert.match(talk.heard(), REPLIES, `session ${number}`)
    messages += talk.submissions.length
    for (const { content } of talk.submissions) assert.ok(content.length <= rules.context.limits.messageSize)
  }
  for (const at of ['connected', 'ready', 'auth', 'mail', 'rcpt', 'data', 'chunk', 'chunks', 'spoiled', 'unwelcome']) {
    assert.ok(reached.has(at), `no session came to ${at}`)
  }
  assert.ok(messages > 1000, `only ${messages} messages came through`)
})

function assertBounded(session: ReturnType<ReturnType<typeof newTalk>['session']>, { context }: Rules): void {
  if ('link' in session) {
    assert.ok(session.link.errors < context.limits.errors)
    assert.ok(session.link.idle < context.limits.idleCommands)
    assert.ok(session.link.messages <= context.limits.messagesPerSession)
  }
  if ('transaction' in session) assert.ok(session.transaction.recipients.length <= context.limits.recipients)
  if ('received' in session) assert.ok(session.received <= context.limits.messageSize)
  assert.ok(JSON.stringify(session).length < 5000)
}

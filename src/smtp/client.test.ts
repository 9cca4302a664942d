import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { type ClientEvent, type ClientSettings, type ClientState, connected, patience, step } from './client.ts'
import type { RecipientResult } from './client-transaction.ts'
import { NO_REPLIES, parseReplies } from './reply-parser.ts'
import type { Transaction } from './transaction.ts'

const PLAIN: ClientSettings = { protocol: 'smtp', name: 'us.example', tls: 'none', auth: undefined }
const LMTP: ClientSettings = { ...PLAIN, protocol: 'lmtp' }
const AUTH = { user: 'tim', pass: 'tanstaaftanstaaf' }

const ENVELOPE: Envelope = {
  returnPath: address('a@us.example'),
  body: '7BIT',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  holdUntil: undefined,
}

function address(text: string) {
  const parsed = parseAddress(text, { smtputf8: true })
  assert.ok(parsed)
  return parsed
}

function recipient(text: string, more: Partial<Recipient> = {}): Recipient {
  return { address: address(text), notify: undefined, original: undefined, ...more }
}

function mail(to: (string | Recipient)[], envelope: Partial<Envelope> = {}): Transaction {
  const recipients = to.map(each => (typeof each === 'string' ? recipient(each) : each))
  return { envelope: { ...ENVELOPE, ...envelope }, body: envelope.body ?? '7BIT', recipients, size: 9 }
}

/**
 * One side says `S: ` lines, the machine must answer with exactly the `C: ` lines that follow. `TLS` is the handshake, `<bytes>` and
 * `<dots>` the content; `MAIL`, `MAIL later` begin the transaction (`later`: not eager).
 */
function converse(
  settings: ClientSettings,
  script: string,
  transaction?: Transaction,
): { state: ClientState; results: string[] } {
  let state = connected(settings, settings.tls === 'implicit')
  let results: string[] = []
  const said: string[] = []
  const happen = (event: ClientEvent): void => {
    const { next, effects } = step(state, event)
    state = next
    for (const effect of effects) {
      if (effect.do === 'send')
        said.push(
          ...`${effect.text}${effect.content === 'none' ? '' : `<${effect.content}>\r\n`}`.split('\r\n').slice(0, -1),
        )
      else if (effect.do === 'done') results = effect.results.map(shown)
      else said.push(effect.do)
    }
  }
  for (const line of script.split('\n').map(text => text.trim())) {
    if (line === '') continue
    if (line.startsWith('C: ')) {
      assert.equal(said.shift(), line.slice(3), `in\n${script}`)
      continue
    }
    assert.deepEqual(said, [], `before ${line} in\n${script}`)
    if (line.startsWith('S: ')) for (const reply of replies(line.slice(3))) happen({ is: 'reply', reply })
    if (line === 'TLS') happen({ is: 'secured' })
    if (line === 'LOST') happen({ is: 'lost', trouble: { with: 'connection', reason: 'gone', reply: undefined } })
    if (line === 'QUIT') happen({ is: 'quit' })
    if (line.startsWith('MAIL')) {
      assert.ok(transaction)
      happen({ is: 'mail', mail: transaction, eager: line === 'MAIL' })
    }
  }
  assert.deepEqual(said, [], `at the end of\n${script}`)
  return { state, results }
}

function replies(line: string) {
  const { replies, malformed } = parseReplies(NO_REPLIES, Buffer.from(`${line.replaceAll(' | ', '\r\n')}\r\n`))
  assert.equal(malformed, undefined)
  return replies
}

function shown(result: RecipientResult): string {
  switch (result.is) {
    case 'accepted':
      return `${result.reply.code}`
    case 'refused':
      return `${result.reply.code} ${result.by}`
    case 'untried':
      return 'untried'
    case 'lost':
      return `lost ${result.trouble.with}`
  }
}

const OPENINGS: [string, ClientSettings, string, ClientState['at'] | `over ${string}`][] = [
  ['EHLO', PLAIN, 'S: 220 hi\nC: EHLO us.example\nS: 250 mx\nC: ready', 'ready'],
  ['LHLO', LMTP, 'S: 220 hi\nC: LHLO us.example\nS: 250 mx\nC: ready', 'ready'],
  ['HELO', PLAIN, 'S: 220 hi\nC: EHLO us.example\nS: 502 what\nC: HELO us.example\nS: 250 mx\nC: ready', 'ready'],
  ['no HELO in LMTP', LMTP, 'S: 220 hi\nC: LHLO us.example\nS: 502 what\nC: QUIT\nC: end', 'over hello'],
  [
    'neither',
    PLAIN,
    'S: 220 hi\nC: EHLO us.example\nS: 502 what\nC: HELO us.example\nS: 550 no\nC: QUIT\nC: end',
    'over hello',
  ],
  ['later', PLAIN, 'S: 220 hi\nC: EHLO us.example\nS: 451 later\nC: QUIT\nC: end', 'over hello'],
  ['no service', PLAIN, 'S: 554 no\nC: QUIT\nC: end', 'over greeting'],
  ['421 greeting', PLAIN, 'S: 421 busy\nC: end', 'over shutdown'],
  ['lost', PLAIN, 'S: 220 hi\nC: EHLO us.example\nLOST\nC: end', 'over connection'],
  ['STARTTLS not used', PLAIN, 'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 STARTTLS\nC: ready', 'ready'],
  [
    'STARTTLS',
    { ...PLAIN, tls: 'required' },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC: startTls\nTLS\nC: EHLO us.example\nS: 250 mx\nC: ready',
    'ready',
  ],
  [
    'STARTTLS missing',
    { ...PLAIN, tls: 'required' },
    'S: 220 hi\nC: EHLO us.example\nS: 250 mx\nC: QUIT\nC: end',
    'over tls',
  ],
  [
    'STARTTLS missing, plain',
    { ...PLAIN, tls: 'opportunistic' },
    'S: 220 hi\nC: EHLO us.example\nS: 250 mx\nC: ready',
    'ready',
  ],
  [
    'STARTTLS refused',
    { ...PLAIN, tls: 'required' },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 STARTTLS\nC: STARTTLS\nS: 454 no\nC: QUIT\nC: end',
    'over tls',
  ],
  [
    'STARTTLS refused, plain',
    { ...PLAIN, tls: 'opportunistic' },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 STARTTLS\nC: STARTTLS\nS: 454 no\nC: ready',
    'ready',
  ],
  [
    'AUTH PLAIN (RFC 4616 §4)',
    { ...PLAIN, auth: AUTH },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\nS: 235 2.7.0 in\nC: ready',
    'ready',
  ],
  [
    'AUTH LOGIN',
    { ...PLAIN, auth: AUTH },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dGlt\nS: 334 UGFzc3dvcmQ6\nC: dGFuc3RhYWZ0YW5zdGFhZg==\nS: 235 in\nC: ready',
    'ready',
  ],
  [
    'AUTH missing',
    { ...PLAIN, auth: AUTH },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 AUTH GSSAPI\nC: QUIT\nC: end',
    'over auth',
  ],
  [
    'AUTH refused',
    { ...PLAIN, auth: AUTH },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 AUTH PLAIN\nC: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\nS: 535 5.7.8 no\nC: QUIT\nC: end',
    'over auth',
  ],
  [
    'no password to whoever strips STARTTLS',
    { ...PLAIN, tls: 'opportunistic', auth: AUTH },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 AUTH PLAIN\nC: QUIT\nC: end',
    'over auth',
  ],
  [
    'TLS from the first byte',
    { ...PLAIN, tls: 'implicit' },
    'S: 220 hi\nC: EHLO us.example\nS: 250-mx | 250 STARTTLS\nC: ready',
    'ready',
  ],
  [
    'QUIT',
    PLAIN,
    'S: 220 hi\nC: EHLO us.example\nS: 250 mx\nC: ready\nQUIT\nC: QUIT\nS: 221 bye\nC: end',
    'over connection',
  ],
  [
    'closed while idle',
    PLAIN,
    'S: 220 hi\nC: EHLO us.example\nS: 250 mx\nC: ready\nS: 421 idle\nC: end',
    'over shutdown',
  ],
  [
    'a reply to nothing',
    PLAIN,
    'S: 220 hi\nC: EHLO us.example\nS: 250 mx\nC: ready\nS: 250 ok\nC: QUIT\nC: end',
    'over protocol',
  ],
]

test('a connection is opened', () => {
  for (const [name, settings, script, expected] of OPENINGS) {
    const { state } = converse(settings, script)
    assert.equal(state.at === 'over' ? `over ${state.trouble.with}` : state.at, expected, name)
  }
})

const OPEN = 'S: 220 hi\nC: EHLO us.example\nS: 250-mx'
const A_B = mail(['a@x.example', 'b@x.example'])
const MAIL_A_B = 'C: MAIL FROM:<a@us.example>\nC: RCPT TO:<a@x.example>\nC: RCPT TO:<b@x.example>'
const BDAT = ' | 250-PIPELINING | 250 CHUNKING\nC: ready'
const PIPE = ' | 250 PIPELINING\nC: ready'
const STEPS = ' | 250 HELP\nC: ready'
const RESET = 'C: RSET\nS: 250 ok\nC: ready'

const TRANSACTIONS: [string, string, string[], Transaction?][] = [
  [
    'one command at a time',
    `${STEPS}
    MAIL
    C: MAIL FROM:<a@us.example>
    S: 250 ok
    C: RCPT TO:<a@x.example>
    S: 250 ok
    C: RCPT TO:<b@x.example>
    S: 550 5.1.1 who
    C: DATA
    S: 354 go
    C: <dots>
    S: 250 2.0.0 got it
    C: ready`,
    ['250', '550 RCPT'],
  ],
  [
    'MAIL refused, one at a time',
    `${STEPS}\nMAIL\nC: MAIL FROM:<a@us.example>\nS: 452 4.3.1 full\n${RESET}`,
    ['452 MAIL', '452 MAIL'],
  ],
  [
    'all refused, one at a time',
    `${STEPS}\nMAIL\nC: MAIL FROM:<a@us.example>\nS: 250 ok\nC: RCPT TO:<a@x.example>\nS: 550 no
    C: RCPT TO:<b@x.example>\nS: 450 no\n${RESET}`,
    ['550 RCPT', '450 RCPT'],
  ],
  [
    'pipelined',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 550 no | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250', '550 RCPT'],
  ],
  [
    'pipelined, all refused',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 550 | 551 | 554\n${RESET}`,
    ['550 RCPT', '551 RCPT'],
  ],
  [
    'pipelined, all refused, 354',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 550 | 551 | 354\nC: .\nS: 250 ok\n${RESET}`,
    ['550 RCPT', '551 RCPT'],
  ],
  [
    'pipelined, MAIL refused',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 550 5.7.1 no | 503 | 503 | 503\n${RESET}`,
    ['550 MAIL', '550 MAIL'],
  ],
  [
    'DATA refused',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 550 | 451 later\n${RESET}`,
    ['451 DATA', '550 RCPT'],
  ],
  [
    'content refused',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 550 | 354\nC: <dots>\nS: 554 spam\n${RESET}`,
    ['554 DATA', '550 RCPT'],
  ],
  [
    'one write',
    `${BDAT}\nMAIL\n${MAIL_A_B}\nC: BDAT 9 LAST\nC: <bytes>\nS: 250 | 250 | 550 | 250 got\nC: ready`,
    ['250', '550 RCPT'],
  ],
  [
    'one write, all refused',
    `${BDAT}\nMAIL\n${MAIL_A_B}\nC: BDAT 9 LAST\nC: <bytes>\nS: 250 | 550 | 450 | 503 none\n${RESET}`,
    ['550 RCPT', '450 RCPT'],
  ],
  [
    'one write, refused',
    `${BDAT}\nMAIL\n${MAIL_A_B}\nC: BDAT 9 LAST\nC: <bytes>\nS: 250 | 250 | 250 | 552 big\n${RESET}`,
    ['552 DATA', '552 DATA'],
  ],
  [
    'not eager',
    `${BDAT}\nMAIL later\n${MAIL_A_B}\nS: 250 | 250 | 550\nC: BDAT 9 LAST\nC: <bytes>\nS: 250 ok\nC: ready`,
    ['250', '550 RCPT'],
  ],
  [
    'not eager, all refused',
    `${BDAT}\nMAIL later\n${MAIL_A_B}\nS: 250 | 550 | 550\n${RESET}`,
    ['550 RCPT', '550 RCPT'],
  ],
  [
    '421 to the second RCPT',
    `${BDAT}\nMAIL\n${MAIL_A_B}\nC: BDAT 9 LAST\nC: <bytes>\nS: 250 | 550 no | 421 bye\nC: end`,
    ['550 RCPT', 'lost shutdown'],
  ],
  [
    '421 to DATA',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 550 | 421 bye\nC: end`,
    ['lost shutdown', '550 RCPT'],
  ],
  [
    'lost in the content',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 550 | 354\nC: <dots>\nLOST\nC: end`,
    ['lost connection', '550 RCPT'],
  ],
  [
    'lost while resetting',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 550 | 551 | 554\nC: RSET\nLOST\nC: end`,
    ['550 RCPT', '551 RCPT'],
  ],
  ['354 to RCPT', `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 354\nC: end`, ['lost protocol', 'lost protocol']],
  [
    '250 to DATA',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 250 | 250\nC: end`,
    ['lost protocol', 'lost protocol'],
  ],
  [
    'too many',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 452 4.5.3 more later | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250', 'untried'],
  ],
  [
    'mailbox full is not too many',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 552 5.2.2 full | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250', '552 RCPT'],
  ],
  [
    '452 for all is not too many',
    `${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 452 | 452 | 503\n${RESET}`,
    ['452 RCPT', '452 RCPT'],
  ],
  [
    'RCPTMAX',
    ` | 250-LIMITS RCPTMAX=1 | 250 PIPELINING\nC: ready
    MAIL\nC: MAIL FROM:<a@us.example>\nC: RCPT TO:<a@x.example>\nC: DATA\nS: 250 | 250 | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250', 'untried'],
  ],
  [
    'RCPTDOMAINMAX',
    ` | 250-LIMITS RCPTDOMAINMAX=1 | 250 PIPELINING\nC: ready
    MAIL\nC: MAIL FROM:<a@us.example>\nC: RCPT TO:<a@x.example>\nC: RCPT TO:<b@x.example>\nC: DATA\nS: 250 | 250 | 250 | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250', '250', 'untried'],
    mail(['a@x.example', 'b@x.example', 'c@y.example']),
  ],
  [
    'every parameter',
    ` | 250-SIZE | 250-DSN | 250-SMTPUTF8 | 250-8BITMIME | 250 PIPELINING\nC: ready
    MAIL
    C: MAIL FROM:<> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb
    C: RCPT TO:<ä@x.example> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;ä@o.example
    C: RCPT TO:<b@x.example> NOTIFY=NEVER ORCPT=rfc822;b+3Db@o.example
    C: DATA
    S: 250 | 250 | 250 | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250', '250'],
    mail(
      [
        recipient('ä@x.example', { notify: ['SUCCESS', 'DELAY'], original: { type: 'utf-8', address: 'ä@o.example' } }),
        recipient('b@x.example', { notify: [], original: { type: 'rfc822', address: 'b=b@o.example' } }),
      ],
      { returnPath: '<>', body: '8BITMIME', smtputf8: true, ret: 'HDRS', envid: 'a+b' },
    ),
  ],
  [
    'no parameter that was not offered',
    `${PIPE}\nMAIL\nC: MAIL FROM:<>\nC: RCPT TO:<b@x.example>\nC: DATA\nS: 250 | 250 | 354\nC: <dots>\nS: 250 ok\nC: ready`,
    ['250'],
    mail([recipient('b@x.example', { notify: [], original: { type: 'rfc822', address: 'b' } })], {
      returnPath: '<>',
      ret: 'FULL',
      envid: 'x',
    }),
  ],
]

test('transactions', () => {
  for (const [name, script, expected, transaction] of TRANSACTIONS) {
    const { results } = converse(PLAIN, OPEN + script, transaction ?? A_B)
    assert.deepEqual(results, expected, name)
  }
})

const LHLO = 'S: 220 hi\nC: LHLO us.example\nS: 250-mx | 250-CHUNKING | 250 PIPELINING\nC: ready\nMAIL\n'
const A_B_C = mail(['a@x.example', 'b@x.example', 'c@x.example'])
const MAIL_A_B_C = `${MAIL_A_B}\nC: RCPT TO:<c@x.example>`

test('LMTP: a reply for each accepted recipient (RFC 2033 §4.2)', () => {
  const cases: [string, string[], Transaction?][] = [
    [
      `${MAIL_A_B_C}\nC: DATA\nS: 250 | 250 | 550 | 250 | 354\nC: <dots>\nS: 250 2.0.0 a\nS: 452 4.2.2 c\nC: ready`,
      ['250', '550 RCPT', '452 DATA'],
    ],
    [`${MAIL_A_B_C}\nC: DATA\nS: 250 | 550 | 550 | 550 | 503\n${RESET}`, ['550 RCPT', '550 RCPT', '550 RCPT']],
    [`${MAIL_A_B_C}\nC: DATA\nS: 250 | 550 | 550 | 550 | 354\nC: end`, ['550 RCPT', '550 RCPT', '550 RCPT']],
    [
      `${MAIL_A_B_C}\nC: DATA\nS: 250 | 250 | 250 | 250 | 354\nC: <dots>\nS: 250 a\nLOST\nC: end`,
      ['250', 'lost connection', 'lost connection'],
    ],
    [
      `${MAIL_A_B_C}\nS: 250 | 250 | 250 | 550\nC: BDAT 9 LAST\nC: <bytes>\nS: 550 a\nS: 250 b\nC: ready`,
      ['550 DATA', '250', '550 RCPT'],
      { ...A_B_C, body: 'BINARYMIME' },
    ],
  ]
  for (const [script, expected, transaction] of cases) {
    assert.deepEqual(converse(LMTP, LHLO + script, transaction ?? A_B_C).results, expected, script)
  }
})

test('no wait is without an end but the idle one (RFC 5321 §4.5.3.2)', () => {
  assert.equal(patience(connected(PLAIN, false)), 300_000)
  assert.equal(
    patience(converse(PLAIN, `${OPEN}${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 250`, A_B).state),
    120_000,
  )
  assert.equal(
    patience(
      converse(PLAIN, `${OPEN}${PIPE}\nMAIL\n${MAIL_A_B}\nC: DATA\nS: 250 | 250 | 250 | 354\nC: <dots>`, A_B).state,
    ),
    600_000,
  )
  assert.equal(patience(converse(PLAIN, `${OPEN}${PIPE}`).state), undefined)
})

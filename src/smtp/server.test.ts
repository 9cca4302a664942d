/** What dialogues (test/dialogues) cannot say: events out of place, and what the machine hands to the loop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../mail/address.ts'
import { replies } from './replies.ts'
import { NEW_SESSION, step, takesLine } from './server.ts'
import type { Context, Effect, Event, Session } from './session.ts'
import { ACCEPT } from './verdict.ts'

const context: Context = {
  kind: 'smtp',
  hostname: 'mx.example.org',
  limits: { messageSize: 5000, recipients: 100, messagesPerSession: 50, errors: 10, idleCommands: 10 },
  startTls: true,
  tlsRequired: false,
  clearLogin: false,
  loginRequired: false,
  longestHold: 0,
  now: () => 0,
}
const accept: Event = { on: 'verdict', verdict: ACCEPT }
const line = (text: string): Event => ({ on: 'line', line: { is: 'line', text } })
const submission: readonly Event[] = [
  { on: 'connected', tls: true },
  accept,
  line('EHLO c.example'),
  accept,
  line('MAIL FROM:<a@b.example> RET=HDRS ENVID=x BODY=8BITMIME'),
  accept,
  line('RCPT TO:<c@example.org> NOTIFY=NEVER'),
  accept,
  line('DATA'),
  accept,
  { on: 'content', size: 5 },
]

function run(events: readonly Event[]): { readonly session: Session; readonly effects: readonly Effect[] } {
  let session = NEW_SESSION
  let effects: readonly Effect[] = []
  for (const event of events) ({ next: session, effects } = step(session, event, context))
  return { session, effects }
}

test('a submission carries all that was said of it', () => {
  const { session, effects } = run(submission)
  const [effect] = effects
  assert.ok(effect?.do === 'submit')
  assert.deepEqual(effect.client, { protocol: 'ESMTP', name: 'c.example', login: undefined })
  assert.equal(effect.tls, true)
  const { returnPath, ...rest } = effect.envelope
  assert.ok(returnPath !== '<>')
  assert.equal(formatAddress(returnPath), 'a@b.example')
  assert.deepEqual(rest, { body: '8BITMIME', smtputf8: false, ret: 'HDRS', envid: 'x', holdUntil: undefined })
  assert.deepEqual(effect.recipients[0]?.notify, [])
  assert.equal(takesLine(session), false)
})

test('shutdown lets a submitted message have its reply first', () => {
  const { session, effects } = run([...submission, { on: 'shutdown' }])
  assert.deepEqual(effects, [])
  const last = step(session, { on: 'submitted', replies: [replies.mail] }, context)
  assert.deepEqual(last.next, { at: 'closed' })
  assert.deepEqual(last.effects, [
    { do: 'reply', reply: replies.mail },
    { do: 'reply', reply: replies.shutdown },
    { do: 'close' },
  ])
})

const mistakes: readonly (readonly [name: string, events: readonly Event[]])[] = [
  ['a line before the connection', [line('NOOP')]],
  ['a line while an answer is awaited', [{ on: 'connected', tls: false }, line('NOOP')]],
  ['an answer to no question', [{ on: 'connected', tls: false }, accept, accept]],
  ['content that nobody awaits', [{ on: 'connected', tls: false }, accept, { on: 'content', size: 1 }]],
  ['TLS that nobody awaits', [{ on: 'connected', tls: false }, accept, { on: 'secured' }]],
  ['too few replies', [...submission, { on: 'submitted', replies: [] }]],
]
for (const [name, events] of mistakes)
  test(`our own mistake is thrown: ${name}`, () => assert.throws(() => run(events)))

test('what comes after the end is ignored', () => {
  const end: readonly Event[] = [{ on: 'connected', tls: false }, { on: 'timeout' }]
  for (const late of [accept, line('NOOP'), { on: 'secured' }, { on: 'content', size: 1 }] as const) {
    assert.deepEqual(run([...end, late]), { session: { at: 'closed' }, effects: [] })
  }
})

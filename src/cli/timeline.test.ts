import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Event, eventLine } from '../log/events.ts'
import { eventText, parseEvents, timelineText } from './timeline.ts'

const at = new Date(2026, 6, 1, 12, 0, 0, 7).getTime()
const plain = { width: 80, colours: false }
const client = { address: '192.0.2.1', helo: 'mx.example.org', login: undefined, tls: 'TLSv1.3', via: 'smtp' }
const reply = { code: 451, status: '4.7.1', text: ['Greylisted,', 'try again'] }
const message = 1_000_000
const to = 'mx2.example.org [192.0.2.2]:25'

const cases: readonly (readonly [Event, readonly string[]])[] = [
  [
    {
      event: 'accepted',
      message,
      session: 3,
      from: 'a@example.org',
      to: ['b@example.net', 'c@example.net'],
      size: 2048,
      messageId: '<1@example.org>',
      client,
    },
    [
      'accepted 2.0 KB from mx.example.org [192.0.2.1] (smtp, TLSv1.3)',
      'from <a@example.org> to b@example.net, c@example.net',
      'Message-ID <1@example.org>',
      'in session 00000000003',
    ],
  ],
  [
    {
      event: 'refused',
      session: 3,
      at: 'rcpt-asked',
      reply: { ...reply, code: 550, status: '5.1.1' },
      client,
      detail: { from: '', to: 'x@y.test' },
    },
    [
      'refused mx.example.org [192.0.2.1] (smtp, TLSv1.3), at a recipient',
      'we said: 550 5.1.1 Greylisted, try again',
      'the message was to <x@y.test>',
    ],
  ],
  [
    { event: 'delivered', message, recipient: 'b@x.test', to: 'mailbox b@x.test', reply: undefined, attempts: 1 },
    ['delivered: b@x.test, in the mailbox of b@x.test'],
  ],
  [
    {
      event: 'delivered',
      message,
      recipient: 'b@x.test',
      to,
      reply: { code: 250, status: undefined, text: ['ok'] },
      attempts: 3,
    },
    [`delivered: b@x.test, to ${to} (tried 3 times)`, 'it said: 250 ok'],
  ],
  [
    {
      event: 'deferred',
      message,
      recipient: 'b@x.test',
      to,
      status: '4.7.1',
      reason: 'the host refused RCPT',
      reply,
      attempts: 1,
      next: at + 300_000,
    },
    [
      'deferred: b@x.test; next try at 12:05:00',
      `${to} said: 451 4.7.1 Greylisted, try again`,
      'the host refused RCPT',
    ],
  ],
  [
    {
      event: 'deferred',
      message,
      recipient: 'b@x.test',
      to: undefined,
      status: '4.4.1',
      reason: 'connection refused',
      reply: undefined,
      attempts: 1,
      next: undefined,
    },
    ['deferred: b@x.test; next try when its host is tried again', 'connection refused (4.4.1)'],
  ],
  [
    {
      event: 'bounced',
      message,
      recipient: 'b@x.test',
      to,
      status: '5.1.2',
      reason: 'no such domain',
      reply: undefined,
      attempts: 1,
    },
    ['given up: b@x.test', `${to}: no such domain (5.1.2)`],
  ],
  [
    { event: 'reported', message, action: 'failed', recipients: ['b@x.test'], report: 5 },
    ['report to the sender: message 00000000005', 'could not be delivered: b@x.test'],
  ],
  [
    {
      event: 'reported',
      message,
      action: 'failed',
      recipients: ['b@x.test'],
      report: undefined,
      reason: 'nobody there',
    },
    ['no report to the sender (could not be delivered: b@x.test)', 'nobody there'],
  ],
  [
    { event: 'expanded', message, recipient: 'all@x.test', to: ['a@x.test', 'b@x.test'] },
    ['all@x.test stands for a@x.test, b@x.test'],
  ],
  [
    { event: 'damaged', message, reason: 'its content is missing' },
    ['set aside, because it is damaged', 'its content is missing'],
  ],
]

for (const [event, expected] of cases) {
  test(`${event.event}: ${expected[0]}`, () => {
    const [told] = parseEvents([eventLine(at, event)])
    assert.ok(told)
    const lines = eventText(told, { ...plain, width: Infinity }).split('\n')
    assert.equal(lines[0], `12:00:00.007  ${expected[0]}`)
    assert.deepEqual(
      lines.slice(1),
      expected.slice(1).map(line => ' '.repeat(14) + line),
    )
  })
}

test('an event that is not known is still shown', () => {
  const [told] = parseEvents([JSON.stringify({ level: 30, time: at, event: 'new-kind', what: 'ever' })])
  assert.ok(told)
  assert.equal(eventText(told, plain), `12:00:00.007  new-kind\n${' '.repeat(14)}{"what":"ever"}`)
})

test('a damaged line is left out, and each day has its heading', () => {
  const line = (ms: number): string => eventLine(ms, { event: 'damaged', message, reason: 'x' })
  const events = parseEvents([line(at), '{"half', line(at + 1000), line(at + 86_400_000)])
  const heads = timelineText(events, plain)
    .split('\n')
    .filter(text => text.startsWith('2026'))
  assert.deepEqual(heads, ['2026-07-01', '2026-07-02'])
})

test('what a peer says is shown without its control characters', () => {
  const evil = { code: 250, status: undefined, text: ['\u001b]0;owned\u0007ok'] }
  const [told] = parseEvents([
    eventLine(at, { event: 'delivered', message, recipient: 'b@x.test', to, reply: evil, attempts: 1 }),
  ])
  assert.ok(told)
  assert.ok(!/[\u001b\u0007]/.test(eventText(told, plain)))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { forPeople } from './people.ts'

const CASES: readonly (readonly [Record<string, unknown>, string])[] = [
  [
    { event: 'accepted', message: '039dg5m1r80', from: 'a@x.test', to: ['b@x.test', 'c@x.test'], size: 682 },
    'accepted  039dg5m1r80 from <a@x.test> to b@x.test, c@x.test, 682 bytes',
  ],
  [
    { event: 'delivered', message: '039dg5m1r80', recipient: 'b@x.test', to: 'mailbox b@x.test' },
    'delivered 039dg5m1r80 b@x.test → mailbox b@x.test',
  ],
  [
    { event: 'refused', session: '039dg5m1r81', reply: '550 5.1.1 No', detail: { from: 'a@x.test', to: 'b@x.test' } },
    'refused   039dg5m1r81 550 5.1.1 No (mail from <a@x.test> to b@x.test)',
  ],
  [
    { event: 'refused', session: '039dg5m1r81', reply: '535 5.7.8 No', detail: {} },
    'refused   039dg5m1r81 535 5.7.8 No',
  ],
  [
    { event: 'refused', session: '039dg5m1r81', reply: '535 5.7.8 No', client: { via: 'pop3', address: '::1' } },
    'refused   039dg5m1r81 535 5.7.8 No (pop3, ::1)',
  ],
  [
    { event: 'logged-in', session: '039dg5m1r81', login: 'a@x.test', client: { via: 'imap', address: '127.0.0.1' } },
    'logged-in 039dg5m1r81 a@x.test (imap, 127.0.0.1)',
  ],
]

for (const [event, text] of CASES) {
  test(text, () => {
    const line = stripVTControlCharacters(forPeople(JSON.stringify({ level: 30, time: 0, ...event })))
    assert.equal(line.replace(/^\d\d:\d\d:\d\d /, ''), text)
  })
}

test('what is no event is shown as it is', () => assert.equal(forPeople('half a li'), 'half a li'))

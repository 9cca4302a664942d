import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Reply } from '../mail/reply.ts'
import { NO_REPLIES, parseReplies, REPLY_LINE_MAX } from './reply-parser.ts'

const reply = (code: number, status: string | undefined, ...text: string[]): Reply => ({ code, status, text })

const GOOD: [string, Reply[]][] = [
  ['220 mx1.example.org ESMTP\r\n', [reply(220, undefined, 'mx1.example.org ESMTP')]],
  ['250\r\n', [reply(250, undefined, '')]],
  ['250 \r\n', [reply(250, undefined, '')]],
  ['250 2.1.0 Ok\r\n250 2.1.5 Ok\n', [reply(250, '2.1.0', 'Ok'), reply(250, '2.1.5', 'Ok')]],
  ['550-5.1.1 No such\r\n550 5.1.1 person\r\n', [reply(550, '5.1.1', 'No such', 'person')]],
  ['250-mx.example\r\n250-SIZE 100\r\n250 DSN\r\n', [reply(250, undefined, 'mx.example', 'SIZE 100', 'DSN')]],
  ['550 5.7.509\r\n', [reply(550, '5.7.509', '')]],
  ['550 4.1.1 wrong class\r\n', [reply(550, undefined, '4.1.1 wrong class')]],
  ['550 5.1.1234 too long\r\n', [reply(550, undefined, '5.1.1234 too long')]],
  ['354 go\u0000 on\r\n', [reply(354, undefined, 'go? on')]],
  // C1 controls command a terminal as ESC does, the others break or turn round a line.
  ['550 a\u009b2Jb\u0085c\u2028d\u202ee\u2066f\r\n', [reply(550, undefined, 'a?2Jb?c?d?e?f')]],
  ['250 2.0.0 grüß\r\n', [reply(250, '2.0.0', 'grüß')]],
  ['599 x\r\n', [reply(599, undefined, 'x')]],
]

test('replies', () => {
  for (const [input, expected] of GOOD) {
    const parsed = parseReplies(NO_REPLIES, Buffer.from(input))
    assert.deepEqual(parsed, { next: NO_REPLIES, replies: expected, malformed: undefined }, input)
  }
})

test('replies cut anywhere are the same replies', () => {
  const input = Buffer.from(GOOD.map(([text]) => text).join(''))
  const expected = GOOD.flatMap(([, replies]) => replies)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }), lengths => {
      let state = NO_REPLIES
      const replies: Reply[] = []
      let from = 0
      for (let i = 0; from < input.length; i++) {
        const length = lengths[i % lengths.length] ?? 1
        const parsed = parseReplies(state, input.subarray(from, from + length))
        assert.equal(parsed.malformed, undefined)
        state = parsed.next
        replies.push(...parsed.replies)
        from += length
      }
      assert.equal(state.rest.length, 0)
      assert.deepEqual(replies, expected)
    }),
  )
})

const BAD = [
  '\r\n',
  '25\r\n',
  'hello\r\n',
  '199 x\r\n',
  '600 x\r\n',
  '2x0 x\r\n',
  '250_x\r\n',
  '250-a\r\n251 b\r\n',
  `250 ${'x'.repeat(REPLY_LINE_MAX)}\r\n`,
  `250 ${'x'.repeat(REPLY_LINE_MAX)}`,
  '250-x\r\n'.repeat(300),
  `250-${'x'.repeat(4000)}\r\n`.repeat(20),
]

test('what is not a reply is said to be none', () => {
  for (const input of BAD) assert.ok(parseReplies(NO_REPLIES, Buffer.from(input)).malformed, input.slice(0, 40))
})

test('replies before the malformed one are kept', () => {
  const parsed = parseReplies(NO_REPLIES, Buffer.from('250 ok\r\nHTTP/1.1 400\r\n'))
  assert.deepEqual(parsed.replies, [reply(250, undefined, 'ok')])
  assert.match(parsed.malformed ?? '', /HTTP/)
})

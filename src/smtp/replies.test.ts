import assert from 'node:assert/strict'
import { test } from 'node:test'
import { challenge, chunkReceived, encodeReply, greeting, hello, type OwnReply, queued, replies } from './replies.ts'

// @ts-expect-error: RFC 3463 §2: a 550 is permanent, so its status begins with 5
const contradiction: OwnReply = { code: 550, status: '4.1.1', text: ['no'] }
// @ts-expect-error: a reply says something
const silence: OwnReply = { code: 250, status: '2.0.0', text: [] }

test('what does not compile would be wrong', () => {
  assert.notEqual(String(contradiction.code)[0], contradiction.status?.[0])
  assert.equal(silence.text.length, 0)
})

const wires: readonly (readonly [reply: OwnReply, wire: string])[] = [
  [replies.mail, '250 2.1.0 OK\r\n'],
  [challenge(''), '334 \r\n'],
  [challenge('VXNlcm5hbWU6'), '334 VXNlcm5hbWU6\r\n'],
  [greeting('mx.example.org', 'LMTP'), '220 mx.example.org LMTP Staffetta\r\n'],
  [hello('mx.example.org', ['PIPELINING', 'DSN']), '250-mx.example.org\r\n250-PIPELINING\r\n250 DSN\r\n'],
  [hello('mx.example.org', []), '250 mx.example.org\r\n'],
  [queued('abc'), '250 2.0.0 queued as abc\r\n'],
  [chunkReceived(5), '250 2.0.0 5 bytes received\r\n'],
]
for (const [reply, wire] of wires) test(`reply: ${JSON.stringify(wire)}`, () => assert.equal(encodeReply(reply), wire))

test('every reply of the table obeys RFC 5321 §4.2 and RFC 2034', () => {
  for (const [name, reply] of Object.entries<OwnReply>(replies)) {
    for (const line of encodeReply(reply).split('\r\n').slice(0, -1)) {
      assert.match(line, /^[2-5][0-5]\d[ -][\x20-\x7e]*$/, name)
      assert.ok(line.length <= 510, `${name} is too long`) // RFC 5321 §4.5.3.1.5
      if (reply.status !== undefined) assert.match(line, /^(\d)\d\d[ -]\1\.\d+\.\d+ /, name)
    }
  }
})

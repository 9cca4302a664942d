import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeReply, greeting, holds, type Reply, replies } from './replies.ts'

const all: readonly (readonly [string, Reply])[] = [
  ...Object.entries(replies),
  ['greeting', greeting('mx.example.org')],
  ['holds', holds(4_294_967_295, Number.MAX_SAFE_INTEGER)],
]

test('each reply is one line of printable ASCII, short enough, and no text looks like a code', () => {
  for (const [name, reply] of all) {
    const line = encodeReply(reply)
    assert.match(line, /^(?:\+OK|-ERR(?: \[(?:AUTH|IN-USE|SYS\/TEMP|SYS\/PERM)\])?) [^[\]<>][ -Z\\^-~]*\r\n$/, name)
    assert.ok(line.length <= 512, name) // RFC 2449 §4
  }
})

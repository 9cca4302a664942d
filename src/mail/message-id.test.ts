import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatMessageId, parseMessageId } from './message-id.ts'

void test('parseMessageId', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['<1234@local.machine.example>', '<1234@local.machine.example>'],
    [' (a \\) comment (in it)) \t<a.b+c@[192.0.2.1]> (another)', '<a.b+c@[192.0.2.1]>'],
    ['<a@b> <c@d>', '<a@b>'],
    ['<"a b"@c>', '<"a b"@c>'],
    ['<ü@ü.example>', '<ü@ü.example>'],
    ['<a@b', undefined],
    ['<a>', undefined],
    ['<@b>', undefined],
    ['<a@>', undefined],
    ['<a..b@c>', undefined],
    ['<a@b@c>', undefined],
    ['<a b@c>', undefined],
    ['<a@b\r\n>', undefined],
    ['a@b', undefined],
    ['(open <a@b>', undefined],
    [`<${'a'.repeat(996)}@b>`, undefined],
    ['', undefined],
  ]
  for (const [text, expected] of cases) assert.equal(parseMessageId(text), expected, text)
})

void test('property: what is built can be parsed, and differs where the random part does', () => {
  const random = fc.uint8Array({ minLength: 16, maxLength: 16 })
  fc.assert(
    fc.property(random, random, (a, b) => {
      const id = formatMessageId(a, 'mx1.example.org')
      assert.equal(parseMessageId(id), id)
      assert.equal(id === formatMessageId(b, 'mx1.example.org'), Buffer.compare(a, b) === 0)
    }),
  )
})

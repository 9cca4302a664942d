import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lfCheck, withCrlf, withLf } from './line-ends.ts'

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
}

function crlf(text: string, size = 1000): string {
  const ends = withCrlf()
  return Buffer.concat(pieces(Buffer.from(text), size).map(piece => ends.feed(piece))).toString()
}

for (const [from, to] of [
  ['', ''],
  ['a', 'a'],
  ['a\nb\n', 'a\r\nb\r\n'],
  ['a\nb\r\n\n', 'a\r\nb\r\n\r\n'],
  ['\n\n', '\r\n\r\n'],
  ['a\r\nb\nc\r\n', 'a\r\nb\nc\r\n'],
  ['a\rb\n', 'a\rb\r\n'],
] as const) {
  test(JSON.stringify(from), () => {
    for (const size of [1, 2, 1000]) assert.equal(crlf(from, size), to)
  })
}

test('what is exact with LF comes back, and nothing else is said to be', () => {
  const text = fc.array(fc.constantFrom('a', '\r', '\n', '\r\n'), { maxLength: 12 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 4 }), (message, size) => {
      const all = pieces(Buffer.from(message), size)
      const check = lfCheck()
      for (const piece of all) check.feed(piece)
      const lf = withLf()
      const written = Buffer.concat([...all.map(piece => lf.feed(piece)), lf.end()]).toString()
      assert.equal(check.exact, message.includes('\n') && !written.includes('\r\n') && crlf(written) === message)
    }),
    { numRuns: 5000 },
  )
})

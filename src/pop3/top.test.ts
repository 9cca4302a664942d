import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newTopScan, scanTop } from './top.ts'

function top(chunks: readonly string[], lines: number): string {
  const scan = newTopScan(lines)
  let text = ''
  for (const chunk of chunks) {
    const cut = scanTop(scan, Buffer.from(chunk))
    if (cut !== -1) return text + chunk.slice(0, cut)
    text += chunk
  }
  return text
}

const MESSAGE = 'A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n'

const CASES: readonly (readonly [lines: number, message: string, top: string])[] = [
  [0, MESSAGE, 'A: 1\r\nB: 2\r\n\r\n'],
  [1, MESSAGE, 'A: 1\r\nB: 2\r\n\r\none\r\n'],
  [2, MESSAGE, 'A: 1\r\nB: 2\r\n\r\none\r\n\r\n'],
  [3, MESSAGE, MESSAGE],
  [4, MESSAGE, MESSAGE],
  [4_000_000_000, MESSAGE, MESSAGE],
  [1, 'A: 1\r\n', 'A: 1\r\n'],
  [1, '\r\none\r\ntwo', '\r\none\r\n'],
  [2, '\r\none\r\ntwo', '\r\none\r\ntwo'],
  [0, 'A: 1', 'A: 1'],
  [0, '', ''],
]

for (const [lines, message, expected] of CASES) {
  test(`${lines} lines of ${JSON.stringify(message)}`, () => {
    assert.equal(top([message], lines), expected)
    assert.equal(top(message.split(''), lines), expected, 'byte by byte')
  })
}

test('where the chunks are cut makes no difference', () => {
  const message = fc
    .array(fc.constantFrom('\r\n', 'x', 'yy', '.', '\r\n\r\n'), { maxLength: 30 })
    .map(all => all.join(''))
  fc.assert(
    fc.property(
      message,
      fc.integer({ min: 0, max: 6 }),
      fc.array(fc.nat(60), { maxLength: 5 }),
      (text, lines, cuts) => {
        const at = [0, ...cuts.map(cut => Math.min(cut, text.length)).sort((a, b) => a - b), text.length]
        const chunks = at.slice(1).map((end, place) => text.slice(at[place], end))
        assert.equal(top(chunks, lines), top([text], lines))
      },
    ),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { endOfData, type LineEnd, stuffDots } from './stuffing.ts'

function stuffed(chunks: readonly string[]): string {
  let out = ''
  let end: LineEnd = 'crlf'
  for (const chunk of chunks) {
    end = stuffDots(Buffer.from(chunk, 'latin1'), end, part => {
      out += Buffer.from(part).toString('latin1')
    })
  }
  return out + endOfData(end)
}

const CASES: [string, string][] = [
  ['', '.\r\n'],
  ['a', 'a\r\n.\r\n'],
  ['a\r\n', 'a\r\n.\r\n'],
  ['a\n', 'a\n\r\n.\r\n'],
  ['a\r', 'a\r\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['a\r\n.\r\n', 'a\r\n..\r\n.\r\n'],
  ['a\r\n..b\r\n.\r\n.\r\nc.d\r\n', 'a\r\n...b\r\n..\r\n..\r\nc.d\r\n.\r\n'],
]

test('lines that begin with a dot get another', () => {
  for (const [content, expected] of CASES) assert.equal(stuffed([content]), expected, JSON.stringify(content))
})

test('wherever the chunks are cut, the result is the same, and undone it is the content', () => {
  const pieces = fc.array(fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', 'x'), { maxLength: 12 })
  fc.assert(
    fc.property(pieces, pieces, pieces, (a, b, c) => {
      const chunks = [a, b, c].map(each => each.join(''))
      const whole = chunks.join('')
      const out = stuffed([whole])
      assert.equal(stuffed(chunks), out)
      const unstuffed = `\r\n${out.slice(0, -3)}`.replaceAll('\r\n.', '\r\n').slice(2)
      assert.equal(unstuffed, whole === '' || whole.endsWith('\r\n') ? whole : `${whole}\r\n`)
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ContentFault, DataScanner } from './data.ts'

interface Scanned {
  readonly content: string
  readonly fault: ContentFault | undefined
  readonly size: number
  /** undefined: the end did not come. */
  readonly rest: string | undefined
}

function scan(chunks: readonly Buffer[], limit = 1e6): Scanned {
  let content = ''
  const scanner = new DataScanner(limit, part => void (content += part.toString('latin1')))
  for (const [index, chunk] of chunks.entries()) {
    const end = scanner.feed(chunk)
    if (end === -1) continue
    const rest = Buffer.concat([chunk.subarray(end), ...chunks.slice(index + 1)]).toString('latin1')
    return { content, fault: scanner.fault, size: scanner.size, rest }
  }
  return { content, fault: scanner.fault, size: scanner.size, rest: undefined }
}

function slowly(bytes: string): Omit<Scanned, 'content'> & { readonly content: string | undefined } {
  const stuffed = `\r\n${bytes}`
  const end = stuffed.indexOf('\r\n.\r\n')
  const raw = stuffed.slice(0, end === -1 ? undefined : end + 2)
  const content = raw.replaceAll('\r\n.', '\r\n').slice(2)
  const bare = /\r(?!\n)|(?<!\r)\n/.test(raw)
  return {
    content: bare ? undefined : content,
    fault: bare ? 'bare-newline' : undefined,
    size: content.length,
    rest: end === -1 ? undefined : stuffed.slice(end + 5),
  }
}

const cases: readonly (readonly [name: string, input: string, content: string, rest: string])[] = [
  ['empty', '.\r\n', '', ''],
  ['one line', 'a\r\n.\r\n', 'a\r\n', ''],
  ['empty line', '\r\n.\r\n', '\r\n', ''],
  ['pipelined behind it', 'a\r\n.\r\nMAIL FROM:<>\r\n', 'a\r\n', 'MAIL FROM:<>\r\n'],
  ['stuffed dot first', '..\r\n.\r\n', '.\r\n', ''],
  ['stuffed dots', 'a\r\n..\r\n..b\r\n...\r\n.\r\n', 'a\r\n.\r\n.b\r\n..\r\n', ''],
  ['dot before other text', '.a\r\n.b\r\n.\r\n', 'a\r\nb\r\n', ''],
  ['dots within lines', 'a.\r\nb.c\r\n.\r\n', 'a.\r\nb.c\r\n', ''],
  ['8-bit and NUL', 'a\0\xff\x8d\x8a\r\n.\r\n', 'a\0\xff\x8d\x8a\r\n', ''],
  ['a long line', `${'x'.repeat(5000)}\r\n.\r\n`, `${'x'.repeat(5000)}\r\n`, ''],
]

for (const [name, input, content, rest] of cases) {
  test(`data: ${name}, in every two and three pieces`, () => {
    const bytes = Buffer.from(input, 'latin1')
    const expected = { content, fault: undefined, size: content.length, rest }
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= Math.min(bytes.length, a + 6); b++) {
        const chunks = [bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)]
        assert.deepEqual(scan(chunks), expected, `split at ${a} and ${b}`)
      }
    }
  })
}

// What some hosts take for the end of a message, and what must not end one here.
const smuggled = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\n\0.\r\n',
  '\r\r\n.\r',
  '\n\r\n.\r\r\n',
]

for (const end of smuggled) {
  test(`data: ${JSON.stringify(end)} does not end a message`, () => {
    const bytes = Buffer.from(`a${end}MAIL FROM:<evil@example.org>\r\n.\r\nQUIT\r\n`, 'latin1')
    for (let at = 0; at <= bytes.length; at++) {
      const { fault, rest } = scan([bytes.subarray(0, at), bytes.subarray(at)])
      assert.deepEqual([fault, rest], [end.includes('\0') ? undefined : 'bare-newline', 'QUIT\r\n'], `split at ${at}`)
    }
  })
}

test('however it is split, the content is that of the law', () => {
  const part = fc.constantFrom('\r\n', '\r\n', '\r\n.', '.', 'a', 'text', '\r', '\n', '\r\n.\r\n', 'x'.repeat(70))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), fc.array(fc.nat(9), { maxLength: 60 }), (parts, sizes) => {
      const bytes = Buffer.from(parts.join(''), 'latin1')
      const chunks: Buffer[] = []
      let at = 0
      for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)))
      chunks.push(bytes.subarray(at))
      const expected = slowly(parts.join(''))
      const { content, ...found } = scan(chunks)
      if (expected.rest === undefined) return // the law says nothing about what has no end
      assert.deepEqual(found, { fault: expected.fault, size: expected.size, rest: expected.rest })
      if (expected.content !== undefined) assert.equal(content, expected.content)
    }),
    { numRuns: 5000 },
  )
})

test('every piece of a split into single bytes, for all short inputs', () => {
  const alphabet = ['\r', '\n', '.', 'a']
  for (let code = 0; code < alphabet.length ** 6; code++) {
    const input = `${Array.from({ length: 6 }, (_, place) => alphabet[(code >> (2 * place)) & 3]).join('')}\r\n.\r\n`
    const expected = slowly(input)
    const { content, ...found } = scan(Array.from(input, byte => Buffer.from(byte)))
    assert.deepEqual(found, { fault: expected.fault, size: expected.size, rest: expected.rest }, JSON.stringify(input))
    if (expected.content !== undefined) assert.equal(content, expected.content)
  }
})

test('over the limit nothing more is handed over, and the end is still found', () => {
  for (const limit of [0, 1, 5, 6]) {
    const { content, fault, rest } = scan([Buffer.from('abc'), Buffer.from('d\r\n'), Buffer.from('.\r\nQUIT')], limit)
    assert.equal(fault, limit < 6 ? 'too-big' : undefined)
    assert.ok(content.length <= limit)
    assert.equal(rest, 'QUIT')
  }
})

test('parts are views of the chunk, not copies', () => {
  const chunk = Buffer.from('one\r\n..two\r\n')
  const parts: Buffer[] = []
  new DataScanner(100, part => void parts.push(part)).feed(chunk)
  assert.deepEqual(parts.map(String), ['one\r\n', '.two\r\n'])
  assert.ok(parts.every(part => part.buffer === chunk.buffer))
})

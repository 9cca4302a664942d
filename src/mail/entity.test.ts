import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseContentType, splitEntity, splitMultipart } from './entity.ts'

test('Content-Type', () => {
  const cases: [string, string, Record<string, string>][] = [
    ['text/plain', 'text/plain', {}],
    ['Text/HTML; Charset="utf-8"', 'text/html', { charset: 'utf-8' }],
    ['text/plain (a) ; (b) charset=us-ascii (c)', 'text/plain', { charset: 'us-ascii' }],
    ['multipart/mixed; boundary=----=_Part_1', 'multipart/mixed', { boundary: '----=_Part_1' }],
    ['multipart/mixed; boundary="a\\"b; c"; x=y', 'multipart/mixed', { boundary: 'a"b; c', x: 'y' }],
    ['multipart/mixed;;boundary=b;', 'multipart/mixed', { boundary: 'b' }],
    ['multipart/mixed; boundary=a; boundary=b', 'multipart/mixed', { boundary: 'a' }],
  ]
  for (const [value, type, parameters] of cases) {
    const parsed = parseContentType(value)
    assert.equal(parsed?.type, type)
    assert.deepEqual(Object.fromEntries(parsed.parameters), parameters)
  }
  for (const bad of ['', 'text', '/plain', 'text/', ';', '"text"/plain']) assert.equal(parseContentType(bad), undefined)
})

test('header and body', () => {
  const cases: [string, { header: number; body: number }][] = [
    ['\r\nbody', { header: 0, body: 2 }],
    ['A: b\r\n\r\nbody', { header: 6, body: 8 }],
    ['A: b\r\n', { header: 6, body: 6 }],
    ['', { header: 0, body: 0 }],
    ['no field', { header: 0, body: 0 }],
  ]
  for (const [text, split] of cases) assert.deepEqual(splitEntity(Buffer.from(text)), split, text)
})

function parts(body: string, boundary = 'b', max = 10): string[] | undefined {
  const found = splitMultipart(Buffer.from(body), boundary, max)
  return found?.parts.map(({ start, end }) => body.slice(start, end))
}

test('multipart bodies', () => {
  assert.deepEqual(parts('--b\r\none\r\n--b\r\ntwo\r\n\r\n--b--\r\n'), ['one', 'two\r\n'])
  assert.deepEqual(parts('pre\r\n--b \t\r\none\r\n--b--'), ['one'])
  assert.deepEqual(parts('--b\r\none\r\n--bc\r\n--b--x\r\n--b--\r\n'), ['one\r\n--bc\r\n--b--x'])
  assert.deepEqual(parts('--b\r\none --b\r\n'), ['one --b\r\n'], 'not closed, and a delimiter is a whole line')
  assert.deepEqual(parts('--b\r\n--b\r\n--b--'), ['', ''])
  assert.deepEqual(
    parts('--b\r\none\r\n--b--\r\n--b\r\ntwo\r\n--b--'),
    ['one'],
    'after the close delimiter is epilogue',
  )
  assert.equal(parts('nothing'), undefined)
  assert.equal(parts('--b--\r\n'), undefined)
  assert.equal(parts('--b\r\none\r\n--b--', ''), undefined)
  assert.equal(parts('--b\r\n--b\r\n--b\r\n--b--', 'b', 2), undefined)
  assert.equal(splitMultipart(Buffer.from('--b\r\n--b--'), undefined, 10), undefined)
})

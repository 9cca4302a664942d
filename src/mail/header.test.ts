import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  countFields,
  fieldName,
  fieldText,
  fieldValue,
  HEADER_MAX,
  headerEnd,
  headerFields,
  scanHeader,
} from './header.ts'

const message = [
  'Received: from a by b; Thu, 13 Feb 2025 10:00:00 +0000',
  'RECEIVED: from c',
  '\tby d; Thu, 13 Feb 2025 09:59:59 +0000',
  'Subject: one',
  '  two\tthree ',
  'From: =?utf-8?q?J?= <j@example.org>',
  'this line is no field',
  ' nor does this belong to one: x',
  'Message-ID : <1@example.org>',
  'subject:second',
  'X-Empty:',
  '',
  'From: body@example.org',
  '',
].join('\r\n')

void test('headerEnd', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['', 0],
    ['\r\n', 2],
    ['\r\nbody', 2],
    ['a: b\r\n\r\nbody', 8],
    ['a: b\r\n\r\n', 8],
    ['a: b\r\n', 6],
    ['a: b', 4],
    ['a: b\r\n folded', 13],
    ['a: b\r\nHello there\r\n', 6],
    ['Hello there\r\n', 0],
    ['Hello\r\n\r\nthere\r\n', 9], // the empty line decides, for us as for every other reader
    [' \r\na: b\r\n\r\n', 11],
    ['a: b\n\nbody', 10], // a bare LF is no line end
    ['a: b\r\n\n\r\nbody', 6], // nor is a line with one in it empty
    ['a: b\r\n\rX', 6],
    ['a: b\r\n\r', 6],
  ]
  for (const [text, end] of cases) assert.equal(headerEnd(Buffer.from(text)), end, JSON.stringify(text))
})

void test('headerEnd is bounded', () => {
  const line = 'x: y\r\n'
  const lines = Math.floor(HEADER_MAX / line.length)
  assert.equal(headerEnd(Buffer.from(`${line.repeat(lines + 10)}\r\n`)), lines * line.length)
  assert.equal(headerEnd(Buffer.alloc(HEADER_MAX + 10, 'x')), 0)
  assert.equal(headerEnd(Buffer.from(`${line}X: ${'y'.repeat(HEADER_MAX)}\r\n\r\n`)), line.length)
})

void test('fields are names and ranges; folded lines belong to their field', () => {
  const bytes = Buffer.from(message)
  const fields = [...headerFields(bytes)]
  assert.deepEqual(
    fields.map(field => [fieldName(bytes, field), fieldText(bytes, field)]),
    [
      ['received', 'from a by b; Thu, 13 Feb 2025 10:00:00 +0000'],
      ['received', 'from c\tby d; Thu, 13 Feb 2025 09:59:59 +0000'],
      ['subject', 'one  two\tthree'],
      ['from', '=?utf-8?q?J?= <j@example.org>'],
      ['message-id', '<1@example.org>'],
      ['subject', 'second'],
      ['x-empty', ''],
    ],
  )
  const [, second] = fields
  assert.ok(second !== undefined)
  assert.equal(
    bytes.toString('latin1', second.start, second.end),
    'RECEIVED: from c\r\n\tby d; Thu, 13 Feb 2025 09:59:59 +0000\r\n',
  )
  assert.equal(
    bytes.toString('latin1', second.value, second.valueEnd),
    ' from c\r\n\tby d; Thu, 13 Feb 2025 09:59:59 +0000',
  )
})

void test('what is a field', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['x: 1', '1'],
    ['X:1', '1'],
    ['x \t: 1', '1'], // RFC 5322 §4.5
    ['x:\r\n 1\r\n', '1'],
    ['x: 1\r\n \r\n 2\r\n', '1  2'],
    ['y: 1\r\nx: 2\r\nx: 3', '2'],
    ['x y: 1', undefined],
    [': 1', undefined],
    [' x: 1', undefined],
    ['x', undefined],
    ['x\r\n: 1', undefined],
    ['y:\r\n x: 1', undefined],
    ['\u00fcx: 1', undefined],
    ['x\0: 1', undefined],
    ['xx: 1', undefined],
  ]
  for (const [text, value] of cases) {
    for (const end of ['', '\r\n\r\n', '\r\n\r\nx: body']) {
      assert.equal(fieldValue(Buffer.from(text + end), 'x'), value, JSON.stringify(text + end))
    }
  }
})

void test('a value is UTF-8, or Latin-1 where it is not', () => {
  assert.equal(fieldValue(Buffer.from('x: grün\r\n\r\n'), 'x'), 'grün')
  assert.equal(fieldValue(Buffer.from('x: grün\r\n\r\n', 'latin1'), 'x'), 'grün')
})

void test('scanHeader', () => {
  const bytes = Buffer.from(message)
  assert.deepEqual(scanHeader(bytes, ['date', 'subject', 'received']), {
    end: message.indexOf('From: body'),
    received: 2,
    messageId: '<1@example.org>',
    from: '=?utf-8?q?J?= <j@example.org>',
    subject: 'one  two\tthree',
    counts: [0, 2, 2],
  })
  assert.equal(countFields(bytes, 'from'), 1)
  assert.equal(countFields(bytes, 'date'), 0)
})

void test('a message that is a part of a larger buffer', () => {
  const bytes = new Uint8Array(Buffer.from(`xx${message}`)).subarray(2)
  assert.equal(fieldValue(bytes, 'message-id'), '<1@example.org>')
})

void test('property: fields lie in the header, in order, and their lines are where they say', () => {
  const piece = fc.constantFrom('a', ':', ' ', '\t', '\r\n', '\r', '\n', 'X-Y: z', '\r\n\r\n', '\u00e4')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      const bytes = Buffer.from(pieces.join(''))
      const end = headerEnd(bytes)
      assert.ok(end <= bytes.length)
      let at = 0
      for (const field of headerFields(bytes)) {
        assert.ok(at <= field.start && field.start < field.nameEnd && field.nameEnd < field.value)
        assert.ok(field.value <= field.valueEnd && field.valueEnd <= field.end && field.end <= end)
        assert.ok(field.start === 0 || bytes.toString('latin1', field.start - 2, field.start) === '\r\n')
        assert.doesNotMatch(fieldText(bytes, field), /\r\n/)
        at = field.end
      }
    }),
    { numRuns: 2000 },
  )
})

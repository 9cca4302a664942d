import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { headerFields } from './header-fields.ts'

const HEADER = [
  'Return-Path: <a@x.test>\r\n',
  'Subject: one\r\n two\r\n\tthree\r\n',
  'X-Other : spaced\r\n',
  'no field at all\r\n',
  'subject: again\r\n',
  'X-Last: :\r\n',
]

function keep(header: string, how: 'keep' | 'drop', ...names: string[]): string {
  return headerFields(Buffer.from(header, 'latin1'), new Set(names), how).toString('latin1')
}

test('fields are found by name, with what is folded onto them, in the order of the message', () => {
  const header = `${HEADER.join('')}\r\n`
  const of = (...numbers: number[]): string => `${numbers.map(n => HEADER[n]).join('')}\r\n`
  for (const [how, names, expected] of [
    ['keep', ['subject'], of(1, 4)],
    ['keep', ['x-last', 'return-path'], of(0, 5)],
    ['keep', ['x-other'], of(2)],
    ['keep', ['nothing', 'sub'], of()],
    ['drop', ['subject'], of(0, 2, 3, 5)],
    ['drop', [], of(0, 1, 2, 3, 4, 5)],
    ['drop', ['return-path', 'subject', 'x-other', 'x-last'], of(3)],
  ] as const) {
    assert.equal(keep(header, how, ...names), expected, `${how} ${names.join(' ')}`)
  }
})

test('a header that ends in the middle, or in LF alone, has its fields too', () => {
  for (const [header, expected] of [
    ['Subject: x', 'Subject: x\r\n'],
    ['A: 1\nSubject: x\n y\nB: 2\n\nSubject: body\n', 'Subject: x\n y\n\r\n'],
    ['', '\r\n'],
    ['\r\nSubject: body\r\n', '\r\n'],
    [' Subject: folded onto nothing\r\nSubject: y\r\n\r\n', 'Subject: y\r\n\r\n'],
  ] as const) {
    assert.equal(keep(header, 'keep', 'subject'), expected, JSON.stringify(header))
  }
})

test('every line is either kept or dropped', () => {
  const line = fc.constantFrom(
    'Subject: a\r\n',
    'To: b\r\n',
    ' folded\r\n',
    '\tfolded\r\n',
    'garbage\r\n',
    ': x\r\n',
    'To\r\n',
  )
  fc.assert(
    fc.property(fc.array(line), lines => {
      const header = lines.join('')
      const [kept, dropped] = [keep(header, 'keep', 'to'), keep(header, 'drop', 'to')]
      assert.equal(kept.length + dropped.length, header.length + 4)
    }),
  )
})

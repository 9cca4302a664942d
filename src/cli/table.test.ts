import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type Column, cutText, printable, table, type Terminal, widthOf, wrap } from './table.ts'

interface Row {
  readonly name: string
  readonly size: string
  readonly note: string
}

const columns: readonly Column<Row>[] = [
  { head: 'NAME', of: row => row.name, atLeast: 6 },
  { head: 'SIZE', of: row => row.size, align: 'right' },
  { head: 'NOTE', of: row => row.note, atLeast: 6, style: () => 'red' },
]
const rows: readonly Row[] = [
  { name: 'anna@example.org', size: '1 KB', note: 'a note that is rather long' },
  { name: 'b', size: '12 KB', note: '' },
]
const plain = (width: number): Terminal => ({ width, colours: false })

suite('tables', () => {
  test('are aligned, and end no line with spaces', () => {
    assert.deepEqual(table(columns, rows, plain(Infinity)).split('\n'), [
      'NAME               SIZE  NOTE',
      'anna@example.org   1 KB  a note that is rather long',
      'b                 12 KB',
    ])
  })

  test('fit the terminal: what is widest is cut first', () => {
    assert.deepEqual(table(columns, rows, plain(40)).split('\n'), [
      'NAME              SIZE  NOTE',
      'anna@example.o…   1 KB  a note that is …',
      'b                12 KB',
    ])
  })

  test('never cut more than a column allows', () => {
    assert.deepEqual(table(columns, rows, plain(5)).split('\n'), [
      'NAME     SIZE  NOTE',
      'anna@…   1 KB  a not…',
      'b       12 KB',
    ])
  })

  test('are coloured only where there are colours', () => {
    assert.match(table(columns, rows, { width: 80, colours: true }), /\u001b\[31ma note/)
    assert.doesNotMatch(table(columns, rows, plain(80)), /\u001b/)
  })

  test('no line is longer than the terminal, whatever stands in it', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 })
    fc.assert(
      fc.property(fc.array(fc.record({ name: text, size: fc.constant('1 KB'), note: text })), all => {
        for (const line of table(columns, all, plain(40)).split('\n')) assert.ok(widthOf(line) <= 40, line)
      }),
    )
  })
})

const widths: readonly (readonly [string, number])[] = [
  ['', 0],
  ['abc', 3],
  ['Grüße', 5],
  ['漢字', 4],
  ['👍', 2],
  ['e\u0301', 1],
]
for (const [text, width] of widths) test(`"${text}" takes ${width} columns`, () => assert.equal(widthOf(text), width))

test('what a peer says cannot move the cursor', () => {
  assert.equal(printable('a\u001b[31mb\u0007c\r\nd\u202ee'), 'ab c  d e')
})

const wrapped: readonly (readonly [string, number, number, string])[] = [
  ['one two three', 9, 0, 'one two\n  three'],
  ['one two three', 9, 4, 'one\n  two\n  three'],
  ['onlyonelongword', 5, 0, 'onlyonelongword'],
  ['', 5, 0, ''],
]
for (const [text, width, used, expected] of wrapped) {
  test(`"${text}" in ${width} columns, ${used} of them used`, () =>
    assert.equal(wrap(text, width, '  ', used), expected))
}

test('a text is cut between characters', () => {
  assert.equal(cutText('漢字漢字', 6), '漢字…')
  assert.equal(cutText('abc', 3), 'abc')
})

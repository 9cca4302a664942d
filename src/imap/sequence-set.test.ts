import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatRanges, formatUidRanges, MAX_RANGES, parseSequenceSet } from './sequence-set.ts'

const sets: readonly (readonly [text: string, set: unknown])[] = [
  ['1', [[1, 1]]],
  ['$', '$'],
  ['*', [['*', '*']]],
  [
    '2,4:7,9,12:*',
    [
      [2, 2],
      [4, 7],
      [9, 9],
      [12, '*'],
    ],
  ],
  ['*:4,5:1', [['*', 4] as const, [5, 1] as const]],
  ['4294967295', [[4294967295, 4294967295]]],
  ...['', '0', '01', '4294967296', '1,', ',1', '1:', ':1', '1:2:3', '1 ', '-1', '$,1', '1,$', '**', '1e3'].map(
    text => [text, undefined] as const,
  ),
]
for (const [text, set] of sets) test(`sequence set ${text}`, () => assert.deepEqual(parseSequenceSet(text), set))

test('a set has 10,000 ranges at most', () => {
  const text = Array.from({ length: MAX_RANGES }, (_, n) => n + 1).join(',')
  assert.equal(parseSequenceSet(text)?.length, MAX_RANGES)
  assert.equal(parseSequenceSet(`${text},1`), undefined)
})

test('ranges are compact', () => {
  assert.equal(formatRanges([]), '')
  assert.equal(formatRanges([1, 2, 3, 5]), '1:3,5')
  assert.equal(formatRanges(new Uint32Array([7, 9, 10])), '7,9:10')
  assert.equal(
    formatUidRanges([
      [1, 3],
      [5, 5],
    ]),
    '1:3,5',
  )
})

test('what is written is read again as the same numbers', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), unsorted => {
      const numbers = unsorted.toSorted((a, b) => a - b)
      const set = parseSequenceSet(formatRanges(numbers))
      assert.ok(Array.isArray(set))
      const read = set.flatMap(([first, last]: [number, number]) =>
        Array.from({ length: last - first + 1 }, (_, n) => first + n),
      )
      assert.deepEqual(read, numbers)
    }),
  )
})

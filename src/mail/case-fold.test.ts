import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldBoundary, foldCase } from './case-fold.ts'

const SAME: readonly (readonly string[])[] = [
  ['Hello, World', 'hELLO, wORLD'],
  ['Grüße', 'GRÜSSE', 'gru\u0308sse'],
  ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς', 'οδυσσευσ'],
  ['Привет', 'ПРИВЕТ'],
  ['ệ', 'ê\u0323', 'e\u0323\u0302', 'Ệ'], // marks in whatever order
  ['ﬁn', 'FIN'],
  ['日本', '日本'],
  ['한국', '\u1112\u1161\u11ab\u1100\u116e\u11a8'],
  ['ｆｕｌｌ', 'FULL'],
  ['ſ', 'S'],
  ['𝐀', 'a'],
  ['𐐀', '𐐨'],
  ['😀 Ä', '😀 ä'],
]

test('texts that differ by case or form only are the same', () => {
  for (const [first = '', ...others] of SAME) for (const other of others) assert.equal(foldCase(other), foldCase(first))
})

test('RFC 5051: a letter is found in the same letter with marks', () => {
  assert.ok(foldCase('Café').includes(foldCase('CAFE')))
  assert.ok(!foldCase('Cafe').includes(foldCase('é')))
  assert.ok(!foldCase('a').includes(foldCase('b')))
})

/** All of Unicode, more of what is special in it. */
const unicode = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom(
      'a',
      'Σ',
      'ê',
      '\u0323',
      '\u0302',
      '\u0345',
      '\u0334',
      '각',
      '😀',
      '\ud83d',
      '\ud83c',
      '\udf00',
      'İ',
      'ß',
      '\ufdfa',
    ),
  ),
})

/** The same slowly, as the words say it. */
const slowly = (text: string): string => text.normalize('NFKD').toUpperCase().toLowerCase().replaceAll('ς', 'σ')

test('the fast way is the slow way', () => {
  fc.assert(
    fc.property(unicode, text => assert.equal(foldCase(text), slowly(text))),
    { numRuns: 2000 },
  )
  for (let unit = 0; unit < 0x10000; unit++) {
    const text = `a${String.fromCharCode(unit)}b`
    if (foldCase(text) !== slowly(text)) assert.equal(foldCase(text), slowly(text), unit.toString(16))
  }
})

test('a text can be cut where it is said', () => {
  fc.assert(
    fc.property(unicode, text => {
      const cut = foldBoundary(text)
      assert.equal(foldCase(text.slice(0, cut)) + foldCase(text.slice(cut)), foldCase(text))
    }),
    { numRuns: 2000 },
  )
})

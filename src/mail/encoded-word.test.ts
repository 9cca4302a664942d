import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeWords } from './encoded-word.ts'

const TABLE: readonly (readonly [written: string, meant: string])[] = [
  ['plain', 'plain'],
  // RFC 2047 §8
  ['=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>', 'Keith Moore <moore@cs.utk.edu>'],
  ['=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?= <paf@nada.kth.se>', 'Patrik Fältström <paf@nada.kth.se>'],
  [
    '=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=',
    'If you can read this you understand the example.',
  ],
  ['(=?ISO-8859-1?Q?a?=)', '(a)'],
  ['(=?ISO-8859-1?Q?a?= b)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a?=\r\n =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a_b?=)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)', '(a b)'],
  // RFC 2231 §5
  ['=?US-ASCII*EN?Q?Keith_Moore?=', 'Keith Moore'],
  ['=?utf-8*de-CH?b?w7w=?=', 'ü'],
  // A character in two words, in either encoding
  ['=?utf-8?B?4oI=?= =?utf-8?B?rA==?=', '€'],
  ['=?utf-8?Q?=E2=82?= =?UTF-8?B?rA==?=', '€'],
  ['=?utf-8?Q?=E2=82=AC?==?utf-8?Q?=E2=82=AC?=', '€€'],
  // Not as it should be, and yet clear
  ['=?utf-8?q?=e2=82=ac?=', '€'],
  ['=?utf-8?B?4oKs?', '=?utf-8?B?4oKs?'],
  ['=?utf-8?B?4oKsYQ?=', '€a'],
  ['=?utf-8?Q?a b?=', 'a b'],
  ['=?utf-8?Q?Grüße?=', 'Grüße'],
  ['=?utf-8?Q??=x', 'x'],
  ['"=?utf-8?Q?a?="', '"a"'],
  // Broken: left as they are
  ['=?utf-8?Q?=zz?= b', '=?utf-8?Q?=zz?= b'],
  ['=?utf-8?B?!!!!?=', '=?utf-8?B?!!!!?='],
  ['=?utf-8?X?abc?=', '=?utf-8?X?abc?='],
  ['=?utf-8?Q?abc', '=?utf-8?Q?abc'],
  ['=?utf-8?Q?a\r\nSubject: b?=', '=?utf-8?Q?a\r\nSubject: b?='],
  ['=?utf-8?Q?a?= =?utf-8?Q?=zz?= =?utf-8?Q?b?=', 'a =?utf-8?Q?=zz?= b'],
  // A charset that nobody knows is guessed
  ['=?x-nobody?Q?=C3=BC?=', 'ü'],
  // No line ends from within a word
  ['=?utf-8?Q?a=0D=0ABcc:_b=00?=', 'a Bcc: b '],
]

test('encoded words as they were meant', () => {
  for (const [written, meant] of TABLE) assert.equal(decodeWords(written), meant, written)
})

test('any text, encoded, comes back', () => {
  const chars = fc.string({ unit: 'grapheme', maxLength: 20 }).filter(text => !/[\r\n\0\ufeff]/.test(text))
  fc.assert(
    fc.property(chars, fc.nat(30), fc.boolean(), (text, cut, base64) => {
      const bytes = Buffer.from(text)
      const word = (of: Buffer): string =>
        base64 ? `=?utf-8?B?${of.toString('base64')}?=` : `=?utf-8?Q?${of.toString('hex').replace(/../g, '=$&')}?=`
      assert.equal(decodeWords(`${word(bytes.subarray(0, cut))} ${word(bytes.subarray(cut))}`), text)
    }),
  )
})

test('a header full of beginnings takes no time', () => {
  for (const piece of ['=?', '=?a?q?', '=?a*b?q?=', '=?utf-8?Q?a?= ']) decodeWords(piece.repeat(50_000))
})

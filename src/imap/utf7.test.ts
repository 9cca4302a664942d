import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeUtf7, encodeUtf7 } from './utf7.ts'

const names: readonly (readonly [encoded: string, name: string])[] = [
  ['INBOX', 'INBOX'],
  ['', ''],
  ['a&-b', 'a&b'],
  ['&-&-', '&&'],
  ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
  ['Entw&APw-rfe', 'Entwürfe'],
  ['&2D3eAA-', '😀'],
  ['&AOkA6Q-&-', 'éé&'],
]
for (const [encoded, name] of names) {
  test(`modified UTF-7 ${encoded}`, () => {
    assert.equal(decodeUtf7(encoded), name)
    assert.equal(encodeUtf7(name), encoded)
  })
}

const wrong: readonly (readonly [text: string, why: string])[] = [
  ['&', 'a shift without an end'],
  ['a&APw', 'a shift without an end'],
  ['&U,BTFw-&ZeVnLIqe-', 'RFC 3501 §5.1.3: two shifts in a row'],
  ['&Jjo!', 'not base64'],
  ['&AGEAYg-', 'printable ASCII in base64'],
  ['&APw=-', 'padding'],
  ['&AP-', 'half a character'],
  ['&APx-', 'bits that are too many'],
  ['&2D0-', 'half a surrogate pair'],
  ['&AO/p-', '/ in place of ,'],
  ['Entwürfe', 'not ASCII'],
  ['a\tb', 'a control character'],
]
for (const [text, why] of wrong) test(`not modified UTF-7: ${why}`, () => assert.equal(decodeUtf7(text), undefined))

test('every name comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), name => assert.equal(decodeUtf7(encodeUtf7(name)), name)),
    { numRuns: 1000 },
  )
})

test('what is decoded has no other way to be written', () => {
  const text = fc.string({ unit: fc.constantFrom('&', '-', 'A', 'P', 'w', 'O', 'k', ',', 'x') })
  fc.assert(
    fc.property(text, encoded => {
      const name = decodeUtf7(encoded)
      if (name !== undefined) assert.equal(encodeUtf7(name), encoded)
    }),
    { numRuns: 5000 },
  )
})

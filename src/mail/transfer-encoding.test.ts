import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Part } from './description.ts'
import { encodeQuotedPrintable } from './quoted-printable.ts'
import { decodeTransfer, isWellEncoded, transferDecoder } from './transfer-encoding.ts'

const ENCODINGS = ['identity', 'base64', 'quoted-printable', 'other'] as const

/** encoding, written, decoded, whether it is as the RFC says */
const TABLE: readonly (readonly [encoding: Part['encoding'], written: string, decoded: string, well: boolean])[] = [
  ['identity', 'a=20\r\n', 'a=20\r\n', true],
  ['other', 'a=20\r\n', 'a=20\r\n', false],
  ['base64', '', '', true],
  ['base64', 'R3LDvMOfZQ==', 'Grüße', true],
  ['base64', 'R3LD\r\nvMOf\r\nZQ==\r\n', 'Grüße', true],
  ['base64', 'R 3\tLDvMOf\nZQ==', 'Grüße', true],
  ['base64', 'YWJj', 'abc', true],
  // RFC 2045 §6.8: what is not of the alphabet is ignored, = ends the data
  ['base64', 'YW*Jj', 'abc', false],
  ['base64', 'YW-Jj', 'abc', false],
  ['base64', 'YWI=\r\nYWI=', 'ab', false],
  ['base64', 'YWI=\r\n_______\r\nlist footer', 'ab', false],
  ['base64', 'YWI', 'ab', false],
  ['base64', 'YWJjY', 'abc', false],
  ['base64', 'YWJj=', 'abc', false],
  ['quoted-printable', 'Gr=C3=BC=c3=9fe', 'Grüße', true],
  ['quoted-printable', 'a=\r\nb', 'ab', true],
  ['quoted-printable', 'a= \t\r\nb', 'ab', true],
  ['quoted-printable', 'a  \r\nb', 'a\r\nb', true],
  ['quoted-printable', 'a=', 'a', true],
  ['quoted-printable', 'a=zz', 'a=zz', false],
  ['quoted-printable', 'a=2', 'a=2', false],
]

test('decoding, and whether it was well encoded', () => {
  for (const [encoding, written, decoded, well] of TABLE) {
    assert.equal(decodeTransfer(Buffer.from(written), encoding).toString(), decoded, written)
    assert.equal(isWellEncoded(Buffer.from(written), encoding), well, written)
  }
})

test('what was encoded comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      const base64 = Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\r\n')
      assert.deepEqual(decodeTransfer(Buffer.from(base64), 'base64'), Buffer.from(bytes))
      assert.ok(isWellEncoded(Buffer.from(base64), 'base64'))
      const quoted = encodeQuotedPrintable(bytes)
      assert.deepEqual(decodeTransfer(quoted, 'quoted-printable'), Buffer.from(bytes))
      assert.ok(isWellEncoded(quoted, 'quoted-printable'))
    }),
  )
})

test('pieces cut anywhere give what the whole gives', () => {
  const garbage = fc
    .array(fc.constantFrom('=', '=3D', '=\r\n', ' ', '\t', '\r', '\n', '\r\n', 'A', 'b', '*', '4', '=C3'))
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(
      garbage,
      fc.constantFrom(...ENCODINGS),
      fc.array(fc.integer({ min: 1, max: 7 })),
      (text, encoding, sizes) => {
        const bytes = Buffer.from(text)
        const decoder = transferDecoder(encoding)
        const pieces: Buffer[] = []
        let at = 0
        for (const size of sizes) pieces.push(decoder.feed(bytes.subarray(at, (at += size))))
        pieces.push(decoder.feed(bytes.subarray(at)), decoder.end())
        assert.equal(Buffer.concat(pieces).toString(), decodeTransfer(bytes, encoding).toString())
        assert.equal(decoder.malformed, !isWellEncoded(bytes, encoding))
      },
    ),
  )
})

test('a line of white space is not waited for without end', () => {
  const decoder = transferDecoder('quoted-printable')
  let length = 0
  for (let n = 0; n < 1000; n++) length += decoder.feed(Buffer.alloc(100, ' ')).length
  assert.ok(length <= 100_000)
})

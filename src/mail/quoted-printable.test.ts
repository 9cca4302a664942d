import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeQuotedPrintable, encodeQuotedPrintable } from './quoted-printable.ts'

const encode = (text: string) => Buffer.from(encodeQuotedPrintable(Buffer.from(text, 'latin1'))).toString('latin1')
const decode = (text: string) => Buffer.from(decodeQuotedPrintable(Buffer.from(text, 'latin1'))).toString('latin1')

test('encoded', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['a\r\n', 'a\r\n'],
    ['caf\xe9 = 1', 'caf=E9 =3D 1'],
    ['end \r\nend\t', 'end=20\r\nend=09'],
    ['bare\rand\nbare', 'bare=0Dand=0Abare'],
    ['--boundary', '=2D-boundary'],
    ['x'.repeat(76), 'x'.repeat(76)],
    ['x'.repeat(77), `${'x'.repeat(75)}=\r\nxx`],
    [`${'x'.repeat(76)}\r\ny`, `${'x'.repeat(76)}\r\ny`],
    [`${'x'.repeat(75)}--b\r\n`, `${'x'.repeat(75)}=\r\n=2D-b\r\n`],
    [`${'x'.repeat(73)}\xe9y`, `${'x'.repeat(73)}=\r\n=E9y`],
    [`${'x'.repeat(73)}\xe9\r\n`, `${'x'.repeat(73)}=E9\r\n`],
  ]
  for (const [text, encoded] of cases) {
    assert.equal(encode(text), encoded)
    assert.equal(decode(encoded), text)
  }
})

test('decoded as robust readers do', () => {
  const cases: [string, string][] = [
    ['=e9', '\xe9'],
    ['a=\r\nb', 'ab'],
    ['a= \t\r\nb', 'ab'],
    ['a=\nb', 'ab'],
    ['a \t\r\nb  ', 'a\r\nb'],
    ['a  b', 'a  b'],
    ['a=', 'a'],
    ['a=G1=4', 'a=G1=4'],
    ['= x', '= x'],
    ['\xe9', '\xe9'],
  ]
  for (const [encoded, text] of cases) assert.equal(decode(encoded), text, encoded)
})

const lively = fc.array(
  fc.oneof(fc.constantFrom(0x0d, 0x0a, 0x20, 0x09, 0x2d, 0x2e, 0x3d, 0x41), fc.integer({ min: 0, max: 255 })),
  {
    maxLength: 400,
    size: 'max',
  },
)

test('any bytes come back, in lines of at most 76 printable characters', () => {
  fc.assert(
    fc.property(lively, numbers => {
      const bytes = Buffer.from(numbers)
      const encoded = Buffer.from(encodeQuotedPrintable(bytes))
      assert.deepEqual(Buffer.from(decodeQuotedPrintable(encoded)), bytes)
      for (const line of encoded.toString('latin1').split('\r\n')) {
        assert.match(line, /^(?!--)[\t\x20-\x7e]{0,76}$/)
        assert.doesNotMatch(line, /[ \t]$/)
      }
    }),
  )
})

test('the bound of the encoded length holds at its worst', () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Buffer.alloc(length, 0xff)
    assert.deepEqual(Buffer.from(decodeQuotedPrintable(encodeQuotedPrintable(bytes))), bytes)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../mail/flags.ts'
import { formatStatusFields, readStatusFields } from './status-fields.ts'

const crlf = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'))

for (const [header, kept, system, keywords] of [
  [
    'A: b\nStatus: RO\nX-Status: AF\nX-Keywords: $Junk later \n\n',
    'A: b\n\n',
    SEEN + ANSWERED + FLAGGED,
    ['$Junk', 'later'],
  ],
  ['Status: O\nA: b\n\n', 'Status: O\nA: b\n\n', 0, []],
  ['A: b\nStatus: U\nStatus: R\n\n', 'A: b\nStatus: U\n\n', SEEN, []],
  ['A: b\nX-Status: DT\n folded\n\n', 'A: b\n\n', DELETED + DRAFT, []],
  ['X-Mozilla-Status: 0017\nA: b\n\n', 'X-Mozilla-Status: 0017\nA: b\n\n', SEEN + ANSWERED + FLAGGED, []],
  [
    'X-Mozilla-Status: 0008\nX-Mozilla-Keys: a  b\n\n',
    'X-Mozilla-Status: 0008\nX-Mozilla-Keys: a  b\n\n',
    DELETED,
    ['a', 'b'],
  ],
  ['X-Mozilla-Status: zz\n\n', 'X-Mozilla-Status: zz\n\n', 0, []],
  ['A: b\nStatus: R\nno field\n', 'A: b\nStatus: R\nno field\n', SEEN, []],
] as const) {
  test(JSON.stringify(header), () => {
    const read = readStatusFields(crlf(header))
    assert.equal(read.header.toString(), crlf(kept).toString())
    assert.deepEqual(read.flags, { system, keywords })
    assert.doesNotMatch(read.lasting.toString(), /Status|X-/)
  })
}

test('without such fields nothing is said', () => {
  const header = crlf('A: b\n\n')
  assert.deepEqual(readStatusFields(header), { header, lasting: header, flags: undefined })
})

test('what is written is taken out again, also from a header that has such fields', () => {
  const name = fc.constantFrom('Status', 'X-Status', 'X-Keywords', 'X-UID', 'A', 'X-Mozilla-Status')
  const field = fc.tuple(name, fc.constantFrom('', 'RO', '7', '0001')).map(([of, value]) => `${of}: ${value}\r\n`)
  const keywords = fc.uniqueArray(fc.constantFrom('$Junk', 'a', 'B'), { maxLength: 3 })
  const flags = fc
    .tuple(fc.integer({ min: 0, max: 31 }), keywords)
    .map(([system, names]) => ({ system, keywords: names }))
  fc.assert(
    fc.property(fc.array(field, { maxLength: 6 }), flags, (fields, given) => {
      const header = fields.join('')
      const read = readStatusFields(Buffer.from(`${header}${formatStatusFields(given, 7, '\r\n')}\r\n`))
      assert.equal(read.header.toString(), `${header}\r\n`)
      if (!header.includes('Mozilla')) assert.deepEqual(read.flags, given)
    }),
  )
})

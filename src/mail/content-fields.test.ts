import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parameterOf, parseDisposition, parseLanguages, parseMechanism, parseMediaType } from './content-fields.ts'

/** `type/subtype name=value …`; undefined: not a type. */
const TYPES: readonly (readonly [value: string, media: string | undefined])[] = [
  ['text/plain', 'text/plain'],
  ['TEXT/Html ; Charset=UTF-8', 'TEXT/Html Charset=UTF-8'],
  ['(a) text (b) / (c) html (d) ; (e) x (f) = (g) y (h)', 'text/html x=y'],
  ['a/b; x="a \\"b\\" ; c"; y=', 'a/b x=a "b" ; c'],
  ['a/b; x=; y=1', 'a/b x= y=1'],
  ['a/b; ;x; x y=1; =z; y=2', 'a/b y=2'],
  ['a/b; x=a/b; y=a@b', 'a/b x=a y=a'],
  ['a/b; name==?utf-8?q?x?=; y=1', 'a/b name==?utf-8?q?x?= y=1'],
  ['a/b; x="open; y=1', 'a/b'],
  ['', undefined],
  ['text', undefined],
  ['text/', undefined],
  ['/plain', undefined],
  ['text/plain/x', undefined],
  ['"text/plain"', undefined],
  ['text/plain (open', undefined],
  // RFC 2231 §3, §4.1
  ['a/b; n*1=b; n*0=a; x=1', 'a/b x=1 n=ab'],
  ['a/b; N*0=a; n*1=b', 'a/b N=ab'],
  ["a/b; n*=utf-8''%41", "a/b n*=utf-8''%41"],
  ['a/b; n*0*=utf-8\'\'%41; n*1="b%"; n*2*=%43', "a/b n*=utf-8''%41b%25%43"],
  ['a/b; n*0=a; n*1*=%41', "a/b n*=''a%41"],
  ['a/b; n*1=b; m*0=a', 'a/b m=a n*1=b'],
  ['a/b; n*0=a; n*2=b', 'a/b n*0=a n*2=b'],
  ['a/b; n**=a; n*x=b', 'a/b n**=a n*x=b'],
]

for (const [value, expected] of TYPES) {
  void test(`Content-Type: ${value}`, () => {
    const media = parseMediaType(value)
    const parameters = media?.parameters.map(([name, text]) => ` ${name}=${text}`).join('')
    assert.equal(media && `${media.type}/${media.subtype}${parameters}`, expected)
  })
}

void test('Content-Disposition', () => {
  assert.deepEqual(parseDisposition(' attachment; filename="a b"'), {
    kind: 'attachment',
    parameters: [['filename', 'a b']],
  })
  for (const wrong of ['', '"attachment"', '; x=y', 'inline (open']) assert.equal(parseDisposition(wrong), undefined)
})

void test('Content-Transfer-Encoding', () => {
  assert.equal(parseMechanism(' (c) Base64 (d)'), 'Base64')
  for (const wrong of ['', 'base64 x', 'base64;', '"8bit"', '8bit (']) assert.equal(parseMechanism(wrong), undefined)
})

void test('Content-Language', () => {
  assert.deepEqual(parseLanguages('en, de-AT (c) ,fr'), ['en', 'de-AT', 'fr'])
  assert.deepEqual(parseLanguages('en; x'), ['en'])
  assert.deepEqual(parseLanguages(''), [])
  assert.equal(parseLanguages('en,'.repeat(1000)).length, 100)
})

void test('a parameter is found without case, the first of several', () => {
  const parameters = [
    ['A', '1'],
    ['Charset', 'x'],
    ['charset', 'y'],
  ] as const
  assert.equal(parameterOf(parameters, 'charset'), 'x')
  assert.equal(parameterOf(parameters, 'b'), undefined)
})

void test('any value is read, and there is an end to parameters', () => {
  assert.equal(parseMediaType(`a/b${';x=y'.repeat(10_000)}`)?.parameters.length, 100)
  const piece = fc.constantFrom('a/b', ';', '=', 'x', '*', '0', '"', '(', ')', '\\', ' ', '\0', '\xff', "''", '%')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const value = pieces.join('')
      parseMediaType(value)
      parseDisposition(value)
      parseMechanism(value)
      parseLanguages(value)
    }),
    { numRuns: 2000 },
  )
})

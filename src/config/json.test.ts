import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonTrouble } from './json.ts'

const CASES: readonly (readonly [text: string, trouble: string | undefined])[] = [
  ['{"a": [1, 2.5e3, {"b": null}], "c": "\\u00e9\\n"}', undefined],
  ['{}', undefined],
  ['', '0 found the end of the file, expected a value: text in double quotes, a number, true, false, { or ['],
  ['{"a":}', '5 found "}", expected a value: text in double quotes, a number, true, false, { or ['],
  ['{"a":1,}', '7 found "}", expected a key in double quotes (and no comma after the last one)'],
  ["{'a':1}", '1 found "\'", expected a key in double quotes (and no comma after the last one)'],
  ['{"a" 1}', `5 found "1", expected a colon ':'`],
  ['{"a":1 "b":2}', '7 found "\\"", expected a comma or }'],
  ['[1 2]', '3 found "2", expected a comma or ]'],
  ['{"a":1} x', '8 nothing may follow the end of the object'],
  ['{\n// no\n"a":1}', '2 JSON has no comments; leave it out'],
  ['['.repeat(66), '65 found "[", expected fewer brackets within brackets'],
]

test('where a JSON text breaks off', () => {
  for (const [text, expected] of CASES) {
    const trouble = jsonTrouble(text)
    assert.equal(trouble && `${trouble.offset} ${trouble.text}`, expected, text.slice(0, 40))
  }
})

test('it agrees with JSON.parse', () => {
  const broken = fc
    .tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom('', ',', '}', '"', ' ', '1', ':', '\\'))
    .map(([text, at, piece]) => {
      const cut = at % (text.length + 1)
      return text.slice(0, cut) + piece + text.slice(cut + 1)
    })
  fc.assert(
    fc.property(broken, text => (jsonTrouble(text) === undefined) === isJson(text)),
    { numRuns: 2000 },
  )
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatPath, type KeyPath, locate } from './locate.ts'

const CODE = `import { defineServer } from 'staffetta' // { limits: { errors: 1 } }
const shared = { idleTimeout: '5 min' }
export default defineServer({
  hostname: 'a{b}.example', /* queue: { */
  "listeners": { smtp: [{ port: 25 }, { port: 26 }], 'lmtp': { path: './x' } },
  limits: { ...shared, errors: \`2\${{ errors: 3 }}\`, hops },
  routes: [
    { to: ['a.example', 'b.example'], async deliver(message) { return { is: 'delivered' } } },
    { to: '*', deliver: async ({ id }) => ({ is: 'deferred', reason: id }), rate: 3 },
  ],
})
`

const CASES: readonly (readonly [path: KeyPath, place: string | undefined])[] = [
  [['hostname'], '4:3'],
  [['listeners'], '5:3'],
  [['listeners', 'smtp', 1, 'port'], '5:41'],
  [['listeners', 'lmtp', 'path'], '5:64'],
  [['listeners', 'lmtp', 'port'], '5:54'],
  [['limits', 'errors'], '6:24'],
  [['limits', 'hops'], '6:53'],
  [['limits', 'idleTimeout'], '2:18'],
  [['routes', 0, 'to', 1], '8:25'],
  [['routes', 1, 'to'], '9:7'],
  [['routes', 1, 'deliver'], '9:16'],
  [['routes', 1, 'rate'], '9:77'],
  [['routes', 7, 'lifetime'], '7:3'],
  [['queue', 'lifetime'], undefined],
  [[], undefined],
]

test('the place of a key in code', () => {
  for (const [path, expected] of CASES) {
    const place = locate(CODE, path)
    assert.equal(place && `${place.line}:${place.column}`, expected, formatPath(path))
  }
})

test('the place of a key in JSON', () => {
  const text = '{\n  "limits": {\n    "errors": 1\n  },\n  "routes": [\n    { "to": "*" }\n  ]\n}\n'
  assert.deepEqual(locate(text, ['limits', 'errors']), { line: 3, column: 5 })
  assert.deepEqual(locate(text, ['routes', 0, 'to']), { line: 6, column: 7 })
})

test('any text is searched to its end without harm', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    ',',
    ':',
    '"',
    "'",
    '`',
    '//',
    '/*',
    '*/',
    '\n',
    'a',
    'export default ',
    '\\',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const place = locate(pieces.join(''), ['a', 0, 'a'])
      return place === undefined || (place.line >= 1 && place.column >= 1)
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseAddressList } from './address-list.ts'

/** As ENVELOPE has them: name, route, mailbox, domain; `-` for what is absent. */
const CASES: readonly (readonly [value: string, addresses: string])[] = [
  ['', ''],
  ['(nobody)', ''],
  ['a@b', '- - a b'],
  ['<a@b>', '- - a b'],
  ['A B <a@b>', 'A B - a b'],
  ['"A, \\"B\\"" <a@b>', 'A, "B" - a b'],
  ['A "B" C <a@b>', 'A B C - a b'],
  ['J. Doe <a@b>', 'J. Doe - a b'],
  ['\xe9t\xe9 <a@b>', '\xe9t\xe9 - a b'],
  ['a@b (Name)', 'Name - a b'],
  ['a@b (one (two) \\) three)', 'one (two) ) three - a b'],
  ['A <a@b> (comment)', 'A - a b'],
  ['"a b"@c', '- - a b c'],
  ['a . b @ c . d', '- - a.b c.d'],
  ['a..b@c', '- - a..b c'],
  ['a@[192.0.2.1]', '- - a [192.0.2.1]'],
  ['A <@r,@s:a@b>', 'A @r,@s a b'],
  ['A <@r a@b>', 'A INVALID_ROUTE a b'],
  ['a@b, A <c@d>,', '- - a b|A - c d'],
  ['a@b,, c@d', '- - a b|- -  |- - c d'],
  ['G: a@b, C <c@d>; , e@f', '- - G -|- - a b|C - c d|- - - -|- - e f'],
  ['undisclosed-recipients:;', '- - undisclosed-recipients -|- - - -'],
  ['G: a@b', '- - G -|- - a b|- - - -'],
  ['root', '- - root '],
  ['A B', 'A B -  '],
  ['A <>', 'A -  '],
  ['A <a@b', 'A - a SYNTAX_ERROR'],
  ['A <a b@c>, d@e', 'A - a SYNTAX_ERROR'],
  ['@b', '- -  b'],
  ['a@', '- - a '],
  ['"open <a@b>', '- -  '],
  ['a@b (open, c@d', '- - a b'],
]

for (const [value, expected] of CASES) {
  void test(`addresses of ${JSON.stringify(value)}`, () => {
    const found = parseAddressList(value, 100).map(({ name, route, mailbox, domain }) =>
      [name, route, mailbox, domain].map(part => part ?? '-').join(' '),
    )
    assert.equal(found.join('|'), expected)
  })
}

void test('there is an end to addresses', () => {
  assert.equal(parseAddressList('a@b,'.repeat(1000), 10).length, 10)
  assert.equal(parseAddressList(`G: ${'a@b,'.repeat(1000)};`, 10).length, 11) // with the end of the group
  assert.equal(parseAddressList('a@b', 0).length, 0)
})

void test('any value is read, in time that grows with its length', () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    '<',
    '>',
    '@',
    ',',
    ';',
    ':',
    '"',
    '(',
    ')',
    '\\',
    '.',
    '[',
    ']',
    '\0',
    '\xff',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const addresses = parseAddressList(pieces.join(''), 1000)
      // Only groups lack a domain, and only their ends a mailbox.
      for (const { mailbox, domain } of addresses) assert.ok(mailbox !== undefined || domain === undefined)
    }),
    { numRuns: 2000 },
  )
  for (const hostile of ['(', '"', '<', 'a ', 'a:', '<@a,', '.', '(a) ', 'a(', '\\']) {
    parseAddressList(hostile.repeat(200_000), 10_000)
  }
})

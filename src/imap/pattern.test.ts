import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern, MAX_WILDCARDS } from './pattern.ts'

const cases: readonly (readonly [pattern: string, fits: readonly string[], fitsNot: readonly string[]])[] = [
  ['*', ['', 'a', 'a/b/c', 'INBOX'], []],
  ['%', ['', 'a', 'INBOX'], ['a/b']],
  ['a', ['a'], ['A', 'ab', 'a/', '']],
  ['', [''], ['a']],
  ['a/%', ['a/', 'a/b'], ['a', 'a/b/c', 'ab/c']],
  ['a/*', ['a/b', 'a/b/c'], ['a', 'b/a/c']],
  ['%/b', ['a/b', '/b'], ['b', 'a/c/b']],
  ['*b', ['b', 'a/b', 'bb'], ['ba']],
  ['%a%b', ['ab', 'xaxb', 'aab', 'abab'], ['a/b', 'ba']],
  ['*a%b', ['a/ab', 'ab/xa1b'], ['a/b', 'ab/']],
  ['*x/y%z', ['x/yz', 'a/x/y1z', 'x/y/x/yz'], ['x/y/z']],
  ['%a*b%', ['xa/b', 'ab', 'a/bc'], ['x/ab', 'a/b/c']],
  ['*%*%*%', ['', 'a/b/c'], []],
  ['inbox', ['INBOX'], ['inbox/a', 'INBOX/a']],
  ['inbox/%', ['INBOX/a'], ['INBOX', 'INBOX/a/b', 'INBOX/A/b']],
  ['In*', ['INBOX', 'INBOX/a', 'Info'], ['INFO', 'info']],
  ['*box', ['INBOX', 'INBOX/box', 'a/box'], ['INBOXES']],
  ['a.b', ['a.b'], ['axb']],
]
for (const [pattern, fits, fitsNot] of cases) {
  test(`pattern ${pattern}`, () => {
    const matches = compilePattern(pattern)
    assert.ok(matches)
    for (const name of fits) assert.equal(matches(name), true, `${pattern} fits ${name}`)
    for (const name of fitsNot) assert.equal(matches(name), false, `${pattern} does not fit ${name}`)
  })
}

test('a pattern has 100 runs of wildcards at most', () => {
  assert.ok(compilePattern('%a'.repeat(MAX_WILDCARDS)))
  assert.equal(compilePattern('%a'.repeat(MAX_WILDCARDS + 1)), undefined)
  assert.ok(compilePattern('*%'.repeat(10_000)))
})

/** The definition itself, which takes for ever on longer texts. */
function fits(pattern: string, name: string): boolean {
  if (pattern === '') return name === ''
  const [first = '', rest] = [pattern[0], pattern.slice(1)]
  if (first !== '*' && first !== '%') return name.startsWith(first) && fits(rest, name.slice(1))
  for (let length = 0; length <= name.length; length++) {
    if (first === '%' && name.slice(0, length).includes('/')) return false
    if (fits(rest, name.slice(length))) return true
  }
  return false
}

test('patterns fit what they are defined to fit', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '%'), maxLength: 9 })
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 9 })
  fc.assert(
    fc.property(pattern, name, (pattern, name) =>
      assert.equal(compilePattern(pattern)?.(name), fits(pattern, name), `${pattern} ${name}`),
    ),
    { numRuns: 20_000 },
  )
})

test('patterns that explode elsewhere come to an end', () => {
  const name = `${'a'.repeat(500)}/${'a'.repeat(500)}`
  for (const unit of ['*a', '%a', '*a%a', '*%a', '%*aa']) {
    assert.equal(compilePattern(`${unit.repeat(40)}b`)?.(name), false)
  }
})

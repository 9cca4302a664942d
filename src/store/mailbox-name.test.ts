import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalName, inOrder, isBelow, parentOf, parentsOf, parseMailboxName } from './mailbox-name.ts'

const LEGAL = [
  ['Projects', 'Projects'],
  ['inbox', 'INBOX'],
  ['Inbox/a', 'INBOX/a'],
  ['a/inbox', 'a/inbox'],
  ['inboxes', 'inboxes'],
  ['Entwu\u0308rfe', 'Entwürfe'], // NFC
  ['台北/日本語', '台北/日本語'],
  ['a b.c', 'a b.c'],
  ['...', '...'],
  ['x'.repeat(1000), 'x'.repeat(1000)],
  ['a/'.repeat(19) + 'a', 'a/'.repeat(19) + 'a'],
] as const

const ILLEGAL = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  './a',
  'a\0b',
  'a\r\nb',
  'a\u007f',
  'a\u0085',
  'a\u2028b',
  'a\ud800',
  'a\uffff',
  'a*',
  '%',
  ' a',
  'a/ /b',
  'x'.repeat(1001),
  'ä'.repeat(501),
  'a/'.repeat(20) + 'a',
]

test('names that a mailbox may have, in their one form', () => {
  for (const [text, name] of LEGAL) assert.equal(parseMailboxName(text), name)
  for (const text of ILLEGAL) assert.equal(parseMailboxName(text), undefined, JSON.stringify(text))
})

test('a legal name stays what it is, and is a path that stays where it begins', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', '.', '/', '%', 'ä', ' ', '\0', 'INBOX', '\u0308', '😀'),
    maxLength: 12,
  })
  fc.assert(
    fc.property(text, given => {
      const name = parseMailboxName(given)
      if (name === undefined) return
      assert.equal(parseMailboxName(name), name)
      assert.equal(name.normalize('NFC'), name)
      assert.ok(name.split('/').every(level => level !== '' && level !== '.' && level !== '..'))
      assert.ok(parentsOf(name).every(parent => parseMailboxName(parent) === parent && isBelow(name, parent)))
    }),
  )
})

test('what stands above a name, and below', () => {
  assert.equal(parentOf('a'), undefined)
  assert.equal(parentOf('a/b/c'), 'a/b')
  assert.deepEqual(parentsOf('a/b/c'), ['a/b', 'a'])
  assert.ok(isBelow('a/b/c', 'a'))
  assert.ok(!isBelow('ab', 'a') && !isBelow('a', 'a'))
  assert.equal(canonicalName('INBOX'), 'INBOX')
})

test('children come right after their parent', () => {
  assert.deepEqual(inOrder(['a b', 'a/c', 'b', 'a', 'a-b', 'a/b/x', 'a/b']), [
    'a',
    'a/b',
    'a/b/x',
    'a/c',
    'a b',
    'a-b',
    'b',
  ])
})

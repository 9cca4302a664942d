import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCommand } from './parse.ts'
import { InputReader } from './input.ts'
import { astring, codes, internalDate, mailboxName, nstring, parenthesized, quotedOrLiteral } from './response.ts'

const strings: readonly (readonly [text: string, utf8: boolean, written: string])[] = [
  ['', false, '""'],
  ['a b', false, '"a b"'],
  ['a "b" \\c', false, '"a \\"b\\" \\\\c"'],
  ['a\r\nb', true, '{4}\r\na\r\nb'],
  ['é', false, '{2}\r\né'],
  ['é', true, '"é"'],
  ['a\0b\n', true, '{3}\r\nab\n'],
  ['x'.repeat(1001), false, `{1001}\r\n${'x'.repeat(1001)}`],
]
for (const [text, utf8, written] of strings) {
  test(`string ${JSON.stringify(text.slice(0, 20))}`, () => assert.equal(quotedOrLiteral(text, utf8), written))
}

test('an astring is an atom where it can be', () => {
  assert.equal(astring('a]b', false), 'a]b')
  assert.equal(astring('nil', false), '"nil"')
  for (const text of ['', 'a b', 'a(', 'a%', 'a*', 'a"', 'a\\', 'a{', 'a\x7f']) {
    assert.match(astring(text, false), /^"/)
  }
})

test('names of mailboxes', () => {
  assert.equal(mailboxName('INBOX', false), 'INBOX')
  assert.equal(mailboxName('Entwürfe & mehr', false), '"Entw&APw-rfe &- mehr"')
  assert.equal(mailboxName('Entwürfe', true), '"Entwürfe"')
})

test('the rest', () => {
  assert.equal(nstring(undefined, false), 'NIL')
  assert.equal(nstring('NIL', false), '"NIL"')
  assert.equal(internalDate(0), '" 1-Jan-1970 00:00:00 +0000"')
  assert.equal(parenthesized(['a', 'b']), '(a b)')
  assert.equal(codes.appendUid(38505, [3955, 3956]), 'APPENDUID 38505 3955:3956')
  assert.equal(codes.copyUid(1, [1, 2, 5], [9, 10, 11]), 'COPYUID 1 1:2,5 9:11')
  assert.equal(codes.modified([7, 9]), 'MODIFIED 7,9')
})

test('a name that is written is read as the same name', () => {
  const name = fc.string({ unit: 'grapheme' }).filter(name => !name.includes('\0') && !/^inbox(?:$|\/)/i.test(name))
  fc.assert(
    fc.property(name, fc.boolean(), (name, utf8) => {
      const reader = new InputReader()
      const written = mailboxName(name, utf8).replace(/^\{(\d+)\}/, '{$1+}')
      reader.feed(Buffer.from(`a DELETE ${written}\r\n`))
      let input = reader.next('command')
      if (input?.is === 'literal') {
        reader.accept('memory')
        input = reader.next('command')
      }
      assert.ok(input?.is === 'command')
      const parsed = parseCommand(input.command, { utf8 })
      assert.deepEqual(parsed, { is: 'command', tag: 'a', command: { name: 'DELETE', mailbox: name } })
    }),
    { numRuns: 1000 },
  )
})

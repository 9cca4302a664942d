import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imapHumanString, imapNstring, imapString } from './imap-string.ts'

const STRINGS: readonly (readonly [text: string, sent: string])[] = [
  ['', '""'],
  ['a b', '"a b"'],
  ['a"b\\', '"a\\"b\\\\"'],
  ['caf\xe9', '{4}\r\ncaf\xe9'],
  ['a\r\nb', '{4}\r\na\r\nb'],
  ['a\0b', '{5}\r\na\xef\xbf\xbdb'],
  ['\x7f\t', '"\x7f\t"'],
]

for (const [text, sent] of STRINGS) {
  void test(`string: ${JSON.stringify(text)}`, () => assert.equal(imapString(text), sent))
}

void test('nstring', () => {
  assert.equal(imapNstring(undefined), 'NIL')
  assert.equal(imapNstring('NIL'), '"NIL"')
})

void test('what people read has single spaces', () => {
  assert.equal(imapHumanString(' a \t b\r\n c '), '"a b c"')
  assert.equal(imapHumanString(' '), '""')
  assert.equal(imapHumanString('a b'), '"a b"')
})

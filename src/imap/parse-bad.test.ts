import assert from 'node:assert/strict'
import { test } from 'node:test'
import { said } from './said.ts'

const bad: readonly (readonly [text: string, why: RegExp | string])[] = [
  ['', 'A command is expected after the tag'],
  [' ', 'A command is expected after the tag'],
  [' FOO', 'Unknown command'],
  [' UID NOOP', 'Unknown command'],
  ['  NOOP', 'A command is expected after the tag'],
  [' NOOP x', 'Nothing more is expected after NOOP'],
  [' NOOP {1}\r\nx', 'Nothing more is expected after NOOP'],
  [' SELECT', 'A mailbox name is expected after SELECT'],
  [' SELECT  x', 'A mailbox name is expected after SELECT'],
  [' SELECT x y', /SELECT/],
  [' SELECT x ()', /CONDSTORE/],
  [' SELECT x (QRESYNC (0 1))', /UIDVALIDITY/],
  [' SELECT x (QRESYNC (1 1 1:*))', /known/],
  [' SELECT x (QRESYNC (1 9223372036854775808))', /mod-sequence/],
  [' SELECT &', 'A mailbox name is not modified UTF-7'],
  [' SELECT "\xc3\xa9"', 'A mailbox name is not modified UTF-7'],
  [' SELECT "x', /quoted/],
  [' SELECT "x\\y"', /quoted/],
  [' SELECT "x\0y"', /quoted/],
  [' SELECT {3}\r\nx\0y', /NUL/],
  [' ID', /list/],
  [' ID ("a")', /value/],
  [' ID (NIL NIL', /parenthesis/],
  [' LOGIN a', 'A password is expected in LOGIN'],
  [' LOGIN a b c', 'Nothing more is expected in LOGIN'],
  [' AUTHENTICATE', /mechanism/],
  [' AUTHENTICATE PLAIN AGE', /base64/],
  [' AUTHENTICATE PLAIN *', /base64/],
  [' ENABLE', /capability/],
  [' CREATE x (FOO)', /USE/],
  [' CREATE x (USE (Sent))', /special use/],
  [' RENAME x', /mailbox name/],
  [' LIST ""', /pattern/],
  [' LIST (RECURSIVEMATCH) "" *', /RECURSIVEMATCH/],
  [' LIST (FOO) "" *', /selection option/],
  [' LIST "" * RETURN (FOO)', /return option/],
  [` LIST "" ${'%x'.repeat(101)}`, /wildcards/],
  [` LIST "" (${'x '.repeat(100)}x)`, /100 patterns/],
  [' STATUS x ()', /status item/],
  [' STATUS x MESSAGES', /parentheses/],
  [' APPEND x', /literal/],
  [' APPEND x "hello"', /date/],
  [' APPEND x (\\Foo) {1}\r\ny', /system flag/],
  [' APPEND x (\\Seen){1}\r\ny', /space/],
  [' APPEND x "31-Jun-1996 02:44:25 +0000" {1}\r\ny', /date/],
  [' APPEND x UTF8 ({1}\r\ny)', /literal8/],
  [' APPEND x UTF8 (~{1}\r\ny', /parenthesis/],
  [' APPEND x {1}\r\ny {1}\r\nz ', /literal/],
  [' REPLACE 0 x {1}\r\ny', /message number/],
  [' REPLACE 1 x {1}\r\ny {1}\r\nz', /Nothing more/],
  [' COPY 0 x', /sequence set/],
  [' COPY x y', 'A sequence set is expected after COPY'],
  [' COPY 1', 'A mailbox name is expected in COPY'],
  [' STORE 1 FLAGS', /flag/],
  [' STORE 1 FOO ()', /FLAGS/],
  [' STORE 1 FLAGS \\Foo', /system flag/],
  [' STORE 1 FLAGS (\\*)', /flag/],
  [` STORE 1 FLAGS ${'k'.repeat(101)}`, /100 characters/],
  [' STORE 1 (UNCHANGEDSINCE x) FLAGS ()', /mod-sequence/],
  [' SETQUOTA x (STORAGE)', /limit/],
  [' SETQUOTA x STORAGE 1', /parentheses/],
  [' GETQUOTA "\xff"', /UTF-8/],
  [' SETACL x a LR', /lower-case/],
  [' GETMETADATA x /foo/a', /entry/],
  [' GETMETADATA x /shared/a/', /entry/],
  [' GETMETADATA x /shared//a', /entry/],
  [' GETMETADATA x "/shared/*"', /entry/],
  [' GETMETADATA (DEPTH 2) x /shared/a', /infinity/],
  [' SETMETADATA x (/shared/a)', /value/],
  [` SETMETADATA x (${'/shared/a NIL '.repeat(100)}/shared/a NIL)`, /100 entries/],
  [' NOTIFY SET', /list/],
  [' NOTIFY SET (selected (MessageNew))', /together/],
  [' NOTIFY SET (personal (FlagChange))', /together/],
  [' NOTIFY SET (selected (MailboxName))', /SELECTED/],
  [' NOTIFY SET (selected NONE) (selected-delayed NONE)', /twice/],
  [' NOTIFY SET (personal (MessageNew (UID) MessageExpunge))', /Items/],
  [' NOTIFY SET (subtree () NONE)', /mailbox name/],
]
for (const [text, why] of bad) {
  test(`bad: ${text.slice(0, 80)}`, () => {
    const parsed = said(`a${text}`)
    assert.ok(parsed?.is === 'bad', JSON.stringify(parsed))
    assert.equal(parsed.tag, 'a')
    if (typeof why === 'string') assert.equal(parsed.text, why)
    else assert.match(parsed.text, why)
  })
}

test('bad: UTF-8 that is none, in a mailbox name', () => {
  assert.deepEqual(said('a SELECT "\xff"', true), { is: 'bad', tag: 'a', text: 'A mailbox name is not UTF-8' })
})

for (const text of ['', ' NOOP', '+ NOOP', '(a NOOP', `${'t'.repeat(201)} NOOP`, '\x01 NOOP', '{5 NOOP']) {
  test(`no tag: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.deepEqual(said(text), { is: 'bad', tag: '*', text: 'A tag is expected, and then a command' })
  })
}

test('an event that is not known is refused with those that are', () => {
  const parsed = said('a NOTIFY SET (personal (Foo))')
  assert.ok(parsed?.is === 'no')
  assert.match(parsed.code, /^BADEVENT \(MessageNew MessageExpunge .*\)$/)
})

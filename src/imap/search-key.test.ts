import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SearchKey } from '../mail/search-key.ts'
import { said } from './said.ts'

const not = (key: SearchKey): SearchKey => ({ is: 'NOT', key })
const seen: SearchKey = { is: 'flag', bit: 1 }
const all: SearchKey = { is: 'ALL' }
const date = (of: 'at' | 'sent' | 'saved', how: 'before' | 'on' | 'since'): SearchKey => ({
  is: 'date',
  of,
  how,
  day: Date.parse('1994-02-01'),
})
const header = (field: string, text: string): SearchKey => ({ is: 'HEADER', field, text })

const keys: readonly (readonly [text: string, key: SearchKey])[] = [
  ['ALL', all],
  ['(ALL)', all],
  ['seen', seen],
  ['UNSEEN', not(seen)],
  ['ANSWERED', { is: 'flag', bit: 2 }],
  ['UNFLAGGED', not({ is: 'flag', bit: 4 })],
  ['DELETED', { is: 'flag', bit: 8 }],
  ['UNDRAFT', not({ is: 'flag', bit: 16 })],
  ['RECENT', { is: 'RECENT' }],
  ['OLD', not({ is: 'RECENT' })],
  ['NEW', { is: 'and', keys: [{ is: 'RECENT' }, not(seen)] }],
  ['KEYWORD $Junk', { is: 'keyword', keyword: '$Junk' }],
  ['UNKEYWORD a', not({ is: 'keyword', keyword: 'a' })],
  ['FROM "a b"', header('from', 'a b')],
  ['BCC a CC b', { is: 'and', keys: [header('bcc', 'a'), header('cc', 'b')] }],
  ['SUBJECT ""', header('subject', '')],
  ['TO {2}\r\n\xc3\xa9', header('to', 'é')],
  ['HEADER X-Foo bar', header('x-foo', 'bar')],
  ['BODY a]', { is: 'BODY', text: 'a]' }],
  ['TEXT "\xc3\xa9"', { is: 'TEXT', text: 'é' }],
  ['CHARSET iso-8859-1 TEXT "\xe9"', { is: 'TEXT', text: 'é' }],
  ['CHARSET "UTF-8" TEXT {2+}\r\n\xc3\xa9', { is: 'TEXT', text: 'é' }],
  ['BEFORE 1-Feb-1994', date('at', 'before')],
  ['ON "1-Feb-1994"', date('at', 'on')],
  ['SINCE 01-feb-1994', date('at', 'since')],
  ['SENTBEFORE 1-Feb-1994', date('sent', 'before')],
  ['SENTON 1-Feb-1994', date('sent', 'on')],
  ['SENTSINCE 1-Feb-1994', date('sent', 'since')],
  ['SAVEDBEFORE 1-Feb-1994', date('saved', 'before')],
  ['SAVEDON 1-Feb-1994', date('saved', 'on')],
  ['SAVEDSINCE 1-Feb-1994', date('saved', 'since')],
  ['SAVEDATESUPPORTED', { is: 'SAVEDATESUPPORTED' }],
  ['LARGER 4294967296', { is: 'LARGER', octets: 4294967296 }],
  ['SMALLER 0', { is: 'SMALLER', octets: 0 }],
  ['OLDER 60', { is: 'OLDER', seconds: 60 }],
  ['YOUNGER 60', { is: 'YOUNGER', seconds: 60 }],
  [
    '1:3,5',
    {
      is: 'set',
      uid: false,
      set: [
        [1, 3],
        [5, 5],
      ],
    },
  ],
  ['*', { is: 'set', uid: false, set: [['*', '*']] }],
  ['$', { is: 'set', uid: false, set: '$' }],
  ['UID $', { is: 'set', uid: true, set: '$' }],
  ['UID 1:*', { is: 'set', uid: true, set: [[1, '*']] }],
  ['NOT NOT SEEN', not(not(seen))],
  ['OR SEEN (ALL UNSEEN)', { is: 'OR', keys: [seen, { is: 'and', keys: [all, not(seen)] }] }],
  ['OR OR SEEN ALL ALL', { is: 'OR', keys: [{ is: 'OR', keys: [seen, all] }, all] }],
  ['MODSEQ 620162338', { is: 'MODSEQ', modseq: 620162338 }],
  ['MODSEQ "/flags/\\\\draft" all 7', { is: 'MODSEQ', modseq: 7 }],
  ['EMAILID M6d99ac3275bb4e', { is: 'EMAILID', id: 'M6d99ac3275bb4e' }],
  ['THREADID T-1_x', { is: 'THREADID', id: 'T-1_x' }],
]
for (const [text, key] of keys) {
  test(`search key: ${text}`, () => {
    const parsed = said(`a SEARCH ${text}`)
    assert.ok(parsed?.is === 'command' && parsed.command.name === 'SEARCH', JSON.stringify(parsed))
    assert.deepEqual(parsed.command.program.key, key)
  })
}

const nothing = { min: false, max: false, all: false, count: false, save: false, partial: undefined }
const returns: readonly (readonly [text: string, returns: unknown])[] = [
  ['', undefined],
  ['RETURN () ', { ...nothing, all: true }],
  ['RETURN (ALL) ', { ...nothing, all: true }],
  ['return (min max count) ', { ...nothing, min: true, max: true, count: true }],
  ['RETURN (SAVE) ', { ...nothing, save: true }],
  ['RETURN (PARTIAL 500:1) ', { ...nothing, partial: [500, 1] }],
  ['RETURN (PARTIAL -1:-100 COUNT) ', { ...nothing, count: true, partial: [-1, -100] }],
]
for (const [text, expected] of returns) {
  test(`search return options: ${text}`, () => {
    const parsed = said(`a UID SEARCH ${text}ALL`)
    assert.ok(parsed?.is === 'command' && parsed.command.name === 'SEARCH')
    assert.deepEqual(parsed.command, {
      name: 'SEARCH',
      uid: true,
      returns: expected,
      program: { charset: undefined, key: all },
    })
  })
}

test('SORT and THREAD', () => {
  const program = { charset: 'UTF-8', key: all }
  assert.deepEqual(said('a SORT (REVERSE DATE subject DISPLAYFROM) utf-8 ALL'), {
    is: 'command',
    tag: 'a',
    command: {
      name: 'SORT',
      uid: false,
      returns: undefined,
      keys: [
        { key: 'DATE', reverse: true },
        { key: 'SUBJECT', reverse: false },
        { key: 'DISPLAYFROM', reverse: false },
      ],
      program,
    },
  })
  assert.deepEqual(said('a UID THREAD references UTF-8 ALL'), {
    is: 'command',
    tag: 'a',
    command: { name: 'THREAD', uid: true, algorithm: 'REFERENCES', program },
  })
})

test('a charset that is not known is refused', () => {
  for (const text of ['SEARCH CHARSET KLINGON TEXT x', 'SORT (DATE) UTF-7 ALL', 'THREAD REFERENCES "a b" ALL']) {
    const parsed = said(`a ${text}`)
    assert.ok(parsed?.is === 'no')
    assert.match(parsed.code, /^BADCHARSET \(UTF-8 /)
  }
})

const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ['SEARCH', /search key is expected after SEARCH/],
  ['SEARCH FOO', /search key/],
  ['SEARCH RETURN', /search key/],
  ['SEARCH RETURN (FOO) ALL', /MIN, MAX/],
  ['SEARCH RETURN (ALL PARTIAL 1:2) ALL', /PARTIAL/],
  ['SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL', /twice/],
  ['SEARCH RETURN (PARTIAL 0:2) ALL', /range/],
  ['SEARCH RETURN (PARTIAL -1:2) ALL', /range/],
  ['SEARCH CHARSET UTF-8', /search key/],
  ['SEARCH ()', /search key/],
  ['SEARCH (ALL', /parenthesis/],
  ['SEARCH ALL)', /Nothing more/],
  ['SEARCH OR ALL', /search key/],
  ['SEARCH NOT', /search key/],
  ['SEARCH 0', /sequence set/],
  ['SEARCH UID x', /sequence set/],
  ['SEARCH ON 31-Feb-2024', /date/],
  ['SEARCH ON "1-Feb-2024', /date/],
  ['SEARCH KEYWORD \\Seen', /flag/],
  ['SEARCH OLDER 0', /seconds/],
  ['SEARCH OLDER 4294967296', /32 bits/],
  ['SEARCH LARGER -1', /octets/],
  ['SEARCH LARGER 12345678901234567890', /octets/],
  ['SEARCH TEXT "\xff"', /charset/],
  ['SEARCH CHARSET SHIFT_JIS TEXT "\xff"', /charset/],
  ['SEARCH EMAILID !', /object id/],
  ['SEARCH MODSEQ "/flags/x" any 7', /mod-sequence/],
  [`SEARCH ${'NOT '.repeat(51)}ALL`, /too many/],
  [`SEARCH ${'('.repeat(51)}ALL${')'.repeat(51)}`, /too many/],
  [`SEARCH ${'('.repeat(60_000)}`, /too many/],
  [`SEARCH ${'OR '.repeat(20_000)}`, /too many/],
  [`SEARCH ${'ALL '.repeat(1000)}ALL`, /too many/],
  ['SORT () UTF-8 ALL', /sort key/],
  ['SORT (REVERSE) UTF-8 ALL', /sort key/],
  ['SORT (DATE) UTF-8', /search key/],
  [`SORT (${'DATE '.repeat(50)}DATE) UTF-8 ALL`, /50 keys/],
  ['THREAD FOO UTF-8 ALL', /REFERENCES/],
]
for (const [text, why] of bad) {
  test(`bad: ${text.slice(0, 60)}`, () => {
    const parsed = said(`a ${text}`)
    assert.ok(parsed?.is === 'bad', JSON.stringify(parsed))
    assert.match(parsed.text, why)
  })
}

test('as deep and as many as is allowed', () => {
  assert.equal(said(`a SEARCH ${'NOT '.repeat(50)}ALL`)?.is, 'command')
  assert.equal(said(`a SEARCH ${'ALL '.repeat(999)}ALL`)?.is, 'command')
})

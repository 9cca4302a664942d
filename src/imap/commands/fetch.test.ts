import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchItem, FetchModifiers } from '../fetch-item.ts'
import { said } from '../said.ts'

const body = (
  part: number[],
  is: 'all' | 'HEADER' | 'TEXT' | 'MIME',
  peek = false,
  partial?: [number, number],
): FetchItem => ({
  item: 'BODY[]',
  section: { part, text: { is } },
  peek,
  partial: partial && { origin: partial[0], octets: partial[1] },
})
const fast: FetchItem[] = [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }]

const items: readonly (readonly [text: string, items: readonly FetchItem[]])[] = [
  ['FAST', fast],
  ['all', [...fast, { item: 'ENVELOPE' }]],
  ['FULL', [...fast, { item: 'ENVELOPE' }, { item: 'BODY' }]],
  ['flags', [{ item: 'FLAGS' }]],
  [
    '(UID BODY BODYSTRUCTURE MODSEQ EMAILID THREADID SAVEDATE)',
    [
      { item: 'UID' },
      { item: 'BODY' },
      { item: 'BODYSTRUCTURE' },
      { item: 'MODSEQ' },
      { item: 'EMAILID' },
      { item: 'THREADID' },
      { item: 'SAVEDATE' },
    ],
  ],
  ['(RFC822 RFC822.HEADER RFC822.TEXT)', [{ item: 'RFC822' }, { item: 'RFC822.HEADER' }, { item: 'RFC822.TEXT' }]],
  ['BODY[]', [body([], 'all')]],
  ['body.peek[]<0.1024>', [body([], 'all', true, [0, 1024])]],
  ['BODY[HEADER]', [body([], 'HEADER')]],
  ['BODY[TEXT]<5.9007199254740991>', [body([], 'TEXT', false, [5, 9007199254740991])]],
  ['BODY[1.2.3]', [body([1, 2, 3], 'all')]],
  ['BODY[1.MIME]', [body([1], 'MIME')]],
  ['BODY[2.1.TEXT]', [body([2, 1], 'TEXT')]],
  [
    'BODY.PEEK[1.HEADER.FIELDS.NOT (Received "X Y" {3}\r\nabc)]',
    [
      {
        item: 'BODY[]',
        section: { part: [1], text: { is: 'HEADER.FIELDS.NOT', fields: ['Received', 'X Y', 'abc'] } },
        peek: true,
        partial: undefined,
      },
    ],
  ],
  ['BINARY[]', [{ item: 'BINARY[]', part: [], peek: false, partial: undefined }]],
  ['BINARY.PEEK[1.2]<1.2>', [{ item: 'BINARY[]', part: [1, 2], peek: true, partial: { origin: 1, octets: 2 } }]],
  ['BINARY.SIZE[3]', [{ item: 'BINARY.SIZE[]', part: [3] }]],
  ['(PREVIEW (LAZY) UID)', [{ item: 'PREVIEW', lazy: true }, { item: 'UID' }]],
  ['(PREVIEW)', [{ item: 'PREVIEW', lazy: false }]],
]
for (const [text, expected] of items) {
  test(`fetch: ${text}`, () => {
    const parsed = said(`a FETCH 1:* ${text}`)
    assert.ok(parsed?.is === 'command' && parsed.command.name === 'FETCH', JSON.stringify(parsed))
    assert.deepEqual(parsed.command.items, expected)
  })
}

const modifiers: readonly (readonly [text: string, modifiers: FetchModifiers])[] = [
  ['FLAGS', { changedSince: undefined, vanished: false, partial: undefined }],
  ['FLAGS (CHANGEDSINCE 12345 VANISHED)', { changedSince: 12345, vanished: true, partial: undefined }],
  ['ALL (partial -1:-30)', { changedSince: undefined, vanished: false, partial: [-1, -30] }],
  ['PREVIEW (CHANGEDSINCE 0)', { changedSince: 0, vanished: false, partial: undefined }],
  ['PREVIEW (LAZY) (PARTIAL 1:2)', { changedSince: undefined, vanished: false, partial: [1, 2] }],
]
for (const [text, expected] of modifiers) {
  test(`fetch modifiers: ${text}`, () => {
    const parsed = said(`a UID FETCH 1 ${text}`)
    assert.ok(parsed?.is === 'command' && parsed.command.name === 'FETCH', JSON.stringify(parsed))
    assert.deepEqual(parsed.command.modifiers, expected)
    assert.equal(parsed.command.uid, true)
  })
}

const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ['', /sequence set/],
  ['1', /data item/],
  ['1 ()', /data item/],
  ['1 (FAST)', /data item/],
  ['1 FOO', /data item/],
  ['1 FLAGS UID', /parentheses/],
  ['1 (FLAGS', /parenthesis/],
  ['1 BODY[', /HEADER/],
  ['1 BODY[0]', /part number/],
  ['1 BODY[1', /bracket/],
  ['1 BODY[1.]', /HEADER/],
  ['1 BODY[MIME]', /MIME/],
  ['1 BODY[HEADER.FIELDS]', /space/],
  ['1 BODY[HEADER.FIELDS ()]', /field name/],
  ['1 BODY[1.FOO]', /HEADER/],
  [`1 BODY[${'1.'.repeat(100)}1]`, /nested/],
  ['1 BODY[]<1>', /dot/],
  ['1 BODY[]<1.0>', /octets/],
  ['1 BODY[]<-1.5>', /octet/],
  ['1 BODY[]<1.5', /bracket/],
  ['1 BODY.PEEK', /section/],
  ['1 BINARY[TEXT]', /bracket/],
  ['1 BINARY[1.TEXT]', /part number/],
  ['1 BINARY.SIZE', /section/],
  ['1 FLAGS (CHANGEDSINCE)', /mod-sequence/],
  ['1 FLAGS (CHANGEDSINCE 1 VANISHED)', /UID/],
  ['1 FLAGS (PARTIAL 1:2)', /UID/],
  ['1 FLAGS (FOO)', /modifier/],
  [`1 (${'UID '.repeat(1000)}UID)`, /1000 items/],
]
for (const [text, why] of bad) {
  test(`bad fetch: ${text.slice(0, 60)}`, () => {
    const parsed = said(`a FETCH ${text}`)
    assert.ok(parsed?.is === 'bad', JSON.stringify(parsed))
    assert.match(parsed.text, why)
  })
}

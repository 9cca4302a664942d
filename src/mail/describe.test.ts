import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { foldCase } from './case-fold.ts'
import { describe } from './describe.ts'
import type { Description } from './description.ts'
import { MESSAGE_PIECES } from './fake-pieces.ts'
import { needleHashes, mayHold } from './signature.ts'

const describeText = (message: string): Description => describe(Buffer.from(message, 'latin1'))
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const LETTER = [
  'Date: Thu, 13 Feb 2025 11:00:00 +0100',
  'From: =?utf-8?q?J=C3=BCrgen?= <jr@example.org>',
  'To: "User, A." <User.A@example.net>, b@example.com',
  'Cc: (nobody) c@example.com (Cee)',
  'Subject: Re: [list]  =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  '\tund mehr',
  'Message-ID: <"one two"@example.org>',
  'In-Reply-To: your letter <zero@example.net> (of Monday)',
  'References: <a@x> (c <no@x>)',
  ' <b@x> <not an id> <zero@example.net>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="=_1"',
  '',
  'preamble',
  '--=_1',
  'Content-Type: multipart/alternative; boundary="=_2"',
  '',
  '--=_2',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Html</p>',
  '--=_2',
  'Content-Type: text/plain; charset=UTF-8',
  'Content-Transfer-Encoding: Quoted-Printable',
  '',
  'Gr=C3=BC=C3=9Fe',
  'Ende',
  '--=_2--',
  '',
  '--=_1',
  'Content-Type: application/pdf; name="a \\"b\\".pdf"',
  'Content-Transfer-Encoding: base64',
  "Content-Disposition: attachment; filename*=utf-8''%C3%BC",
  'Content-Language: de, en',
  '',
  'AAAA',
  '--=_1',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'x',
  '--=_1--',
  '',
].join('\r\n')

void test('describe: envelope', () => {
  assert.equal(
    latin1(describeText(LETTER).envelope),
    '("Thu, 13 Feb 2025 11:00:00 +0100" "Re: [list] =?utf-8?q?Gr=C3=BC=C3=9Fe?= und mehr" ' +
      '(("=?utf-8?q?J=C3=BCrgen?=" NIL "jr" "example.org")) (("=?utf-8?q?J=C3=BCrgen?=" NIL "jr" "example.org")) ' +
      '(("=?utf-8?q?J=C3=BCrgen?=" NIL "jr" "example.org")) ' +
      '(("User, A." NIL "User.A" "example.net")(NIL NIL "b" "example.com")) (("Cee" NIL "c" "example.com")) NIL ' +
      '"your letter <zero@example.net> (of Monday)" "<\\"one two\\"@example.org>")',
  )
})

void test('describe: body and structure', () => {
  const { body, structure } = describeText(LETTER)
  assert.equal(
    latin1(body),
    '((("text" "html" ("charset" "utf-8") NIL NIL "7bit" 11 0)' +
      '("text" "plain" ("charset" "UTF-8") NIL NIL "Quoted-Printable" 21 1) "alternative")' +
      '("application" "pdf" ("name" "a \\"b\\".pdf") NIL NIL "base64" 4)' +
      '("message" "rfc822" NIL NIL NIL "7bit" 19 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) 2) "mixed")',
  )
  assert.ok(
    latin1(structure).includes(
      '"base64" 4 NIL ("attachment" ("filename*" "utf-8\'\'%C3%BC")) ("de" "en") NIL)("message"',
    ),
  )
  assert.ok(latin1(structure).endsWith(' 2 NIL NIL NIL NIL) "mixed" ("boundary" "=_1") NIL NIL NIL)'))
})

void test('describe: parts', () => {
  const { part, header } = describeText(LETTER)
  assert.equal(LETTER.slice(header, header + 8), 'preamble')
  const [alternative, pdf, message] = part.parts
  const [html, plain] = alternative?.parts ?? []
  assert.deepEqual(
    [part, alternative, html, plain, pdf, message, message?.parts[0]].map(of => [of?.type, of?.charset, of?.encoding]),
    [
      ['multipart/mixed', undefined, 'identity'],
      ['multipart/alternative', undefined, 'identity'],
      ['text/html', 'utf-8', 'identity'],
      ['text/plain', 'utf-8', 'quoted-printable'],
      ['application/pdf', undefined, 'base64'],
      ['message/rfc822', undefined, 'identity'],
      ['text/plain', undefined, 'identity'],
    ],
  )
  assert.equal(LETTER.slice(pdf?.body, pdf?.end), 'AAAA')
})

void test('describe: what is sorted and shown', () => {
  const { sent, sort, preview, signature } = describeText(LETTER)
  assert.equal(sent, Date.UTC(2025, 1, 13, 10))
  assert.equal(preview, 'Grüße Ende')
  assert.deepEqual(sort, {
    subject: foldCase('Grüße und mehr'),
    answer: true,
    from: 'jr',
    to: 'user.a',
    cc: 'c',
    displayFrom: foldCase('Jürgen'),
    displayTo: 'user, a.',
    messageId: 'one two@example.org',
    references: ['a@x', 'b@x', 'zero@example.net'],
  })
  assert.ok(
    signature && mayHold(signature, needleHashes(foldCase('Grüße'))) && !mayHold(signature, needleHashes('nowhere')),
  )
})

const SORTED: readonly (readonly [header: string, wanted: Partial<Description['sort']>])[] = [
  ['', { subject: '', answer: false, from: '', displayFrom: '', messageId: '', references: [] }],
  ['From: a@b', { from: 'a', displayFrom: 'a@b' }],
  ['From: Group: x@y;', { from: 'group', displayFrom: 'group' }],
  ['In-Reply-To: <a@x> <b@x>', { references: ['a@x'] }],
  ['References: nothing\r\nIn-Reply-To: <a@x>', { references: ['a@x'] }],
  ['References: <a@x>\r\nReferences: <b@x>\r\n', { references: ['a@x', 'b@x'] }],
  ['Message-ID: <"a\\"b"@x> <c@x>', { messageId: 'a"b@x' }],
  ['Message-ID: <a@>', { messageId: '' }],
  ['Message-ID: no', { messageId: '' }],
  [
    `References: ${Array.from({ length: 150 }, (_, n) => `<${n}@x>`).join(' ')}`,
    { references: Array.from({ length: 100 }, (_, n) => `${n + 50}@x`) },
  ],
  ['Subject: caf\xe9', { subject: foldCase('café') }],
]

for (const [header, wanted] of SORTED) {
  void test(`describe: sorted by ${JSON.stringify(header.slice(0, 60))}`, () => {
    const { sort } = describeText(`${header}\r\n\r\n`)
    assert.deepEqual({ ...sort, ...wanted }, sort)
  })
}

void test('describe: the preview is of the text that a person reads first', () => {
  const attached = 'Content-Type: text/plain\r\nContent-Disposition: attachment'
  const message = `Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n${attached}\r\n\r\nno\r\n--a\r\nContent-Type: text/html\r\n\r\n<b>yes</b>\r\n--a--`
  assert.equal(describeText(message).preview, 'yes')
})

void test('describe: its bytes are nobody else’s, so that nothing else goes with them to another thread', () => {
  const { envelope, body, structure, signature } = describeText('Subject: a\r\n\r\ntext')
  const texts = [envelope, body, structure, signature ?? Buffer.alloc(0)]
  const together = texts.reduce((sum, { length }) => sum + length, 0)
  assert.deepEqual(
    texts.map(({ buffer }) => buffer.byteLength),
    texts.map(() => together),
  )
})

void test('describe: so much text has no signature', () => {
  assert.notEqual(describeText(`\r\n${'some words '.repeat(10_000)}`).signature, undefined)
  assert.equal(describeText(`\r\n${'some words '.repeat(110_000)}`).signature, undefined)
  assert.equal(describeText(`\r\n${'some words '.repeat(300_000)}`).signature, undefined)
})

void test('describe: what is written is a few times what was there, at most', () => {
  const header = `From: ${'a,'.repeat(100_000)}\r\n`
  const part = `--a\r\nContent-Type: message/rfc822\r\n\r\n${header}\r\nx\r\n`
  const message = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${part.repeat(20)}`
  const { structure, body } = describeText(message)
  assert.ok(structure.length + body.length < 8 * 1024 * 1024)
  assert.ok(describeText(`${header}\r\n`).envelope.length < 2 * 1024 * 1024)
})

void test('describe: no more than a megabyte of header fields is kept', () => {
  const part = `--a\r\nContent-Description: ${'x'.repeat(100_000)}\r\n\r\n`
  const { body, part: root } = describeText(`Content-Type: multipart/mixed; boundary=a\r\n\r\n${part.repeat(30)}`)
  assert.equal(root.parts.length, 30)
  assert.ok(body.length > 1_000_000 && body.length < 1_100_000)
})

void test('describe: any bytes have a description, whose texts are ASCII outside of literals', () => {
  const pieces = fc.array(fc.constantFrom(...MESSAGE_PIECES), { maxLength: 60 }).map(parts => parts.join(''))
  const bytes = fc.oneof(pieces, fc.uint8Array({ maxLength: 300 }).map(latin1))
  fc.assert(
    fc.property(bytes, message => {
      const { envelope, body, structure, header, part } = describeText(message)
      assert.deepEqual([header, part.end], [part.body, message.length])
      for (const text of [envelope, body, structure].map(latin1)) {
        const withoutLiterals = text.replace(/\{(\d+)\}\r\n/g, '\x01$1\x01')
        if (!withoutLiterals.includes('\x01')) assert.match(text, /^[\x20-\x7e\t]*$|[\x01-\x1f\x7f]/)
        assert.ok(!text.includes('\0') && text.startsWith('(') && text.endsWith(')'))
      }
    }),
    { numRuns: 1000 },
  )
})

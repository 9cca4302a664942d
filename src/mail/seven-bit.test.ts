import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeQuotedPrintable } from './quoted-printable.ts'
import { hasNonAsciiHeader, needs, toSevenBit } from './seven-bit.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const message = (...lines: string[]) => bytes(lines.join('\r\n'))

/** As Latin-1 text, after a check of what the conversion promises; undefined stays undefined. */
function convert(original: Uint8Array): string | undefined {
  const converted = toSevenBit(original)
  if (converted === undefined) return undefined
  assert.equal(needs(converted), '7bit')
  return Buffer.from(converted).toString('latin1')
}

test('what the content needs', () => {
  const cases: [string, string][] = [
    ['', '7bit'],
    ['a\r\nb', '7bit'],
    [`${'x'.repeat(998)}\r\n`, '7bit'],
    ['x'.repeat(998), '7bit'],
    ['caf\xe9\r\n', '8bit'],
    ['\x80', '8bit'],
    [`${'x'.repeat(999)}\r\n`, 'binary'],
    [`a\r\n${'x'.repeat(999)}`, 'binary'],
    [`${'\xe9'.repeat(999)}\r\n`, 'binary'],
    ['a\rb\r\n', 'binary'],
    ['a\nb\r\n', 'binary'],
    ['a\r', 'binary'],
    ['a\r\r\n', 'binary'],
    ['\0', 'binary'],
    ['\x01\x7f\t\v', '7bit'],
  ]
  for (const [text, expected] of cases) assert.equal(needs(bytes(text)), expected, JSON.stringify(text.slice(0, 20)))
})

test('a header that needs SMTPUTF8', () => {
  assert.equal(hasNonAsciiHeader(bytes('Subject: a\r\n\r\n\xe9')), false)
  assert.equal(hasNonAsciiHeader(bytes('Subject: \xe9\r\n\r\na')), true)
  assert.equal(hasNonAsciiHeader(bytes('Subject: \xe9')), true)
  assert.equal(hasNonAsciiHeader(bytes('')), false)
})

test('text becomes quoted-printable, its label with it', () => {
  assert.equal(
    convert(
      message(
        'MIME-Version: 1.0',
        'Content-Transfer-Encoding: 8bit',
        'Content-Type: text/plain; charset=utf-8',
        '',
        'caf\xc3\xa9',
        '',
      ),
    ),
    'MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ncaf=C3=A9\r\n',
  )
})

test('a long line alone is reason enough', () => {
  const converted = convert(message('MIME-Version: 1.0', 'Content-Type: text/html', '', 'x'.repeat(2000), ''))
  assert.match(
    converted ?? '',
    /^MIME-Version: 1\.0\r\nContent-Type: text\/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx+=\r\n/,
  )
})

test('8-bit text without MIME gets the labels it needs (RFC 1428)', () => {
  assert.equal(
    convert(message('Subject: a', '', 'caf\xe9')),
    'Subject: a\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=unknown-8bit\r\nMIME-Version: 1.0\r\n\r\ncaf=E9',
  )
})

test('binary data becomes base64', () => {
  const data = bytes(String.fromCharCode(...Array.from({ length: 256 }, (_, index) => index)))
  const head = message('MIME-Version: 1.0', 'Content-Type: image/png', 'Content-Transfer-Encoding: binary', '', '')
  const [header = '', body = ''] = convert(Buffer.concat([head, data]))?.split('\r\n\r\n') ?? []
  assert.match(header, /Content-Transfer-Encoding: base64$/)
  assert.deepEqual(Buffer.from(body, 'base64'), data)
  for (const line of body.split('\r\n')) assert.ok(line.length <= 76)
})

test('labels follow from the inside out, everything else stays byte for byte', () => {
  const original = message(
    'MIME-Version: 1.0',
    'content-transfer-encoding:  8BIT (really)',
    'Content-Type: multipart/mixed;',
    '\tboundary="outer"',
    'X-Odd:   spacing  ',
    '',
    'preamble',
    '--outer  ',
    'Content-Type: multipart/alternative; boundary=outer2',
    'Content-Transfer-Encoding: binary',
    '',
    '--outer2',
    '',
    'plain, as it is',
    '--outer2',
    'Content-Type: text/html; charset=iso-8859-1',
    'Content-Transfer-Encoding: 8bit',
    '',
    '<p>caf\xe9',
    '--outer2--',
    '--outer',
    'Content-Type: message/rfc822',
    'Content-Transfer-Encoding: 8bit',
    '',
    'Subject: inner',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: 8bit',
    '',
    '\xfcber',
    '--outer',
    'Content-Type: image/gif',
    'Content-Transfer-Encoding: base64',
    '',
    'R0lGODlh',
    '--outer--',
    'epilogue',
  )
  const expected = original
    .toString('latin1')
    .replace('content-transfer-encoding:  8BIT (really)', 'Content-Transfer-Encoding: 7bit')
    .replace('Encoding: binary', 'Encoding: 7bit')
    .replace('Encoding: 8bit\r\n\r\n<p>caf\xe9', 'Encoding: quoted-printable\r\n\r\n<p>caf=E9')
    .replace('Encoding: 8bit\r\n\r\nSubject', 'Encoding: 7bit\r\n\r\nSubject')
    .replace('Encoding: 8bit\r\n\r\n\xfcber', 'Encoding: quoted-printable\r\n\r\n=FCber')
  assert.equal(convert(original), expected)
})

test('a soft line break makes no boundary', () => {
  const line = `${'x'.repeat(75)}--b`
  const converted = convert(
    message(
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      '',
      `\xe9\r\n${line}\r\n--b--`,
      '',
    ),
  )
  assert.doesNotMatch(converted?.replace(/^--b\r\n/m, '') ?? '--b\r\n', /^--b\r\n/m)
})

test('8-bit preamble and epilogue are left out', () => {
  assert.equal(
    convert(message('Content-Type: multipart/mixed; boundary=b', '', 'pr\xe9', '--b', '', 'a', '--b--', '\xe9pi')),
    message('Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'a', '--b--', '').toString(),
  )
})

test('in a digest a part is a message until it says otherwise', () => {
  const digest = (encoding: string, text: string) =>
    message(
      'Content-Type: multipart/digest; boundary=b',
      '',
      '--b',
      '',
      'Subject: a',
      'Content-Type: text/plain',
      encoding,
      '',
      text,
      '--b--',
    )
  assert.match(
    convert(digest('Content-Transfer-Encoding: 8bit', '\xe9')) ?? '',
    /--b\r\n\r\nSubject: a\r\nContent-Type: text\/plain\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version/,
  )
})

test('encoded leaves with lines that are too long are encoded anew', () => {
  const data = 'y'.repeat(3000)
  const leaf = (encoding: string, body: string) =>
    message('MIME-Version: 1.0', `Content-Transfer-Encoding: ${encoding}`, '', body)
  const base64 = convert(leaf('base64', Buffer.from(data).toString('base64')))
  assert.equal(Buffer.from(base64?.split('\r\n\r\n')[1] ?? '', 'base64').toString(), data)
  const quoted = convert(leaf('quoted-printable', data))
  assert.equal(Buffer.from(decodeQuotedPrintable(bytes(quoted?.split('\r\n\r\n')[1] ?? ''))).toString(), data)
})

test('what cannot be converted truthfully is not', () => {
  const mixed = 'Content-Type: multipart/mixed; boundary=b'
  const cases: [string, Buffer][] = [
    ['8-bit header', message('Subject: \xe9', '', 'a')],
    ['8-bit header of a part', message(mixed, '', '--b', 'Content-Description: \xe9', '', 'a', '--b--')],
    ['long header line', message(`Subject: ${'x'.repeat(1000)}`, '', 'a')],
    ['signed', message('Content-Type: multipart/signed; boundary=b', '', '--b', '', '\xe9', '--b', '', 's', '--b--')],
    [
      'signed within',
      message(mixed, '', '--b', 'Content-Type: multipart/signed; boundary=c', '', '--c', '', '\xe9', '--c--', '--b--'),
    ],
    ['no boundary', message('Content-Type: multipart/mixed', '', '--b', '', '\xe9', '--b--')],
    ['boundary that does not occur', message(mixed, '', '--c', '', '\xe9', '--c--')],
    [
      'encoded multipart',
      message(mixed, 'Content-Transfer-Encoding: quoted-printable', '', '--b', '', '\xe9', '--b--'),
    ],
    ['unknown encoding', message('Content-Transfer-Encoding: x-uuencode', '', '\xe9')],
    ['two encodings', message('Content-Transfer-Encoding: 8bit', 'Content-Transfer-Encoding: base64', '', '\xe9')],
    ['two types', message('Content-Type: text/plain', 'Content-Type: text/html', '', '\xe9')],
    ['8-bit base64', message('Content-Transfer-Encoding: base64', '', 'YQ==\xe9')],
    [
      'base64 that goes on after its end',
      message('Content-Transfer-Encoding: base64', '', `YQ==${'YWFh'.repeat(300)}`),
    ],
    ['partial', message('Content-Type: message/partial; id=a', '', '\xe9')],
    ['no empty line', message('no header \xe9')],
    ['part without an empty line', message(mixed, '', '--b', 'caf\xe9', '--b--')],
  ]
  for (const [name, original] of cases) assert.equal(convert(original), undefined, name)
})

test('7-bit content is the same bytes, however odd', () => {
  const cases = [
    message('Subject: a', '', 'b'),
    message('no header'),
    message('Content-Type: multipart/signed; boundary=b', '', '--b', '', 'a', '--b', '', 's', '--b--'),
    message('Content-Type: multipart/mixed', '', 'nothing'),
    message('Content-Type: text/plain', 'Content-Type: text/html', '', 'a'),
    Buffer.alloc(0),
  ]
  for (const original of cases) assert.equal(convert(original), original.toString())
})

test('depth and number of parts are bounded', () => {
  const nest = (depth: number, inner: string): string =>
    depth === 0 ? inner : `Content-Type: message/rfc822\r\n\r\n${nest(depth - 1, inner)}`
  assert.notEqual(convert(bytes(nest(15, '\r\n\xe9'))), undefined)
  assert.equal(convert(bytes(nest(1000, '\r\n\xe9'))), undefined)
  const wide = (count: number) =>
    bytes(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n\xe9\r\n'.repeat(count)}--b--`)
  assert.notEqual(convert(wide(900)), undefined)
  assert.equal(convert(wide(1100)), undefined)
})

const content = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r\n', '\r', '\n', '--b', ' \r\n', '=', 'x'.repeat(80)),
      fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code)),
    ),
    { maxLength: 200, size: 'max' },
  )
  .map(pieces => pieces.join(''))
  .filter(text => !/(?:^|\r\n)--b/.test(text))
const type = fc.constantFrom('text/plain', 'text/html', 'application/octet-stream', 'image/png', 'message/global')

test('every leaf decodes to what it was', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(type, content), { minLength: 1, maxLength: 5 }), leaves => {
      const parts = leaves.map(
        ([name, text]) => `--b\r\nContent-Type: ${name}\r\nContent-Transfer-Encoding: binary\r\n\r\n${text}\r\n`,
      )
      const converted =
        convert(bytes(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`)) ?? ''
      const found = converted.split(/^--b(?:--)?\r\n/m).slice(1, -1)
      assert.equal(found.length, leaves.length)
      for (const [index, part] of found.entries()) {
        const empty = part.indexOf('\r\n\r\n')
        const body = bytes(part.slice(empty + 4, -2))
        const encoding = /Encoding: (.*)/.exec(part.slice(0, empty))?.[1]
        const decoded =
          encoding === 'base64'
            ? Buffer.from(body.toString(), 'base64')
            : encoding === '7bit'
              ? body
              : decodeQuotedPrintable(body)
        assert.equal(Buffer.from(decoded).toString('latin1'), leaves[index]?.[1])
      }
    }),
  )
})

test('any bytes are converted or not, but never wrongly labelled 7-bit', () => {
  const pieces = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=b\r\n',
    '\r\n',
    '--b\r\n',
    '--b--',
    '\xe9',
    '\0',
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Type: message/rfc822\r\n',
    'a: b\r\n',
  )
  fc.assert(fc.property(fc.array(pieces, { maxLength: 60, size: 'max' }), all => void convert(bytes(all.join('')))))
})

const vectors = new URL('../../../shared/vectors/mime/', import.meta.url)

test('published nasty messages', { skip: existsSync(vectors) ? false : 'the published messages are not here' }, () => {
  const files = readdirSync(vectors).filter(name => name.endsWith('.msg'))
  assert.notEqual(files.length, 0)
  for (const file of files) {
    const original = readFileSync(new URL(file, vectors))
    const converted = convert(original)
    if (needs(original) === '7bit') assert.notEqual(converted, undefined, file)
  }
})

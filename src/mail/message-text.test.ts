import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Part } from './description.ts'
import { headerText, headerValues, textOf, textOfRange, textRanges } from './message-text.ts'

const HEADER = Buffer.concat([
  Buffer.from(
    'Subject: =?utf-8?Q?Gr=C3=BC?=\r\n =?utf-8?Q?=C3=9Fe?=\r\n\tan alle\r\nFROM : Zo\u00eb <z@a.example>\r\n',
  ),
  Buffer.from('X-Old: caf\u00e9\r\n', 'latin1'),
  Buffer.from('subject: second\nX-Bare: yes\n\r\nSubject: body\r\n'),
])

test('values of fields: unfolded, decoded, whatever the case of the name, up to the empty line', () => {
  assert.deepEqual(headerValues(HEADER, 'subject'), ['Grüße an alle', 'second'])
  assert.deepEqual(headerValues(HEADER, 'from'), ['Zoë <z@a.example>'])
  assert.deepEqual(headerValues(HEADER, 'x-old'), ['café'])
  assert.deepEqual(headerValues(HEADER, 'x-bare'), ['yes'])
  assert.deepEqual(headerValues(HEADER, 'sub'), [])
  assert.deepEqual(headerValues(Buffer.from('To:'), 'to'), [''])
  assert.deepEqual(headerValues(Buffer.alloc(0), 'to'), [])
})

test('a header as text has the same values, one field a line', () => {
  const text = headerText(HEADER.subarray(0, HEADER.indexOf('\n\r\n') + 3))
  assert.equal(
    text,
    'Subject: Grüße an alle\r\nFROM : Zoë <z@a.example>\r\nX-Old: café\r\nsubject: second\nX-Bare: yes\n\r\n',
  )
})

test('each value is in the text, whatever the header is', () => {
  const pieces = fc.constantFrom(
    'to:',
    'To',
    ' ',
    '\t',
    '\r\n',
    '\n',
    '\r',
    '=?utf-8?q?',
    '=C3=BC',
    '?=',
    'ü',
    'a',
    ':',
    '=?utf-8?b?YQ==?=',
  )
  const header = fc.array(pieces).map(parts => parts.join(''))
  fc.assert(
    fc.property(header, fc.boolean(), (text, utf8) => {
      const bytes = Buffer.from(text, utf8 ? 'utf8' : 'latin1')
      const whole = headerText(bytes)
      for (const value of headerValues(bytes, 'to'))
        assert.ok(whole.includes(value), `${JSON.stringify(value)} in ${JSON.stringify(whole)}`)
    }),
    { numRuns: 2000 },
  )
})

const part = (of: Partial<Part>): Part => ({
  type: 'text/plain',
  charset: undefined,
  encoding: 'identity',
  start: 0,
  body: 0,
  end: 0,
  lines: 0,
  parts: [],
  ...of,
})

test('the text of a part', () => {
  assert.equal(textOf(part({ charset: 'iso-8859-1', encoding: 'quoted-printable' }), Buffer.from('Gr=FC=DFe')), 'Grüße')
  assert.equal(textOf(part({ charset: 'utf-8', encoding: 'base64' }), Buffer.from('R3LDvMOfZQ==')), 'Grüße')
  assert.equal(textOf(part({ encoding: 'other' }), Buffer.from('Grüße')), 'Grüße')
})

test('what is text in a message: headers everywhere, bodies of texts, in order', () => {
  const inner = part({ start: 60, body: 70, end: 80 })
  const message = part({
    type: 'multipart/mixed',
    body: 10,
    end: 120,
    parts: [
      part({ type: 'text/html', start: 12, body: 20, end: 30 }),
      part({ type: 'image/png', start: 32, body: 40, end: 50 }),
      part({ type: 'message/rfc822', start: 52, body: 60, end: 80, parts: [inner] }),
      part({ type: 'message/delivery-status', start: 82, body: 82, end: 90 }),
    ],
  })
  assert.deepEqual(
    textRanges(message).map(({ is, start, end }) => `${is} ${start}-${end}`),
    [
      'header 0-10',
      'header 12-20',
      'body 20-30',
      'header 32-40',
      'header 52-60',
      'header 60-70',
      'body 70-80',
      'body 82-90',
    ],
  )
  const [header] = textRanges(part({ body: HEADER.length }))
  assert.ok(header)
  assert.equal(textOfRange(header, HEADER), headerText(HEADER))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Section } from '../../imap/fetch-item.ts'
import type { Part } from '../../mail/description.ts'
import { spanOf } from './section.ts'

function part(type: string, start: number, body: number, end: number, parts: readonly Part[] = []): Part {
  return { type, charset: undefined, encoding: 'identity', start, body, end, lines: 0, parts }
}

/** RFC 9051 §6.4.5.1: the example's shape: text, octets, a message with two parts, and a multipart with an image and a message. */
const MESSAGE = part('multipart/mixed', 0, 100, 1000, [
  part('text/plain', 110, 120, 150),
  part('application/octet-stream', 160, 170, 200),
  part('message/rfc822', 210, 220, 500, [
    part('multipart/mixed', 220, 300, 500, [
      part('text/plain', 310, 320, 350),
      part('application/octet-stream', 360, 370, 400),
    ]),
  ]),
  part('multipart/mixed', 510, 520, 900, [
    part('image/gif', 530, 540, 600),
    part('message/rfc822', 610, 620, 800, [part('text/plain', 620, 650, 800)]),
  ]),
])
const SINGLE = part('text/plain', 0, 40, 90)
const ONLY_MESSAGE = part('message/rfc822', 0, 40, 90, [part('text/plain', 40, 60, 90)])
const BROKEN = part('multipart/mixed', 0, 40, 90)
const OPAQUE = part('message/rfc822', 0, 40, 90)

const HEAD = 7

function bytes(message: Part, text: string): string {
  const [, numbers = '', name] = /^([\d.]*?)\.?([A-Z]*)$/.exec(text) ?? []
  const section: Section = {
    part: numbers === '' ? [] : numbers.split('.').map(Number),
    text: { is: name === 'HEADER' || name === 'TEXT' || name === 'MIME' ? name : 'all' },
  }
  const span = spanOf(section, { header: message.body, part: message }, HEAD, HEAD + message.end)
  return span ? span.map(at => at - HEAD).join('-') : 'NIL'
}

test('each section is its range of bytes', () => {
  for (const [message, section, expected] of [
    [MESSAGE, '', '-7-1000'],
    [MESSAGE, 'HEADER', '-7-100'],
    [MESSAGE, 'TEXT', '100-1000'],
    [MESSAGE, 'MIME', 'NIL'],
    [MESSAGE, '1', '120-150'],
    [MESSAGE, '1.MIME', '110-120'],
    [MESSAGE, '1.HEADER', 'NIL'],
    [MESSAGE, '1.TEXT', 'NIL'],
    [MESSAGE, '1.1', 'NIL'],
    [MESSAGE, '2', '170-200'],
    [MESSAGE, '3', '220-500'],
    [MESSAGE, '3.MIME', '210-220'],
    [MESSAGE, '3.HEADER', '220-300'],
    [MESSAGE, '3.TEXT', '300-500'],
    [MESSAGE, '3.1', '320-350'],
    [MESSAGE, '3.2.MIME', '360-370'],
    [MESSAGE, '3.3', 'NIL'],
    [MESSAGE, '4', '520-900'],
    [MESSAGE, '4.1', '540-600'],
    [MESSAGE, '4.2', '620-800'],
    [MESSAGE, '4.2.HEADER', '620-650'],
    [MESSAGE, '4.2.1', '650-800'],
    [MESSAGE, '4.2.1.MIME', '620-650'],
    [MESSAGE, '4.2.2', 'NIL'],
    [MESSAGE, '5', 'NIL'],
    [SINGLE, '1', '40-90'],
    [SINGLE, '1.MIME', '0-40'],
    [SINGLE, '2', 'NIL'],
    [SINGLE, '1.1', 'NIL'],
    [ONLY_MESSAGE, '1', '40-90'],
    [ONLY_MESSAGE, '1.HEADER', '40-60'],
    [ONLY_MESSAGE, '1.1', '60-90'],
    [BROKEN, '1', 'NIL'],
    [OPAQUE, '1', '40-90'],
    [OPAQUE, '1.TEXT', 'NIL'],
    [OPAQUE, '1.1', 'NIL'],
  ] as const) {
    assert.equal(bytes(message, section), expected, `${message.type} [${section}]`)
  }
})

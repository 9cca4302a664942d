import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Part } from './description.ts'
import { htmlText } from './html-text.ts'
import { previewOf } from './preview.ts'

function preview(body: string, part: Partial<Part> = {}): string {
  const bytes = Buffer.from(body)
  const whole = { start: 0, body: 0, end: bytes.length, lines: 0, parts: [] }
  return previewOf({ type: 'text/plain', charset: 'utf-8', encoding: 'identity', ...whole, ...part }, bytes)
}

const PLAIN: readonly (readonly [why: string, body: string, preview: string])[] = [
  ['one line', 'Hello,\r\n\r\n  how\tare you?\r\n', 'Hello, how are you?'],
  ['a signature', 'Hi\r\n-- \r\nMe, Inc.\r\n', 'Hi'],
  ['quotes', 'On Tue, A wrote:\r\n> one\r\n> two\r\n\r\nYes.\r\n', 'Yes.'],
  ['an attribution on two lines', 'Yes.\r\n\r\nOn Tue, A\r\n<a@b> wrote:\r\n\r\n> one\r\n', 'Yes.'],
  ['nothing but quotes', '> one\r\n>> two\r\n', 'one two'],
  ['marks without width', 'a\u200b\u034fb \ufeff\u00ad', 'ab'],
  ['controls', 'a\x00\x1b[1mb', 'a [1mb'],
  ['nothing', ' \r\n', ''],
]

for (const [why, body, expected] of PLAIN) {
  void test(`preview: ${why}`, () => assert.equal(preview(body), expected))
}

void test('preview: 200 characters, none cut in two', () => {
  assert.equal(preview(`${'x'.repeat(199)}😀😀`), 'x'.repeat(199))
  assert.equal(preview(`${'x'.repeat(198)}😀😀`), `${'x'.repeat(198)}😀`)
  assert.equal(preview('word '.repeat(2000)).length, 199)
  const quoted = `${'> quoted\r\n'.repeat(500)}answer`
  assert.equal(preview(quoted), 'answer')
})

void test('preview: decoded', () => {
  assert.equal(preview('SMO8cmdlbg==', { encoding: 'base64' }), 'Hürgen')
  assert.equal(preview('caf=E9=\r\n!', { encoding: 'quoted-printable', charset: 'iso-8859-1' }), 'café!')
})

const HTML: readonly (readonly [html: string, text: string])[] = [
  ['<p>Hello <b>w</b>orld</p><p>you', 'Hello world you'],
  ['<html><head><title>No</title></head><body>Yes</body></html>', 'Yes'],
  ['a<style>p > q { }</style>b<script>1 < 2</script>c', 'a b c'],
  ['a<!-- <b> -->b<!doctype x><?xml x?>c', 'a b c'],
  ['&lt;&amp;&#65;&#x42;&nbsp;&uuml;&Uuml;&bogus;&#0;&#x110000;', '<&AB üÜ&bogus;'],
  ['1 < 2 <3', '1 < 2 <3'],
  ['yes<blockquote>no<blockquote>no</blockquote>no</blockquote>!', 'yes !'],
  ['a<br/>b<p', 'a b'],
  ['a<!-- b', 'a'],
  ['a<style>b', 'a'],
]

for (const [html, text] of HTML) {
  void test(`text of ${html}`, () => {
    assert.equal(htmlText(html, { quotes: false }).replace(/\s+/g, ' ').trim(), text)
    assert.equal(preview(html, { type: 'text/html' }), text)
  })
}

void test('preview: of HTML that is one quote', () => {
  assert.equal(preview('<blockquote>only</blockquote>', { type: 'text/html' }), 'only')
})

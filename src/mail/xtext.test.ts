import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeUtf8Addr, decodeXtext, encodeUtf8AddrUnitext, encodeUtf8AddrXtext, encodeXtext } from './xtext.ts'

test('xtext', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['QQ314159', 'QQ314159'],
    ['a+b=c', 'a+2Bb+3Dc'],
    ['"white space"@example.org', '"white+20space"@example.org'],
    ['tab\there', 'tab+09here'],
    ['~!', '~!'],
  ]
  for (const [text, xtext] of cases) {
    assert.equal(encodeXtext(text), xtext)
    assert.equal(decodeXtext(xtext), text)
  }
})

test('xtext that is none', () => {
  for (const bad of [
    'a b',
    'a=b',
    'a+',
    'a+2',
    'a+2b',
    'a+GG',
    'a+0Db',
    'a+0A',
    'a+00',
    'a+7F',
    'a+C3+A9',
    'é',
    'a\n',
  ]) {
    assert.equal(decodeXtext(bad), undefined, bad)
  }
  for (const bad of ['é', 'a\r\nb', '\0', '\x7f']) assert.equal(encodeXtext(bad), undefined)
})

test('utf-8 addresses', () => {
  const cases: [address: string, xtext: string, unitext: string][] = [
    ['bob@example.org', 'bob@example.org', 'bob@example.org'],
    ['αβ@example.org', '\\x{3B1}\\x{3B2}@example.org', 'αβ@example.org'],
    ['é+tag=1@example.org', '\\x{E9}\\x{2B}tag\\x{3D}1@example.org', 'é\\x{2B}tag\\x{3D}1@example.org'],
    ['"a \\b"@example.org', '"a\\x{20}\\x{5C}b"@example.org', '"a\\x{20}\\x{5C}b"@example.org'],
    ['😀@example.org', '\\x{1F600}@example.org', '😀@example.org'],
  ]
  for (const [address, xtext, unitext] of cases) {
    assert.equal(encodeUtf8AddrXtext(address), xtext)
    assert.equal(encodeUtf8AddrUnitext(address), unitext)
    assert.equal(decodeUtf8Addr(xtext), address)
    assert.equal(decodeUtf8Addr(unitext), address)
  }
  assert.equal(decodeUtf8Addr('é+tag@example.org'), 'é+tag@example.org')
})

test('utf-8 addresses that are none', () => {
  const bad = [
    '',
    'a b',
    'a\\b',
    '\\x{}',
    '\\x{41}',
    '\\x{0041}',
    '\\x{e9}',
    '\\x{D800}',
    '\\x{110000}',
    '\\x{0A}',
    '\\x{85}',
  ]
  for (const text of bad) assert.equal(decodeUtf8Addr(text), undefined, text)
  for (const text of ['a\r\nb', '\0', '\ud800']) {
    assert.equal(encodeUtf8AddrXtext(text), undefined)
    assert.equal(encodeUtf8AddrUnitext(text), undefined)
  }
})

test('what is encoded comes back', () => {
  const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)) })
  fc.assert(fc.property(printable, text => decodeXtext(encodeXtext(text) ?? '?') === text))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), text => {
      fc.pre(!/[\x00-\x1f\x7f-\x9f]|[^\S ]/.test(text))
      assert.equal(decodeUtf8Addr(encodeUtf8AddrXtext(text) ?? ''), text)
      assert.equal(decodeUtf8Addr(encodeUtf8AddrUnitext(text) ?? ''), text)
    }),
  )
})

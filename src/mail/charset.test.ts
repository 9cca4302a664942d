import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { charsetDecoder, decodeCharset, knowsCharset } from './charset.ts'

/** charset, bytes in hexadecimal as Python's codecs write them, text */
const TABLE: readonly (readonly [charset: string, hex: string, text: string])[] = [
  ['utf-8', '4772c3bcc39f65', 'Grüße'],
  ['UTF8', '4772c3bcc39f65', 'Grüße'],
  ['iso-8859-1', '4772fcdf65', 'Grüße'],
  ['ISO-8859-1', '8020847893', '€ „x“'],
  ['windows-1252', '9c89', 'œ‰'],
  ['cp1251', 'cff0e8e2e5f2', 'Привет'],
  ['win-1251', 'cff0e8e2e5f2', 'Привет'],
  ['x-cp1251', 'cff0e8e2e5f2', 'Привет'],
  ['koi8-r', 'f0d2c9d7c5d4', 'Привет'],
  ['koi8-u', 'a7d6c1cb', 'їжак'],
  ['iso-8859-15', '3520a4', '5 €'],
  ['latin-9', '3520a4', '5 €'],
  ['iso-8859-2', 'b3f364bc', 'łódź'],
  ['windows-1250', 'b3f3649f', 'łódź'],
  ['iso-8859-7', 'cae1ebe7ecddf1e1', 'Καλημέρα'],
  ['windows-1255', 'f9ece5ed', 'שלום'],
  ['iso-2022-jp', '1b2442467c4b5c386c1b284220616263', '日本語 abc'],
  ['shift_jis', '93fa967b8cea', '日本語'],
  ['cp932', '93fa967b8cea8740', '日本語①'],
  ['euc-jp', 'c6fccbdcb8ec', '日本語'],
  ['eucJP', 'c6fccbdcb8ec', '日本語'],
  ['gb2312', 'c4e3bac3', '你好'],
  ['gbk', 'c4e3bac3e667', '你好鎔'],
  ['cp936', 'c4e3bac3', '你好'],
  ['gb18030', 'c4e3bac39439fc36', '你好😀'],
  ['big5', 'a741a66e', '你好'],
  ['cp950', 'a741a66e', '你好'],
  ['ks_c_5601-1987', 'bec8b3e7', '안녕'],
  ['euc-kr', 'bec8b3e7', '안녕'],
  ['cp949', 'bec8b3e7', '안녕'],
  ['iso-2022-kr', '1b2429430e3e4833670f206162630a0e474f3c3c3f640f', '안녕 abc\n하세요'],
  ['hz-gb-2312', '7e7b44633a437e7d207e7e206162630a7e7b4a403d677e7d', '你好 ~ abc\n世界'],
  ['utf-7', '47722b4150774133772d65202b2d2031202b5a65566e4c412d', 'Grüße + 1 日本'],
  ['unicode-1-1-utf-7', '47722b4150774133772d65', 'Grüße'],
  ['utf-16', 'fffe47007200fc00df006500', 'Grüße'],
  ['utf-16be', '0047007200fc00df0065', 'Grüße'],
  ['utf-16le', '47007200fc00df006500', 'Grüße'],
  ['utf-32', 'fffe00004700000072000000fc000000df0000006500000000f60100', 'Grüße😀'],
  ['utf-32be', '000000610001f600', 'a😀'],
  ['utf-32le', '6100000000f60100', 'a😀'],
  ['cp437', '477281e16520e0e1', 'Grüße αß'],
  ['ibm850', '477281e16520d1', 'Grüße Ð'],
]

test('bytes of a charset are its characters', () => {
  for (const [charset, hex, text] of TABLE) {
    assert.equal(decodeCharset(Buffer.from(hex, 'hex'), charset), text, charset)
    assert.ok(knowsCharset(charset), charset)
  }
})

test('all of the code pages of DOS', () => {
  const high = Uint8Array.from({ length: 128 }, (_, at) => 128 + at)
  for (const charset of ['cp437', 'cp850']) {
    const text = decodeCharset(high, charset)
    assert.equal(text.length, 128)
    assert.equal(new Set(text).size, 128)
  }
})

test('without a charset, or with one that is wrong, it is UTF-8 where it can be, else windows-1252', () => {
  for (const charset of [
    undefined,
    '',
    'us-ascii',
    'US-ASCII',
    'x-unknown',
    'unknown-8bit',
    'no-such-charset',
    'a'.repeat(1000),
  ]) {
    assert.equal(decodeCharset(Buffer.from('Grüße'), charset), 'Grüße')
    assert.equal(decodeCharset(Buffer.from([0x47, 0xfc, 0x80]), charset), 'Gü€')
  }
  assert.equal(knowsCharset('no-such-charset'), false)
})

test('what is no shift sequence of UTF-7 stays', () => {
  assert.equal(decodeCharset(Buffer.from('1 + 2, a+b, +-'), 'utf-7'), '1 + 2, a+b, +')
})

test('whatever bytes and charset: a text comes out', () => {
  const charsets = [
    ...TABLE.map(([charset]) => charset),
    'iso-2022-cn',
    'x-user-defined',
    'replacement',
    '\n',
    'utf-16',
  ]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(...charsets), (bytes, charset) => {
      assert.equal(typeof decodeCharset(bytes, charset), 'string')
    }),
  )
})

test('pieces cut anywhere give the same text', () => {
  const charsets = ['utf-8', undefined, 'iso-8859-1', 'shift_jis', 'utf-16le', 'iso-2022-jp', 'gb18030', 'us-ascii']
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...charsets), fc.nat(50), (text, charset, cut) => {
      const bytes = Buffer.from(text)
      const decoder = charsetDecoder(charset)
      const pieces = decoder.feed(bytes.subarray(0, cut)) + decoder.feed(bytes.subarray(cut)) + decoder.end()
      assert.equal(pieces, decodeCharset(bytes, charset))
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseProxyHeader, PROXY_LONGEST, type ProxyClient } from './proxy.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'

function v2(hex: string): Buffer {
  return Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex')
}

const V4: ProxyClient = { address: '192.0.2.1', port: 56324, local: { address: '198.51.100.7', port: 25 } }
const V6: ProxyClient = { address: '2001:db8::1', port: 56324, local: { address: '2001:db8:0:1::19', port: 25 } }
const V6_HEX = '20010db8000000000000000000000001 20010db8000000010000000000000019 dc04 0019'

const GOOD: [string, Buffer, ProxyClient | undefined][] = [
  ['v1 TCP4', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n'), V4],
  ['v1 TCP6', Buffer.from('PROXY TCP6 2001:db8::1 2001:db8:0:1::19 56324 25\r\n'), V6],
  ['v1 mapped', Buffer.from('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 56324 25\r\n'), V4],
  ['v1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['v1 UNKNOWN with more', Buffer.from('PROXY UNKNOWN ffff:f ffff:f 65535 65535\r\n'), undefined],
  ['v2 TCP4', v2('21 11 000c c0000201 c6336407 dc04 0019'), V4],
  ['v2 TCP6', v2(`21 21 0024 ${V6_HEX}`), V6],
  ['v2 TCP4 with TLVs', v2('21 11 0013 c0000201 c6336407 dc04 0019 03 0004 deadbeef'), V4],
  ['v2 mapped', v2('21 21 0024 00000000000000000000ffffc0000201 00000000000000000000ffffc6336407 dc04 0019'), V4],
  ['v2 LOCAL', v2('20 00 0000'), undefined],
  ['v2 LOCAL with addresses', v2('20 11 000c c0000201 c6336407 dc04 0019'), undefined],
  ['v2 UNSPEC', v2('21 00 0003 aabbcc'), undefined],
  ['v2 AF_UNIX', v2(`21 31 00d8 ${'00'.repeat(216)}`), undefined],
]

test('good headers', () => {
  for (const [name, header, client] of GOOD) {
    const after = Buffer.concat([header, Buffer.from('EHLO there\r\n')])
    assert.deepEqual(parseProxyHeader(after), { is: 'header', length: header.length, client }, name)
  }
})

test('a header in pieces is incomplete until its last byte', () => {
  for (const [name, header] of GOOD) {
    for (let length = 0; length < header.length; length++) {
      assert.equal(parseProxyHeader(header.subarray(0, length)).is, 'incomplete', `${name}, ${length} bytes`)
    }
  }
})

test('bad headers', () => {
  const cases: [string, Buffer][] = [
    ['SMTP instead', Buffer.from('EHLO there\r\n')],
    ['wrong case', Buffer.from('proxy TCP4 192.0.2.1 198.51.100.7 56324 25\r\n')],
    ['TLS instead', Buffer.from('1603010200', 'hex')],
    ['bad family', Buffer.from('PROXY TCP5 192.0.2.1 198.51.100.7 56324 25\r\n')],
    ['family and address differ', Buffer.from('PROXY TCP4 ::1 ::1 56324 25\r\n')],
    ['not an address', Buffer.from('PROXY TCP4 192.0.2.256 198.51.100.7 56324 25\r\n')],
    ['port too large', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 65536 25\r\n')],
    ['port with a zero', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 056 25\r\n')],
    ['signed port', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 +56 25\r\n')],
    ['port missing', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 25\r\n')],
    ['two spaces', Buffer.from('PROXY TCP4  192.0.2.1 198.51.100.7 56324 25\r\n')],
    ['a word too many', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 25 7\r\n')],
    ['LF alone', Buffer.from(`PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\n${'x'.repeat(80)}`)],
    ['no end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(93)}`)],
    ['v2 with version 1', v2('11 11 000c c0000201 c6336407 dc04 0019')],
    ['v2 unknown command', v2('22 11 000c c0000201 c6336407 dc04 0019')],
    ['v2 datagram', v2('21 12 000c c0000201 c6336407 dc04 0019')],
    ['v2 addresses cut off', v2('21 11 000b c0000201 c6336407 dc04 00')],
    ['v2 too long', v2('21 11 1001')],
  ]
  for (const [name, header] of cases) assert.equal(parseProxyHeader(header).is, 'bad', name)
})

test('anything is decided within the bound, and nothing is thrown', () => {
  const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), Buffer.from(SIGNATURE, 'hex'))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail])
      parseProxyHeader(bytes)
      const padded = Buffer.concat([bytes, Buffer.alloc(PROXY_LONGEST)])
      assert.notEqual(parseProxyHeader(padded).is, 'incomplete')
    }),
  )
})

test('IPv6 addresses are written by RFC 5952', () => {
  const cases: [string, string][] = [
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000000000000000000', '2001:db8::'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['00010000000000000002000000000003', '1::2:0:0:3'],
    ['01000000000000100000000000000000', '100:0:0:10::'],
    ['00100001000000000000000100000000', '10:1::1:0:0'],
    ['20010db8aaaabbbbccccddddeeeeffff', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff'],
  ]
  for (const [hex, expected] of cases) {
    const found = parseProxyHeader(v2(`21 21 0024 ${hex} ${hex} 0001 0002`))
    assert.equal(found.is === 'header' && found.client?.address, expected)
  }
})

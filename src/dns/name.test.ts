import assert from 'node:assert/strict'
import { SocketAddress } from 'node:net'
import test from 'node:test'
import fc from 'fast-check'
import { parseHostName, parseName, reverseName } from './name.ts'

const long = 'a'.repeat(63)

for (const [text, name] of [
  ['Example.TEST', 'example.test'],
  ['example.test.', 'example.test'],
  ['_dmarc.example.test', '_dmarc.example.test'],
  ['0/25.2.0.192.in-addr.arpa', '0/25.2.0.192.in-addr.arpa'], // RFC 2317
  [`${long}.test`, `${long}.test`],
  [`${long}a.test`, undefined],
  [`${long}.${long}.${long}.${'a'.repeat(61)}`, `${long}.${long}.${long}.${'a'.repeat(61)}`],
  [`${long}.${long}.${long}.${'a'.repeat(62)}`, undefined],
  ['', undefined],
  ['.', undefined],
  ['a..test', undefined],
  ['.test', undefined],
  ['a b.test', undefined],
  ['a\r\n.test', undefined],
  ['müller.test', undefined],
  ['192.0.2.1', undefined],
] as const) {
  test(`a name to ask for: ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parseName(text), name))
}

for (const [text, name] of [
  ['MX1.example.test', 'mx1.example.test'],
  ['a_b-c.test', 'a_b-c.test'],
  ['evil)\r\nX: y.test', undefined],
  ['a b.test', undefined],
  ['', undefined],
  ['.', undefined],
] as const) {
  test(`a host name from an answer: ${JSON.stringify(text)}`, () => assert.equal(parseHostName(text), name))
}

for (const [address, name] of [
  ['192.0.2.1', '1.2.0.192.in-addr.arpa'],
  ['::ffff:192.0.2.1', '1.2.0.192.in-addr.arpa'],
  // RFC 3596 §2.5: the example there
  ['4321:0:1:2:3:4:567:89ab', 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa'],
  ['2001:db8::1', `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
  ['fe80::1%eth0', `1.${'0.'.repeat(28)}8.e.f.ip6.arpa`],
  ['1::', `${'0.'.repeat(28)}1.0.0.0.ip6.arpa`],
  ['::', `${'0.'.repeat(32)}ip6.arpa`],
  ['1.2.3', undefined],
  ['example.test', undefined],
  ['', undefined],
] as const) {
  test(`the reverse name of ${JSON.stringify(address)}`, () => assert.equal(reverseName(address), name))
}

test('an IPv6 address has the same reverse name however it is written', () => {
  fc.assert(
    fc.property(fc.ipV6(), text => {
      const { address } = new SocketAddress({ address: text, family: 'ipv6' })
      assert.equal(reverseName(text), reverseName(address))
      assert.match(reverseName(text) ?? '', /^([0-9a-f]\.){32}ip6\.arpa$|^([0-9]+\.){4}in-addr\.arpa$/)
    }),
  )
})

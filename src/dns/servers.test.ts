import assert from 'node:assert/strict'
import test from 'node:test'
import { parseResolvConf, parseServer } from './servers.ts'

const server = (address: string, port: number, trusted = true) => ({ address, port, trusted })

for (const [text, expected] of [
  ['192.0.2.1', server('192.0.2.1', 53)],
  ['192.0.2.1:5353', server('192.0.2.1', 5353)],
  ['::1', server('::1', 53)],
  ['[::1]', server('::1', 53)],
  ['[::1]:5353', server('::1', 5353)],
  ['fe80::1%eth0', server('fe80::1%eth0', 53)],
  ['2001:db8::1:53', server('2001:db8::1:53', 53)], // without brackets it is all address
  ['[192.0.2.1]:53', undefined],
  ['192.0.2.1:0', undefined],
  ['192.0.2.1:65536', undefined],
  ['192.0.2.300:53', undefined],
  ['[::1]53', undefined],
  ['dns.example.test', undefined],
  ['', undefined],
] as const) {
  test(`the server ${JSON.stringify(text)}`, () => assert.deepEqual(parseServer(text), expected))
}

test('the AD bit of a server in resolv.conf counts on loopback only', () => {
  const text = '# comment\nsearch example.test\nnameserver 192.0.2.53\nnameserver\t::1 \nnameserver nonsense\n'
  assert.deepEqual(parseResolvConf(text), [server('192.0.2.53', 53, false), server('::1', 53)])
})

test('at most three servers of resolv.conf are used, and without any the one on this machine', () => {
  assert.equal(parseResolvConf('nameserver 192.0.2.1\n'.repeat(5)).length, 3)
  assert.deepEqual(parseResolvConf(''), [server('127.0.0.1', 53)])
})

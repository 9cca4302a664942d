import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileNetworks, normalAddress, parseNetwork } from './cidr.ts'

test('addresses are in networks, or not', () => {
  const cases: [string[], string, boolean][] = [
    [[], '10.0.0.1', false],
    [['10.0.0.1'], '10.0.0.1', true],
    [['10.0.0.1'], '10.0.0.2', false],
    [['10.0.0.1'], '::ffff:10.0.0.1', true],
    [['10.0.0.1'], '::FFFF:10.0.0.1', true],
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['::ffff:10.0.0.0/104'], '10.1.2.3', true],
    [['0.0.0.0/0'], '203.0.113.9', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['192.0.2.0/24', '2001:db8::/32'], '2001:db8:ffff::1', true],
    [['192.0.2.0/24', '2001:db8::/32'], '2001:db9::1', false],
    [['2001:db8::1'], '2001:0db8:0:0:0:0:0:1', true],
    [['::1', '127.0.0.1'], '::1', true],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['10.0.0.0/8'], '', false],
    [['10.0.0.0/8'], 'unix', false],
    [['10.0.0.0/8'], '10.0.0', false],
  ]
  for (const [list, address, expected] of cases) {
    assert.equal(compileNetworks(list)(address), expected, `${address} in ${list.join(', ')}`)
  }
})

test('what is not a network is told', () => {
  for (const text of [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    '::/129',
    '::ffff:10.0.0.0/90',
    'a/8',
    '1.2.3.4/-1',
    '/8',
  ]) {
    assert.equal(parseNetwork(text), undefined, text)
    assert.throws(() => compileNetworks([text]), /not a network/, text)
  }
  assert.deepEqual(parseNetwork('10.0.0.0/8'), { address: '10.0.0.0', family: 'ipv4', prefix: 8 })
  assert.deepEqual(parseNetwork('::1'), { address: '::1', family: 'ipv6', prefix: 128 })
})

test('IPv4-mapped addresses are IPv4', () => {
  const cases: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:FFFF:7f00:1', '127.0.0.1'],
    ['::ffff:ffff:7f00:1', '::ffff:ffff:7f00:1'],
    ['::ffff:1', '::ffff:1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::ffff:192.0.2.1', '2001:db8::ffff:192.0.2.1'],
    ['fe80::1%lo', 'fe80::1'],
    ['::1', '::1'],
    ['', ''],
  ]
  for (const [address, expected] of cases) assert.equal(normalAddress(address), expected)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeResolver } from '../dns/fake.ts'
import { type Hosts, resolveHost, resolveMx, type Surroundings } from './hosts.ts'

const ZONE = {
  'two.test': {
    mx: [
      [20, 'mx2.test'],
      [10, 'mx1.test'],
    ] as const,
  },
  'mx1.test': { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] },
  'mx2.test': { a: ['192.0.2.20'] },
  'equal.test': {
    mx: [
      [10, 'mx1.test'],
      [10, 'mx2.test'],
    ] as const,
  },
  'plain.test': { a: ['192.0.2.3'] },
  'bare.test': { txt: ['nothing else'] },
  'null.test': { mx: [[0, '']] as const },
  'broken.test': { fail: 'SERVFAIL' },
  'half.test': {
    mx: [
      [10, 'broken.test'],
      [20, 'mx2.test'],
    ] as const,
  },
  'lame.test': { mx: [[10, 'broken.test']] as const },
  'nowhere.test': { mx: [[10, 'no.such.test']] as const },
  'backup.test': {
    mx: [
      [10, 'mx2.test'],
      [20, 'us.test'],
      [20, 'mx1.test'],
      [30, 'plain.test'],
    ] as const,
  },
  'loop.test': {
    mx: [
      [10, 'us.test'],
      [20, 'mx2.test'],
    ] as const,
  },
  'us.test': { a: ['192.0.2.99'] },
  'alias.test': { mx: [[10, 'otherus.test']] as const },
  'otherus.test': { a: ['192.0.2.98'] },
  // What only pretends to be elsewhere: each of them is a door of this machine.
  'unspecified.test': { a: ['0.0.0.0'], aaaa: ['::'] },
  'mapped.test': { aaaa: ['::ffff:c000:262'] },
  'loopback.test': { a: ['127.0.0.53'] },
  'many.test': { mx: Array.from({ length: 30 }, (_, i) => [i, 'mx1.test'] as const) },
}

function around(random: (below: number) => number = () => 0): Surroundings {
  return {
    resolver: createFakeResolver(ZONE),
    random,
    own: { hostname: 'us.test', addresses: new Set(['192.0.2.98', '2001:db8::98', '127.0.0.1']) },
  }
}

function shown(hosts: Hosts): string {
  return hosts.is === 'found'
    ? hosts.hosts.map(({ name, address }) => `${name} ${address}`).join(', ')
    : `${hosts.is} ${hosts.status}`
}

const MX1 = 'mx1.test 2001:db8::1, mx1.test 192.0.2.1, mx1.test 192.0.2.2'

const CASES: [string, string][] = [
  ['two.test', `${MX1}, mx2.test 192.0.2.20`],
  ['plain.test', 'plain.test 192.0.2.3'],
  ['bare.test', 'bounced 5.4.4'],
  ['missing.test.', 'bounced 5.1.2'],
  ['null.test', 'bounced 5.1.10'],
  ['broken.test', 'deferred 4.4.3'],
  ['half.test', 'mx2.test 192.0.2.20'],
  ['lame.test', 'deferred 4.4.3'],
  ['nowhere.test', 'bounced 5.4.4'],
  ['backup.test', 'mx2.test 192.0.2.20'],
  ['loop.test', 'bounced 5.4.6'],
  ['us.test', 'bounced 5.4.6'],
  ['alias.test', 'bounced 5.4.6'],
  ['[192.0.2.7]', '[192.0.2.7] 192.0.2.7'],
  ['[IPv6:2001:db8::7]', '[IPv6:2001:db8::7] 2001:db8::7'],
  ['[192.0.2.98]', 'bounced 5.4.6'],
  ['[IPv6:2001:db8::98]', 'bounced 5.4.6'],
  ['[IPv6:::ffff:c000:262]', 'bounced 5.4.6'],
  ['[127.0.0.53]', 'bounced 5.4.6'],
  ['[0.0.0.0]', 'bounced 5.4.6'],
  ['[IPv6:::]', 'bounced 5.4.6'],
  ['unspecified.test', 'bounced 5.4.6'],
  ['mapped.test', 'bounced 5.4.6'],
  ['loopback.test', 'bounced 5.4.6'],
  ['[x400:what]', 'bounced 5.1.2'],
]

test('the hosts of a domain (RFC 5321 §5.1)', async () => {
  for (const [domain, expected] of CASES) assert.equal(shown(await resolveMx(domain, around())), expected, domain)
})

test('equal preferences are shuffled', async () => {
  const chances = [5, 1]
  const last = await resolveMx(
    'equal.test',
    around(() => chances.shift() ?? 0),
  )
  assert.equal(shown(last), `mx2.test 192.0.2.20, ${MX1}`)
  assert.equal(
    shown(
      await resolveMx(
        'equal.test',
        around(() => 0),
      ),
    ),
    `${MX1}, mx2.test 192.0.2.20`,
  )
})

test('not more than 20 addresses', async () => {
  const hosts = await resolveMx('many.test', around())
  assert.equal(hosts.is === 'found' ? hosts.hosts.length : 0, 20)
})

test('a host of the configuration', async () => {
  const cases: [string, string][] = [
    ['mx2.test', 'mx2.test 192.0.2.20'],
    ['127.0.0.1', '127.0.0.1 127.0.0.1'],
    ['::1', '::1 ::1'],
    ['[IPv6:::1]', '[IPv6:::1] ::1'],
    ['broken.test', 'deferred 4.4.3'],
    ['no.such.test', 'deferred 4.4.4'],
  ]
  for (const [name, expected] of cases) assert.equal(shown(await resolveHost(name, around())), expected, name)
})

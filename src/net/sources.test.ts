import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAuthFailures, createSources, shareOf, sourceOf } from './sources.ts'

test('a source is an IPv4 address or an IPv6 /64', () => {
  const cases: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::1.2.3.4', '2001:db8:1:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ]
  for (const [address, expected] of cases) assert.equal(sourceOf(address), expected, address)
})

test('sessions are limited by source and in all', () => {
  const sources = createSources({ connections: 4, connectionsPerSource: 2 })
  assert.equal(sources.enter('2001:db8::1'), 'ok')
  assert.equal(sources.enter('2001:db8::2'), 'ok')
  assert.equal(sources.enter('2001:db8::3'), 'source-full')
  assert.equal(sources.enter('192.0.2.1'), 'ok')
  assert.equal(sources.enter(''), 'ok')
  assert.equal(sources.enter('192.0.2.2'), 'full')
  sources.leave('2001:db8::1')
  assert.equal(sources.enter('2001:db8::3'), 'ok')
  for (const address of ['2001:db8::2', '2001:db8::3', '192.0.2.1', '']) sources.leave(address)
  assert.equal(sources.size, 0)
})

test('the shares of all threads are the limit, and less than one more each', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 256 }), (limit, threads) => {
      const all = shareOf(limit, threads) * threads
      assert.ok(all >= limit && all < limit + threads)
    }),
  )
})

test('failed log-ins are counted for ten minutes', () => {
  let minute = 1000
  const failures = createAuthFailures(() => minute * 60_000)
  assert.equal(failures.count('192.0.2.1'), 0)
  assert.equal(failures.failed('192.0.2.1'), 1)
  assert.equal(failures.failed('::ffff:192.0.2.1'), 2)
  minute += 9
  assert.equal(failures.failed('192.0.2.1'), 3)
  minute += 1
  assert.equal(failures.count('192.0.2.1'), 1)
  minute += 8
  assert.equal(failures.count('192.0.2.1'), 1)
  minute += 1
  assert.equal(failures.count('192.0.2.1'), 0)
  minute += 500
  assert.equal(failures.failed('192.0.2.1'), 1)
  assert.equal(failures.count('192.0.2.2'), 0)
})

test('the table is bounded: who failed the longest ago is forgotten', () => {
  const failures = createAuthFailures(() => 0, 3)
  for (const address of ['1.1.1.1', '2.2.2.2', '3.3.3.3', '1.1.1.1', '4.4.4.4']) failures.failed(address)
  const counts = ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'].map(address => failures.count(address))
  assert.deepEqual(counts, [2, 0, 1, 1])
})

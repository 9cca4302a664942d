import assert from 'node:assert/strict'
import test from 'node:test'
import { type CacheOptions, createCache } from './cache.ts'
import { type FakeZone, createFakeResolver } from './fake.ts'
import type { Answer } from './resolver.ts'

function setUp(zone: FakeZone, options: Omit<CacheOptions, 'clock'> = {}) {
  let now = 1_000_000
  const resolver = createFakeResolver(zone)
  const cache = createCache(resolver, { clock: { now: () => now }, ...options })
  return { cache, asked: resolver.asked, pass: (seconds: number) => (now += seconds * 1000) }
}

const ttlOf = (answer: Answer<unknown>) => (answer.is === 'failed' ? undefined : answer.ttl)

for (const { what, zone, lifetime } of [
  { what: 'records as long as their TTL', zone: { 'x.test': { a: ['192.0.2.1'], ttl: 60 } }, lifetime: 60 },
  { what: 'records for a day at most', zone: { 'x.test': { a: ['192.0.2.1'], ttl: 1_000_000 } }, lifetime: 86_400 },
  { what: 'an absence as long as its SOA says', zone: { 'x.test': { ttl: 30 } }, lifetime: 30 },
  { what: 'an absence for five minutes at most', zone: { 'x.test': { ttl: 3600 } }, lifetime: 300 },
  { what: 'a failure for some seconds', zone: { 'x.test': { fail: 'SERVFAIL' } }, lifetime: 5 },
  { what: 'nothing with a TTL of 0', zone: { 'x.test': { a: ['192.0.2.1'], ttl: 0 } }, lifetime: 0 },
  { what: 'nothing of an absence without SOA', zone: {}, lifetime: 0 },
]) {
  test(`remembers ${what}`, async () => {
    const { cache, asked, pass } = setUp(zone)
    const first = await cache.a('x.test')
    pass(lifetime - 0.001)
    const second = await cache.a('X.test.')
    assert.equal(second.is, first.is)
    assert.equal(asked.length, lifetime > 0 ? 1 : 2)
    pass(0.002)
    await cache.a('x.test')
    assert.equal(asked.length, lifetime > 0 ? 2 : 3)
  })
}

test('a remembered answer has the TTL that is left', async () => {
  const { cache, pass } = setUp({ 'x.test': { mx: [[10, 'mx.test']], ttl: 60 } })
  assert.equal(ttlOf(await cache.mx('x.test')), 60)
  pass(45)
  assert.equal(ttlOf(await cache.mx('x.test')), 15)
})

test('equal questions under way are asked once, those of another type on their own', async () => {
  const { cache, asked } = setUp({ 'x.test': { a: ['192.0.2.1'] } })
  const answers = await Promise.all([cache.a('x.test'), cache.a('X.TEST'), cache.aaaa('x.test'), cache.a('x.test')])
  assert.deepEqual(asked, ['a x.test', 'aaaa x.test'])
  assert.deepEqual(answers[0], answers[3])
})

test('what was not asked for the longest goes first', async () => {
  const zone = Object.fromEntries(['1', '2', '3', '4'].map(n => [`${n}x.test`, { a: [`192.0.2.${n}`] }]))
  const { cache, asked } = setUp(zone, { maxEntries: 3 })
  for (const name of ['1x.test', '2x.test', '3x.test', '1x.test', '4x.test', '1x.test', '3x.test', '4x.test']) {
    await cache.a(name)
  }
  assert.deepEqual(asked, ['a 1x.test', 'a 2x.test', 'a 3x.test', 'a 4x.test'])
  await cache.a('2x.test')
  assert.equal(asked.length, 5)
})

test('large records do not fill the memory', async () => {
  const zone = Object.fromEntries(['1', '2', '3'].map(n => [`${n}x.test`, { txt: ['x'.repeat(3000)] }]))
  const { cache, asked } = setUp(zone, { maxBytes: 8000 })
  for (const name of ['1x.test', '2x.test', '3x.test', '3x.test', '2x.test', '1x.test']) await cache.txt(name)
  assert.deepEqual(asked, ['txt 1x.test', 'txt 2x.test', 'txt 3x.test', 'txt 1x.test'])
})

test('a resolver that throws is asked again', async () => {
  let calls = 0
  const fake = createFakeResolver({})
  const broken = { ...fake, a: () => Promise.reject(new Error(`call ${++calls}`)) }
  const cache = createCache(broken, { clock: { now: () => 0 } })
  await assert.rejects(cache.a('x.test'), /call 1/)
  await assert.rejects(cache.a('x.test'), /call 2/)
})

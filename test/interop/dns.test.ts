import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import test, { after, before } from 'node:test'
import { createResolver } from '../../src/dns/client.ts'
import type { Resolver } from '../../src/dns/resolver.ts'
import { type Names, missingPrograms, start } from './names.ts'

/** Our resolver against unbound, which resolves from nsd. Both are Debian packages; in CI their absence is a failure. */

const zones = {
  'example.test': `
@     MX 20 mx2
@     MX 10 Mx1
@     TXT "v=spf1 " "mx -all"
@     TXT "other"
mx1   A 127.0.0.1
mx1   AAAA ::1
mx2   A 127.0.0.2
www   CNAME web
web   CNAME mx1.example.test.
gone  CNAME absent
here  CNAME a.b
a.b   A 127.0.0.3
loop1 CNAME loop2
loop2 CNAME loop1
nomail MX 0 .
lame  NS ns.localhost.
dead  NS ns.dead
ns.dead A 127.0.0.9
large ${Array.from({ length: 200 }, (_, n) => `A 10.0.0.${n}`).join('\nlarge ')}
`,
  '0.0.127.in-addr.arpa': '1 PTR mx1.example.test.',
  '8.b.d.0.1.0.0.2.ip6.arpa': `1.${'0.'.repeat(23).slice(0, -1)} PTR six.example.test.`,
  '2.0.192.in-addr.arpa': '1 PTR mx1.example.test.\n2 CNAME 2.0/25\n2.0/25 PTR classless.example.test.',
}

const missing = missingPrograms()
const skip = missing.length > 0 ? `not installed: ${missing.join(', ')} (Debian: apt-get install nsd unbound)` : false

if (skip && process.env['CI'] === 'true') {
  test('nsd and unbound are installed', () => assert.fail(skip))
}

let names: Names | undefined
let resolver: (Resolver & { readonly close: () => void }) | undefined

const open = (server: string, hurry: { readonly timeout?: number; readonly rounds?: number } = {}) =>
  createResolver({
    servers: [server],
    random: randomInt,
    clock: { now: () => performance.now() },
    hostsFile: '/nonexistent',
    ...hurry,
  })

before(async () => {
  if (skip) return
  names = await start({ zones, lame: ['lame.example.test'] })
  resolver = open(names.resolver)
})

after(async () => {
  resolver?.close()
  await names?.stop()
})

const found = (...records: readonly unknown[]) => ({ is: 'found', records, authentic: false })
const none = (name: 'missing' | 'exists') => ({ is: 'none', name, authentic: false })

for (const [type, name, answer] of [
  [
    'mx',
    'example.test',
    found({ preference: 10, exchange: 'mx1.example.test' }, { preference: 20, exchange: 'mx2.example.test' }),
  ],
  ['mx', 'nomail.example.test', found({ preference: 0, exchange: '' })],
  ['mx', 'mx1.example.test', none('exists')],
  ['mx', 'absent.example.test', none('missing')],
  ['mx', 'absent', none('missing')],
  ['a', 'MX1.Example.TEST.', found('127.0.0.1')],
  ['aaaa', 'mx1.example.test', found('::1')],
  ['a', 'www.example.test', found('127.0.0.1')],
  ['mx', 'www.example.test', none('exists')],
  ['a', 'gone.example.test', none('missing')],
  ['a', 'here.example.test', found('127.0.0.3')],
  ['a', 'b.example.test', none('exists')],
  ['txt', 'mx1.example.test', none('exists')],
  ['ptr', '192.0.2.1', found('mx1.example.test')],
  ['ptr', '192.0.2.2', found('classless.example.test')],
  ['ptr', '192.0.2.3', none('missing')],
  ['ptr', '2001:db8::1', found('six.example.test')],
] as const) {
  test(`${type} ${name}`, { skip }, async () => {
    const real = await resolver?.[type](name)
    assert.ok(real && real.is !== 'failed', JSON.stringify(real))
    const { ttl, ...rest } = real
    assert.deepEqual(rest, answer)
    // 300 is the TTL of the zones, 60 the minimum of their SOA
    assert.ok(ttl !== undefined && ttl >= 0 && ttl <= (real.is === 'found' ? 300 : 60), `${ttl}`)
  })
}

test('texts are whole', { skip }, async () => {
  const answer = await resolver?.txt('example.test')
  assert.deepEqual(answer?.is === 'found' && [...answer.records].sort(), ['other', 'v=spf1 mx -all'])
})

test('an answer too large for a datagram comes over TCP', { skip }, async () => {
  const answer = await resolver?.a('large.example.test')
  assert.equal(answer?.is === 'found' && new Set(answer.records).size, 200)
})

test('a lame delegation is a failure, not an absence', { skip }, async () => {
  assert.deepEqual(await resolver?.mx('x.lame.example.test'), { is: 'failed', reason: 'SERVFAIL (127.0.0.1)' })
})

test('a delegation to a server that is down is a failure', { skip }, async t => {
  const hasty = open(names?.resolver ?? '', { timeout: 300, rounds: 1 })
  t.after(() => hasty.close())
  assert.equal((await hasty.mx('x.dead.example.test')).is, 'failed')
})

test('a circle of aliases is a failure', { skip }, async () => {
  assert.equal((await resolver?.a('loop1.example.test'))?.is, 'failed')
})

test('an authority answers for its own zone, and its referral is not taken for an answer', { skip }, async t => {
  const authority = open(names?.authority ?? '')
  t.after(() => authority.close())
  assert.deepEqual(await authority.mx('x.dead.example.test'), {
    is: 'failed',
    reason: 'referral instead of an answer (127.0.0.1)',
  })
  assert.equal((await authority.mx('example.test')).is, 'found')
})

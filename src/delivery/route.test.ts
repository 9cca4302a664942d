import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route, RouteRule } from '../config/settings.ts'
import { type Address, parseAddress } from '../mail/address.ts'
import { chooseRoute, destinationKey } from './route.ts'

const LIMITS = { lifetime: undefined, concurrency: undefined, rate: undefined }
const MX: Route = { via: 'mx', tls: 'opportunistic', port: 25, ...LIMITS }

function relay(host: string): Route {
  return { via: 'relay', host, port: 25, tls: 'none', auth: undefined, ...LIMITS }
}

function address(text: string): Address {
  const parsed = parseAddress(text, { smtputf8: true })
  assert.ok(parsed)
  return parsed
}

const RULES: readonly RouteRule[] = [
  { to: ['vip@one.test'], route: relay('vip') },
  { to: ['one.test', '*.two.test'], route: relay('some') },
  { to: ['own-relayed.test'], route: relay('own') },
  { to: ['*'], route: MX },
  { to: ['late.test'], route: relay('late') },
]

test('the first rule that matches; own domains unless they are named', () => {
  const own = new Set(['own.test', 'own-relayed.test', 'late.test'])
  const cases: [string, string][] = [
    ['VIP@one.test', 'vip'],
    ['vip@ONE.test', 'vip'],
    ['xvip@one.test', 'some'],
    ['a@a.two.test', 'some'],
    ['a@two.test', 'mx'],
    ['a@xone.test', 'mx'],
    ['a@own.test', 'mailbox'],
    ['a@own-relayed.test', 'own'],
    ['a@late.test', 'late'],
  ]
  for (const [to, expected] of cases) {
    const route = chooseRoute(RULES, address(to), domain => own.has(domain))
    assert.equal(route?.via === 'relay' ? route.host : route?.via, expected, to)
  }
  assert.equal(
    chooseRoute([], address('a@other.test'), () => false),
    undefined,
  )
  assert.equal(chooseRoute([], address('a@own.test'), () => true)?.via, 'mailbox')
})

test('the key of a destination', () => {
  const cases: [Route, string][] = [
    [MX, 'mx:example.org'],
    [{ ...MX, port: 2525 }, 'mx:example.org:2525'],
    [relay('mail.test'), 'relay:mail.test:25'],
    [
      { via: 'relay', host: 'h', port: 587, tls: 'required', auth: { user: 'u', pass: 'p' }, ...LIMITS },
      'relay:u@h:587',
    ],
    [{ via: 'lmtp', to: { host: 'h', port: 24 }, ...LIMITS }, 'lmtp:h:24'],
    [{ via: 'lmtp', to: { path: '/run/lmtp' }, ...LIMITS }, 'lmtp:/run/lmtp'],
    [{ via: 'mailbox', account: undefined, ...LIMITS }, 'mailbox'],
    [{ via: 'refuse', code: 550, status: '5.1.1', text: 'no', ...LIMITS }, 'refuse'],
    [{ via: 'function', index: 3, ...LIMITS }, 'function:3'],
  ]
  for (const [route, expected] of cases) assert.equal(destinationKey(route, address('a@Example.org')), expected)
})

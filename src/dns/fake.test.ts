import assert from 'node:assert/strict'
import test from 'node:test'
import { createFakeResolver } from './fake.ts'

const resolver = createFakeResolver({
  'Example.test': {
    mx: [
      [20, 'mx2.example.test'],
      [10, 'MX1.example.test'],
    ],
    authentic: true,
    ttl: 60,
  },
  'mx1.host.example.test': { a: ['192.0.2.1'], fail: { aaaa: 'timeout' } },
  'nomail.test': { mx: [[0, '']] },
  'www.example.test': { cname: 'mx1.host.example.test.' },
  'circle.test': { cname: 'circle.test' },
  'broken.test': { fail: 'SERVFAIL' },
  '2001:db8::1': { ptr: ['mx1.example.test'] },
})

const found = (records: readonly unknown[], ttl = 300, authentic = false) => ({ is: 'found', records, ttl, authentic })

for (const [type, name, answer] of [
  [
    'mx',
    'EXAMPLE.test.',
    found(
      [
        { preference: 10, exchange: 'mx1.example.test' },
        { preference: 20, exchange: 'mx2.example.test' },
      ],
      60,
      true,
    ),
  ],
  ['mx', 'nomail.test', found([{ preference: 0, exchange: '' }])],
  ['a', 'www.example.test', found(['192.0.2.1'])],
  ['aaaa', 'www.example.test', { is: 'failed', reason: 'timeout' }],
  ['txt', 'example.test', { is: 'none', name: 'exists', authentic: true, ttl: 60 }],
  ['a', 'host.example.test', { is: 'none', name: 'exists', authentic: false }],
  ['a', 'absent.test', { is: 'none', name: 'missing', authentic: false }],
  ['a', 'constructor', { is: 'none', name: 'missing', authentic: false }],
  ['a', 'circle.test', { is: 'failed', reason: 'circle of aliases, or too many' }],
  ['mx', 'broken.test', { is: 'failed', reason: 'SERVFAIL' }],
  ['ptr', '2001:DB8:0::1', found(['mx1.example.test'])],
] as const) {
  test(`the fake answers ${type} ${name}`, async () => assert.deepEqual(await resolver[type](name), answer))
}

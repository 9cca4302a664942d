import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Listener } from '../config/settings.ts'
import { doors } from './serve.ts'

test('where it serves is said by kind', () => {
  const tcp = (kind: Listener['kind'], host: string, port: number): Listener => ({
    kind,
    proxyFrom: [],
    on: 'tcp',
    host,
    port,
  })
  const listeners: Listener[] = [
    tcp('smtp', '0.0.0.0', 25),
    tcp('smtp', '::', 25),
    { kind: 'lmtp', proxyFrom: [], on: 'unix', path: '/srv/lmtp.sock' },
    tcp('imaps', '192.0.2.1', 993),
  ]
  const addresses = [
    { address: '0.0.0.0', port: 25 },
    { address: '::', port: 25 },
    { address: '/srv/lmtp.sock', port: 0 },
    { address: '192.0.2.1', port: 993 },
  ]
  assert.equal(
    doors(listeners, addresses),
    'smtp on 0.0.0.0:25 and [::]:25, lmtp on /srv/lmtp.sock, imaps on 192.0.2.1:993',
  )
})

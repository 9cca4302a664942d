import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, ConnectionHandler } from '../net/connection.ts'
import type { Network } from '../net/network.ts'
import { openSession } from './session.ts'

const MINUTE = 60_000

test('a host that answers byte by byte does not put off the end of our patience; each whole reply is a new beginning', async () => {
  const deadlines: (number | undefined)[] = []
  let written = ''
  let host: ConnectionHandler | undefined
  const nothing = (): void => undefined
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 25, local: { address: '192.0.2.2', port: 1 } },
    tls: undefined,
    unsent: 0,
    write: bytes => {
      written += String(bytes)
    },
    pause: nothing,
    resume: nothing,
    startTls: nothing,
    deadline: ms => void deadlines.push(ms),
    end: () => host?.closed('us'),
    destroy: nothing,
  }
  const network: Network = {
    connect: async (_, open) => {
      host = open(connection)
      return { is: 'connected', connection }
    },
  }
  const opening = openSession({
    network,
    now: () => 0,
    settings: { protocol: 'smtp', name: 'us.test', tls: 'none', auth: undefined },
    destination: { address: '192.0.2.1', port: 25 },
    to: 'tar.test [192.0.2.1]:25',
    idle: 5000,
    connectTimeout: 1000,
    tls: { servername: 'tar.test', verify: false },
  })
  assert.deepEqual(deadlines, [5 * MINUTE])
  for (const byte of '220-tar\r\n220-tar\r\n220 tar') host?.data(Buffer.from(byte))
  assert.deepEqual(deadlines, [5 * MINUTE])
  host?.data(Buffer.from('\r\n'))
  assert.deepEqual(deadlines, [5 * MINUTE, 5 * MINUTE])
  assert.equal(written, 'EHLO us.test\r\n')

  host?.deadline()
  const opened = await opening
  assert.ok(opened.is === 'failed')
  assert.equal(opened.trouble.reason, 'no answer in time (hello)')
})

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Listener } from '../config/settings.ts'
import type { ClientTls, Connection, ConnectionHandler } from './connection.ts'
import { createWheel } from './deadlines.ts'
import { createNetwork } from './dial.ts'
import { type ListenerOptions, listen } from './listen.ts'
import type { Destination } from './network.ts'
import { selfSigned } from './self-signed.ts'
import { createSources } from './sources.ts'
import { createServerContext, createTicketKeys } from './tls.ts'

const { cert, key } = selfSigned('mx1.example.org')
const NAME = 'mx1.example.org'

/** '220' at once, then STARTTLS in one line, and what comes is sent back. */
function server(connection: Connection): ConnectionHandler {
  connection.write(`220 ${connection.peer.address}\r\n`)
  return {
    data(chunk) {
      if (chunk.includes('QUIT')) {
        connection.write('221\r\n')
        connection.end()
      } else if (chunk.includes('STARTTLS')) {
        connection.write('220 go ahead\r\n')
        connection.startTls()
      } else connection.write(chunk)
    },
    drained() {},
    secured: tls => connection.write(`secured ${tls.servername}\r\n`),
    deadline() {},
    closed() {},
  }
}

async function listening(t: TestContext, listener: Partial<Listener> = {}, more: Partial<ListenerOptions> = {}) {
  const made = createServerContext({ cert, key, minVersion: 'TLSv1.2', ticketKeys: createTicketKeys() })
  assert.ok(made.is === 'loaded')
  const started = await listen({
    listener: { kind: 'smtp', proxyFrom: [], on: 'tcp', host: '127.0.0.1', port: 0, ...listener } as Listener,
    reusePort: false,
    secureContext: () => made.context,
    implicitTls: false,
    sources: createSources({ connections: 10, connectionsPerSource: 10 }),
    refusal: '',
    onConnection: server,
    ...more,
  })
  assert.ok(started.is === 'listening')
  t.after(() => started.stop())
  return started.address
}

/** Dials; the handler collects, and answers by the table: what was heard → what to do. */
async function dialogue(
  to: Destination,
  steps: readonly [string, (connection: Connection) => void][],
): Promise<string[]> {
  const told: string[] = []
  const done = Promise.withResolvers<void>()
  const left = [...steps]
  const dialled = await createNetwork().connect(to, connection => {
    const hear = (event: string) => {
      told.push(event)
      if (left[0]?.[0] === event) left.shift()?.[1](connection)
    }
    return {
      data: chunk => hear(chunk.toString()),
      drained() {},
      secured: tls => hear(`${tls.protocol} ${tls.servername ?? '-'}`),
      deadline: () => hear('deadline'),
      closed(why, detail) {
        hear(detail === undefined ? why : `${why}: ${detail}`)
        done.resolve()
      },
    }
  })
  if (dialled.is === 'failed') return [`${dialled.code}: ${dialled.reason}`]
  await done.promise
  return told
}

const quit = (connection: Connection) => connection.write('QUIT\r\n')

test('a plain session', async t => {
  const { port } = await listening(t)
  const told = await dialogue({ address: '127.0.0.1', port, timeout: 5000 }, [
    ['220 127.0.0.1\r\n', connection => connection.write(Buffer.from('NOOP\r\n'))],
    ['NOOP\r\n', quit],
  ])
  assert.deepEqual(told, ['220 127.0.0.1\r\n', 'NOOP\r\n', '221\r\n', 'peer'])
})

test('the own address can be chosen', async t => {
  const { port } = await listening(t)
  const told = await dialogue({ address: '127.0.0.1', port, timeout: 5000, localAddress: '127.0.0.9' }, [
    ['220 127.0.0.9\r\n', connection => connection.end()],
  ])
  assert.deepEqual(told, ['220 127.0.0.9\r\n', 'us'])
})

test('a Unix socket', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'staffetta-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'lmtp')
  assert.deepEqual(await dialogue({ path, timeout: 5000 }, []), ['ENOENT: no such socket'])
  await listening(t, { kind: 'lmtp', on: 'unix', path })
  assert.deepEqual(await dialogue({ path, timeout: 5000 }, [['220 \r\n', quit]]), ['220 \r\n', '221\r\n', 'peer'])
})

const HANDSHAKES: [string, ClientTls, string][] = [
  ['checked', { servername: NAME, verify: true, ca: cert }, `TLSv1.3 ${NAME}`],
  ['unknown issuer', { servername: NAME, verify: true }, 'tls: self-signed certificate'],
  [
    'another name',
    { servername: 'mx2.example.org', verify: true, ca: cert },
    "tls: Host: mx2.example.org. is not in the cert's altnames: DNS:mx1.example.org",
  ],
  ['not checked', { servername: 'mx2.example.org', verify: false }, 'TLSv1.3 mx2.example.org'],
  ['not checked, by address', { servername: '127.0.0.1', verify: false }, 'TLSv1.3 -'],
]

test('STARTTLS', async t => {
  const { port } = await listening(t)
  for (const [name, tls, expected] of HANDSHAKES) {
    // What the server says inside; no SNI for an address.
    const inside = `secured ${expected.endsWith('-') ? undefined : tls.servername}\r\n`
    const told = await dialogue({ address: '127.0.0.1', port, timeout: 5000 }, [
      ['220 127.0.0.1\r\n', connection => connection.write('STARTTLS\r\n')],
      ['220 go ahead\r\n', connection => connection.startTls(tls)],
      [expected, () => {}],
      [inside, quit],
    ])
    assert.equal(told[2], expected, name)
    assert.deepEqual(told.slice(3), expected.startsWith('tls:') ? [] : [inside, '221\r\n', 'peer'], name)
  }
})

test('implicit TLS', async t => {
  const { port } = await listening(t, {}, { implicitTls: true })
  for (const [name, secure, expected] of HANDSHAKES) {
    const told = await dialogue({ address: '127.0.0.1', port, timeout: 5000, secure }, [['220 127.0.0.1\r\n', quit]])
    if (expected.startsWith('tls: ')) assert.deepEqual(told, [expected.replace('tls: ', 'ETLS: ')], name)
    else assert.deepEqual(told, ['220 127.0.0.1\r\n', '221\r\n', 'peer'], name)
  }
})

test('what fails is a value', async t => {
  const { port } = await listening(t)
  const secure = { servername: NAME, verify: false }
  assert.deepEqual(await dialogue({ address: '127.0.0.1', port, timeout: 5000, secure }, []), [
    'ETLS: wrong version number',
  ])
  const unused = await listen({
    listener: { kind: 'smtp', proxyFrom: [], on: 'tcp', host: '127.0.0.1', port: 0 },
    reusePort: false,
    secureContext: () => undefined,
    implicitTls: false,
    sources: createSources({ connections: 1, connectionsPerSource: 1 }),
    refusal: '',
    onConnection: server,
  })
  assert.ok(unused.is === 'listening')
  await unused.stop()
  assert.deepEqual(await dialogue({ address: '127.0.0.1', port: unused.address.port, timeout: 5000 }, []), [
    'ECONNREFUSED: connection refused',
  ])
})

test('a handshake that never ends is given up in time', async t => {
  // A server that speaks only when it is spoken to in plain text.
  const silent: ConnectionHandler = { data() {}, drained() {}, secured() {}, deadline() {}, closed() {} }
  const { port } = await listening(t, {}, { onConnection: () => silent })
  const wheel = createWheel()
  const secure = { servername: NAME, verify: false }
  const dialled = createNetwork(wheel).connect({ address: '127.0.0.1', port, timeout: 10_000, secure }, () => silent)
  const over = new AbortController()
  void dialled.then(() => over.abort())
  for (let i = 0; i < 1000 && !over.signal.aborted; i++) {
    await new Promise(resolve => setImmediate(resolve))
    wheel.advance()
  }
  assert.deepEqual(await dialled, { is: 'failed', code: 'ETLS', reason: 'the handshake took too long' })
})

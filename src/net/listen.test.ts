import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, type NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import type { Listener } from '../config/settings.ts'
import { createWheel } from './deadlines.ts'
import { type Listening, type ListenerOptions, listen } from './listen.ts'
import { occupied } from './occupied.ts'
import { selfSigned } from './self-signed.ts'
import { createSources } from './sources.ts'
import { createServerContext, createTicketKeys } from './tls.ts'

const LOOPBACK: Listener = { kind: 'smtp', proxyFrom: [], on: 'tcp', host: '127.0.0.1', port: 0 }

/** Greets with what it knows of the peer, then closes. */
function greeter(listener: Listener, more: Partial<ListenerOptions> = {}): ListenerOptions {
  return {
    listener,
    reusePort: false,
    secureContext: () => undefined,
    implicitTls: false,
    sources: createSources({ connections: 10_000, connectionsPerSource: 10_000 }),
    refusal: '',
    onConnection(connection) {
      const { address, port, local } = connection.peer
      return {
        data(chunk) {
          connection.write(`${connection.tls?.protocol ?? 'plain'} ${address} ${port} ${local.address} ${local.port}: `)
          connection.write(chunk)
          connection.end()
        },
        drained() {},
        secured() {},
        deadline() {},
        closed() {},
      }
    },
    ...more,
  }
}

async function started(t: TestContext, options: ListenerOptions): Promise<Extract<Listening, { is: 'listening' }>> {
  const listening = await listen(options)
  assert.ok(listening.is === 'listening', listening.is === 'failed' ? listening.reason : '')
  t.after(() => listening.stop())
  return listening
}

/** Sends the pieces, each in a segment of its own, and returns what comes back until the end. */
async function talk(to: NetConnectOpts, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(to)
  socket.setNoDelay(true)
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => (text += chunk))
  const ended = once(socket, 'close').catch(() => undefined)
  await once(socket, 'connect')
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  await ended
  return text
}

test('0.0.0.0 and :: can be bound side by side, and the peer is told', async t => {
  const v4 = await started(t, greeter({ ...LOOPBACK, host: '0.0.0.0' }))
  const { port } = v4.address
  assert.match(await talk({ port, host: '127.0.0.1' }, 'a'), /^plain 127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+: a$/)
  const v6 = await listen(greeter({ ...LOOPBACK, host: '::', port }))
  if (v6.is === 'failed' && v6.code !== 'EADDRINUSE') {
    t.diagnostic(`IPv6 was left out: ${v6.reason}`)
    return
  }
  assert.ok(v6.is === 'listening')
  t.after(() => v6.stop())
  assert.match(await talk({ port, host: '::1' }, 'a'), /^plain ::1 \d+ ::1 \d+: a$/)
})

test('a port in use is a value; with reusePort it is shared', async t => {
  const first = await started(t, greeter(LOOPBACK))
  const second = await listen(greeter({ ...LOOPBACK, port: first.address.port }))
  assert.equal(second.is === 'failed' && second.code, 'EADDRINUSE')
  const shared = await started(t, greeter(LOOPBACK, { reusePort: true }))
  await started(t, greeter({ ...LOOPBACK, port: shared.address.port }, { reusePort: true }))
})

test('after stop nobody is let in, and who is in stays', async t => {
  const listening = await started(t, greeter(LOOPBACK))
  const to = { port: listening.address.port, host: '127.0.0.1' }
  const socket = connect(to)
  await once(socket, 'connect')
  await new Promise(resolve => setTimeout(resolve, 5))
  await listening.stop()
  await listening.stop()
  await assert.rejects(once(connect(to), 'connect'), /ECONNREFUSED/)
  socket.end('a')
  const [reply] = await once(socket, 'data')
  assert.match(String(reply), /: a$/)
})

test('Unix sockets: one that nobody answers is replaced, and nothing else is', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'staffetta-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'lmtp')
  const listener: Listener = { kind: 'lmtp', proxyFrom: [], on: 'unix', path }
  const listening = await started(t, greeter(listener))
  assert.equal((await stat(path)).mode & 0o777, 0o666) // its folder decides
  assert.equal(await talk({ path }, 'a'), 'plain  0  0: a')
  const second = await listen(greeter(listener))
  assert.equal(second.is === 'failed' && second.code, 'EADDRINUSE')
  await listening.stop()

  await leaveStale(path)
  await started(t, greeter(listener))
  assert.equal(await talk({ path }, 'a'), 'plain  0  0: a')

  const file = join(folder, 'file')
  await writeFile(file, 'precious')
  assert.equal((await listen(greeter({ ...listener, path: file }))).is, 'failed')
  assert.equal((await stat(file)).size, 8)
})

/** Makes the socket of a process that was killed. */
async function leaveStale(path: string): Promise<void> {
  const { spawn } = await import('node:child_process')
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'exit')
  assert.ok((await stat(path)).isSocket())
}

test('the PROXY header names the client, in whatever pieces it comes', async t => {
  const listening = await started(t, greeter({ ...LOOPBACK, proxyFrom: ['127.0.0.0/8'] }))
  const to = { port: listening.address.port, host: '127.0.0.1' }
  const expected = 'plain 192.0.2.1 56324 198.51.100.7 25: '
  const v1 = 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n'
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c6336407dc040019', 'hex')
  assert.equal(await talk(to, `${v1}EHLO`), `${expected}EHLO`)
  assert.equal(await talk(to, v1, 'EHLO'), `${expected}EHLO`)
  assert.equal(await talk(to, v1.slice(0, 3), v1.slice(3, 30), `${v1.slice(30)}EHLO`), `${expected}EHLO`)
  assert.equal(await talk(to, v2.subarray(0, 13), v2.subarray(13), 'EHLO'), `${expected}EHLO`)
  assert.match(await talk(to, 'PROXY UNKNOWN\r\nEHLO'), /^plain 127\.0\.0\.1 \d+ .*: EHLO$/)
})

test('a bad PROXY header, none in time, or none at all is the end', async t => {
  const refused: string[] = []
  const wheel = createWheel()
  const options = greeter(
    { ...LOOPBACK, proxyFrom: ['127.0.0.1'] },
    { deadlines: wheel, onRefused: (_, why, detail) => refused.push(`${why}: ${detail}`) },
  )
  const listening = await started(t, options)
  const to = { port: listening.address.port, host: '127.0.0.1' }
  assert.equal(await talk(to, 'EHLO there\r\n'), '')
  const silent = talk(to, 'PROXY ')
  while (wheel.size === 0) await new Promise(resolve => setImmediate(resolve))
  for (let i = 0; i < 12; i++) wheel.advance()
  assert.equal(await silent, '')
  const gone = connect(to)
  await once(gone, 'connect')
  gone.end()
  while (refused.length < 3) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(refused, [
    'proxy: no PROXY header',
    'proxy: no PROXY header in time',
    'proxy: closed before the PROXY header',
  ])
  assert.equal(options.sources.size, 0)
})

test('from others a PROXY header is just input', async t => {
  const listening = await started(t, greeter({ ...LOOPBACK, proxyFrom: ['192.0.2.0/24'] }))
  const reply = await talk({ port: listening.address.port, host: '127.0.0.1' }, 'PROXY UNKNOWN\r\n')
  assert.match(reply, /^plain 127\.0\.0\.1 .*: PROXY UNKNOWN\r\n$/)
})

test('who comes above the limits is told so; the client behind the proxy is the one that counts', async t => {
  const refused: string[] = []
  const listening = await started(
    t,
    greeter(
      { ...LOOPBACK, proxyFrom: ['127.0.0.1'] },
      {
        sources: createSources({ connections: 2, connectionsPerSource: 1 }),
        refusal: '421 4.7.0 Too many connections\r\n',
        onRefused: (peer, why) => refused.push(`${peer.address} ${why}`),
      },
    ),
  )
  const to = { port: listening.address.port, host: '127.0.0.1' }
  const proxied = (last: number) => `PROXY TCP4 192.0.2.${last} 198.51.100.7 1 25\r\n`
  const one = connect(to).on('error', () => {})
  one.write(proxied(1))
  while ((await talk(to, `${proxied(1)}a`)) !== '421 4.7.0 Too many connections\r\n');
  assert.match(await talk(to, `${proxied(2)}a`), /^plain 192\.0\.2\.2 .*: a$/)
  const two = connect(to).on('error', () => {})
  two.write(proxied(3))
  while ((await talk(to, `${proxied(4)}a`)) !== '421 4.7.0 Too many connections\r\n');
  assert.deepEqual([...new Set(refused)], ['192.0.2.1 source-full', '192.0.2.4 full'])
  one.destroy()
  two.destroy()
  while (!(await talk(to, `${proxied(1)}a`)).startsWith('plain 192.0.2.1 '));
})

test('implicit TLS, also behind a proxy', async t => {
  const { cert, key } = selfSigned('mx1.example.org')
  const made = createServerContext({ cert, key, minVersion: 'TLSv1.3', ticketKeys: createTicketKeys() })
  assert.ok(made.is === 'loaded')
  const refused: string[] = []
  const secure: Partial<ListenerOptions> = {
    implicitTls: true,
    secureContext: () => made.context,
    onRefused: (_, why, detail) => refused.push(`${why}: ${detail}`),
  }
  for (const header of ['', 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n']) {
    const listening = await started(t, greeter({ ...LOOPBACK, proxyFrom: header === '' ? [] : ['127.0.0.1'] }, secure))
    const socket = connect({ port: listening.address.port, host: '127.0.0.1' })
    if (header !== '') socket.write(header)
    const client = tlsConnect({ socket, ca: cert, servername: 'mx1.example.org' })
    client.write('a')
    const [reply] = await once(client, 'data')
    const address = header === '' ? '127.0.0.1' : '192.0.2.1'
    assert.ok(String(reply).startsWith(`TLSv1.3 ${address} `), String(reply))
    client.destroy()
    if (header === '') assert.equal(await talk({ port: listening.address.port, host: '127.0.0.1' }, 'EHLO\r\n'), '')
  }
  assert.deepEqual(refused, ['tls: wrong version number'])
})

test('2,000 connections, all of which end', async t => {
  const options = greeter(LOOPBACK)
  const listening = await started(t, options)
  const to = { port: listening.address.port, host: '127.0.0.1' }
  for (let i = 0; i < 20; i++) {
    const replies = await Promise.all(Array.from({ length: 100 }, () => talk(to, 'a')))
    assert.ok(replies.every(reply => reply.endsWith(': a')))
  }
  while (options.sources.size > 0) await new Promise(resolve => setImmediate(resolve))
})

test('an address that is not ours is a value', async () => {
  const failed = await listen(greeter({ ...LOOPBACK, host: '203.0.113.1' }))
  assert.equal(failed.is === 'failed' && failed.code, 'EADDRNOTAVAIL')
})

test('a port that another server shares out is not shared with it', async t => {
  const { address } = await started(t, greeter(LOOPBACK, { reusePort: true }))
  const there: Listener = { kind: 'smtp', proxyFrom: [], on: 'tcp', host: '127.0.0.1', port: address.port }
  assert.equal((await occupied(there))?.code, 'EADDRINUSE')
  const second = await started(t, greeter(there, { reusePort: true })) // another thread of ours
  assert.equal(second.address.port, address.port)
  assert.equal(await occupied(LOOPBACK), undefined)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { type Connection, type ConnectionHandler, HIGH_WATER, type TlsState } from './connection.ts'
import { createWheel, type Wheel } from './deadlines.ts'
import { listen } from './listen.ts'
import { selfSigned } from './self-signed.ts'
import { createSources } from './sources.ts'
import { createServerContext, createTicketKeys } from './tls.ts'

const { cert, key } = selfSigned('mx1.example.org')

function secureContext() {
  const made = createServerContext({ cert, key, minVersion: 'TLSv1.2', ticketKeys: createTicketKeys() })
  assert.equal(made.is, 'loaded')
  return made.is === 'loaded' ? made.context : undefined
}

interface Bench {
  readonly client: Socket
  readonly server: Connection
  /** What the handler was told, but for data. */
  readonly told: string[]
  /** Input so far. */
  readonly input: () => string
  /** Waits until the handler was told so. */
  readonly until: (event: string) => Promise<void>
  readonly wheel: Wheel
  readonly left: () => number
}

/** A client and the server's side of its connection, with a clock that is turned by hand. */
async function bench(
  t: TestContext,
  on: (server: Connection) => Partial<ConnectionHandler> = () => ({}),
): Promise<Bench> {
  const told: string[] = []
  const waiting: (() => void)[] = []
  let input = ''
  const tell = (event: string) => {
    told.push(event)
    for (const wake of waiting.splice(0)) wake()
  }
  const wheel = createWheel()
  const sources = createSources({ connections: 10, connectionsPerSource: 10 })
  const accepted = Promise.withResolvers<Connection>()
  const context = secureContext()
  const listening = await listen({
    listener: { kind: 'smtp', proxyFrom: [], on: 'tcp', host: '127.0.0.1', port: 0 },
    reusePort: false,
    secureContext: () => context,
    implicitTls: false,
    sources,
    refusal: '',
    deadlines: wheel,
    onConnection(connection) {
      accepted.resolve(connection)
      const extra = on(connection)
      return {
        data(chunk) {
          input += chunk.toString('latin1')
          extra.data?.(chunk)
          tell('data')
        },
        drained: () => tell('drained'),
        secured(tls: TlsState) {
          tell(`secured ${tls.protocol} ${tls.servername ?? '-'}`)
          extra.secured?.(tls)
        },
        deadline() {
          extra.deadline?.()
          tell('deadline')
        },
        closed(why, detail) {
          extra.closed?.(why, detail)
          tell(detail === undefined ? `closed ${why}` : `closed ${why}: ${detail}`)
        },
      }
    },
  })
  assert.ok(listening.is === 'listening')
  const client = connect({ port: listening.address.port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  const server = await accepted.promise
  t.after(async () => {
    client.destroy()
    server.destroy()
    await listening.stop()
  })
  return {
    client,
    server,
    told,
    input: () => input,
    async until(event) {
      while (!told.includes(event)) await new Promise<void>(resolve => waiting.push(resolve))
    },
    wheel,
    left: () => sources.size,
  }
}

/** What the client receives until the server's end. */
async function all(client: Socket): Promise<string> {
  let text = ''
  client.setEncoding('latin1').on('data', chunk => (text += chunk))
  await once(client, 'end')
  return text
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

function advance(wheel: Wheel, ticks: number): void {
  for (let i = 0; i < ticks; i++) wheel.advance()
}

test('strings and bytes leave in the order in which they were written, a turn at a time', async t => {
  const { client, server, until, told, left } = await bench(t)
  const received = all(client)
  server.write('220 mx1\r\n')
  server.write(Buffer.from('250-bytes\r\n'))
  server.write('')
  server.write('250 é\r\n')
  assert.equal(server.unsent, 27)
  await turns(2)
  assert.equal(server.unsent, 0)
  server.write('221 bye\r\n')
  server.end()
  server.write('never')
  assert.equal(Buffer.from(await received, 'latin1').toString(), '220 mx1\r\n250-bytes\r\n250 é\r\n221 bye\r\n')
  client.end()
  await until('closed us')
  assert.deepEqual(told, ['closed us'])
  assert.equal(left(), 0)
})

test('pause holds input and the end back, resume hands them over', async t => {
  const { client, server, told, until, input } = await bench(t)
  server.pause()
  server.pause()
  client.write('MAIL FROM:<>\r\n')
  client.write('QUIT\r\n')
  client.end()
  await turns(20)
  assert.deepEqual(told, [])
  server.write('250 still here\r\n')
  const received = all(client)
  await turns(2)
  server.resume()
  server.resume()
  assert.deepEqual(told, [], 'not from within resume')
  await until('closed peer')
  assert.equal(input(), 'MAIL FROM:<>\r\nQUIT\r\n')
  assert.equal(await received, '250 still here\r\n')
})

test('a handler that pauses at every chunk gets every byte once', async t => {
  const { client, until, input } = await bench(t, server => ({
    data() {
      server.pause()
      setImmediate(() => server.resume())
    },
  }))
  const text = 'x'.repeat(999) + '\n'
  for (let i = 0; i < 1000; i++) client.write(text)
  client.end()
  await until('closed peer')
  assert.ok(input() === text.repeat(1000), `${input().length} bytes`)
})

test('a peer that does not read: unsent grows, drained follows when it does', async t => {
  const { client, server, told, until } = await bench(t)
  client.pause()
  const block = Buffer.alloc(1 << 20)
  let written = 0
  while (server.unsent <= HIGH_WATER && written < 100) {
    server.write(block)
    written++
    await turns(3)
  }
  assert.ok(server.unsent > HIGH_WATER)
  told.length = 0
  let received = 0
  client.on('data', chunk => (received += chunk.length)).resume()
  await until('drained')
  assert.ok(server.unsent <= HIGH_WATER)
  server.end()
  await once(client, 'end')
  assert.equal(received, written * block.length)
})

test('text above the high-water mark that the peer takes at once is followed by drained too', async t => {
  const { client, server, told } = await bench(t)
  const received = all(client)
  server.write('x'.repeat(HIGH_WATER))
  assert.ok(server.unsent >= HIGH_WATER)
  await turns(20)
  assert.equal(server.unsent, 0)
  assert.deepEqual(told, ['drained'])
  server.end()
  assert.equal((await received).length, HIGH_WATER)
})

test('a deadline is told once; who does not end is cut off', async t => {
  const { client, server, told, until, wheel, left } = await bench(t)
  const received = all(client)
  server.deadline(5000)
  advance(wheel, 8)
  server.deadline(5000)
  advance(wheel, 10)
  assert.deepEqual(told, [])
  advance(wheel, 2)
  assert.deepEqual(told, ['deadline'])
  server.write('421 4.4.2 Timeout\r\n')
  await turns(3)
  advance(wheel, 12)
  await until('closed us')
  assert.equal(await received, '421 4.4.2 Timeout\r\n')
  assert.deepEqual(told, ['deadline', 'closed us'])
  assert.equal(left(), 0)
})

test('a deadline may be answered with a new one', async t => {
  const { server, told, wheel } = await bench(t, server => ({ deadline: () => server.deadline(5000) }))
  server.deadline(1000)
  advance(wheel, 3)
  advance(wheel, 11)
  assert.deepEqual(told, ['deadline', 'deadline'])
  server.deadline(undefined)
  advance(wheel, 100)
  assert.deepEqual(told, ['deadline', 'deadline'])
})

test('after end the peer has some seconds to close, and is not heard', async t => {
  const { client, server, told, until, wheel, left, input } = await bench(t)
  const received = all(client)
  server.write('221 bye\r\n')
  server.end()
  assert.equal(await received, '221 bye\r\n')
  client.write('and one more thing\r\n')
  await turns(10)
  assert.deepEqual(told, [])
  assert.equal(left(), 1)
  advance(wheel, 12)
  await until('closed us')
  assert.equal(input(), '')
  assert.equal(left(), 0)
})

test('a peer that takes nothing is cut off after end', async t => {
  const { client, server, until, wheel } = await bench(t)
  client.pause()
  for (let i = 0; i < 50; i++) server.write(Buffer.alloc(1 << 20))
  server.end()
  await turns(5)
  assert.ok(server.unsent > 0)
  advance(wheel, 12)
  await until('closed us')
})

test('a reset is an error, told once', async t => {
  const { client, server, told, until, left } = await bench(t)
  client.resetAndDestroy()
  await until('closed error: read ECONNRESET')
  server.write('too late')
  server.end()
  server.destroy()
  await turns(10)
  assert.deepEqual(told, ['closed error: read ECONNRESET'])
  assert.equal(left(), 0)
})

function starttls(server: Connection): Partial<ConnectionHandler> {
  return {
    data(chunk) {
      if (!chunk.includes('STARTTLS')) return
      server.write('220 2.0.0 Go ahead\r\n')
      server.startTls()
    },
    secured() {
      server.write('secret\r\n')
      server.end()
    },
  }
}

test('STARTTLS', async t => {
  const { client, told, until } = await bench(t, starttls)
  client.write('STARTTLS\r\n')
  const [reply] = await once(client, 'data')
  assert.equal(String(reply), '220 2.0.0 Go ahead\r\n')
  const secure = tlsConnect({ socket: client, servername: 'mx1.example.org', ca: cert })
  assert.equal(await all(secure), 'secret\r\n')
  secure.end()
  await until('closed us')
  assert.deepEqual(told, ['data', 'secured TLSv1.3 mx1.example.org', 'closed us'])
})

test('RFC 3207 §4.2: plain text that was slipped in before the handshake never counts as input', async t => {
  await t.test('in the same segment or in one that is buffered while paused', async t => {
    const { client, server, input, until } = await bench(t)
    server.pause()
    client.write('one')
    await turns(10)
    client.write('two')
    await turns(10)
    server.write('220 Go ahead\r\n')
    server.startTls()
    server.resume()
    await once(client, 'data')
    const secure = tlsConnect({ socket: client, servername: 'mx1.example.org', ca: cert })
    secure.write('three')
    await until('data')
    assert.equal(input(), 'three')
  })
  await t.test('after the reply: the handshake fails', async t => {
    const { client, server, input, told, until } = await bench(t)
    server.startTls()
    client.write('RCPT TO:<victim@example.org>\r\n')
    await until('closed tls: wrong version number')
    assert.equal(input(), '')
    assert.equal(told.length, 1)
  })
})

test('handshakes that fail', async t => {
  await t.test('RFC 8996: TLS 1.0 is refused', async t => {
    const { client, server, until, told } = await bench(t)
    server.startTls()
    const secure = tlsConnect({
      socket: client,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    await assert.rejects(once(secure, 'secureConnect'))
    await until('closed tls: unsupported protocol')
    assert.equal(told.length, 1)
  })
  await t.test('a peer that goes away', async t => {
    const { client, server, until } = await bench(t)
    server.startTls()
    client.end()
    await until('closed tls: closed during the handshake')
  })
  await t.test('a peer that was gone before it began, behind input that nobody had heard yet', async t => {
    const { client, server, until } = await bench(t)
    server.pause()
    client.write('one')
    await turns(10)
    client.end('two')
    await turns(20)
    server.startTls()
    await until('closed tls: closed during the handshake')
  })
  await t.test('a peer that says nothing', async t => {
    const { server, told, wheel } = await bench(t)
    server.deadline(600_000)
    server.startTls()
    advance(wheel, 62)
    assert.deepEqual(told, ['closed tls: the handshake took too long'])
  })
})

test('the deadline runs on after the handshake', async t => {
  const { client, server, until, told, wheel } = await bench(t)
  server.deadline(600_000)
  advance(wheel, 10)
  server.startTls()
  tlsConnect({ socket: client, rejectUnauthorized: false })
  await until('secured TLSv1.3 -')
  advance(wheel, 1185)
  assert.equal(told.length, 1)
  advance(wheel, 10)
  assert.deepEqual(told.slice(1), ['deadline'])
})

test('damage on a secured connection is an error', async t => {
  const { client, server, until } = await bench(t)
  server.startTls()
  const secure = tlsConnect({ socket: client, rejectUnauthorized: false })
  secure.on('error', () => {})
  await until('secured TLSv1.3 -')
  // Past the TLS layer of the client, onto the wire.
  client.write(Buffer.from('1703030020' + '00'.repeat(32), 'hex'))
  await until('closed error: decryption failed or bad record mac')
})

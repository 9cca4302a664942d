import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createDeflateRaw, createInflateRaw, type DeflateRaw, deflateRawSync } from 'node:zlib'
import { createWheel } from '../../net/deadlines.ts'
import { peerOf, TcpConnection } from '../../net/tcp-connection.ts'
import type { Connection } from '../../net/connection.ts'
import { createCompression } from './compress.ts'
import { openFakeServer } from './fake-client.ts'
import { ImapLoop } from './loop.ts'

const ANNA = 'anna@example.org'

interface Client {
  /** Sends this, and answers what is heard until it ends so. */
  readonly plain: (text: string, end: string) => Promise<string>
  readonly compressed: (text: string, end: string) => Promise<string>
  /** What was heard until the server closed the connection, and was not answered before. */
  readonly rest: () => Promise<string>
}

/** A session over a real socket. */
async function open(t: TestContext): Promise<Client> {
  const server = await openFakeServer([ANNA])
  const deadlines = createWheel()
  const listener = createServer({ allowHalfOpen: true }, socket => {
    const peer = peerOf(socket)
    assert.ok(peer)
    const connection = new TcpConnection(socket, peer, { deadlines, secureContext: () => undefined, gone() {} })
    const loop = new ImapLoop(connection, server.services, true, () => undefined)
    connection.start(loop)
    loop.start()
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  assert.ok(isTcp(address))
  const socket = connect(address.port, '127.0.0.1')
  t.after(() => {
    socket.destroy()
    listener.close()
    server.close()
  })
  let heard = ''
  const inflate = createInflateRaw().on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  const deflate = createDeflateRaw().on('data', (chunk: Buffer) => socket.write(chunk))
  let compressing = false
  const ended = once(inflate, 'end')
  socket.on('end', () => inflate.end())
  socket.on('data', chunk => {
    if (compressing) inflate.write(chunk)
    else heard += chunk.toString('latin1')
  })

  async function until(end: string): Promise<string> {
    while (!heard.endsWith(end)) await once(compressing ? inflate : socket, 'data')
    const text = heard
    heard = ''
    return text
  }

  await until(' is ready\r\n')
  return {
    plain(text, end) {
      socket.write(text)
      return until(end)
    },
    async compressed(text, end) {
      compressing = true
      await flushed(deflate, text)
      return until(end)
    },
    async rest() {
      await ended
      return heard
    },
  }
}

const isTcp = (address: AddressInfo | string | null): address is AddressInfo => typeof address === 'object'

const flushed = (deflate: DeflateRaw, text: string): Promise<void> =>
  new Promise(resolve => {
    deflate.write(text)
    deflate.flush(() => resolve())
  })

const LOGIN = `a LOGIN ${ANNA} x\r\n`
const COMPRESS = 'b COMPRESS DEFLATE\r\n'

test('commands and answers are compressed, and the good-bye arrives as a whole', async t => {
  const client = await open(t)
  await client.plain(LOGIN, ' Welcome\r\n')
  assert.equal(await client.plain(COMPRESS, '\r\n'), 'b OK Compressed from here on\r\n')
  assert.match(await client.compressed('c SELECT INBOX\r\n', 'c OK [READ-WRITE] Selected\r\n'), /^\* FLAGS /)
  assert.match(await client.compressed('d COMPRESS DEFLATE\r\n', '\r\n'), /^d NO \[COMPRESSIONACTIVE\]/)
  assert.equal(await client.compressed('e LOGOUT\r\n', 'e OK Done\r\n'), '* BYE Until next time\r\ne OK Done\r\n')
  assert.equal(await client.rest(), '')
})

test('compression that was asked for behind another command in one packet begins', async t => {
  const client = await open(t)
  await client.plain(LOGIN + COMPRESS, 'b OK Compressed from here on\r\n')
  assert.equal(await client.compressed('c NOOP\r\n', '\r\n'), 'c OK Done\r\n')
})

test('what cannot be inflated ends the session with a reason', async t => {
  const client = await open(t)
  await client.plain(LOGIN, ' Welcome\r\n')
  await client.plain(COMPRESS, '\r\n')
  await client.compressed('c NOOP\r\n', 'c OK Done\r\n')
  void client.plain('\xff\xff\xff\xff', '')
  assert.equal(await client.rest(), '* BYE That is not compressed as was agreed\r\n')
})

test('a compressed stream that ends before the session does ends it too', async t => {
  const client = await open(t)
  await client.plain(LOGIN, ' Welcome\r\n')
  await client.plain(COMPRESS, '\r\n')
  await client.compressed('c NOOP\r\n', 'c OK Done\r\n')
  void client.plain('\x03\x00more', '') // RFC 1951 §3.2.3: the final block, nothing in it, and more
  assert.equal(await client.rest(), '* BYE That is not compressed as was agreed\r\n')
})

/** Takes everything. */
const DEAF: Connection = {
  peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 143 } },
  tls: undefined,
  unsent: 0,
  write: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  startTls: () => undefined,
  deadline: () => undefined,
  end: () => undefined,
  destroy: () => undefined,
}

test('of a bomb no more is inflated than is used, and nothing when its sender has gone', async () => {
  const bomb = deflateRawSync(Buffer.alloc(20_000_000))
  let inflated = 0
  let heard: () => void = () => undefined
  const compression = createCompression(DEAF, {
    data(chunk) {
      inflated += chunk.length
      compression.pause()
      heard()
    },
    drained: () => undefined,
    broken: () => assert.fail('it is whole'),
  })
  const more = (): Promise<void> => new Promise(resolve => (heard = resolve))
  const first = more()
  compression.feed(bomb)
  await first
  const second = more()
  compression.resume()
  await second
  const before = inflated
  compression.resume()
  compression.destroy()
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(inflated, before)
  assert.ok(inflated < 100_000, `${inflated} bytes`)
})

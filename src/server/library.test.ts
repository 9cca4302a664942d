import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { setImmediate as turn } from 'node:timers/promises'
import { configSchema } from '../config/schema.ts'
import { thisMachine } from '../config/machine.ts'
import { checkLimits } from '../config/schema.ts'
import { Aborted } from './body.ts'
import type { IncomingMessage, MessageVerdict, ServerOptions } from './handlers.ts'
import { createServer } from './library.ts'

interface Peer {
  /** Sends, and answers with the next reply as a whole. */
  say(text: string): Promise<string>
  reply(): Promise<string>
  readonly socket: Socket
}

function peerOf(socket: Socket): Peer {
  let heard = ''
  let wake: (() => void) | undefined
  const changed = (): void => wake?.()
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    heard += chunk
    changed()
  })
  socket.on('close', changed)
  socket.on('error', changed)
  async function reply(): Promise<string> {
    for (;;) {
      const [whole] = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(heard) ?? []
      if (whole !== undefined) {
        heard = heard.slice(whole.length)
        return whole.trimEnd()
      }
      if (socket.destroyed || socket.readableEnded) return 'closed'
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  return {
    socket,
    reply,
    say(text) {
      socket.write(text.replaceAll('\n', '\r\n'))
      return reply()
    },
  }
}

async function serve(t: TestContext, options: ServerOptions) {
  const server = createServer({ hostname: 'mx.test', closeTimeout: 100, ...options })
  t.after(() => server.close())
  const { port } = await server.listen({ port: 0 })
  const dial = async (): Promise<Peer> => {
    const peer = peerOf(connect(port, '127.0.0.1'))
    t.after(() => peer.socket.destroy())
    return peer
  }
  return { server, port, dial }
}

async function ready(peer: Peer): Promise<void> {
  assert.match(await peer.reply(), /^220 mx\.test/)
  assert.match(await peer.say('EHLO client.test\n'), /^250-mx\.test/)
}

async function transact(peer: Peer, content: string, to: readonly string[] = ['b@b.test']): Promise<string> {
  await peer.say('MAIL FROM:<a@a.test>\n')
  for (const address of to) await peer.say(`RCPT TO:<${address}>\n`)
  assert.match(await peer.say('DATA\n'), /^354/)
  return peer.say(`${content}\n.\n`)
}

async function text(message: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message.content) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

suite('createServer', () => {
  test('a message goes through the handlers, and 250 is said after onMessage is done', async t => {
    const order: string[] = []
    let finish = (): void => undefined
    const { dial } = await serve(t, {
      onConnect: session => void order.push(`connect ${session.remote.address}`),
      onMail: ({ from, size }) => void order.push(`mail ${from} ${size}`),
      onRcpt: ({ address }, { from }) => void order.push(`rcpt ${address} of ${from}`),
      async onMessage(message, session) {
        order.push(`message for ${message.recipients.length} by ${session.protocol} ${session.helo}`)
        assert.equal(await text(message), 'Subject: x\r\n\r\n.dot\r\n')
        await new Promise<void>(resolve => {
          finish = resolve
        })
        order.push('done')
      },
    })
    const peer = await dial()
    await ready(peer)
    await peer.say('MAIL FROM:<a@a.test> SIZE=20\n')
    await peer.say('RCPT TO:<b@b.test>\n')
    await peer.say('DATA\n')
    const said = peer.say('Subject: x\n\n..dot\n.\n').then(reply => {
      order.push('250')
      return reply
    })
    while (order.length < 4) await turn()
    for (let i = 0; i < 20; i++) await turn()
    assert.ok(!order.includes('250'))
    finish()
    assert.equal(await said, '250 2.0.0 OK')
    assert.deepEqual(order, [
      'connect 127.0.0.1',
      'mail a@a.test 20',
      'rcpt b@b.test of a@a.test',
      'message for 1 by ESMTP client.test',
      'done',
      '250',
    ])
  })

  test('verdicts of each step become replies, and a hang-up hangs up', async t => {
    const { dial } = await serve(t, {
      onMail: ({ from }) =>
        from === '' ? { is: 'disconnect', code: 554, status: '5.7.1', text: 'No reports here' } : { is: 'accept' },
      onRcpt: async ({ address }) => {
        if (address === 'no@b.test') return { is: 'refuse', code: 550, status: '5.1.1', text: 'Nobody\r\nof that name' }
        return undefined
      },
      onMessage: () => ({ is: 'refuse', code: 452, status: '4.3.1', text: 'Full\u0007é' }),
    })
    const peer = await dial()
    await ready(peer)
    await peer.say('MAIL FROM:<a@a.test>\n')
    assert.equal(await peer.say('RCPT TO:<no@b.test>\n'), '550-5.1.1 Nobody\r\n550 5.1.1 of that name')
    assert.equal(await peer.say('RCPT TO:<yes@b.test>\n'), '250 2.1.5 OK')
    await peer.say('DATA\n')
    assert.equal(await peer.say('x\n.\n'), '452 4.3.1 Full??')
    assert.equal(await peer.say('MAIL FROM:<>\n'), '554 5.7.1 No reports here')
    assert.equal(await peer.reply(), 'closed')
  })

  test('what a handler throws is 451 for the client and told to onError', async t => {
    const errors: string[] = []
    const { dial } = await serve(t, {
      // @ts-expect-error: a 550 with a 4.x.x status does not compile
      onRcpt: ({ address }) => {
        if (address === 'bad@b.test') throw new Error('rcpt')
        if (address === 'odd@b.test') return { is: 'refuse', code: 550, status: '4.1.1', text: 'odd' }
        return { is: 'accept' }
      },
      async onMessage(message) {
        await text(message)
        throw new Error('message')
      },
      onError: error => void errors.push(error instanceof Error ? error.message : ''),
    })
    const peer = await dial()
    await ready(peer)
    await peer.say('MAIL FROM:<a@a.test>\n')
    assert.match(await peer.say('RCPT TO:<bad@b.test>\n'), /^451 4\.3\.0/)
    assert.match(await peer.say('RCPT TO:<odd@b.test>\n'), /^451 4\.3\.0/)
    await peer.say('RCPT TO:<good@b.test>\n')
    await peer.say('DATA\n')
    assert.match(await peer.say('x\n.\n'), /^451 4\.3\.0/)
    assert.deepEqual(errors, ['rcpt', 'a verdict of 550 4.1.1: both must be 4 or both 5', 'message'])
  })

  test('who does not read lets the client wait, and nothing is kept beyond a bound', async t => {
    let begin = (): void => undefined
    const begun = new Promise<void>(resolve => {
      begin = resolve
    })
    let go = (): void => undefined
    const gone = new Promise<void>(resolve => {
      go = resolve
    })
    const { dial } = await serve(t, {
      async onMessage(message) {
        begin()
        await gone
        let size = 0
        for await (const chunk of message.content) size += chunk.length
        return { is: 'accept', text: `${size} bytes` }
      },
    })
    const peer = await dial()
    await ready(peer)
    await peer.say('MAIL FROM:<a@a.test>\n')
    await peer.say('RCPT TO:<b@b.test>\n')
    await peer.say('DATA\n')
    const line = `${'x'.repeat(998)}\r\n`
    const lines = 32_000
    let sent = 0
    const all = new Promise<void>(resolve => {
      const send = (): void => {
        while (sent < lines) {
          sent++
          if (!peer.socket.write(line)) {
            peer.socket.once('drain', send)
            return
          }
        }
        resolve()
      }
      send()
    })
    await begun
    // The pipe fills up and stands still, far below the whole.
    for (let before = -1; before !== sent; ) {
      before = sent
      for (let i = 0; i < 500; i++) await turn()
    }
    const taken = sent * line.length
    assert.ok(taken < (lines * line.length) / 2, `${taken} bytes were taken from the client`)
    go()
    await all
    assert.equal(await peer.say('.\n'), `250 2.0.0 ${lines * line.length} bytes`)
  })

  test('a handler that reads nothing gets its verdict heard, and the session goes on', async t => {
    const { dial } = await serve(t, {
      onMessage: ({ from }): MessageVerdict =>
        from === 'a@a.test' ? { is: 'refuse', code: 550, status: '5.7.1', text: 'Not you' } : { is: 'accept' },
    })
    const peer = await dial()
    await ready(peer)
    assert.equal(await transact(peer, 'x'.repeat(900)), '550 5.7.1 Not you')
    assert.equal(await peer.say('NOOP\n'), '250 2.0.0 OK')
  })

  test('a content that breaks off fails for its reader, and nobody hears of an error', async t => {
    const errors: unknown[] = []
    let failed: (error: unknown) => void = () => undefined
    const failure = new Promise<unknown>(resolve => {
      failed = resolve
    })
    const { dial } = await serve(t, {
      async onMessage(message) {
        try {
          await text(message)
        } catch (error) {
          failed(error)
          throw error
        }
      },
      onError: error => void errors.push(error),
    })
    const peer = await dial()
    await ready(peer)
    await peer.say('MAIL FROM:<a@a.test>\n')
    await peer.say('RCPT TO:<b@b.test>\n')
    await peer.say('DATA\n')
    peer.socket.end('half of it')
    assert.ok((await failure) instanceof Aborted)
    assert.deepEqual(errors, [])
  })

  test('LMTP has a verdict for each recipient', async t => {
    const { dial } = await serve(t, {
      protocol: 'lmtp',
      onMessage: ({ recipients }) =>
        recipients.map(
          ({ address }): MessageVerdict =>
            address === 'full@b.test'
              ? { is: 'refuse', code: 452, status: '4.2.2', text: 'Mailbox full' }
              : { is: 'accept', text: `for ${address}` },
        ),
    })
    const peer = await dial()
    await peer.reply()
    await peer.say('LHLO client.test\n')
    assert.equal(await transact(peer, 'x', ['one@b.test', 'full@b.test', 'two@b.test']), '250 2.0.0 for one@b.test')
    assert.equal(await peer.reply(), '452 4.2.2 Mailbox full')
    assert.equal(await peer.reply(), '250 2.0.0 for two@b.test')
  })

  test('AUTH is offered under TLS only, required, and asks onAuth', async t => {
    const { dial } = await serve(t, {
      tls: 'self-signed',
      onAuth: async ({ user, password }) =>
        password === 'secret'
          ? { is: 'accept', account: `${user}@a.test` }
          : { is: 'refuse', code: 535, status: '5.7.8', text: 'Wrong' },
      onMessage: (_, { login, tls }) => ({ is: 'accept', text: `from ${login} ${tls?.protocol}` }),
    })
    const plain = await dial()
    await plain.reply()
    const offers = await plain.say('EHLO client.test\n')
    assert.ok(offers.includes('STARTTLS') && !offers.includes('AUTH'))
    assert.match(await plain.say('MAIL FROM:<a@a.test>\n'), /^530/)
    await plain.say('STARTTLS\n')
    plain.socket.removeAllListeners()
    const secure = connectTls({ socket: plain.socket, rejectUnauthorized: false })
    t.after(() => secure.destroy())
    const peer = peerOf(secure)
    assert.match(await peer.say('EHLO client.test\n'), /AUTH PLAIN LOGIN/)
    const plainAuth = (password: string) => `AUTH PLAIN ${Buffer.from(`\0tim\0${password}`).toString('base64')}\n`
    assert.equal(await peer.say(plainAuth('guess')), '535 5.7.8 Wrong')
    assert.match(await peer.say(plainAuth('secret')), /^235/)
    assert.equal(await transact(peer, 'x'), '250 2.0.0 from tim@a.test TLSv1.3')
  })

  test('close tells idle sessions, waits for messages under way, and then takes nobody', async t => {
    let finish = (): void => undefined
    let begun = (): void => undefined
    const waiting = new Promise<void>(resolve => {
      begun = resolve
    })
    const closed: string[] = []
    const { server, dial, port } = await serve(t, {
      closeTimeout: 60_000,
      async onMessage() {
        begun()
        await new Promise<void>(resolve => {
          finish = resolve
        })
      },
      onClose: ({ helo }) => void closed.push(helo ?? ''),
    })
    const [idle, busy] = [await dial(), await dial()]
    await ready(idle)
    await ready(busy)
    const said = transact(busy, 'x')
    await waiting
    // The content is complete when its submission is waited for.
    for (let i = 0; i < 50; i++) await turn()
    const closing = server.close()
    assert.match(await idle.reply(), /^421 4\.3\.2/)
    finish()
    assert.equal(await said, '250 2.0.0 OK')
    await closing
    assert.equal(server.sessions, 0)
    assert.deepEqual(closed, ['client.test', 'client.test'])
    const late = connect(port, '127.0.0.1')
    await assert.rejects(new Promise((_, reject) => late.once('error', reject)))
  })

  test('options that cannot be are told at once; a port in use when listening', async t => {
    const onMessage = (): void => undefined
    const onAuth = (): MessageVerdict => ({ is: 'accept' })
    assert.throws(
      () => createServer({ onMessage, limits: { messageSize: '3 bananas' as '3 MB' } }),
      /limits\.messageSize/,
    )
    assert.throws(() => createServer({ onMessage, onAuth }), /onAuth needs TLS/)
    assert.throws(() => createServer({ onMessage, implicitTls: true }), /certificate/)
    assert.throws(() => createServer({ onMessage, tls: { cert: 'x', key: 'y' } }), TypeError)
    const { port } = await serve(t, { onMessage })
    await assert.rejects(createServer({ onMessage }).listen({ port }), { code: 'EADDRINUSE' })
  })

  test('the limits are those of the product', () => {
    const { limits } = configSchema(thisMachine('/')).parse({ hostname: 'mx.test' })
    assert.deepEqual(checkLimits({}), limits)
  })
})

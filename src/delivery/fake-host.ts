import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** A host for tests, on loopback: it says what it is told to say, and remembers what it heard. */
export interface FakeHost {
  readonly port: number
  /** Of all connections, in order; contents are not among them. */
  readonly commands: readonly string[]
  /** As they arrived, dots taken out. */
  readonly contents: readonly Buffer[]
  /** Connections so far. */
  readonly connections: number
  /** Chunks of input that were handed over, over all connections. */
  readonly chunks: number
  readonly close: () => Promise<void>
}

export interface FakeHostOptions {
  readonly greeting?: string
  /** EHLO keywords; default none. */
  readonly offers?: readonly string[]
  /** The reply to a command (without CRLF), or of `.` and `BDAT` when their content is complete. undefined: as a good host would. */
  readonly answer?: (command: string, connection: number) => string | undefined
  /** A Unix socket instead of a port. */
  readonly path?: string
  readonly tls?: { readonly key: string; readonly cert: string }
  /** ms to wait before each read of a content. */
  readonly slow?: number
}

/** In an answer: closes the connection; after another reply, closes after it. */
export const HANG_UP = '\u0000'

export async function startFakeHost(options: FakeHostOptions = {}): Promise<FakeHost> {
  const heard: Heard = { commands: [], contents: [], connections: 0, chunks: 0 }
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, options, heard)
  })
  await new Promise<void>(resolve => {
    if (options.path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(options.path, resolve)
  })
  const address = server.address()
  return {
    port: address === null || typeof address === 'string' ? 0 : address.port,
    commands: heard.commands,
    contents: heard.contents,
    get connections() {
      return heard.connections
    },
    get chunks() {
      return heard.chunks
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

interface Heard {
  readonly commands: string[]
  readonly contents: Buffer[]
  connections: number
  chunks: number
}

function serve(plain: Socket, options: FakeHostOptions, heard: Heard): void {
  const number = ++heard.connections
  let socket = plain
  let input = Buffer.alloc(0)
  /** Bytes that a BDAT is still to bring; 'dot' after a 354. */
  let awaited: number | 'dot' | undefined
  let recipients: string[] = []

  const say = (reply: string): void => {
    const text = reply.replaceAll(HANG_UP, '')
    if (text !== '') socket.write(`${text}\r\n`)
    if (reply.includes(HANG_UP)) socket.end()
  }
  const finish = (command: string, content: Buffer): void => {
    heard.contents.push(content)
    const answer = options.answer?.(command, number)
    if (answer !== undefined) say(answer)
    else say(recipients.length > 0 ? '250 2.0.0 taken' : '503 5.5.1 no recipient')
    recipients = []
  }
  const command = (line: string): void => {
    heard.commands.push(line)
    const verb = line.slice(0, 4).toUpperCase()
    const size = /^BDAT (\d+) LAST$/i.exec(line)?.[1]
    if (size !== undefined) {
      awaited = Number(size)
      return
    }
    const said = options.answer?.(line, number)
    if (said !== undefined) {
      if (verb === 'RCPT' && said.startsWith('2')) recipients.push(line)
      if (said.startsWith('354')) awaited = 'dot'
      say(said)
      return
    }
    if (verb === 'MAIL' || verb === 'RSET') recipients = []
    if (verb === 'RCPT') recipients.push(line)
    if (verb === 'EHLO' || verb === 'LHLO') {
      say(
        ['host.test', ...(options.offers ?? [])]
          .map((text, i, all) => `250${i === all.length - 1 ? ' ' : '-'}${text}`)
          .join('\r\n'),
      )
    } else if (verb === 'DATA' && recipients.length > 0) {
      awaited = 'dot'
      say('354 go on')
    } else if (verb === 'STAR' && options.tls !== undefined) {
      say('220 go on')
      secure(options.tls)
    } else if (verb === 'QUIT') {
      say(`221 bye${HANG_UP}`)
    } else {
      say(verb === 'DATA' ? '503 5.5.1 no recipient' : '250 2.0.0 ok')
    }
  }
  const secure = (tls: { readonly key: string; readonly cert: string }): void => {
    plain.removeAllListeners('data')
    socket = new TLSSocket(plain, { isServer: true, ...tls })
    socket.on('data', take)
    socket.on('error', () => plain.destroy())
  }
  const take = (chunk: Buffer): void => {
    heard.chunks++
    input = Buffer.concat([input, chunk])
    if (options.slow !== undefined && awaited !== undefined) {
      socket.pause()
      setTimeout(() => socket.resume(), options.slow)
    }
    for (;;) {
      if (typeof awaited === 'number') {
        if (input.length < awaited) return
        const content = Buffer.from(input.subarray(0, awaited))
        input = input.subarray(awaited)
        awaited = undefined
        finish('BDAT', content)
      } else if (awaited === 'dot') {
        const end = input.subarray(0, 3).toString() === '.\r\n' ? 0 : input.indexOf('\r\n.\r\n') + 2
        if (end === 1) return
        const content = Buffer.from(
          `\r\n${input.toString('latin1', 0, end)}`.replaceAll('\r\n.', '\r\n').slice(2),
          'latin1',
        )
        input = input.subarray(end + 3)
        awaited = undefined
        finish('.', content)
      } else {
        const lf = input.indexOf('\n')
        if (lf < 0) return
        const line = input.toString('utf8', 0, lf).replace(/\r$/, '')
        input = input.subarray(lf + 1)
        command(line)
      }
    }
  }
  socket.on('data', take)
  socket.on('error', () => {})
  say(options.greeting ?? '220 host.test')
}

/**
 * A next hop of its own that takes everything and writes down what it took: which numbered message came for whom, how often and when, and
 * whether its bytes are those that were sent. Nothing of the product is in it, so it can bear witness.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { crc32 } from 'node:zlib'

export interface Sink {
  readonly port: number
  /** When each numbered message came for each recipient, in ms since 1970, under `arrivalKey`. */
  readonly arrivals: ReadonlyMap<string, readonly number[]>
  /** Messages whose bytes were not those that were sent. */
  readonly damaged: readonly string[]
  /** Refuses connections from now on, and cuts off those that stand. */
  down(): Promise<void>
  up(): Promise<void>
}

export const arrivalKey = (seq: number, recipient: string): string => `${seq} ${recipient}`

const END = Buffer.from('\r\n.\r\n')

/** Port 0: a free one. */
export async function startSink(): Promise<Sink> {
  const arrivals = new Map<string, number[]>()
  const damaged: string[] = []
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let port = 0

  function take(content: Buffer, recipients: readonly string[]): void {
    const found = readNumbered(content)
    if (!found.intact) damaged.push(`message ${found.seq} of ${content.length} bytes`)
    for (const recipient of recipients) {
      const key = arrivalKey(found.seq, recipient)
      const times = arrivals.get(key)
      if (times) times.push(Date.now())
      else arrivals.set(key, [Date.now()])
    }
  }

  async function up(): Promise<void> {
    server = createServer({ noDelay: true }, socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      converse(socket, take)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : port
  }

  async function down(): Promise<void> {
    const closing = server
    server = undefined
    if (!closing) return
    const closed = once(closing, 'close')
    closing.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await up()
  return { port, arrivals, damaged, down, up }
}

/** SMTP as far as a client of good manners needs it. */
function converse(socket: Socket, take: (content: Buffer, recipients: readonly string[]) => void): void {
  let recipients: string[] = []
  let content: Buffer[] | undefined
  let rest: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.write('220 sink.test ESMTP\r\n')

  function obey(line: string): void {
    const verb = line.slice(0, 4).toUpperCase()
    if (verb === 'EHLO') socket.write('250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n')
    else if (verb === 'DATA') {
      content = []
      socket.write('354 go ahead\r\n')
    } else if (verb === 'QUIT') socket.end('221 bye\r\n')
    else {
      if (verb === 'MAIL' || verb === 'RSET') recipients = []
      if (verb === 'RCPT') recipients.push(line.slice(line.indexOf('<') + 1, line.indexOf('>')))
      socket.write('250 ok\r\n')
    }
  }

  /** false: more input is needed. */
  function use(): boolean {
    if (content === undefined) {
      const end = rest.indexOf('\r\n')
      if (end === -1) return false
      const line = rest.toString('latin1', 0, end)
      rest = rest.subarray(end + 2)
      obey(line)
      return true
    }
    const end = rest.indexOf(END)
    if (end === -1) {
      const safe = Math.max(0, rest.length - END.length + 1)
      if (safe > 0) content.push(rest.subarray(0, safe))
      rest = rest.subarray(safe)
      return false
    }
    content.push(rest.subarray(0, end + 2))
    rest = rest.subarray(end + END.length)
    take(Buffer.concat(content), recipients)
    content = undefined
    recipients = []
    socket.write('250 taken\r\n')
    return true
  }

  socket.on('data', chunk => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (use());
  })
}

/** What `load.ts` numbered; -1: it has no number. */
export function readNumbered(content: Buffer): { seq: number; intact: boolean } {
  const body = content.indexOf('\r\n\r\n')
  const header = content.toString('latin1', 0, Math.max(0, body))
  const seq = Number(/^X-Seq: (\d+)$/m.exec(header.replaceAll('\r', ''))?.[1] ?? -1)
  const sum = Number(/^X-Sum: (\d+)$/m.exec(header.replaceAll('\r', ''))?.[1] ?? -1)
  return { seq, intact: body !== -1 && crc32(content.subarray(body + 4)) === sum }
}

/** The simplest SMTP server that a message can end at, for tests that ask only which host was tried. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Sink {
  /** Whether a message whose bytes contain this text has come. */
  readonly has: (text: string) => boolean
  /** Connections so far. */
  readonly connections: () => number
  readonly stop: () => Promise<void>
}

/** `greeting`: its first line, '220 ...' for one that takes mail. */
export async function startSink(host: string, port: number, greeting = '220 sink.test'): Promise<Sink> {
  const messages: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    converse(socket, greeting, message => messages.push(message))
  })
  let connections = 0
  server.on('connection', () => connections++)
  server.listen(port, host)
  await once(server, 'listening')
  return {
    has: text => messages.some(message => message.includes(text)),
    connections: () => connections,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

/** EHLO offers nothing, so commands come one by one and the message by DATA. */
function converse(socket: Socket, greeting: string, keep: (message: string) => void): void {
  let [text, inData] = ['', false]
  socket.write(`${greeting}\r\n`)
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    for (;;) {
      const end = inData ? text.indexOf('\r\n.\r\n') : text.indexOf('\r\n')
      if (end < 0) return
      const unit = text.slice(0, end)
      text = text.slice(end + (inData ? 5 : 2))
      if (inData) keep(unit)
      const isData = !inData && unit.toUpperCase() === 'DATA'
      socket.write(isData ? '354 go on\r\n' : '250 fine\r\n')
      inData = isData
    }
  })
}

/**
 * Stands between a mail client and our server and writes down what they say: TLS on both sides, so that behind it is the listener that
 * everybody uses. What IMAP compresses is read too; literals are left out.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:tls'
import { createInflateRaw, type InflateRaw } from 'node:zlib'
import { freePort } from './program.ts'

export interface Recorder {
  readonly port: number
  /** Of all connections, one after the other: `C: ` or `S: ` and a line. */
  readonly lines: () => string[]
  readonly stop: () => Promise<void>
}

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Lines of one connection that are kept. */
const KEPT = 50_000

/** `to`: a port of the loopback address where TLS begins with the first byte. */
export async function startRecorder(to: number, { cert, key }: Certificate): Promise<Recorder> {
  const connections: string[][] = []
  const open = new Set<Socket>()
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, client => {
    const lines: string[] = []
    connections.push(lines)
    const peer = connect({ port: to, host: '127.0.0.1', rejectUnauthorized: false })
    listen(client, peer, line => {
      if (lines.length < KEPT) lines.push(line)
    })
    client.pipe(peer)
    peer.pipe(client)
    for (const socket of [client, peer]) {
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => open.delete(socket))
    }
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port,
    lines: () => connections.flat(),
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function listen(client: Socket, server: Socket, note: (line: string) => void): void {
  let asked: string | undefined
  const fromClient = ear(line => {
    note(`C: ${line}`)
    asked = /^(\S+) COMPRESS DEFLATE$/i.exec(line)?.[1] ?? asked
  })
  const fromServer = ear(line => {
    note(`S: ${line}`)
    // RFC 4978 §3: both sides begin after the OK.
    if (asked === undefined || !line.startsWith(`${asked} OK`)) return
    asked = undefined
    fromClient.inflate()
    fromServer.inflate()
  })
  client.on('data', fromClient.hear)
  server.on('data', fromServer.hear)
}

interface Ear {
  readonly hear: (chunk: Buffer) => void
  /** What comes behind this line is compressed. */
  readonly inflate: () => void
}

/** `use`: gets each line, without its end and without what is in a literal. */
function ear(use: (line: string) => void): Ear {
  let rest = ''
  let literal = 0
  let inflate: InflateRaw | undefined
  const read = (chunk: Buffer): void => {
    rest += chunk.toString('latin1')
    while (rest !== '') {
      const skipped = Math.min(literal, rest.length)
      literal -= skipped
      rest = rest.slice(skipped)
      const end = rest.indexOf('\n')
      if (end < 0) return
      const line = Buffer.from(rest.slice(0, end).replace(/\r$/, ''), 'latin1').toString()
      rest = rest.slice(end + 1)
      literal = Number(/\{(\d+)\+?\}$/.exec(line)?.[1] ?? 0)
      const before = inflate
      use(line)
      if (inflate === before) continue
      const compressed = Buffer.from(rest, 'latin1')
      rest = ''
      inflate?.write(compressed)
    }
  }
  return {
    hear: chunk => void (inflate ? inflate.write(chunk) : read(chunk)),
    inflate() {
      inflate = createInflateRaw()
      inflate.on('data', read)
      inflate.on('error', error => use(`not to be inflated: ${error.message}`))
    },
  }
}

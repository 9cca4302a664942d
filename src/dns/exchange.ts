import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { type Query, type Response, readResponse } from './message.ts'
import type { Server } from './servers.ts'

/**
 * One question to one server, once, over UDP or TCP. Each has a socket of its own (so the system chooses a new random source port,
 * RFC 5452 §9.2) which is closed with the answer: nothing idle is ever held open.
 */

/** `silent`: no answer, which may change; `malformed`: an answer that nobody can read. */
export type Exchange =
  | { readonly is: 'answered'; readonly response: Response }
  | { readonly is: 'silent'; readonly reason: string }
  | { readonly is: 'malformed' }

/** Functions that end what is under way at once; `close` of the resolver calls them all. */
export type UnderWay = Set<() => void>

/** `timeout` in ms. Never rejects. */
export function askUdp(query: Query, server: Server, timeout: number, underWay: UnderWay): Promise<Exchange> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
    const finish = once(timeout, underWay, exchange => {
      socket.close()
      resolve(exchange)
    })
    socket.on('error', error => finish({ is: 'silent', reason: describeError(error) }))
    socket.on('message', (bytes, from) => {
      // RFC 5452 §9.1: from where we asked. The system filters too, but only since the socket is connected.
      if (from.address !== peer?.address || from.port !== peer.port) return
      const response = readResponse(bytes, query)
      if (response === 'foreign') return
      finish(response === 'malformed' ? { is: 'malformed' } : { is: 'answered', response })
    })
    let peer: ReturnType<typeof socket.remoteAddress> | undefined
    // Connected, the system reports a closed port (ICMP) as an error instead of letting us wait.
    socket.on('connect', () => {
      peer = socket.remoteAddress()
      socket.send(query.bytes)
    })
    socket.connect(server.port, server.address)
  })
}

/** As `askUdp`; RFC 7766 §8: each message after its length in two bytes. Here a foreign answer is malformed: nobody else can speak. */
export function askTcp(query: Query, server: Server, timeout: number, underWay: UnderWay): Promise<Exchange> {
  return new Promise(resolve => {
    const socket = connect(server.port, server.address)
    const finish = once(timeout, underWay, exchange => {
      socket.destroy()
      resolve(exchange)
    })
    const received = createMessageReader()
    socket.on('error', error => finish({ is: 'silent', reason: describeError(error) }))
    socket.on('close', () => finish({ is: 'silent', reason: 'connection closed' }))
    socket.on('data', chunk => {
      const message = received(chunk)
      if (message === undefined) return
      const response = readResponse(message, query)
      finish(typeof response === 'string' || response.truncated ? { is: 'malformed' } : { is: 'answered', response })
    })
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.bytes.length)
    socket.write(Buffer.concat([length, query.bytes]))
  })
}

/** Takes chunks and returns the first message once it is whole; it has at most 64 KB, since its length has 16 bits. */
function createMessageReader(): (chunk: Buffer) => Buffer | undefined {
  const bytes = Buffer.alloc(2 + 0xffff)
  let length = 0
  return chunk => {
    length += chunk.copy(bytes, length)
    const end = 2 + bytes.readUInt16BE(0)
    return length >= 2 && length >= end ? bytes.subarray(2, end) : undefined
  }
}

/** The first end counts: an answer, an error, the time-out, or `close` of the resolver. */
function once(timeout: number, underWay: UnderWay, finish: (exchange: Exchange) => void): (exchange: Exchange) => void {
  let finished = false
  const end = (exchange: Exchange): void => {
    if (finished) return
    finished = true
    clearTimeout(timer)
    underWay.delete(abandon)
    finish(exchange)
  }
  const abandon = (): void => end({ is: 'silent', reason: 'closed' })
  const timer = setTimeout(() => end({ is: 'silent', reason: 'no answer in time' }), timeout)
  underWay.add(abandon)
  return end
}

function describeError(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

import type { Socket } from 'node:net'
import type { Deadlines, Timed } from './deadlines.ts'
import { parseProxyHeader, type ProxyHeader } from './proxy.ts'

/** ms for the whole header; PP §2: the sender has it ready when it connects. */
const HEADER_TIME = 5_000

export type ProxyFound = Exclude<ProxyHeader, { readonly is: 'incomplete' }>

/**
 * Reads the PROXY header with which a connection from a proxy begins; what follows it is put back. `done` is called once; after 'bad'
 * (or a deadline, or an end) the socket is destroyed, after 'header' it is paused and has no listeners of ours.
 */
export function readProxyHeader(socket: Socket, deadlines: Deadlines, done: (found: ProxyFound) => void): void {
  let read: Buffer = Buffer.alloc(0)
  const timed: Timed = { expires: 0, slot: 0, expired: () => give('no PROXY header in time') }

  function data(chunk: Buffer): void {
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk])
    const found = parseProxyHeader(read)
    if (found.is === 'incomplete') return
    if (found.is === 'bad') {
      give(found.reason)
      return
    }
    leave()
    socket.pause()
    if (found.length < read.length) socket.unshift(read.subarray(found.length))
    done(found)
    socket.off('error', failed)
  }

  function give(reason: string): void {
    leave()
    socket.off('error', failed).on('error', () => {})
    socket.destroy()
    done({ is: 'bad', reason })
  }

  function failed(error: Error): void {
    give(error.message)
  }

  function closed(): void {
    give('closed before the PROXY header')
  }

  function leave(): void {
    deadlines.remove(timed)
    socket.off('data', data).off('end', closed).off('close', closed)
  }

  socket.on('data', data).on('end', closed).on('close', closed).on('error', failed)
  deadlines.set(timed, HEADER_TIME)
}

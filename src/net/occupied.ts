import { createServer } from 'node:net'
import type { Listener } from '../config/settings.ts'

export interface Occupied {
  /** 'EADDRINUSE', 'EACCES' */
  readonly code: string
  readonly reason: string
}

/**
 * Looks whether another program has that place; undefined: nobody. Threads share a port (`reusePort`), and so the kernel would let a second
 * server of the same user share it, too: each would get a part of the mail, and nobody would notice.
 */
export function occupied(listener: Listener): Promise<Occupied | undefined> {
  if (listener.on === 'unix' || listener.port === 0) return Promise.resolve(undefined) // listening itself tells
  const { host, port } = listener
  const server = createServer(socket => socket.destroy())
  return new Promise(resolve => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ code: error.code ?? 'unknown', reason: error.message }),
    )
    server.listen({ host, port, ipv6Only: host.includes(':') }, () => server.close(() => resolve(undefined)))
  })
}

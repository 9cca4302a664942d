import { lstat, unlink } from 'node:fs/promises'
import { createServer, connect as netConnect, type ListenOptions, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Listener } from '../config/settings.ts'
import { compileNetworks } from './cidr.ts'
import type { Connection, ConnectionHandler, Peer } from './connection.ts'
import { type Deadlines, threadDeadlines } from './deadlines.ts'
import { readProxyHeader } from './proxy-socket.ts'
import type { Sources } from './sources.ts'
import { DEAF, peerOf, type Surroundings, TcpConnection, UNIX_PEER } from './tcp-connection.ts'

/**
 * Accepts connections. A new one passes, in this order: the PROXY header (from those that may send it), the limits, the TLS handshake
 * (when TLS is implicit); then it is handed to `onConnection` and is the loop's.
 */
export interface ListenerOptions {
  readonly listener: Listener
  /** Several threads listen on the same port, and the kernel shares the connections out. Not for Unix sockets. */
  readonly reusePort: boolean
  /** Asked at every handshake, so a new certificate needs no new listener. undefined: there is no TLS. */
  readonly secureContext: () => SecureContext | undefined
  /** TLS from the first byte (RFC 8314 §3.3). */
  readonly implicitTls: boolean
  /** Counts for all listeners of this thread. */
  readonly sources: Sources
  /** What a connection above the limits is told in plain text before it is closed ('421 ...' CRLF); '': nothing. */
  readonly refusal: string
  /** For the handler of a connection that may begin: with implicit TLS the handshake is done and `tls` is set. */
  readonly onConnection: (connection: Connection, listener: Listener) => ConnectionHandler
  /** Connections that never got to `onConnection`, for the log. */
  readonly onRefused?: (peer: Peer, why: Refused, detail?: string) => void
  readonly deadlines?: Deadlines
}

export type Refused = 'full' | 'source-full' | 'proxy' | 'tls'

export type Listening =
  | {
      readonly is: 'listening'
      /** Where: the port that the system chose for port 0. Of a Unix socket the path, and port 0. */
      readonly address: { readonly address: string; readonly port: number }
      /** No new connections from now on. Those that stand are their loops' to end. */
      stop(): Promise<void>
    }
  | { readonly is: 'failed' /** 'EADDRINUSE', 'EACCES' */; readonly code: string; readonly reason: string }

/** Never rejects for what the system says; a port in use is a value. */
export async function listen(options: ListenerOptions): Promise<Listening> {
  const { listener } = options
  const arriving = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, createDoor(options, arriving))
  // Beyond the limits there must be room for those that are being told so, but not without end.
  server.maxConnections = MOST_SOCKETS
  let failed = await bind(server, where(options))
  if (failed?.code === 'EADDRINUSE' && listener.on === 'unix' && (await removeStale(listener.path))) {
    failed = await bind(server, where(options))
  }
  if (failed !== undefined) return { is: 'failed', code: failed.code ?? 'unknown', reason: failed.message }
  // Once listening, an error (such as EMFILE at accept) concerns one connection.
  server.on('error', () => {})
  return { is: 'listening', address: addressOf(server), stop: () => stop(server, arriving) }
}

/** Sockets of one listener, whatever their state. */
const MOST_SOCKETS = 100_000

const BACKLOG = 1024

function where({ listener, reusePort }: ListenerOptions): ListenOptions {
  // The program that hands in runs as another user; the rights of the socket's folder decide who may connect.
  if (listener.on === 'unix') return { path: listener.path, backlog: BACKLOG, readableAll: true, writableAll: true }
  const { host, port } = listener
  // Not dual-stack, so that 0.0.0.0 and :: can both be bound.
  return { host, port, ipv6Only: host.includes(':'), reusePort, backlog: BACKLOG }
}

/** The error, if it failed. */
function bind(server: Server, at: ListenOptions): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise(resolve => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error)
    server.once('error', failed)
    server.listen(at, () => {
      server.off('error', failed)
      resolve(undefined)
    })
  })
}

/** Removes a socket that a crashed process left behind: one where nobody answers. true: removed. */
async function removeStale(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || !found.isSocket() || (await answers(path))) return false
  return unlink(path).then(
    () => true,
    () => false,
  )
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = netConnect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Only a refusal proves that nobody is there.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}

function addressOf(server: Server): { readonly address: string; readonly port: number } {
  const address = server.address()
  if (address === null) return { address: '', port: 0 }
  return typeof address === 'string' ? { address, port: 0 } : { address: address.address, port: address.port }
}

async function stop(server: Server, arriving: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return
  // Its callback would wait for the sessions; the handle is closed when the loop has gone round.
  server.close()
  for (const socket of arriving) socket.destroy()
  await new Promise(resolve => setImmediate(resolve))
}

/** What happens to a new socket. `arriving`: those that are not yet a loop's. */
function createDoor(options: ListenerOptions, arriving: Set<Socket>): (socket: Socket) => void {
  const { listener, sources, onRefused } = options
  const deadlines = options.deadlines ?? threadDeadlines
  const fromProxy = compileNetworks(listener.proxyFrom)
  const unix = listener.on === 'unix'
  const surroundings: Surroundings = {
    deadlines,
    secureContext: options.secureContext,
    gone: connection => sources.leave(connection.peer.address),
  }

  function arrived(socket: Socket): void {
    const peer = unix ? UNIX_PEER : peerOf(socket)
    if (peer === undefined) socket.destroy()
    else if (fromProxy(peer.address)) viaProxy(socket, peer)
    else admit(socket, peer)
  }

  function viaProxy(socket: Socket, proxy: Peer): void {
    arriving.add(socket)
    readProxyHeader(socket, deadlines, found => {
      arriving.delete(socket)
      if (found.is === 'header') admit(socket, found.client ?? proxy)
      else onRefused?.(proxy, 'proxy', found.reason)
    })
  }

  function admit(socket: Socket, peer: Peer): void {
    const entered = sources.enter(peer.address)
    if (entered === 'ok') {
      begin(socket, peer)
      return
    }
    onRefused?.(peer, entered)
    refuse(socket, peer)
  }

  /** Told why, in the clear; not counted, and gone after some seconds at most. */
  function refuse(socket: Socket, peer: Peer): void {
    const connection = new TcpConnection(socket, peer, { ...surroundings, gone() {} })
    connection.start(DEAF)
    if (!options.implicitTls) connection.write(options.refusal)
    connection.end()
  }

  function begin(socket: Socket, peer: Peer): void {
    const connection = new TcpConnection(socket, peer, surroundings)
    if (!options.implicitTls) {
      connection.start(options.onConnection(connection, listener))
      return
    }
    arriving.add(socket)
    connection.start({
      ...DEAF,
      secured() {
        arriving.delete(socket)
        connection.start(options.onConnection(connection, listener))
      },
      closed(why, detail) {
        arriving.delete(socket)
        if (why !== 'us') onRefused?.(peer, 'tls', detail)
      },
    })
    connection.secure()
  }

  return arrived
}

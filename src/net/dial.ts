import { connect as netConnect, type NetConnectOpts, type Socket } from 'node:net'
import type { ClientTls, ConnectionHandler, Connection } from './connection.ts'
import { type Deadlines, threadDeadlines, type Timed } from './deadlines.ts'
import type { Destination, Dialled, Network } from './network.ts'
import { DEAF, peerOf, type Surroundings, TcpConnection, UNIX_PEER } from './tcp-connection.ts'

type Open = (connection: Connection) => ConnectionHandler

/** The real network: TCP and the Unix sockets of this machine. */
export function createNetwork(deadlines: Deadlines = threadDeadlines): Network {
  const surroundings: Surroundings = { deadlines, secureContext: () => undefined, gone() {} }
  return {
    async connect(to, open) {
      const started = performance.now()
      const socket = await dial(to, deadlines)
      if ('is' in socket) return socket
      const peer = 'path' in to ? UNIX_PEER : peerOf(socket)
      if (peer === undefined) {
        socket.destroy()
        return { is: 'failed', code: 'ECONNRESET', reason: 'connection reset' }
      }
      const connection = new TcpConnection(socket, peer, surroundings)
      if (to.secure !== undefined) {
        return secure(connection, to.secure, to.timeout - (performance.now() - started), open)
      }
      connection.start(open(connection))
      return { is: 'connected', connection }
    },
  }
}

/** A connected socket with no listeners but one for errors. */
function dial(to: Destination, deadlines: Deadlines): Promise<Socket | Dialled> {
  return new Promise(resolve => {
    const socket = netConnect(options(to))
    const timed: Timed = {
      expires: 0,
      slot: 0,
      expired() {
        socket.destroy()
        resolve({ is: 'failed', code: 'ETIMEDOUT', reason: 'connection timed out' })
      },
    }
    deadlines.set(timed, to.timeout)
    socket.once('connect', () => {
      deadlines.remove(timed)
      resolve(socket)
    })
    // Stays: between here and the connection's own listener, an error must not be without one.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      deadlines.remove(timed)
      const code = error.code ?? 'unknown'
      resolve({ is: 'failed', code, reason: REASONS[code] ?? error.message })
    })
  })
}

function options(to: Destination): NetConnectOpts {
  if ('path' in to) return { path: to.path, allowHalfOpen: true }
  const { address: host, port, localAddress } = to
  const from = localAddress === undefined ? {} : { localAddress }
  return { host, port, ...from, allowHalfOpen: true, noDelay: true, autoSelectFamily: false }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  EADDRNOTAVAIL: 'the own address is not available',
  ETIMEDOUT: 'connection timed out',
  ENOENT: 'no such socket',
}

/** RFC 8314 §3.3: the handshake comes first. */
function secure(connection: TcpConnection, client: ClientTls, left: number, open: Open): Promise<Dialled> {
  return new Promise(resolve => {
    connection.start({
      ...DEAF,
      secured() {
        connection.deadline(undefined)
        connection.start(open(connection))
        resolve({ is: 'connected', connection })
      },
      closed(_why, detail) {
        resolve({ is: 'failed', code: 'ETLS', reason: detail ?? 'closed during the handshake' })
      },
    })
    connection.deadline(Math.max(0, left))
    connection.secure(client)
  })
}

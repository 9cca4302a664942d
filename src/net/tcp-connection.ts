import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { normalAddress } from './cidr.ts'
import type { ClientTls, ClosedBy, Connection, ConnectionHandler, Peer, TlsState } from './connection.ts'
import { HIGH_WATER } from './connection.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { clientSide, describe, serverSide, tlsState } from './handshake.ts'

/**
 * The Connection over a socket of Node. Made for thousands that do nothing: one object per connection, listeners that all connections
 * share (a socket knows its connection by OWNER), no timer, no buffer. A class, because methods cost nothing per connection.
 */
export class TcpConnection implements Connection, Timed {
  readonly peer: Peer
  tls: TlsState | undefined
  expires = 0
  slot = 0
  #socket: Socket
  #handler: ConnectionHandler = DEAF
  readonly #around: Surroundings
  #at: 'open' | 'securing' | 'ending' | 'closed' = 'open'
  #paused = false
  /** The deadline has passed and the handler has its last seconds to end. */
  #farewell = false
  /** What came while paused. The socket itself is paused only when something comes, because most peers wait for an answer. */
  #held: Buffer | undefined
  /** So did the peer's end, perhaps behind what is held: Node tells it even when paused, if its own buffer is empty. */
  #endHeld = false
  /** What was written in this turn of the event loop. */
  #written: string | (string | Uint8Array)[] = ''
  #writtenSize = 0
  /** ms that were left of the handler's deadline when the handshake began. */
  #deadlineLeft: number | undefined

  /** `socket` is connected, allows half-open connections, and has no listeners of its own. Nothing is read before `start`. */
  constructor(socket: Socket, peer: Peer, around: Surroundings) {
    this.#socket = socket
    this.peer = peer
    this.#around = around
    listen(socket, this)
  }

  /** Who gets the events from now on. */
  start(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#socket.resume()
  }

  get unsent(): number {
    return this.#writtenSize + this.#socket.writableLength
  }

  write(bytes: Uint8Array | string): void {
    if (bytes.length === 0 || this.#at === 'ending' || this.#at === 'closed') return
    if (this.#writtenSize === 0) flushLater(this)
    this.#writtenSize += bytes.length
    if (typeof this.#written !== 'string') this.#written.push(bytes)
    else if (typeof bytes === 'string') this.#written += bytes
    else this.#written = this.#written === '' ? [bytes] : [this.#written, bytes]
  }

  /** Hands the socket what was written. */
  flush(): void {
    if (this.#writtenSize === 0) return
    const written = this.#written
    // A lone write that the kernel takes at once is not followed by 'drain', however large; one from behind a cork is.
    const lone = typeof written === 'string' && this.#writtenSize < HIGH_WATER
    this.#written = ''
    this.#writtenSize = 0
    if (lone) {
      this.#socket.write(written, 'utf8')
      return
    }
    this.#socket.cork()
    for (const part of typeof written === 'string' ? [written] : written) this.#socket.write(part)
    this.#socket.uncork()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#held !== undefined || this.#endHeld) process.nextTick(handOver, this)
  }

  /** For the tick after `resume`. */
  handOver(): void {
    if (this.#paused || this.#at !== 'open') return
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#handler.data(held)
    if (this.#endHeld) this.ended()
    // The handler may have paused again: the next chunk will find that out.
    else this.#socket.resume()
  }

  startTls(client?: ClientTls): void {
    if (this.#at !== 'open' || this.tls !== undefined) return
    this.#socket.off('data', onData)
    // RFC 3207 §4.2, §5: what came in plain text until now must not be taken for part of the secured session.
    this.#held = undefined
    while (this.#socket.read() !== null);
    if (this.#endHeld) {
      this.#report('tls', 'closed before the handshake')
      this.#socket.destroy()
    } else {
      this.secure(client)
    }
  }

  /** `startTls` that takes what was read ahead for the beginning of the handshake. */
  secure(client?: ClientTls): void {
    if (this.#socket.destroyed) return
    this.flush()
    const side = client ?? this.#around.secureContext()
    if (side === undefined) {
      this.#report('tls', 'no certificate')
      this.#socket.destroy()
      return
    }
    this.#at = 'securing'
    this.#deadlineLeft = this.#around.deadlines.remaining(this)
    this.#around.deadlines.set(this, Math.min(HANDSHAKE, this.#deadlineLeft ?? HANDSHAKE))
    const plain = this.#socket
    unlisten(plain)
    // An end that was read already, behind what is thrown away, is told by the plain socket only.
    plain.once('end', () => {
      if (this.#at === 'securing') this.ended()
    })
    plain.pause()
    this.#socket = 'servername' in side ? clientSide(plain, side) : serverSide(plain, side)
    listen(this.#socket, this)
    // Some errors of a wrapped socket are told this way only.
    this.#socket.on('_tlsError', onError)
    this.#socket.once(client === undefined ? 'secure' : 'secureConnect', onSecure)
  }

  deadline(ms: number | undefined): void {
    if (this.#at === 'open') this.#around.deadlines.set(this, ms)
    else if (this.#at === 'securing') this.#deadlineLeft = ms
    this.#farewell = false
  }

  end(): void {
    if (this.#at === 'ending' || this.#at === 'closed') return
    if (this.#at === 'securing') {
      this.destroy()
      return
    }
    this.#at = 'ending'
    this.#leave()
  }

  destroy(): void {
    if (this.#at !== 'closed') this.#at = 'ending'
    this.#written = ''
    this.#writtenSize = 0
    this.#socket.destroy()
  }

  received(chunk: Buffer): void {
    // What comes after our end is read, so that the kernel doesn't answer it with a reset that overtakes our last words.
    if (this.#at !== 'open') return
    if (!this.#paused) {
      this.#handler.data(chunk)
      return
    }
    this.#held = chunk
    this.#socket.pause()
  }

  ended(): void {
    if (this.#at === 'securing') {
      this.#report('tls', 'closed during the handshake')
      this.#socket.destroy()
    } else if (this.#at === 'open' && (this.#paused || this.#held !== undefined)) {
      this.#endHeld = true
    } else if (this.#at === 'open') {
      this.#report('peer')
      this.#leave()
    }
  }

  drained(): void {
    if (this.#at === 'open' && this.unsent <= HIGH_WATER) this.#handler.drained()
  }

  secured(): void {
    const socket = this.#socket
    if (this.#at !== 'securing' || !(socket instanceof TLSSocket)) return
    this.#at = 'open'
    this.#around.deadlines.set(this, this.#deadlineLeft)
    this.tls = tlsState(socket)
    this.#handler.secured(this.tls)
  }

  failed(error: Error): void {
    if (this.#at === 'securing') this.#report('tls', describe(error))
    else if (this.#at === 'open') this.#report('error', describe(error))
    this.#socket.destroy()
  }

  expired(): void {
    if (this.#at === 'securing') {
      this.#report('tls', 'the handshake took too long')
      this.#socket.destroy()
    } else if (this.#at === 'open' && !this.#farewell) {
      this.#farewell = true
      this.#around.deadlines.set(this, LINGER)
      this.#handler.deadline()
    } else {
      this.destroy()
    }
  }

  /** The socket is gone. */
  gone(): void {
    if (this.#at === 'ending') this.#report('us')
    else if (this.#at === 'securing') this.#report('tls', 'closed during the handshake')
    else this.#report('peer')
    this.#around.deadlines.remove(this)
    this.#around.gone(this)
  }

  /** Our half is closed after what was written; the peer has some seconds to take it and to close its own. */
  #leave(): void {
    this.flush()
    this.#socket.end()
    this.#held = undefined
    this.#socket.resume()
    this.#around.deadlines.set(this, LINGER)
  }

  #report(why: ClosedBy, detail?: string): void {
    if (this.#at === 'closed') return
    this.#at = 'closed'
    const handler = this.#handler
    this.#handler = DEAF
    handler.closed(why, detail)
  }
}

/** What the connections of one listener, or of the dialler, have in common. */
export interface Surroundings {
  readonly deadlines: Deadlines
  /** For the server's side of TLS; asked at each handshake. undefined: there is none. */
  secureContext(): SecureContext | undefined
  /** Called once for each connection, after `closed`, when its socket is gone. */
  gone(connection: Connection): void
}

/** ms between our end and the cut, and between a deadline and the cut. */
export const LINGER = 5_000

/** ms */
const HANDSHAKE = 30_000

/** For those that have nothing to hear, or nothing yet. */
export const DEAF: ConnectionHandler = { data() {}, drained() {}, secured() {}, deadline() {}, closed() {} }

const OWNER = Symbol('connection')

type Owned = Socket & { [OWNER]?: TcpConnection }

function listen(socket: Owned, connection: TcpConnection): void {
  socket[OWNER] = connection
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('drain', onDrain)
  socket.on('error', onError)
  socket.on('close', onClose)
}

function unlisten(socket: Owned): void {
  socket.off('data', onData)
  socket.off('end', onEnd)
  socket.off('drain', onDrain)
  socket.off('close', onClose)
}

function onData(this: Owned, chunk: Buffer): void {
  this[OWNER]?.received(chunk)
}

function onEnd(this: Owned): void {
  this[OWNER]?.ended()
}

function onDrain(this: Owned): void {
  this[OWNER]?.drained()
}

function onError(this: Owned, error: Error): void {
  this[OWNER]?.failed(error)
}

function onClose(this: Owned): void {
  this[OWNER]?.gone()
}

function onSecure(this: Owned): void {
  this[OWNER]?.secured()
}

function handOver(connection: TcpConnection): void {
  connection.handOver()
}

/** Connections that wrote in this turn of the event loop. */
let writers: TcpConnection[] = []

function flushLater(connection: TcpConnection): void {
  if (writers.push(connection) === 1) process.nextTick(flushAll)
}

function flushAll(): void {
  const turn = writers
  writers = []
  for (const connection of turn) connection.flush()
}

/** undefined: the peer is gone already. */
export function peerOf(socket: Socket): Peer | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (remoteAddress === undefined || localAddress === undefined) return undefined
  return {
    address: normalAddress(remoteAddress),
    port: remotePort ?? 0,
    local: { address: normalAddress(localAddress), port: localPort ?? 0 },
  }
}

/** A Unix socket has no addresses. */
export const UNIX_PEER: Peer = { address: '', port: 0, local: { address: '', port: 0 } }

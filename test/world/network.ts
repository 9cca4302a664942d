/** Connections in memory, between our servers and scripted peers. In turn, in order, without TLS. */
import type { ClosedBy, Connection, ConnectionHandler, Peer } from '../../src/net/connection.ts'
import { HIGH_WATER } from '../../src/net/connection.ts'
import type { Destination, Dialled, Network } from '../../src/net/network.ts'
import type { Clock } from './clock.ts'

/** What answers at an address. */
export interface Host {
  /** `up`; `refusing`: nobody listens there; `silent`: packets get lost. */
  state: 'up' | 'refusing' | 'silent'
  readonly accept: (connection: Connection) => ConnectionHandler
}

export interface MemoryNetwork {
  /** As seen from the host with this address. */
  from(address: string): Network
  listen(address: string, port: number, host: Host): void
  /** Attempts so far, with their time. */
  readonly dialled: readonly { readonly at: number; readonly to: string; readonly from: string }[]
}

export function createMemoryNetwork(clock: Clock): MemoryNetwork {
  const hosts = new Map<string, Host>()
  const dialled: { at: number; to: string; from: string }[] = []
  let ports = 40_000

  async function connect(
    from: string,
    to: Destination,
    open: (connection: Connection) => ConnectionHandler,
  ): Promise<Dialled> {
    const place = 'path' in to ? to.path : placeOf(to.address, to.port)
    dialled.push({ at: clock.now(), to: place, from })
    const host = hosts.get(place)
    if (host?.state === 'silent') {
      await clock.sleep(to.timeout)
      return { is: 'failed', code: 'ETIMEDOUT', reason: 'connection timed out' }
    }
    await new Promise<void>(resolve => clock.soon(resolve))
    if (host === undefined || host.state !== 'up')
      return { is: 'failed', code: 'ECONNREFUSED', reason: 'connection refused' }
    const [client, server] = [
      { address: from, port: ++ports },
      'path' in to ? { address: '', port: 0 } : { address: to.address, port: to.port },
    ]
    const [near, far] = pairOf(clock, { ...server, local: client }, { ...client, local: server })
    near.begin(open(near.connection))
    far.begin(host.accept(far.connection))
    return { is: 'connected', connection: near.connection }
  }

  return {
    from: address => ({ connect: (to, open) => connect(address, to, open) }),
    listen: (address, port, host) => void hosts.set(placeOf(address, port), host),
    dialled,
  }
}

export function placeOf(address: string, port: number): string {
  return `${address}:${port}`
}

interface End {
  readonly connection: Connection
  begin(handler: ConnectionHandler): void
  /** From the other end. */
  take(bytes: Buffer): void
  close(why: ClosedBy): void
}

function pairOf(clock: Clock, nearSees: Peer, farSees: Peer): [End, End] {
  const near: End = endOf(clock, nearSees, () => far)
  const far: End = endOf(clock, farSees, () => near)
  return [near, far]
}

function endOf(clock: Clock, peer: Peer, other: () => End): End {
  let handler: ConnectionHandler | undefined
  let written: Buffer[] = []
  let unsent = 0
  let held: Buffer[] = []
  let paused = false
  let over = false
  let ending = false
  let closedHeld: ClosedBy | undefined
  let expires: number | undefined
  let timer = false

  function flush(): void {
    const bytes = Buffer.concat(written)
    const wasHigh = unsent >= HIGH_WATER
    written = []
    unsent = 0
    if (bytes.length > 0 && !over) other().take(bytes)
    if (wasHigh && !over) handler?.drained()
    if (ending) finish()
  }

  function finish(): void {
    other().close('peer')
    close('us')
  }

  function close(why: ClosedBy): void {
    if (over) return
    if (paused && why === 'peer') {
      closedHeld = why
      return
    }
    over = true
    expires = undefined
    clock.soon(() => handler?.closed(why))
  }

  /** One timer; a later deadline only changes a number. */
  function watch(): void {
    if (timer || expires === undefined) return
    timer = true
    clock.at(expires, () => {
      timer = false
      if (over || expires === undefined) return
      if (expires > clock.now()) {
        watch()
        return
      }
      expires = undefined
      handler?.deadline()
    })
  }

  const connection: Connection = {
    peer,
    tls: undefined,
    get unsent() {
      return unsent
    },
    write(bytes) {
      if (over || ending || bytes.length === 0) return
      if (written.length === 0) clock.soon(flush)
      written.push(Buffer.from(bytes))
      unsent += bytes.length
    },
    pause() {
      paused = true
    },
    resume() {
      if (!paused) return
      paused = false
      clock.soon(() => {
        const bytes = Buffer.concat(held)
        held = []
        if (bytes.length > 0 && !over) handler?.data(bytes)
        if (closedHeld && !paused) close(closedHeld)
      })
    },
    startTls() {
      throw new Error('there is no TLS in this world')
    },
    deadline(ms) {
      expires = ms === undefined ? undefined : clock.now() + ms
      watch()
    },
    end() {
      if (over || ending) return
      ending = true
      if (written.length === 0) clock.soon(finish)
    },
    destroy() {
      written = []
      finish()
    },
  }

  return {
    connection,
    begin(of) {
      handler = of
    },
    take(bytes) {
      if (over) return
      if (paused || held.length > 0) held.push(bytes)
      else handler?.data(bytes)
    },
    close,
  }
}

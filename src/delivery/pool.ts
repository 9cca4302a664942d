import type { Session } from './session.ts'

/**
 * Open sessions by destination, kept for the next message, so that a message costs no connection. At most `limit` per destination are open
 * at once; who comes when all are busy waits for the first that is free. How long one may idle is the session's own affair (it says QUIT).
 */
export interface Pool {
  /**
   * A session that is ready, or the right to open one ('open'). Whoever gets it gives it back with `give` or `drop`.
   * A promise only when one has to wait.
   */
  take(key: string, limit: number): Lease | Promise<Lease>
  /** Back from use; closed when it is worn out, or when too many idle. */
  give(key: string, session: Session): void
  /** The right to open one was not used, or the session is broken. */
  drop(key: string): void
  /** Closes what idles, and from now on everything that is given back. Resolves when nothing is open any more. */
  close(): Promise<void>
}

export type Lease = Session | 'open'

/** Messages on one connection, so that load balancers in front of a destination get their chance. */
const MESSAGES_MAX = 1000
/** Idle sessions over all destinations: each is a file descriptor. */
const IDLE_MAX = 500

interface Lane {
  /** Sessions in use or idle, and rights to open one. */
  open: number
  /** The last used is taken first, so that what is too much goes cold. */
  readonly idle: Session[]
  readonly waiting: ((lease: Lease) => void)[]
}

export function createPool(): Pool {
  const lanes = new Map<string, Lane>()
  let idle = 0
  let closed = false
  let allGone: () => void = () => {}

  function laneOf(key: string): Lane {
    const known = lanes.get(key)
    if (known !== undefined) return known
    const lane: Lane = { open: 0, idle: [], waiting: [] }
    lanes.set(key, lane)
    return lane
  }

  function takeIdle(lane: Lane): Session | undefined {
    for (;;) {
      const session = lane.idle.pop()
      if (session === undefined) return undefined
      idle--
      session.whenOver = undefined
      if (session.ready) return session
      lane.open--
      session.quit()
    }
  }

  function free(key: string): void {
    const lane = laneOf(key)
    const next = lane.waiting.shift()
    if (next !== undefined) {
      next('open')
      return
    }
    lane.open--
    if (lane.open > 0) return
    lanes.delete(key)
    if (lanes.size === 0) allGone()
  }

  return {
    take(key, limit) {
      const lane = laneOf(key)
      const session = takeIdle(lane)
      if (session !== undefined) return session
      if (lane.open < limit) {
        lane.open++
        return 'open'
      }
      return new Promise(resolve => lane.waiting.push(resolve))
    },

    give(key, session) {
      if (!session.ready || session.messages >= MESSAGES_MAX || closed) {
        session.quit()
        free(key)
        return
      }
      const lane = laneOf(key)
      const next = lane.waiting.shift()
      if (next !== undefined) {
        next(session)
        return
      }
      if (idle >= IDLE_MAX) {
        session.quit()
        free(key)
        return
      }
      idle++
      lane.idle.push(session)
      session.whenOver = () => {
        const at = lane.idle.indexOf(session)
        if (at < 0) return
        lane.idle.splice(at, 1)
        idle--
        free(key)
      }
    },

    drop: free,

    close() {
      closed = true
      for (const lane of lanes.values()) for (const session of lane.idle) session.quit()
      return new Promise(resolve => {
        allGone = resolve
        if (lanes.size === 0) resolve()
      })
    },
  }
}

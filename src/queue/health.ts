/**
 * What is known of the health of destinations: one in trouble is left alone, longer each time, and one that takes only a few deliveries at once
 * gets no more. It is written into the lanes, and outlives them.
 */
import type { Settlement } from '../storage/operations.ts'
import type { Lane } from './lanes.ts'
import { nextDue, type RetrySettings } from './schedule.ts'
import type { Attempted } from './settle.ts'

/** ms after which a destination that took only a few deliveries at once is offered twice as many. */
const WIDEN = 60_000
/** Destinations that are remembered; beyond, those that failed the longest ago are forgotten. */
const REMEMBERED = 10_000

export interface HealthOptions {
  readonly retry: RetrySettings
  readonly now: () => number
  /** 0 to 1 */
  readonly chance: () => number
}

export function createHealth({ retry, now, chance }: HealthOptions) {
  const troubled = new Map<string, Pick<Lane, 'failures' | 'limit' | 'limitedAt'>>()

  function note({ destination, failures, limit, limitedAt }: Lane): void {
    troubled.delete(destination)
    if (failures === 0 && limit === Infinity) return
    troubled.set(destination, { failures, limit, limitedAt })
    if (troubled.size <= REMEMBERED) return
    for (const longest of troubled.keys()) {
      troubled.delete(longest)
      return
    }
  }

  /** While some deliveries went well others found no way in: there are hosts that take only a few connections at once. */
  function narrow(of: Lane, working: number): void {
    of.limit = Math.max(1, Math.min(of.limit, working))
    of.limitedAt = now()
    note(of)
  }

  /** Now and then more is tried. */
  function widen(of: Lane, most: number): void {
    if (of.limit === Infinity || now() - of.limitedAt < WIDEN) return
    of.limit = of.limit * 2 < most ? of.limit * 2 : Infinity
    of.limitedAt = now()
  }

  return {
    narrow,

    /** For a lane that was just made. */
    recall(fresh: Lane): void {
      Object.assign(fresh, troubled.get(fresh.destination))
    },

    /** Another thread found it in trouble. */
    told(of: Lane): void {
      of.failures ||= 1
      note(of)
    },

    /** It is left alone for a while; told once, however many deliveries failed at the same time. */
    failed(of: Lane, attempted: readonly Attempted[]): Settlement['delay'] {
      if (of.until > now()) return undefined
      // The entries remember what another thread or the time before a restart has found out.
      of.failures = Math.max(of.failures + 1, ...attempted.map(({ entry }) => entry.attempts + 1))
      of.until = nextDue(of.failures, now(), chance(), retry)
      note(of)
      return { destination: of.destination, until: of.until }
    },

    /** `most`: deliveries at once that it may have. */
    succeeded(of: Lane, attempted: readonly Attempted[], most: number): Settlement['delay'] {
      if (!attempted.some(({ result }) => result.is !== 'deferred' || result.of !== 'destination')) return undefined
      of.lastSuccess = now()
      if (of.failures > 0 || of.limit !== Infinity) {
        of.failures = 0
        if (of.until > now()) narrow(of, of.active)
        else widen(of, most)
        note(of)
      }
      if (of.until === 0) return undefined
      of.until = 0
      return { destination: of.destination, until: 0 }
    },
  }
}

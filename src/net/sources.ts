import { isIPv6 } from 'node:net'
import { normalAddress } from './cidr.ts'

/**
 * Who is connected how often, and who fails to log in. A source is an IPv4 address or an IPv6 /64, because that is what one customer gets.
 * Each protocol thread counts for itself: the kernel spreads the connections of a source over the threads by chance, so a limit of
 * `shareOf(limit, threads)` per thread is met in all only about, and a source may be refused a little below its limit.
 */
export interface Sources {
  /** Counts a session in, unless a limit is reached. Each `ok` needs its `leave`. '' (a Unix socket) counts only in all. */
  enter(address: string): 'ok' | 'full' | 'source-full'
  leave(address: string): void
  /** Sessions in all. */
  readonly size: number
}

/** What one of `threads` may have of a limit; at least 1. */
export function shareOf(limit: number, threads: number): number {
  return Math.max(1, Math.ceil(limit / Math.max(1, threads)))
}

/** The IPv4 address, or the first 64 bits of the IPv6 address as 'a:b:c:d::/64'; other text as it is. */
export function sourceOf(address: string): string {
  const normal = normalAddress(address)
  if (!normal.includes(':') || !isIPv6(normal)) return normal
  const [head = '', tail] = normal.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0)
    while (groups.length + after < 8) groups.push('0')
    groups.push(...(tail === '' ? [] : tail.split(':')))
  }
  const prefix = groups.slice(0, 4).map(group => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}

/** `limits`: those of this thread. The table has no more entries than there are sessions. */
export function createSources(limits: {
  readonly connections: number
  readonly connectionsPerSource: number
}): Sources {
  const sessions = new Map<string, number>()
  let size = 0
  return {
    get size() {
      return size
    },
    enter(address) {
      if (size >= limits.connections) return 'full'
      if (address !== '') {
        const source = sourceOf(address)
        const count = sessions.get(source) ?? 0
        if (count >= limits.connectionsPerSource) return 'source-full'
        sessions.set(source, count + 1)
      }
      size++
      return 'ok'
    },
    leave(address) {
      size--
      if (address === '') return
      const source = sourceOf(address)
      const count = sessions.get(source) ?? 0
      if (count > 1) sessions.set(source, count - 1)
      else sessions.delete(source)
    },
  }
}

/** Failed log-ins of the last ten minutes. */
export interface AuthFailures {
  /** One more; returns how many it are now. */
  failed(address: string): number
  count(address: string): number
}

const MINUTE = 60_000
const WINDOW = 10

/** Sources remembered; the one that failed the longest ago is forgotten first. */
const REMEMBERED = 10_000

/** `now` in ms. The window slides by whole minutes: a failure counts for nine to ten of them. */
export function createAuthFailures(now: () => number, remembered = REMEMBERED): AuthFailures {
  const tables = new Map<string, { minute: number; readonly counts: Uint16Array }>()

  function current(source: string): { minute: number; readonly counts: Uint16Array } {
    const minute = Math.floor(now() / MINUTE)
    const entry = tables.get(source) ?? { minute, counts: new Uint16Array(WINDOW) }
    const gone = Math.min(WINDOW, minute - entry.minute)
    for (let i = 1; i <= gone; i++) entry.counts[(entry.minute + i) % WINDOW] = 0
    if (gone > 0) entry.minute = minute
    return entry
  }

  return {
    failed(address) {
      const source = sourceOf(address)
      const entry = current(source)
      const index = entry.minute % WINDOW
      entry.counts[index] = Math.min(65_535, (entry.counts[index] ?? 0) + 1)
      // To the end of the map's order: the beginning is who failed the longest ago.
      tables.delete(source)
      tables.set(source, entry)
      if (tables.size > remembered) {
        for (const oldest of tables.keys()) {
          tables.delete(oldest)
          break
        }
      }
      return sum(entry.counts)
    },
    count(address) {
      const source = sourceOf(address)
      return tables.has(source) ? sum(current(source).counts) : 0
    },
  }
}

function sum(counts: Uint16Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

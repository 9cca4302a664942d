import { statfsSync, statSync } from 'node:fs'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { RESERVE } from '../bodies.ts'
import { databasePath, PAGE_SIZE } from './database.ts'

/**
 * The room on the disk. What was removed leaves room inside the database file, which is used again but never given back; then it is enough
 * that the log has room. The log must never take the room that is needed to write it back: then nothing could move any more.
 */

/** Bytes: with more there is no need to count exactly. */
const PLENTY = 64 * RESERVE
/** Operations of one group, and of one when there is little room. */
const GROUP_OPERATIONS = 1000
const GROUP_OPERATIONS_LOW = 50

/** Bytes free on the disk, and unused inside the database file, at the time `at` (ms since 1970). */
interface Space {
  readonly at: number
  readonly free: number
  readonly reusable: number
}

export function diskRoom(database: DatabaseSync, data: string, now: () => number) {
  const [pages, freePages, checkpoint] = [
    'PRAGMA page_count',
    'PRAGMA freelist_count',
    'PRAGMA wal_checkpoint(TRUNCATE)',
  ].map(sql => database.prepare(sql))
  let space: Space = { at: 0, free: 0, reusable: 0 }
  /** Bytes of what was taken and is not written yet. */
  let promised = 0
  let shortened = 0

  /** Looked up always when there is little, else four times a second. */
  function look(): void {
    const age = now() - space.at
    if (age > 250 || (age > 0 && space.free < PLENTY)) space = lookUp()
  }

  function lookUp(): Space {
    try {
      const { bavail, bsize } = statfsSync(data)
      const free = bavail * bsize
      if (free > PLENTY) return { at: now(), free, reusable: 0 }
      // What the log will add to the file when it is written back is spoken for.
      const growth = countOf(pages?.get()) * PAGE_SIZE - statSync(databasePath(data)).size
      return { at: now(), free: free - Math.max(0, growth), reusable: countOf(freePages?.get()) * PAGE_SIZE }
    } catch {
      return { at: now(), free: 0, reusable: 0 }
    }
  }

  function fits(bytes: number): boolean {
    if (space.free - bytes >= RESERVE) return true
    return space.free >= RESERVE / 2 && space.reusable - bytes >= RESERVE / 2
  }

  /** Writes the log back into the database and gives its room back to the disk: it may be as large as all that the disk had. */
  function shortenLog(): boolean {
    shortened = now()
    try {
      return checkpoint?.get()?.['busy'] === 0
    } catch {
      return false // the disk fails; whoever asked will be told so by what he does
    }
  }

  return {
    shortenLog,
    /** Whether something of so many bytes can be taken in; they are promised until `give`. */
    take(bytes: number): boolean {
      look()
      if (!fits(promised + bytes) && now() - shortened > 50 && shortenLog()) space = lookUp()
      const taken = fits(promised + bytes)
      if (taken) promised += bytes
      return taken
    },
    give(bytes: number): void {
      promised -= bytes
    },
    /** How many operations the next group may have: the log grows also by what takes nothing in. */
    operations(): number {
      look()
      if (space.free >= 2 * RESERVE) return GROUP_OPERATIONS
      if (space.free < (RESERVE / 4) * 3 && shortenLog()) space = lookUp()
      return GROUP_OPERATIONS_LOW
    },
  }
}

const countOf = (row: Record<string, SQLOutputValue> | undefined): number => Number(Object.values(row ?? {})[0] ?? 0)

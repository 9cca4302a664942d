import type { DatabaseSync } from 'node:sqlite'
import { type Id, idAt } from '../../mail/id.ts'

/** Rows that one commit may remove, so that nobody waits long for it. */
const PRUNE_ROWS = 2000

export interface TimelineLimits {
  /** ms */
  readonly maxAge: number
  /** bytes of events */
  readonly maxSize: number
}

/** Commits after which the count of bytes is written down: it bounds the timeline, and may be a little wrong after a crash. */
const SAVE_EVERY = 500

/** The writing side of the timeline, inside the transactions of others. `now`: ms since 1970. */
export function timelineWriter(database: DatabaseSync, limits: TimelineLimits, now: number) {
  const insert = database.prepare('INSERT INTO timeline (subject, seq, events) VALUES (?, ?, ?)')
  const counter = database.prepare("SELECT value FROM counter WHERE name = 'timeline bytes'")
  const count = database.prepare("UPDATE counter SET value = ? WHERE name = 'timeline bytes'")
  const oldest = database.prepare(
    'SELECT subject, seq, length(events) AS bytes FROM timeline ORDER BY subject, seq LIMIT ?',
  )
  const remove = database.prepare('DELETE FROM timeline WHERE subject = ? AND seq = ?')
  // Larger than any that an earlier run has given, as long as it wrote less than a thousand rows in each ms.
  let seq = now * 1000
  let bytes = Number(counter.get()?.['value'])
  let committed = bytes
  let unsaved = 0

  return {
    add(subject: Id, events: readonly string[]): void {
      if (events.length === 0) return
      const text = events.length === 1 ? (events[0] ?? '') : events.join('\n')
      insert.run(subject, ++seq, text)
      bytes += text.length
    },
    /** Once before each COMMIT. */
    save(): void {
      if (bytes !== committed && ++unsaved >= SAVE_EVERY) this.saveNow()
    },
    saveNow(): void {
      count.run(bytes)
      unsaved = 0
    },
    committed(): void {
      committed = bytes
    },
    /** What was added without being committed was rolled back. */
    begin(): void {
      bytes = committed
    },
    /** In a transaction of its own: removes what is too old or too much. Answers whether there is more to remove. */
    prune(at: number): boolean {
      const limit = idAt(at - limits.maxAge)
      let removed = 0
      for (const row of oldest.all(PRUNE_ROWS)) {
        if (Number(row['subject']) >= limit && bytes <= limits.maxSize) break
        remove.run(Number(row['subject']), Number(row['seq']))
        bytes -= Number(row['bytes'])
        removed++
      }
      if (removed > 0) this.saveNow()
      return removed === PRUNE_ROWS
    },
  }
}

export type TimelineWriter = ReturnType<typeof timelineWriter>

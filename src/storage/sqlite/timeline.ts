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

/** The writing side of the timeline, inside the transactions of others. */
export function timelineWriter(database: DatabaseSync, limits: TimelineLimits) {
  const insert = database.prepare('INSERT INTO timeline (subject, seq, events) VALUES (?, ?, ?)')
  const counters = database.prepare('SELECT value FROM counter WHERE name = ?')
  const count = database.prepare('UPDATE counter SET value = ? WHERE name = ?')
  const oldest = database.prepare(
    'SELECT subject, seq, length(events) AS bytes FROM timeline ORDER BY subject, seq LIMIT ?',
  )
  const remove = database.prepare('DELETE FROM timeline WHERE subject = ? AND seq = ?')
  let seq = Number(counters.get('timeline seq')?.['value'])
  let bytes = Number(counters.get('timeline bytes')?.['value'])
  let written = { seq, bytes }

  return {
    add(subject: Id, events: readonly string[]): void {
      if (events.length === 0) return
      const text = events.length === 1 ? (events[0] ?? '') : events.join('\n')
      insert.run(subject, ++seq, text)
      bytes += text.length
    },
    /** Once before each COMMIT. */
    save(): void {
      if (seq === written.seq && bytes === written.bytes) return
      count.run(seq, 'timeline seq')
      count.run(bytes, 'timeline bytes')
    },
    committed(): void {
      written = { seq, bytes }
    },
    rolledBack(): void {
      seq = written.seq
      bytes = written.bytes
    },
    /** In a transaction of its own: removes what is too old or too much. Answers whether there is more to remove. */
    prune(now: number): boolean {
      const limit = idAt(now - limits.maxAge)
      let removed = 0
      for (const row of oldest.all(PRUNE_ROWS)) {
        if (Number(row['subject']) >= limit && bytes <= limits.maxSize) return false
        remove.run(Number(row['subject']), Number(row['seq']))
        bytes -= Number(row['bytes'])
        removed++
      }
      return removed === PRUNE_ROWS
    },
  }
}

export type TimelineWriter = ReturnType<typeof timelineWriter>

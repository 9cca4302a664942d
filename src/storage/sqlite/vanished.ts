import type { DatabaseSync } from 'node:sqlite'
import type { BoxState } from './ledger.ts'

/** Rows of one mailbox: with more, the oldest knowledge is dropped until KEPT are left. */
const MOST = 20_000
const KEPT = 15_000

/** RFC 7162 §3.2.5.1: which UIDs are gone, since when; inside the caller's transaction. */
export function vanishedTable(database: DatabaseSync) {
  const insert = database.prepare('INSERT INTO vanished (mailbox, modseq, first, last) VALUES (?, ?, ?, ?)')
  const cut = database.prepare(
    `SELECT modseq FROM vanished WHERE mailbox = ? ORDER BY modseq DESC LIMIT 1 OFFSET ${KEPT}`,
  )
  const drop = database.prepare('DELETE FROM vanished WHERE mailbox = ? AND modseq <= ?')

  /** RFC 7162 §5: what is dropped here makes a client compare all UIDs, no more. */
  function prune(box: BoxState): void {
    if (box.vanished <= MOST) return
    const modseq = Number(cut.get(box.id)?.['modseq'] ?? 0)
    box.vanished -= Number(drop.run(box.id, modseq).changes)
    box.lost = Math.max(box.lost, modseq)
  }

  return {
    /** These UIDs, ascending, went with the mailbox's MODSEQ of now. */
    add(box: BoxState, uids: readonly number[]): void {
      for (let i = 0; i < uids.length; ) {
        const first = uids[i] ?? 0
        let last = first
        for (i++; uids[i] === last + 1; i++) last++
        insert.run(box.id, box.modseq, first, last)
        box.vanished++
      }
      prune(box)
    },
  }
}

export type VanishedTable = ReturnType<typeof vanishedTable>

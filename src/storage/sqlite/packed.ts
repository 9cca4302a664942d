import type { DatabaseSync } from 'node:sqlite'
import { openColumns } from './columns.ts'
import { BLOCK } from './descriptions.ts'
import type { BoxState, Ledger } from './ledger.ts'
import { pack } from './packing.ts'
import type { After } from './transaction.ts'

/** Mails below which a block is not worth keeping packed. */
const SPARSE = BLOCK / 8
/** Blocks that one transaction packs anew: 3 ms. */
const STEP = 8

/**
 * The columns of full blocks of UIDs, packed as of a MODSEQ for `columns.ts`, which says what they are for; inside the caller's transaction. A block is
 * packed by what fills it, and all of a mailbox anew, a few at a time, when much changed or vanished since.
 */
export function packedTable(database: DatabaseSync, ledger: Ledger) {
  const prepare = (sql: string) => database.prepare(sql)
  const { rows } = openColumns(database)
  const put = prepare(
    `INSERT INTO packed (mailbox, block, modseq, bytes) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET modseq = excluded.modseq, bytes = excluded.bytes`,
  )
  const remove = prepare('DELETE FROM packed WHERE mailbox = ? AND block = ?')
  const move = prepare("UPDATE packed SET mailbox = ?, modseq = 0, bytes = x'' WHERE mailbox = ?")
  const next = prepare('SELECT id FROM mailbox INDEXED BY mailbox_repack WHERE repack > 0 AND account > 0 LIMIT 1')
  const older = prepare(`SELECT block FROM packed WHERE mailbox = ? AND modseq < ? ORDER BY block LIMIT ${STEP}`)

  /** As it is now: what changes later in this transaction has a larger MODSEQ. */
  function packBlock(box: BoxState, block: number): void {
    const first = block * BLOCK
    const columns = rows(box.id, [first, first + BLOCK - 1])
    if (columns.uids.length < SPARSE) remove.run(box.id, block)
    else put.run(box.id, block, box.modseq, pack(columns))
  }

  function packAnew(box: BoxState, after: After): void {
    box.unpacked = 0
    box.repack = box.modseq
    after.sweep = true
  }

  return {
    /** All UIDs of a block were given. */
    full: packBlock,

    /** So many mails of the mailbox changed or vanished. */
    changed(box: BoxState, mails: number, after: After): void {
      box.unpacked += mails
      if (box.unpacked > mostUnpacked(box.mails) && box.uidNext > BLOCK) packAnew(box, after)
    },

    /** The mails of a mailbox went to another one, with new MODSEQs. */
    moved(from: BoxState, to: BoxState, after: After): void {
      move.run(to.id, from.id)
      packAnew(to, after)
    },

    /** Packs some blocks anew. Answers whether there may be more. */
    step(): boolean {
      const box = ledger.mailbox(Number(next.get()?.['id'] ?? 0))
      if (!box) return false
      const blocks = older.all(box.id, box.repack)
      for (const { block } of blocks) packBlock(box, Number(block))
      if (blocks.length < STEP) box.repack = 0
      return true
    },
  }
}

export type PackedTable = ReturnType<typeof packedTable>

/**
 * Changes that are read beside what is packed. Below the eighth at which `columns.ts` reads the rows instead; and fewer than the rows of `vanished.ts`
 * that are kept, so that what vanished since is still known.
 */
function mostUnpacked(mails: number): number {
  return Math.min(10_000, Math.max(2 * BLOCK, mails / 16))
}

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { MailColumns } from '../mail-reader.ts'
import { BLOCK, bytesOf } from './descriptions.ts'
import { type Packed, unpack } from './packing.ts'

/**
 * UID, flags and MODSEQ of all mails of a mailbox. Out of the rows they come as JSON texts of numbers: 100,000 mails take 14 ms, as rows 22, with a
 * step for each 43. So each block of UIDs that is full is kept packed as well, as of some MODSEQ (`packed.ts`): what changed and vanished since
 * is put on top, which makes it right (docs/decisions/051). Of what is not packed, or not usable, the rows are read.
 */

/** Of a block that is packed, at most this part of all mails is read anew; with more the rows are faster. */
const REPLAYED = 1 / 8

const LAST_UID = 2 ** 32 - 1

export function openColumns(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  const inRange = prepare(
    `${COLUMNS} (SELECT uid, flags, modseq FROM mail NOT INDEXED WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid)`,
  )
  // What vanished before `lost` is not known any more, and of mailboxes that are nobody's nothing is noted.
  const packed = prepare(
    `SELECT block, modseq, bytes FROM packed WHERE mailbox = ?1 AND modseq > 0
     AND modseq >= (SELECT lost FROM mailbox WHERE id = ?1 AND account > 0) ORDER BY block`,
  )
  const flagged = prepare(
    `${COLUMNS} (SELECT uid, flags, modseq FROM mail INDEXED BY mail_changed
       WHERE mailbox = ? AND changed = 1 AND modseq > ? LIMIT ?)`,
  )
  const vanished = prepare('SELECT first, last FROM vanished WHERE mailbox = ? AND modseq > ? ORDER BY first LIMIT ?')
  for (const statement of [packed, vanished]) statement.setReturnArrays(true)

  function rows(mailbox: number, [first, last]: UidRange = [0, LAST_UID]): MailColumns {
    return columnsOf(inRange.get(mailbox, first, last))
  }

  /** All of the mailbox in order, as it was when it was packed, and the rows of what is between; undefined: a block is damaged. */
  function pieces(mailbox: number, blocks: readonly Row[]): Packed[] | undefined {
    const all: Packed[] = []
    let next = 0
    for (const row of blocks) {
      const first = Number(row[0]) * BLOCK
      const piece = unpack(bytesOf(row[2]) ?? NOTHING)
      if (!piece) return undefined
      if (first > next) all.push(rows(mailbox, [next, first - 1]))
      all.push(piece)
      next = first + BLOCK
    }
    all.push(rows(mailbox, [next, LAST_UID]))
    return all
  }

  /** undefined: nothing is packed, or so much is different by now that the rows are faster; or it is damaged. */
  function unpacked(mailbox: number): MailColumns | undefined {
    const blocks = packed.all(mailbox)
    if (blocks.length === 0) return undefined
    const since = blocks.reduce((least, row) => Math.min(least, Number(row[1])), Number.POSITIVE_INFINITY)
    const most = blocks.length * BLOCK * REPLAYED
    const changes = columnsOf(flagged.get(mailbox, since, most + 1))
    const gone = vanished.all(mailbox, since, most + 1)
    if (changes.uids.length > most || gone.length > most) return undefined
    const all = pieces(mailbox, blocks)
    if (!all) return undefined
    const columns = without(joined(all), gone)
    replay(columns, changes)
    return columns
  }

  return {
    /** All of a mailbox; inside one read transaction. */
    mails: (mailbox: number): MailColumns => unpacked(mailbox) ?? rows(mailbox),
    /** The same for sure, and slower; all, or of a range. */
    rows,
  }
}

export type Columns = ReturnType<typeof openColumns>

type Row = Record<string, SQLOutputValue>

/** Before the FROM of what has these columns. */
export const COLUMNS =
  'SELECT json_group_array(uid) AS uids, json_group_array(flags) AS flags, json_group_array(modseq) AS modseqs FROM'

/** Of a row of COLUMNS. */
export function columnsOf(row: Row | undefined): MailColumns {
  const list = (name: string): readonly number[] => JSON.parse(String(row?.[name]))
  return {
    uids: Uint32Array.from(list('uids')),
    flags: Float64Array.from(list('flags')),
    modseqs: Float64Array.from(list('modseqs')),
  }
}

const NOTHING = new Uint8Array(0)

function joined(pieces: readonly Packed[]): MailColumns {
  const length = pieces.reduce((sum, { uids }) => sum + uids.length, 0)
  const all = { uids: new Uint32Array(length), flags: new Float64Array(length), modseqs: new Float64Array(length) }
  let at = 0
  for (const { uids, flags, modseqs } of pieces) {
    all.uids.set(uids, at)
    all.flags.set(flags, at)
    all.modseqs.set(modseqs, at)
    at += uids.length
  }
  return all
}

/** Without these ranges, rows of [first, last], ascending: what is between them moves together, in place. */
function without(columns: MailColumns, gone: readonly Row[]): MailColumns {
  if (gone.length === 0) return columns
  const { uids, flags, modseqs } = columns
  let [from, to] = [0, 0]
  const keepTo = (end: number): void => {
    if (to < from) for (const column of [uids, flags, modseqs]) column.copyWithin(to, from, end)
    to += end - from
  }
  for (const row of gone) {
    const start = placeOf(uids, Number(row[0]), from)
    keepTo(start)
    from = placeOf(uids, Number(row[1]) + 1, start)
  }
  keepTo(uids.length)
  return { uids: uids.subarray(0, to), flags: flags.subarray(0, to), modseqs: modseqs.subarray(0, to) }
}

function replay({ uids, flags, modseqs }: MailColumns, changes: MailColumns): void {
  let near = 0
  for (let i = 0; i < changes.uids.length; i++) {
    const uid = changes.uids[i] ?? 0
    const place = placeOf(uids, uid, near)
    near = place
    flags[place] = changes.flags[i] ?? 0
    modseqs[place] = changes.modseqs[i] ?? 0
  }
}

/** The first place with this UID or a larger one. From a place nearby it is mostly as far as the UIDs are apart. */
function placeOf(uids: Uint32Array, uid: number, near: number): number {
  const guess = near + uid - (uids[near] ?? uid)
  if (uids[guess] === uid) return guess
  let [low, high] = [0, uids.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((uids[middle] ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return low
}

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Description, Part, SortKeys } from '../../mail/description.ts'
import type { Id } from '../../mail/id.ts'
import type { Described, IndexBlock } from '../mail-operations.ts'
import type { Ledger } from './ledger.ts'

/** UIDs of a block of the search index. */
export const BLOCK = 1024
/** Rows that a block can have: their keys are ROWS * block's id + number of the row. */
export const ROWS = 4096

/** What is worked out of messages, and the search index; inside the caller's transaction. */
export function descriptionTables(database: DatabaseSync, ledger: Ledger) {
  const prepare = (sql: string) => database.prepare(sql)
  const insert = prepare(
    `INSERT OR IGNORE INTO description (message, sent, header, signature, envelope, body, structure, part, sort, preview)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const hasMessage = prepare('SELECT 1 FROM message WHERE id = ?')
  const setSent = prepare('UPDATE mail SET sent = ? WHERE message = ?')
  const removeUndescribed = prepare('DELETE FROM undescribed WHERE message = ?')
  const insertBlock = prepare('INSERT OR IGNORE INTO search_block (mailbox, block, rows) VALUES (?, ?, ?) RETURNING id')
  const insertRow = prepare('INSERT INTO search_row (id, bytes) VALUES (?, ?)')
  const hasBlock = prepare('SELECT 1 FROM search_block WHERE mailbox = ? AND block = ?')
  const indexed = prepare('SELECT indexed FROM mailbox WHERE id = ?')
  const setIndexed = prepare('UPDATE mailbox SET indexed = ? WHERE id = ?')

  /** false: the message has one. */
  function add(message: Id, of: Description): boolean {
    const { changes } = insert.run(
      message,
      of.sent ?? null,
      of.header,
      of.signature ?? null,
      of.envelope,
      of.body,
      of.structure,
      JSON.stringify(rowOfPart(of.part)),
      JSON.stringify(of.sort),
      of.preview,
    )
    return Number(changes) > 0
  }

  return {
    add,

    /** What arrived without one; messages that are gone meanwhile are passed over. */
    describe(all: readonly Described[]): undefined {
      for (const { message, description } of all) {
        if (!hasMessage.get(message) || !add(message, description)) continue
        if (description.sent !== undefined) setSent.run(description.sent, message)
        removeUndescribed.run(message)
      }
    },

    /** A block that may still get mail, or that is there already, is passed over. */
    index({ mailbox, block, rows }: IndexBlock): undefined {
      const box = ledger.mailbox(mailbox)
      if (!box || box.uidNext < (block + 1) * BLOCK || rows.length > ROWS) return
      const id = insertBlock.get(mailbox, block, rows.length)?.['id']
      if (id === undefined) return
      rows.forEach((bytes, row) => insertRow.run(Number(id) * ROWS + row, bytes))
      let next = Number(indexed.get(mailbox)?.['indexed'])
      while (hasBlock.get(mailbox, next)) next++
      setIndexed.run(next, mailbox)
    },
  }
}

export type DescriptionTables = ReturnType<typeof descriptionTables>

/** A part as it is stored: without names, which thousands of rows would repeat. */
type PartRow = readonly [
  type: string,
  charset: string | null,
  encoding: Part['encoding'],
  start: number,
  body: number,
  end: number,
  lines: number,
  parts: readonly PartRow[],
]

function rowOfPart({ type, charset, encoding, start, body, end, lines, parts }: Part): PartRow {
  return [type, charset ?? null, encoding, start, body, end, lines, parts.map(rowOfPart)]
}

/** Of the column `part`. */
export function partOf(value: SQLOutputValue | undefined): Part {
  const row: PartRow = JSON.parse(String(value))
  return partOfRow(row)
}

/** Of the column `sort`. */
export function sortKeysOf(value: SQLOutputValue | undefined): SortKeys {
  return JSON.parse(String(value))
}

function partOfRow([type, charset, encoding, start, body, end, lines, parts]: PartRow): Part {
  return { type, charset: charset ?? undefined, encoding, start, body, end, lines, parts: parts.map(partOfRow) }
}

export const DESCRIPTION = 'sent, header, signature, envelope, body, structure, part, sort, preview'

/** Of a row with the columns DESCRIPTION. */
export function descriptionOf(row: Record<string, SQLOutputValue>): Description {
  return {
    header: Number(row['header']),
    envelope: bytesOf(row['envelope']) ?? NO_BYTES,
    body: bytesOf(row['body']) ?? NO_BYTES,
    structure: bytesOf(row['structure']) ?? NO_BYTES,
    part: partOf(row['part']),
    sent: typeof row['sent'] === 'number' ? row['sent'] : undefined,
    sort: sortKeysOf(row['sort']),
    preview: String(row['preview']),
    signature: bytesOf(row['signature']),
  }
}

const NO_BYTES = new Uint8Array(0)

/** undefined: NULL */
export function bytesOf(value: SQLOutputValue | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}

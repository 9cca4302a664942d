import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { MailReader } from '../mail-reader.ts'
import { BLOCK, bytesOf, DESCRIPTION, descriptionOf, partOf, ROWS, sortKeysOf } from './descriptions.ts'

type DescriptionReader = Pick<
  MailReader,
  | 'description'
  | 'envelope'
  | 'preview'
  | 'parts'
  | 'undescribedUids'
  | 'sortKeys'
  | 'signatures'
  | 'undescribed'
  | 'unindexed'
  | 'indexRow'
  | 'indexBlocks'
>

/** The reading side of what is worked out of messages, and of the search index. */
export function openDescriptionReader(database: DatabaseSync): DescriptionReader {
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  const one = (columns: string): StatementSync => prepare(`SELECT ${columns} FROM description WHERE message = ?`)
  const description = one(DESCRIPTION)
  const envelope = one('envelope')
  const preview = one('preview')
  const parts = one('header, part')
  // From the few that wait, not from the many of the mailbox.
  const undescribedUids = prepare(
    `SELECT uid FROM undescribed CROSS JOIN mail INDEXED BY mail_message ON mail.message = undescribed.message
     WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid`,
  )
  const sortKeys = prepare(
    `SELECT uid, sort FROM mail CROSS JOIN description ON description.message = mail.message
     WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid`,
  )
  const signatures = prepare(
    `SELECT uid, mail.message AS message, signature, head FROM mail LEFT JOIN description ON description.message = mail.message
     WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid`,
  )
  const undescribed = prepare('SELECT message FROM undescribed ORDER BY message LIMIT ?')
  const unindexed = prepare(
    `SELECT id, indexed FROM mailbox INDEXED BY mailbox_unindexed
     WHERE uid_next >= (indexed + 1) * ${BLOCK} AND account > 0 LIMIT ?`,
  )
  const indexRow = prepare(
    `SELECT bytes FROM search_row WHERE id = (SELECT id FROM search_block WHERE mailbox = ? AND block = ?) * ${ROWS} + ?`,
  )
  const indexBlocks = prepare('SELECT block FROM search_block WHERE mailbox = ? ORDER BY block')

  return {
    description(message) {
      const row = description.get(message)
      return row && descriptionOf(row)
    },
    envelope: message => bytesOf(envelope.get(message)?.['envelope']),
    preview(message) {
      const row = preview.get(message)
      return row && String(row['preview'])
    },
    parts(message) {
      const row = parts.get(message)
      return row && { header: Number(row['header']), part: partOf(row['part']) }
    },
    undescribedUids: (mailbox, [first, last]) =>
      undescribedUids.all(mailbox, first, last).map(row => Number(row['uid'])),
    sortKeys: (mailbox, [first, last]) =>
      sortKeys.all(mailbox, first, last).map(row => [Number(row['uid']), sortKeysOf(row['sort'])] as const),
    signatures: (mailbox, [first, last]) =>
      signatures
        .all(mailbox, first, last)
        .map(
          row => [Number(row['uid']), Number(row['message']), bytesOf(row['signature']), String(row['head'])] as const,
        ),
    undescribed: limit => undescribed.all(limit).map(row => Number(row['message'])),
    unindexed: limit =>
      unindexed.all(limit).map(row => ({ mailbox: Number(row['id']), block: Number(row['indexed']) })),
    indexRow: (mailbox, block, row) =>
      row >= 0 && row < ROWS ? bytesOf(indexRow.get(mailbox, block, row)?.['bytes']) : undefined,
    indexBlocks: mailbox => indexBlocks.all(mailbox).map(row => Number(row['block'])),
  }
}

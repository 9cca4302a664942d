import type { DatabaseSync } from 'node:sqlite'
import type { Id } from '../../mail/id.ts'
import { ROWS } from './descriptions.ts'
import type { PackedTable } from './packed.ts'

/** Messages, mails, blocks of the search index (half a MB each), and packed ones that one transaction removes. */
const MESSAGES = 200
const MAILS = 500
const BLOCKS = 20
const PACKED = 200

/**
 * What is done in batches, because it is much: messages that lost their mails are removed, and what is left of mailboxes that are nobody's any
 * more (account 0); columns are packed anew. Inside the caller's transaction.
 */
export function sweeper(database: DatabaseSync, forget: (message: Id) => readonly Id[], packed: PackedTable) {
  const prepare = (sql: string) => database.prepare(sql)
  const messages = prepare(`SELECT message FROM unreferenced LIMIT ${MESSAGES}`)
  const looked = prepare('DELETE FROM unreferenced WHERE message = ?')
  const next = prepare('SELECT id FROM mailbox WHERE account = 0 LIMIT 1')
  const mails = prepare(`SELECT uid, message FROM mail WHERE mailbox = ? LIMIT ${MAILS}`)
  const removeMail = prepare('DELETE FROM mail WHERE mailbox = ? AND uid = ?')
  const blocks = prepare(`SELECT id FROM search_block WHERE mailbox = ? LIMIT ${BLOCKS}`)
  const removeBlock = prepare('DELETE FROM search_block WHERE id = ?')
  const removeRows = prepare('DELETE FROM search_row WHERE id >= ? AND id < ?')
  const removePacked = prepare(
    `DELETE FROM packed WHERE rowid IN (SELECT rowid FROM packed WHERE mailbox = ? LIMIT ${PACKED})`,
  )
  const rest = ['keyword', 'vanished', 'metadata', 'acl', 'imported'].map(table =>
    prepare(`DELETE FROM ${table} WHERE mailbox = ?`),
  )
  const removeMailbox = prepare('DELETE FROM mailbox WHERE id = ?')

  /** Answers whether there are more. */
  function sweepBlocks(mailbox: number): boolean {
    const some = blocks.all(mailbox).map(({ id }) => Number(id))
    for (const id of some) {
      removeRows.run(id * ROWS, (id + 1) * ROWS)
      removeBlock.run(id)
    }
    return some.length === BLOCKS
  }

  function sweepMailbox(): readonly Id[] | undefined {
    const mailbox = Number(next.get()?.['id'] ?? 0)
    if (mailbox === 0) return undefined
    const files: Id[] = []
    const some = mails.all(mailbox)
    for (const { uid, message } of some) {
      removeMail.run(mailbox, Number(uid))
      for (const file of forget(Number(message))) files.push(file)
    }
    if (some.length < MAILS && !sweepBlocks(mailbox) && Number(removePacked.run(mailbox).changes) < PACKED) {
      for (const statement of rest) statement.run(mailbox)
      removeMailbox.run(mailbox)
    }
    return files
  }

  function sweepMessages(all: readonly Id[]): readonly Id[] {
    for (const message of all) looked.run(message)
    return all.flatMap(forget)
  }

  return {
    /** A batch. Answers the messages whose files go; undefined: nothing is left. */
    step(): readonly Id[] | undefined {
      const some = messages.all().map(({ message }) => Number(message))
      if (some.length > 0) return sweepMessages(some)
      return sweepMailbox() ?? (packed.step() ? NONE : undefined)
    },
  }
}

const NONE: readonly Id[] = []

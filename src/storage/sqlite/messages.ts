import type { DatabaseSync } from 'node:sqlite'
import { type Content, contentSize } from '../../mail/content.ts'
import type { Envelope } from '../../mail/envelope.ts'
import type { Id } from '../../mail/id.ts'

export interface NewMessage {
  readonly id: Id
  /** ms since 1970 */
  readonly at: number
  readonly content: Content
  readonly envelope: Envelope
  readonly sender: string
  readonly source: string
}

/** The messages, each stored once for all entries of the queue and all mails that refer to it; inside the caller's transaction. */
export function messageTables(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql)
  const insert = prepare(
    'INSERT INTO message (id, at, size, sender, source, envelope, file, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = prepare(
    `DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM entry WHERE message = ?1)
     AND NOT EXISTS (SELECT 1 FROM mail WHERE message = ?1) RETURNING file`,
  )
  const removeDescription = prepare('DELETE FROM description WHERE message = ?')
  const removeUndescribed = prepare('DELETE FROM undescribed WHERE message = ?')

  function insertMessage({ id, at, content, envelope, sender, source }: NewMessage): void {
    const [file, bytes] = content.in === 'memory' ? [0, content.bytes] : [1, content.head]
    insert.run(id, at, contentSize(content), sender, source, JSON.stringify(envelope), file, bytes)
  }

  /** Removes the message if nothing refers to it; answers its id where a file has to go too. */
  function forget(message: Id): readonly Id[] {
    const removed = remove.get(message)
    if (!removed) return NONE
    removeDescription.run(message)
    removeUndescribed.run(message)
    return removed['file'] === 1 ? [message] : NONE
  }

  return { insert: insertMessage, forget }
}

const NONE: readonly Id[] = []

export type MessageTables = ReturnType<typeof messageTables>

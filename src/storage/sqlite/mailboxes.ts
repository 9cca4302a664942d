import type { DatabaseSync } from 'node:sqlite'
import type { Id } from '../../mail/id.ts'

/** The account was removed while its mail was under way. */
export class NoSuchAccount extends Error {}

/** Items that one transaction removes of a mailbox whose account is gone. */
const SWEEP = 500

/** The writing side of the mailboxes' tables, inside the caller's transaction. */
export function mailboxTables(database: DatabaseSync) {
  const hasAccount = database.prepare('SELECT 1 FROM account WHERE id = ?')
  const inbox = database.prepare("SELECT id, uid_next FROM mailbox WHERE account = ? AND name = 'INBOX'")
  const create = database.prepare(
    "INSERT INTO mailbox (account, name, uid_validity, uid_next) VALUES (?, 'INBOX', ?, 1) RETURNING id, uid_next",
  )
  const advance = database.prepare('UPDATE mailbox SET uid_next = ? WHERE id = ?')
  const orphan = database.prepare('SELECT id FROM mailbox WHERE account NOT IN (SELECT id FROM account) LIMIT 1')
  const itemsOf = database.prepare(`SELECT uid, message FROM mail WHERE mailbox = ? LIMIT ${SWEEP}`)
  const removeItem = database.prepare('DELETE FROM mail WHERE mailbox = ? AND uid = ?')
  const removeMailbox = database.prepare('DELETE FROM mailbox WHERE id = ?')
  const insert = database.prepare('INSERT INTO mail (mailbox, uid, message, at, head) VALUES (?, ?, ?, ?, ?)')

  return {
    /** Into the INBOX of an account. Throws NoSuchAccount. */
    deliver(message: Id, account: number, head: string, now: number): void {
      if (!hasAccount.get(account)) throw new NoSuchAccount(`account ${account} is gone`)
      const row = inbox.get(account) ?? create.get(account, Math.floor(now / 1000))
      const [mailbox, uid] = [Number(row?.['id']), Number(row?.['uid_next'])]
      insert.run(mailbox, uid, message, now, head)
      advance.run(uid + 1, mailbox)
    },

    /** Removes a part of what removed accounts left: answers the messages that lost a reference; undefined: nothing is left. */
    sweep(): Id[] | undefined {
      const mailbox = Number(orphan.get()?.['id'] ?? 0)
      if (mailbox === 0) return undefined
      const items = itemsOf.all(mailbox)
      for (const { uid } of items) removeItem.run(mailbox, Number(uid))
      if (items.length < SWEEP) removeMailbox.run(mailbox)
      return items.map(({ message }) => Number(message))
    },
  }
}

import type { DatabaseSync } from 'node:sqlite'
import type { Id } from '../../mail/id.ts'

/** The account was removed while its mail was under way. */
export class NoSuchAccount extends Error {}

/** The writing side of the mailboxes' tables, inside the caller's transaction. */
export function mailboxTables(database: DatabaseSync) {
  const hasAccount = database.prepare('SELECT 1 FROM account WHERE id = ?')
  const inbox = database.prepare("SELECT id, uid_next FROM mailbox WHERE account = ? AND name = 'INBOX'")
  const create = database.prepare(
    "INSERT INTO mailbox (account, name, uid_validity, uid_next) VALUES (?, 'INBOX', ?, 1) RETURNING id, uid_next",
  )
  const advance = database.prepare('UPDATE mailbox SET uid_next = ? WHERE id = ?')
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
  }
}

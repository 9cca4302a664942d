import type { DatabaseSync } from 'node:sqlite'
import type { DirectoryChange, DirectoryResult } from '../operations.ts'

/** The writing side of the directory's tables, inside the caller's transaction. */
export function directoryTables(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql)
  const hasDomain = prepare('SELECT 1 FROM domain WHERE name = ?')
  const addDomain = prepare(
    'INSERT INTO domain (name, catch_all, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET catch_all = excluded.catch_all',
  )
  const removeDomain = prepare('DELETE FROM domain WHERE name = ?')
  const used = prepare(
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM account WHERE address LIKE ?1 ESCAPE '\\') OR EXISTS (SELECT 1 FROM alias WHERE address LIKE ?1 ESCAPE '\\')`,
  )
  const addAccount = prepare('INSERT OR IGNORE INTO account (address, hash, at) VALUES (?, ?, ?)')
  const setHash = prepare('UPDATE account SET hash = ? WHERE address = ?')
  const removeAccount = prepare('DELETE FROM account WHERE address = ?')
  const setAlias = prepare(
    'INSERT INTO alias (address, targets, at) VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET targets = excluded.targets',
  )
  const removeAlias = prepare('DELETE FROM alias WHERE address = ?')

  const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)
  const changed = (run: { changes: number | bigint }): DirectoryResult => (Number(run.changes) > 0 ? 'done' : 'missing')

  function change(of: DirectoryChange, now: number): DirectoryResult {
    switch (of.is) {
      case 'add-domain':
        addDomain.run(of.name, of.catchAll ?? null, now)
        return 'done'
      case 'remove-domain':
        if (used.get(`%@${of.name.replace(/[\\%_]/g, '\\$&')}`)) return 'in-use'
        return changed(removeDomain.run(of.name))
      case 'add-account':
        if (!hasDomain.get(domainOf(of.address))) return 'no-domain'
        return Number(addAccount.run(of.address, of.hash, now).changes) > 0 ? 'done' : 'exists'
      case 'set-password':
        return changed(setHash.run(of.hash, of.address))
      // Its mailboxes are nobody's now, and go in batches: `sweepMailboxes`.
      case 'remove-account':
        return changed(removeAccount.run(of.address))
      case 'set-alias':
        if (!hasDomain.get(domainOf(of.address))) return 'no-domain'
        setAlias.run(of.address, JSON.stringify(of.targets), now)
        return 'done'
      case 'remove-alias':
        return changed(removeAlias.run(of.address))
    }
  }
  return { change }
}

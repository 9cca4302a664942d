import type { DatabaseSync } from 'node:sqlite'
import type { DirectoryChange, DirectoryResult } from '../operations.ts'
import type { Ledger } from './ledger.ts'
import type { MailboxTables } from './mailboxes.ts'
import type { After } from './transaction.ts'

/** The writing side of the directory's tables, inside the caller's transaction. */
export function directoryTables(database: DatabaseSync, ledger: Ledger, mailboxes: MailboxTables) {
  const prepare = (sql: string) => database.prepare(sql)
  const hasDomain = prepare('SELECT 1 FROM domain WHERE name = ?')
  const addDomain = prepare(
    'INSERT INTO domain (name, catch_all, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET catch_all = excluded.catch_all',
  )
  const removeDomain = prepare('DELETE FROM domain WHERE name = ?')
  const used = prepare(
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM account WHERE address LIKE ?1 ESCAPE '\\') OR EXISTS (SELECT 1 FROM alias WHERE address LIKE ?1 ESCAPE '\\')`,
  )
  const addAccount = prepare(
    'INSERT OR IGNORE INTO account (address, domain, hash, at) VALUES (?, ?, ?, ?) RETURNING id',
  )
  const accountOf = prepare('SELECT id, mails, bytes FROM account WHERE address = ?')
  const setHash = prepare('UPDATE account SET hash = ? WHERE address = ?')
  const removeAccount = prepare('DELETE FROM account WHERE address = ?')
  const setAlias = prepare(
    'INSERT INTO alias (address, targets, at) VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET targets = excluded.targets',
  )
  const removeAlias = prepare('DELETE FROM alias WHERE address = ?')
  const setQuota = {
    account: prepare('UPDATE account SET max_mails = ?, max_bytes = ? WHERE address = ?'),
    domain: prepare('UPDATE domain SET max_mails = ?, max_bytes = ? WHERE name = ?'),
    each: prepare('UPDATE domain SET each_mails = ?, each_bytes = ? WHERE name = ?'),
  }

  const changed = (run: { changes: number | bigint }): DirectoryResult => (Number(run.changes) > 0 ? 'done' : 'missing')

  function newAccount(address: string, hash: string, now: number, after: After): DirectoryResult {
    if (!hasDomain.get(domainOf(address))) return 'no-domain'
    const id = addAccount.get(address, domainOf(address), hash, now)?.['id']
    if (id === undefined) return 'exists'
    mailboxes.createFirst(Number(id), now, after)
    return 'done'
  }

  /** Its usage ends at once; its mailboxes are nobody's now, and go in batches: `sweep.ts`. */
  function endAccount(address: string, after: After): DirectoryResult {
    const row = accountOf.get(address)
    if (!row) return 'missing'
    const id = Number(row['id'])
    ledger.use(id, -Number(row['mails']), -Number(row['bytes']))
    ledger.flush()
    mailboxes.releaseAll(id, after)
    return changed(removeAccount.run(address))
  }

  function change(of: DirectoryChange, now: number, after: After): DirectoryResult {
    ledger.flush()
    switch (of.is) {
      case 'add-domain':
        addDomain.run(of.name, of.catchAll ?? null, now)
        return 'done'
      case 'remove-domain':
        if (used.get(`%@${of.name.replace(/[\\%_]/g, '\\$&')}`)) return 'in-use'
        return changed(removeDomain.run(of.name))
      case 'add-account':
        return newAccount(of.address, of.hash, now, after)
      case 'set-quota': {
        const statement = of.of.includes('@') ? setQuota.account : of.each ? setQuota.each : setQuota.domain
        return changed(statement.run(of.mails ?? null, of.bytes ?? null, of.of))
      }
      case 'set-password':
        return changed(setHash.run(of.hash, of.address))
      case 'remove-account':
        return endAccount(of.address, after)
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

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * One process at a time writes to a data folder. The lock is that of a database file which holds nothing: the system takes it away with the
 * process, however that ends. undefined: somebody else has it.
 */
export function lockData(data: string): { release(): void } | undefined {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(data, 'lock.db'), { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch {
    database.close()
    return undefined
  }
  return { release: () => database.close() }
}

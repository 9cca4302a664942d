import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** `failed`: why not, for people. */
export type Locked = { readonly release: () => void } | { readonly failed: string }

/**
 * One process at a time writes to a data folder, which is made when it isn't there. The lock is that of a database file which holds nothing:
 * the system takes it away with the process, however that ends.
 */
export function lockData(data: string): Locked {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
    return lock(data)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { failed: `the data folder ${data} cannot be used: ${why}; it has to belong to the user who runs staffetta` }
  }
}

/** SQLite's code for a lock that another process holds. */
const SQLITE_BUSY = 5

function lock(data: string): Locked {
  const database = new DatabaseSync(join(data, 'lock.db'), { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (!(error instanceof Error) || !('errcode' in error) || error.errcode !== SQLITE_BUSY) throw error
    return { failed: `another process is using the data folder ${data}` }
  }
}

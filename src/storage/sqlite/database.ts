import { mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { migrate } from './schema.ts'

/** Bytes. 16 KB beat 4 and 8 KB by a third at a hundred 5 KB messages a commit, and were no slower at one (docs/decisions/001). */
export const PAGE_SIZE = 16_384
/** Pages: the log is written back every 8 MB, in 5 ms; every 64 MB it took 40 ms, in which nobody got an answer (docs/decisions/021). */
const CHECKPOINT = 512

/** KB, negative: so SQLite wants it. */
const CACHE = -32_768

export function databasePath(data: string): string {
  return join(data, 'staffetta.db')
}

/** The one connection that writes. 250 means on disk: every commit is synced. */
export function openWriter(data: string): DatabaseSync {
  mkdirSync(join(data, 'bodies'), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(databasePath(data), { timeout: 5000 })
  database.exec(`
    PRAGMA page_size = ${PAGE_SIZE};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT};
    PRAGMA journal_size_limit = ${2 * CHECKPOINT * PAGE_SIZE};
    PRAGMA cache_size = ${CACHE};
    PRAGMA temp_store = MEMORY;
  `)
  migrate(database)
  return database
}

/** Bytes of write-ahead log that are there before the first commit. */
const LAID_OUT = 10 * 1024 * 1024

/**
 * Makes the write-ahead log long enough beforehand: a commit that overwrites takes 0.55 ms, one that makes the file grow 0.85 (docs/decisions/021).
 * Not where the disk is small. The room in the database stays free for what comes.
 */
export function layOutLog(database: DatabaseSync, data: string): void {
  const { bavail, bsize } = statfsSync(data)
  if (bavail * bsize < 100 * LAID_OUT) return
  database.exec(`
    PRAGMA cache_size = -512; -- or the pages would stay in memory
    CREATE TABLE IF NOT EXISTS layout (bytes BLOB);
    INSERT INTO layout VALUES (zeroblob(${LAID_OUT}));
    DROP TABLE layout;
    PRAGMA wal_checkpoint(RESTART);
    PRAGMA cache_size = ${CACHE};
  `)
}

/** A connection that only reads, for the thread that opens it. */
export function openReader(data: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(data), { readOnly: true, timeout: 5000 })
  database.exec('PRAGMA cache_size = -4096; PRAGMA query_only = 1')
  return database
}

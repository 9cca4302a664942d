import type { DatabaseSync } from 'node:sqlite'
import type { Id } from '../../mail/id.ts'
import type { ChangedMailbox, Notice, StorageFailure, StorageResult } from '../operations.ts'
import { NoSuchAccount } from './ledger.ts'

/** What a transaction does outside of the database once it is on disk. */
export interface After {
  readonly notices: Notice[]
  readonly lines: string[]
  /** Messages whose body file goes. */
  readonly files: Id[]
  /** Threads that are gone, with what they were receiving. */
  readonly slots: number[]
  /** Mailboxes that changed: each is told once. */
  readonly changed: Changes
  /** Entries became ready. */
  work: boolean
  /** Messages wait for a description, or mails for the search index. */
  undescribed: boolean
  /** There is something for `sweep.ts`. */
  sweep: boolean
}

/** The distinct changes of one commit. */
export interface Changes {
  add(account: number, mailbox: number, how: ChangedMailbox['how']): void
  list(): readonly ChangedMailbox[]
}

export function noAfter(): After {
  return {
    notices: [],
    lines: [],
    files: [],
    slots: [],
    changed: noChanges(),
    work: false,
    undescribed: false,
    sweep: false,
  }
}

function noChanges(): Changes {
  const all = new Map<string, ChangedMailbox>()
  return {
    add(account, mailbox, how) {
      all.set(`${account} ${mailbox} ${how}`, { account, mailbox, how })
    },
    list: () => [...all.values()],
  }
}

/** What takes part in every transaction. */
export interface Participant {
  /** Nothing is known of the one before, which may have failed. */
  begin(): void
  /** Writes what it held back; the COMMIT follows. */
  save(): void
  committed(): void
}

/**
 * Runs transactions on the database: nothing of one happened when it failed; without room it is run a second time, after `makeRoom`. What
 * follows from it is done by `announce` after the commit, and can't make it fail any more.
 */
export function transactions(
  database: DatabaseSync,
  participants: readonly Participant[],
  makeRoom: () => boolean,
  announce: (after: After) => void,
) {
  const [begin, commit, rollback] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map(sql => database.prepare(sql))

  function attempt(run: (after: After) => void): StorageResult<undefined> {
    // A batch that was scheduled before the end finds it here, and is taken up again by the next start.
    if (!database.isOpen) return { failed: { why: 'failed', detail: 'the storage is closed' } }
    const after = noAfter()
    for (const participant of participants) participant.begin()
    try {
      begin?.run()
      run(after)
      for (const participant of participants) participant.save()
      commit?.run()
    } catch (error) {
      if (database.isTransaction) rollback?.run()
      return { failed: failureOf(error) }
    }
    for (const participant of participants) participant.committed()
    announce(after)
    return { ok: undefined }
  }

  return (run: (after: After) => void): StorageResult<undefined> => {
    const done = attempt(run)
    return 'failed' in done && done.failed.why === 'full' && makeRoom() ? attempt(run) : done
  }
}

export type Transaction = ReturnType<typeof transactions>

const SQLITE_IOERR = 10
const SQLITE_FULL = 13
const SQLITE_CONSTRAINT = 19

function failureOf(error: unknown): StorageFailure {
  const detail = error instanceof Error ? error.message : String(error)
  if (error instanceof NoSuchAccount) return { why: 'conflict', detail }
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  if (code === SQLITE_FULL) return { why: 'full', detail }
  if (code === SQLITE_CONSTRAINT) return { why: 'conflict', detail }
  return { why: 'failed', detail: code === SQLITE_IOERR ? `input/output: ${detail}` : detail }
}

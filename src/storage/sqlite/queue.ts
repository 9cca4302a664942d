import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Envelope } from '../../mail/envelope.ts'
import type { Id } from '../../mail/id.ts'
import {
  type Change,
  type Claim,
  type Claimed,
  type ClaimedWork,
  type Entry,
  type EntryState,
  type NewEntry,
  REPORT,
  type Settlement,
  type Submission,
} from '../operations.ts'
import { where } from './filter.ts'
import type { MessageTables } from './messages.ts'

/** Entries of one source that are taken before it is the next one's turn. */
const TURN = 8
/** Entries to one destination in one claim. */
const PER_DESTINATION = 128
/** Entries that one commit may change on an operator's word or because their time came. */
export const BATCH = 2000
/** Destinations that one claim may pass over. */
const PASSED_OVER = 2000

type Row = Record<string, SQLOutputValue>

/** The queue's tables. Everything runs inside the caller's transaction; nothing is remembered here that a ROLLBACK would have to undo. */
export function queueTables(database: DatabaseSync, { insert, forget }: MessageTables) {
  const prepare = (sql: string) => database.prepare(sql)
  const insertEntry = prepare(
    `INSERT INTO entry (message, n, state, destination, source, recipient, dsn, attempts, due, expires, notice, wake, owner, reply, "order")
     VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, NULL, NULL)`,
  )
  const removeEntry = prepare('DELETE FROM entry WHERE message = ? AND n = ?')
  const selectTimes = prepare('SELECT expires FROM entry WHERE message = ? AND n = ?')
  const updateEntry = prepare(
    `UPDATE entry SET state = ?, destination = ?, attempts = ?, due = ?, notice = ?, wake = ?, owner = 0, reply = ?, "order" = NULL
     WHERE message = ? AND n = ?`,
  )
  const setState = prepare('UPDATE entry SET state = ?, wake = ?, owner = ? WHERE message = ? AND n = ?')
  const setReport = prepare(
    'UPDATE entry SET state = \'ready\', destination = ?, wake = ?, "order" = ? WHERE message = ? AND n = ?',
  )
  const setReleased = prepare(
    "UPDATE entry SET state = 'ready', expires = ?, notice = ?, wake = ?, owner = 0 WHERE message = ? AND n = ?",
  )
  const setDestination = prepare('UPDATE entry SET destination = ? WHERE message = ? AND n = ?')
  const nextDestination = prepare(
    "SELECT destination FROM entry INDEXED BY entry_ready WHERE state = 'ready' AND destination > ? ORDER BY destination LIMIT 1",
  )
  const nextSource = prepare(
    "SELECT source FROM entry INDEXED BY entry_ready WHERE state = 'ready' AND destination = ? AND source > ? ORDER BY source LIMIT 1",
  )
  const readyOf = prepare(
    `SELECT * FROM entry INDEXED BY entry_ready WHERE state = 'ready' AND destination = ? AND source = ? ORDER BY message, n LIMIT ?`,
  )
  const selectMessage = prepare('SELECT at, size, sender, source, envelope FROM message WHERE id = ?')
  const woken = prepare(
    `SELECT message, n, state, due, expires, notice FROM entry INDEXED BY entry_wake
     WHERE state IN ('ready', 'waiting') AND wake <= ? ORDER BY wake LIMIT ${BATCH}`,
  )
  const firstWake = prepare(
    "SELECT min(wake) AS wake FROM entry INDEXED BY entry_wake WHERE state IN ('ready', 'waiting')",
  )
  const leasedOf = prepare(
    "SELECT message, n, due, expires, notice FROM entry WHERE state = 'leased' AND (owner = ?1 OR ?1 < 0)",
  )
  const newest = prepare('SELECT max(id) AS id FROM message')
  const newestSubject = prepare('SELECT max(subject) AS id FROM timeline')

  function lease(row: Row, owner: number): Entry {
    setState.run('leased', 0, owner, Number(row['message']), Number(row['n']))
    return entryOf(row)
  }

  /** One destination's share of a claim: a few entries of each source in turn. `after`: the source whose turn was last. */
  function claimDestination(
    destination: string,
    after: string,
    room: number,
    owner: number,
  ): { entries: Entry[]; after: string; more: boolean } {
    const entries: Entry[] = []
    let source = after
    let turn = -1 // entries at the begin of this round of all sources: a round that found nothing is the last
    while (entries.length < room) {
      const next = nextSource.get(destination, source)?.['source']
      if (next === undefined) {
        if (turn === entries.length) return { entries, after: source, more: false }
        turn = entries.length
        source = ''
        continue
      }
      source = String(next)
      for (const row of readyOf.all(destination, source, Math.min(TURN, room - entries.length))) {
        entries.push(lease(row, owner))
      }
    }
    return { entries, after: source, more: nextSource.get(destination, '') !== undefined }
  }

  /** Entries whose message is damaged or missing are set aside and never stop the rest; `damaged`: of which messages. */
  function works(entries: readonly Entry[], damaged: Id[]): ClaimedWork[] {
    const byMessage = new Map<Id, Entry[]>()
    for (const entry of entries) {
      const others = byMessage.get(entry.message)
      if (others) others.push(entry)
      else byMessage.set(entry.message, [entry])
    }
    return [...byMessage].flatMap(([message, of]) => {
      const row = selectMessage.get(message)
      const work = row && workOf(message, row, of)
      if (work) return [work]
      damaged.push(message)
      for (const { n, destination, attempts, due, notice } of of) {
        updateEntry.run('held', destination, attempts, due, notice, 0, DAMAGED, message, n)
      }
      return []
    })
  }

  return {
    submit(submission: Submission): void {
      const { id } = submission
      insert(submission)
      for (const e of submission.entries) {
        const owner = e.state === 'leased' ? submission.owner : 0
        const wake = wakeOf(e.state, e)
        insertEntry.run(
          id,
          e.n,
          e.state,
          e.destination,
          submission.source,
          e.recipient,
          e.dsn ?? null,
          e.due,
          e.expires,
          e.notice,
          wake,
          owner,
        )
      }
    },

    /** Answers the messages that nothing refers to any more and whose file is to be removed after the commit. */
    settle(settlement: Settlement, store: (message: Id, account: number, head: string) => void): readonly Id[] {
      const { message } = settlement
      let gone = false
      for (const result of settlement.results) {
        if (result.is === 'done' || result.is === 'stored') {
          // Exactly once: who finds no entry any more comes second.
          const ended = Number(removeEntry.run(message, result.n).changes) > 0
          if (ended && result.is === 'stored') store(message, result.account, result.head)
          gone = true
          continue
        }
        const expires = Number(selectTimes.get(message, result.n)?.['expires'] ?? 0)
        const { is, destination, attempts, due, notice, reply } = result
        updateEntry.run(
          is,
          destination,
          attempts,
          due,
          notice,
          wakeOf(is, { due, notice, expires }),
          reply ?? null,
          message,
          result.n,
        )
      }
      return gone ? forget(message) : []
    },

    /** `cursors`: whose turn was last, kept by the caller from claim to claim. */
    claim(
      claim: Claim,
      cursors: ClaimCursors,
      delayed: (destination: string) => boolean,
    ): Claimed & { readonly damaged: readonly Id[] } {
      const entries: Entry[] = []
      const damaged: Id[] = []
      const except = new Set(claim.except)
      const start = cursors.destination
      let more = false
      let wrapped = false
      for (let passed = 0; entries.length < claim.room; passed++) {
        const next = nextDestination.get(cursors.destination)?.['destination']
        if (next === undefined ? wrapped : wrapped && String(next) > start) break
        if (passed > PASSED_OVER) {
          more = true
          break
        }
        if (next === undefined) {
          wrapped = true
          cursors.destination = ''
          continue
        }
        const destination = String(next)
        cursors.destination = destination
        if (delayed(destination) || except.has(destination)) continue
        const room = Math.min(PER_DESTINATION, claim.room - entries.length)
        const taken = claimDestination(destination, cursors.sources.get(destination) ?? '', room, claim.owner)
        remember(cursors.sources, destination, taken.after)
        entries.push(...taken.entries)
        more ||= taken.more
      }
      return { works: works(entries, damaged), more: more || entries.length >= claim.room, damaged }
    },

    /** What was leased by this owner (-1: by anybody) is ready again. */
    release(owner: number): number {
      const rows = leasedOf.all(owner)
      for (const row of rows)
        setState.run('ready', wakeOf('ready', timesOf(row)), 0, Number(row['message']), Number(row['n']))
      return rows.length
    },

    /** Moves what has become due to ready, and what has become too old to REPORT. Answers how many were moved; BATCH: there may be more. */
    wake(now: number): number {
      const rows = woken.all(now)
      for (const row of rows) {
        const times = timesOf(row)
        const [message, n] = [Number(row['message']), Number(row['n'])]
        if (times.expires <= now || (times.notice > 0 && times.notice <= now))
          setReport.run(REPORT, NEVER, null, message, n)
        else setState.run('ready', wakeOf('ready', times), 0, message, n)
      }
      return rows.length
    },

    /** When `wake` has to be called next, in ms since 1970. */
    nextWake(): number | undefined {
      const wake = firstWake.get()?.['wake']
      return typeof wake === 'number' && wake < NEVER ? wake : undefined
    },

    /** One batch of an operator's change; `after`: where the last batch ended. */
    change(
      change: Change,
      now: number,
      after: Place,
    ): { changed: number; files: Id[]; messages: Id[]; next: Place | undefined } {
      const { sql, values } = where(change.filter, now)
      const rows = database
        .prepare(
          `SELECT * FROM entry WHERE (message, n) > (?, ?) AND state <> 'leased' AND ${sql} ORDER BY message, n LIMIT ${BATCH}`,
        )
        .all(after.message, after.n, ...values)
      const messages = new Set<Id>()
      let changed = 0
      for (const row of rows) {
        if (!changeRow(row, change, now)) continue
        changed++
        messages.add(Number(row['message']))
      }
      const files = change.to.is === 'delete' ? [...messages].flatMap(forget) : []
      const last = rows.length === BATCH ? rows.at(-1) : undefined
      const next = last && { message: Number(last['message']), n: Number(last['n']) }
      return { changed, files, messages: [...messages], next }
    },

    newestId(): Id {
      return Math.max(Number(newest.get()?.['id'] ?? 0), Number(newestSubject.get()?.['id'] ?? 0))
    },
  }

  /** While it was held its time went by; now it has all of it again. */
  function releaseHeld(message: Id, n: number, { due, notice, expires }: Times, now: number): void {
    const at = Number(selectMessage.get(message)?.['at'] ?? now)
    const again = (end: number): number => Math.max(end, now + Math.min(end - at, LONGEST_AGAIN))
    const times = { due, notice: notice > 0 ? again(notice) : 0, expires: again(expires) }
    setReleased.run(times.expires, times.notice, wakeOf('ready', times), message, n)
  }

  /** false: there was nothing to change. */
  function changeRow(row: Row, { to }: Change, now: number): boolean {
    const [message, n] = [Number(row['message']), Number(row['n'])]
    switch (to.is) {
      case 'hold':
        if (row['state'] === 'held') return false
        setState.run('held', 0, 0, message, n)
        return true
      case 'release':
        if (row['state'] !== 'held') return false
        releaseHeld(message, n, timesOf(row), now)
        return true
      case 'retry':
        if (row['state'] === 'held') return false
        setState.run('ready', wakeOf('ready', timesOf(row)), 0, message, n)
        return true
      case 'reroute':
        setDestination.run(to.destination, message, n)
        return true
      case 'bounce':
        setReport.run(REPORT, NEVER, to.reason, message, n)
        return true
      case 'delete':
        removeEntry.run(message, n)
        return true
    }
  }
}

export type QueueTables = ReturnType<typeof queueTables>

export interface Place {
  readonly message: Id
  readonly n: number
}

export interface ClaimCursors {
  destination: string
  readonly sources: Map<string, string>
}

const NEVER = Number.MAX_SAFE_INTEGER
/** ms; RFC 5321 §4.5.4.1: 4 to 5 days. */
const LONGEST_AGAIN = 5 * 86_400_000

type Times = Pick<NewEntry, 'due' | 'notice' | 'expires'>

function wakeOf(state: EntryState, { due, notice, expires }: Times): number {
  if (state === 'leased' || state === 'held') return 0
  const end = notice > 0 ? Math.min(notice, expires) : expires
  return state === 'waiting' ? Math.min(due, end) : end
}

function timesOf(row: Row): { due: number; expires: number; notice: number } {
  return { due: Number(row['due']), expires: Number(row['expires']), notice: Number(row['notice']) }
}

const textOf = (value: SQLOutputValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

/** A row of the table `entry`. */
export function entryOf(row: Row): Entry {
  return {
    message: Number(row['message']),
    n: Number(row['n']),
    recipient: String(row['recipient']),
    dsn: textOf(row['dsn']),
    destination: String(row['destination']),
    attempts: Number(row['attempts']),
    ...timesOf(row),
    reply: textOf(row['reply']),
    order: textOf(row['order']),
  }
}

/** Why an entry was set aside, for whoever lists the queue. */
export const DAMAGED = 'the message is damaged or missing'

/** undefined: the row is damaged. */
function workOf(message: Id, row: Row, entries: readonly Entry[]): ClaimedWork | undefined {
  const envelope = readEnvelope(String(row['envelope']))
  if (!envelope) return undefined
  const { at, size } = { at: Number(row['at']), size: Number(row['size']) }
  return { message, at, size, envelope, sender: String(row['sender']), source: String(row['source']), entries }
}

function readEnvelope(text: string): Envelope | undefined {
  try {
    const envelope: Envelope | null = JSON.parse(text)
    return envelope?.returnPath === undefined ? undefined : envelope
  } catch {
    return undefined
  }
}

function remember(cursors: Map<string, string>, destination: string, source: string): void {
  cursors.delete(destination)
  cursors.set(destination, source)
  for (const oldest of cursors.keys()) {
    if (cursors.size <= 1000) return
    cursors.delete(oldest)
  }
}

import { statfsSync, statSync, unlink } from 'node:fs'
import type { SQLOutputValue } from 'node:sqlite'
import { eventLine } from '../../log/events.ts'
import { bodyPath, RESERVE, sweepBodies } from '../bodies.ts'
import { formatId, type Id, idAt, slotOfId } from '../../mail/id.ts'
import type {
  Change,
  Notice,
  OperationName,
  Operations,
  StorageFailure,
  StorageResult,
  TimelineRecord,
} from '../operations.ts'
import type { Asked } from '../wire.ts'
import { databasePath, layOutLog, openWriter, PAGE_SIZE } from './database.ts'
import { directoryTables } from './directory.ts'
import { mailboxTables, NoSuchAccount } from './mailboxes.ts'
import { type ClaimCursors, DAMAGED, type Place, queueTables } from './queue.ts'
import { type TimelineLimits, timelineWriter } from './timeline.ts'

/**
 * The group commit. Operations that arrive while a commit is under way wait in `pending`; `commit` applies them all in one transaction,
 * syncs it, and only then answers. When a group fails, each of its operations is tried alone, so that one of them never harms the others.
 */

export type Answer = (result: StorageResult<Operations[OperationName]['out']>) => void

export interface EngineOptions {
  readonly data: string
  readonly timeline: TimelineLimits
  readonly now: () => number
  /** Said after the commit that caused it. */
  readonly notify: (notice: Notice) => void
  /** The lines of events, after their commit. */
  readonly log: (lines: readonly string[]) => void
}

/** Bytes: with more there is no need to count exactly. */
const PLENTY = 64 * RESERVE
/** Bytes and operations of one group. */
const GROUP_BYTES = 16 * 1024 * 1024
const GROUP_OPERATIONS = 1000
/** When there is little room. */
const GROUP_OPERATIONS_LOW = 50
/** Events that wait for a commit without being asked for. */
const RECORDS = 10_000

interface Pending {
  readonly asked: Asked
  readonly answer: Answer
}

/** Bytes free on the disk, and unused inside the database file, at the time `at` (ms since 1970). */
interface Space {
  readonly at: number
  readonly free: number
  readonly reusable: number
}

/** What a transaction does outside of the database once it is on disk. */
interface After {
  readonly notices: Notice[]
  readonly lines: string[]
  readonly files: Id[]
  /** Threads that are gone, with what they were receiving. */
  readonly slots: number[]
  work: boolean
}

export function openEngine(options: EngineOptions) {
  const { data, now, notify, log } = options
  const database = openWriter(data)
  const queue = queueTables(database)
  const directory = directoryTables(database)
  const mailboxes = mailboxTables(database)
  const timeline = timelineWriter(database, options.timeline, now())
  const [begin, commitNow, rollback, pages, freePages, checkpoint] = [
    'BEGIN IMMEDIATE',
    'COMMIT',
    'ROLLBACK',
    'PRAGMA page_count',
    'PRAGMA freelist_count',
    'PRAGMA wal_checkpoint(TRUNCATE)',
  ].map(sql => database.prepare(sql))
  const cursors: ClaimCursors = { destination: '', sources: new Map() }
  const isKnown = database.prepare('SELECT 1 FROM message WHERE id = ?')
  const firstId = idAt(now())
  const delays = new Map<string, number>()
  const pending: Pending[] = []
  /** Threads that ended: what they still had asked for before is not done in their name any more. */
  const gone = new Set<number>()
  let records: TimelineRecord[] = []
  let space: Space = { at: 0, free: 0, reusable: 0 }
  /** Bytes of the submissions in `pending`. */
  let promised = 0
  let shortened = 0

  /** Nothing of it happened when it failed; without room it is run a second time. What follows from it is done after the commit, and can't make it fail any more. */
  function transaction(run: (after: After) => void): StorageResult<undefined> {
    const done = attempt(run)
    return 'failed' in done && done.failed.why === 'full' && shortenLog() ? attempt(run) : done
  }

  function attempt(run: (after: After) => void): StorageResult<undefined> {
    // A batch that was scheduled before the end finds it here, and is taken up again by the next start.
    if (!database.isOpen) return { failed: { why: 'failed', detail: 'the storage is closed' } }
    const after: After = { notices: [], lines: [], files: [], slots: [], work: false }
    try {
      begin?.run()
      run(after)
      timeline.save()
      commitNow?.run()
      timeline.committed()
    } catch (error) {
      timeline.rolledBack()
      if (database.isTransaction) rollback?.run()
      return { failed: failureOf(error) }
    }
    announce(after)
    return { ok: undefined }
  }

  function announce(after: After): void {
    for (const id of after.files) removeFile(id)
    for (const slot of after.slots) sweepSlot(slot)
    for (const notice of after.notices) notify(notice)
    if (after.work) notify({ is: 'work' })
    if (after.lines.length > 0) log(after.lines)
  }

  /** Not waited for: a large file takes a ms to go. One that stays is an orphan, which the sweep at the next start removes. */
  function removeFile(id: Id): void {
    unlink(bodyPath(data, id), () => undefined)
  }

  /** What came before this start was swept then. */
  function sweepSlot(slot: number): void {
    try {
      sweepBodies(data, id => slotOfId(id) !== slot || id < firstId || isKnown.get(id) !== undefined)
    } catch {
      // The disk fails; the sweep at the next start removes them.
    }
  }

  function events(after: After, subject: Id, lines: readonly string[]): void {
    timeline.add(subject, lines)
    for (const line of lines) after.lines.push(line)
  }

  function isDelayed(destination: string): boolean {
    return delays.size > 0 && (delays.get(destination) ?? 0) > now()
  }

  function submit(submission: Operations['submit']['in'], after: After): undefined {
    if (gone.has(submission.owner)) throw new Error('the thread that received it is gone')
    queue.submit(submission)
    events(after, submission.id, submission.events)
    if (submission.entries.some(entry => entry.state === 'ready' && !isDelayed(entry.destination))) after.work = true
  }

  function settle(settlement: Operations['settle']['in'], after: After): undefined {
    if (gone.has(settlement.owner)) return
    after.files.push(
      ...queue.settle(settlement, (message, account, head) => mailboxes.deliver(message, account, head, now())),
    )
    for (const report of settlement.reports) submit(report, after)
    events(after, settlement.message, settlement.events)
    const { delay } = settlement
    if (delay) {
      if (delay.until > now()) delays.set(delay.destination, Math.max(delay.until, delays.get(delay.destination) ?? 0))
      else delays.delete(delay.destination)
      after.notices.push({ is: 'delay', ...delay, until: delays.get(delay.destination) ?? 0 })
    }
    if (settlement.results.some(result => result.is === 'ready' && !isDelayed(result.destination))) after.work = true
  }

  function claim(asked: Operations['claim']['in'], after: After): Operations['claim']['out'] {
    const { damaged, ...claimed } = queue.claim(asked, cursors, isDelayed)
    for (const message of damaged) {
      events(after, message, [eventLine(now(), { event: 'damaged', message, reason: DAMAGED })])
    }
    return claimed
  }

  function changeDirectory(change: Operations['directory']['in'], after: After): Operations['directory']['out'] {
    const result = directory.change(change, now())
    if (result === 'done') after.notices.push({ is: 'directory' })
    if (result === 'done' && change.is === 'remove-account') setImmediate(sweepMailboxes)
    return result
  }

  /** In batches, and again at the next start where it was cut off. */
  function sweepMailboxes(): void {
    let more = false
    const done = transaction(after => {
      const messages = mailboxes.sweep()
      more = messages !== undefined
      for (const message of messages ?? []) after.files.push(...queue.forget(message))
    })
    if ('ok' in done && more) setImmediate(sweepMailboxes)
  }

  /** In batches, one transaction each, so that deliveries and acceptance go on in between. */
  function change(change: Change, answer: Answer): void {
    let place: Place = { message: -1, n: -1 }
    let changed = 0
    const batch = (): void => {
      let next: Place | undefined
      let found = 0
      const result = transaction(after => {
        const part = queue.change(change, now(), place)
        found = part.changed
        after.files.push(...part.files)
        for (const message of part.messages) events(after, message, [operatorEvent(message, change, now())])
        if (FREES_DESTINATIONS.has(change.to.is)) {
          for (const destination of delays.keys()) after.notices.push({ is: 'delay', destination, until: 0 })
          delays.clear()
        }
        after.work = part.changed > 0
        next = part.next
      })
      changed += found
      if ('failed' in result) answer(result)
      else if (next === undefined) answer({ ok: changed })
      else {
        place = next
        setImmediate(batch)
      }
    }
    batch()
  }

  function apply({ name, input }: Asked, after: After): Operations[OperationName]['out'] {
    switch (name) {
      case 'submit':
        return submit(input, after)
      case 'settle':
        return settle(input, after)
      case 'claim':
        return gone.has(input.owner) ? NOTHING_CLAIMED : claim(input, after)
      case 'release':
        gone.add(input.owner)
        after.slots.push(input.slot)
        after.work = true
        return queue.release(input.owner)
      case 'directory':
        return changeDirectory(input, after)
      case 'record':
        for (const { subject, event } of input) events(after, subject, [event])
        return undefined
      case 'change':
        throw new Error('a change is not part of a group')
    }
  }

  function group(operations: readonly Pending[], recorded: readonly TimelineRecord[]): void {
    const results: Operations[OperationName]['out'][] = []
    const done = transaction(after => {
      results.length = 0
      for (const { subject, event } of recorded) events(after, subject, [event])
      for (const { asked } of operations) results.push(apply(asked, after))
    })
    if ('ok' in done) {
      for (let i = 0; i < operations.length; i++) operations[i]?.answer({ ok: results[i] })
    } else if (operations.length > 1) {
      for (const operation of operations) group([operation], [])
    } else {
      operations[0]?.answer(done)
    }
  }

  /**
   * Whether a submission of so many bytes can be taken in. What was removed leaves room inside the database file, which is used again but
   * never given back; then it is enough that the log has room. Looked up always when there is little, else four times a second.
   */
  function takeRoom(bytes: number): boolean {
    look()
    if (!fits(promised + bytes) && now() - shortened > 50 && shortenLog()) space = lookUpSpace()
    const taken = fits(promised + bytes)
    if (taken) promised += bytes
    return taken
  }

  function look(): void {
    const age = now() - space.at
    if (age > 250 || (age > 0 && space.free < PLENTY)) space = lookUpSpace()
  }

  /**
   * The log grows also by what is settled, and it must never take the room that is needed to write it back: then nothing could move any
   * more. Answers how many operations the next group may have.
   */
  function keepRoom(): number {
    look()
    if (space.free >= 2 * RESERVE) return GROUP_OPERATIONS
    if (space.free < (RESERVE / 4) * 3 && shortenLog()) space = lookUpSpace()
    return GROUP_OPERATIONS_LOW
  }

  function fits(bytes: number): boolean {
    if (space.free - bytes >= RESERVE) return true
    return space.free >= RESERVE / 2 && space.reusable - bytes >= RESERVE / 2
  }

  function lookUpSpace(): Space {
    try {
      const { bavail, bsize } = statfsSync(data)
      const free = bavail * bsize
      if (free > PLENTY) return { at: now(), free, reusable: 0 }
      // What the log will add to the file when it is written back is spoken for.
      const growth = countOf(pages?.get()) * PAGE_SIZE - statSync(databasePath(data)).size
      return { at: now(), free: free - Math.max(0, growth), reusable: countOf(freePages?.get()) * PAGE_SIZE }
    } catch {
      return { at: now(), free: 0, reusable: 0 }
    }
  }

  /** Writes the log back into the database and gives its room back to the disk: it may be as large as all that the disk had. */
  function shortenLog(): boolean {
    shortened = now()
    try {
      return checkpoint?.get()?.['busy'] === 0
    } catch {
      return false // the disk fails; whoever asked will be told so by what he does
    }
  }

  function take(): Pending[] {
    const taken: Pending[] = []
    const most = pending.length > 0 ? keepRoom() : 0
    let bytes = 0
    while (pending.length > taken.length && taken.length < most && bytes < GROUP_BYTES) {
      const next = pending[taken.length]
      if (!next) break
      bytes += sizeOf(next.asked)
      if (next.asked.name === 'submit') promised -= roomFor(next.asked)
      taken.push(next)
    }
    pending.splice(0, taken.length)
    return taken
  }

  let recovered = 0
  // Whoever had leased them is gone.
  const recovery = transaction(() => {
    recovered = queue.release(-1)
  })
  if ('failed' in recovery) throw new Error(recovery.failed.detail)

  return {
    recovered,
    newestId: () => queue.newestId(),

    ask(asked: Asked, answer: Answer): void {
      if (asked.name === 'change') change(asked.input, answer)
      else if (asked.name === 'record') {
        if (records.length < RECORDS) records.push(...asked.input)
        answer({ ok: undefined })
      } else if (asked.name === 'submit' && !takeRoom(roomFor(asked))) {
        answer({ failed: { why: 'full', detail: `less than ${RESERVE} bytes would be free` } })
      } else pending.push({ asked, answer })
    },

    /** Commits all that waits, in groups. Answers whether there is more. */
    commit(): boolean {
      const taken = take()
      if (taken.length > 0 || records.length > 0) {
        const recorded = records
        records = []
        group(taken, recorded)
      }
      return pending.length > 0
    },

    /** Moves what has become due; to be called at `nextWake`. */
    wake(): void {
      for (const [destination, until] of delays) {
        if (until > now()) continue
        delays.delete(destination)
        notify({ is: 'delay', destination, until: 0 })
        notify({ is: 'work' })
      }
      transaction(after => {
        after.work = queue.wake(now()) > 0
      })
    },

    /** ms since 1970, when `wake` has something to do; undefined: nothing waits. */
    nextWake(): number | undefined {
      let next = queue.nextWake()
      for (const until of delays.values()) if (next === undefined || until < next) next = until
      return next
    },

    /** Removes a batch of the oldest events where there are too many. Answers whether there may be more. */
    prune(): boolean {
      let more = false
      transaction(() => {
        more = timeline.prune(now())
      })
      return more
    },

    sweepMailboxes,

    /** Before much is to be written. Throws on a disk error. */
    layOut(): void {
      layOutLog(database, data)
    },

    close(): void {
      while (this.commit());
      transaction(() => timeline.saveNow())
      database.close()
    },
  }
}

/** After these an operator expects attempts at once, whatever was known of the destinations. */
const FREES_DESTINATIONS: ReadonlySet<string> = new Set(['retry', 'release', 'reroute'])

export type Engine = ReturnType<typeof openEngine>

function operatorEvent(message: Id, { to }: Change, at: number): string {
  return JSON.stringify({
    level: 30,
    time: at,
    event: 'operator',
    message: formatId(message),
    order: to.is,
    ...('reason' in to ? { reason: to.reason } : {}),
  })
}

function sizeOf(asked: Asked): number {
  if (asked.name !== 'submit') return 500
  const { content } = asked.input
  return 1000 + (content.in === 'memory' ? content.bytes.length : content.head.length)
}

const NOTHING_CLAIMED: Operations['claim']['out'] = { works: [], more: false }

/** Bytes that a submission takes on the disk, about: the pages around it are written to the log with it. */
function roomFor(asked: Asked): number {
  return sizeOf(asked) + 2 * PAGE_SIZE
}

const countOf = (row: Record<string, SQLOutputValue> | undefined): number => Number(Object.values(row ?? {})[0] ?? 0)

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

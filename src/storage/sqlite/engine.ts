import { unlink } from 'node:fs'
import { eventLine } from '../../log/events.ts'
import { type Id, idAt, slotOfId } from '../../mail/id.ts'
import { bodyPath, RESERVE, sweepBodies } from '../bodies.ts'
import type { Notice, OperationName, Operations, StorageResult, TimelineRecord } from '../operations.ts'
import type { Asked } from '../wire.ts'
import { layOutLog, openWriter } from './database.ts'
import { descriptionTables } from './descriptions.ts'
import { directoryTables } from './directory.ts'
import { keywordTables } from './keywords.ts'
import { openLedger } from './ledger.ts'
import { mailTable } from './mail.ts'
import { mailboxTables } from './mailboxes.ts'
import { messageTables } from './messages.ts'
import { operatorChanges } from './operator.ts'
import { packedTable } from './packed.ts'
import { type ClaimCursors, DAMAGED, queueTables } from './queue.ts'
import { diskRoom } from './room.ts'
import { roomFor, sizeOf } from './sizes.ts'
import { sweeper } from './sweep.ts'
import { type TimelineLimits, timelineWriter } from './timeline.ts'
import { type After, transactions } from './transaction.ts'
import { vanishedTable } from './vanished.ts'

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

/** Bytes of one group. */
const GROUP_BYTES = 16 * 1024 * 1024
/** Events that wait for a commit without being asked for. */
const RECORDS = 10_000

interface Pending {
  readonly asked: Asked
  readonly answer: Answer
}

export function openEngine(options: EngineOptions) {
  const { data, now, notify, log } = options
  const database = openWriter(data)
  const ledger = openLedger(database)
  const messages = messageTables(database)
  const queue = queueTables(database, messages)
  const descriptions = descriptionTables(database, ledger)
  const keywords = keywordTables(database)
  const vanished = vanishedTable(database)
  const packed = packedTable(database, ledger)
  const mail = mailTable(database, { ledger, messages, descriptions, keywords, vanished, packed })
  const mailboxes = mailboxTables(database, { ledger, keywords, vanished, packed })
  const directory = directoryTables(database, ledger, mailboxes)
  const sweep = sweeper(database, messages.forget, packed)
  const timeline = timelineWriter(database, options.timeline, now())
  const room = diskRoom(database, data, now)
  const transaction = transactions(database, [ledger, timeline], room.shortenLog, announce)
  const change = operatorChanges({ transaction, queue, now, events, freeDestinations })
  const cursors: ClaimCursors = { destination: '', sources: new Map() }
  const isKnown = database.prepare('SELECT 1 FROM message WHERE id = ?')
  const firstId = idAt(now())
  const delays = new Map<string, number>()
  const pending: Pending[] = []
  /** Threads that ended: what they still had asked for before is not done in their name any more. */
  const gone = new Set<number>()
  let records: TimelineRecord[] = []
  /** A batch is to come. */
  let sweeping = false

  function announce(after: After): void {
    for (const id of after.files) removeFile(id)
    for (const slot of after.slots) sweepSlot(slot)
    for (const notice of after.notices) notify(notice)
    const changed = after.changed.list()
    if (changed.length > 0) notify({ is: 'mailboxes', changed })
    if (after.undescribed) notify({ is: 'undescribed' })
    if (after.work) notify({ is: 'work' })
    if (after.sweep) sweepLater()
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

  function freeDestinations(after: After): void {
    for (const destination of delays.keys()) after.notices.push({ is: 'delay', destination, until: 0 })
    delays.clear()
  }

  function mustLive(owner: number): void {
    if (gone.has(owner)) throw new Error('the thread that received it is gone')
  }

  function submit(submission: Operations['submit']['in'], after: After): undefined {
    mustLive(submission.owner)
    queue.submit(submission)
    if (submission.description) descriptions.add(submission.id, submission.description)
    for (const { account, head } of submission.stored) deliver(submission.id, account, head, after)
    events(after, submission.id, submission.events)
    if (submission.entries.some(entry => entry.state === 'ready' && !isDelayed(entry.destination))) after.work = true
  }

  function deliver(message: Id, account: number, head: string, after: After): void {
    mail.deliver(mailboxes.inbox(account, now(), after), message, head, now(), after)
  }

  function settle(settlement: Operations['settle']['in'], after: After): undefined {
    if (gone.has(settlement.owner)) return
    after.files.push(...queue.settle(settlement, (message, account, head) => deliver(message, account, head, after)))
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

  function changeDirectory(of: Operations['directory']['in'], after: After): Operations['directory']['out'] {
    const result = directory.change(of, now(), after)
    if (result === 'done') after.notices.push({ is: 'directory' })
    return result
  }

  /** What is left to be removed, in batches, and again at the next start where it was cut off. */
  function sweepMailboxes(): void {
    sweeping = false
    let more = false
    const done = transaction(after => {
      const files = sweep.step()
      more = files !== undefined
      if (files) after.files.push(...files)
    })
    if ('ok' in done && more) sweepLater()
  }

  function sweepLater(): void {
    if (!sweeping) setImmediate(sweepMailboxes)
    sweeping = true
  }

  function release({ owner, slot }: Operations['release']['in'], after: After): number {
    gone.add(owner)
    after.slots.push(slot)
    after.work = true
    return queue.release(owner)
  }

  function append(of: Operations['append']['in'], after: After): Operations['append']['out'] {
    mustLive(of.owner)
    return mail.append(of, now(), after)
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
        return release(input, after)
      case 'directory':
        return changeDirectory(input, after)
      case 'append':
        return append(input, after)
      case 'store':
        return mail.store(input, after)
      case 'copy':
        return mail.copy(input, now(), after)
      case 'expunge':
        return mail.expunge(input, after)
      case 'mailbox':
        return mailboxes.change(input, now(), after)
      case 'describe':
        return descriptions.describe(input)
      case 'index':
        return descriptions.index(input)
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

  function take(): Pending[] {
    const taken: Pending[] = []
    const most = pending.length > 0 ? room.operations() : 0
    let bytes = 0
    while (pending.length > taken.length && taken.length < most && bytes < GROUP_BYTES) {
      const next = pending[taken.length]
      if (!next) break
      bytes += sizeOf(next.asked)
      room.give(roomFor(next.asked))
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
      } else if (roomFor(asked) > 0 && !room.take(roomFor(asked))) {
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

export type Engine = ReturnType<typeof openEngine>

const NOTHING_CLAIMED: Operations['claim']['out'] = { works: [], more: false }

/**
 * The queue in motion, one per protocol thread. Work comes in two ways: what this thread accepted and leased in the same commit (`reserve`,
 * then `accept`), delivered at once from memory; and what it claims from the storage when that says that something is ready. Both wait in the
 * lane of their destination, which delivers a few at a time. Whatever becomes of an attempt is settled in one transaction.
 */
import type { Event } from '../log/events.ts'
import { type Content, contentSize } from '../mail/content.ts'
import type { Id } from '../mail/id.ts'
import { type ClaimedWork, type Entry, type Notice, REPORT } from '../storage/operations.ts'
import type { Storage } from '../storage/storage.ts'
import { createHealth } from './health.ts'
import { type Hold, type Job, Lane } from './lanes.ts'
import { settleReports } from './overdue.ts'
import { createRecorder, kept } from './recorder.ts'
import type { Reporter } from './report.ts'
import type { Routing } from './routing.ts'
import { nextDue, type RetrySettings } from './schedule.ts'
import { type Attempted, type Result, settle } from './settle.ts'
import { recipientOf, type Work } from './work.ts'

/** Jobs of one source and of all that may wait in memory for one destination, straight from acceptance. */
const HOT_PER_SOURCE = 200
const HOT_PER_LANE = 400
/**
 * Jobs claimed: wanted when a lane has fewer than LOW, CLAIM at once, and at most ROOM wait in all. There is room for many slow destinations
 * beside each other, lest what they have waiting keep the others' work on the disk.
 */
const LOW = 64
const CLAIM = 512
const ROOM = 4096
/**
 * Deliveries of this thread at the same time. The second half is for destinations that have hardly anything under way (a FEW-th of their share),
 * lest slow ones take everything.
 */
const ACTIVE = 2000
const FEW = 20
/** Destinations of other threads that are remembered. */
const NOT_OURS = 1000
/** Reports being made at the same time. */
const REPORTS = 4

/** Bytes that a message takes in memory besides its content: job, entries, envelope. */
const BESIDES = 4096

export interface RunnerOptions {
  readonly owner: number
  readonly storage: Storage
  /** The content of a message that was claimed; undefined: it is not there. */
  readonly content: (message: Id) => Content | undefined
  /** One attempt; one result per recipient, in their order. Never rejects. */
  readonly attempt: (
    work: Work,
    content: Content,
    recipients: readonly Attempted['recipient'][],
  ) => Promise<readonly Result[]>
  readonly routing: Routing
  readonly reporter: Reporter
  readonly retry: RetrySettings
  /** Bytes of accepted messages that may wait here in memory. */
  readonly memory: number
  readonly now: () => number
  /** 0 to 1 */
  readonly chance: () => number
  readonly sleep: (ms: number) => Promise<void>
}

export function createRunner(options: RunnerOptions) {
  const { storage, routing, now, chance } = options
  const recorder = createRecorder(options)
  const health = createHealth(options)
  const lanes = new Map<string, Lane>()
  /** Destinations that only other threads deliver to, as far as we came across them. */
  const notOurs = new Set<string>()
  /** Lanes that could not begin because of ACTIVE, in the order of their turns: with hardly anything under way, and the others. */
  const crowdedOut = { few: new Set<Lane>(), more: new Set<Lane>() }
  let held = 0
  let claimed = 0
  let active = 0
  let backlog = true
  let claiming = false
  let stopping = false
  let idle: (() => void) | undefined

  function lane(destination: string): Lane {
    const known = lanes.get(destination)
    if (known) return known
    const fresh = new Lane(destination)
    health.recall(fresh)
    lanes.set(destination, fresh)
    return fresh
  }

  function share(destination: string): { readonly concurrency: number; readonly rate: number | undefined } {
    return destination === REPORT ? { concurrency: REPORTS, rate: undefined } : routing.share(destination)
  }

  // In: what was accepted here.

  /** Whether this source's message may be delivered from memory; otherwise it goes to the disk as ready and is claimed in its turn. */
  function mayLease(destination: string, source: string, bytes: number): boolean {
    if (stopping || held + bytes > options.memory || share(destination).concurrency === 0) return false
    const known = lanes.get(destination)
    return (
      known === undefined || (known.until <= now() && known.waiting < HOT_PER_LANE && known.of(source) < HOT_PER_SOURCE)
    )
  }

  // In: what was claimed.

  function wantsWork(): boolean {
    return backlog && !claiming && !stopping && claimed <= ROOM - CLAIM && active < ACTIVE
  }

  function claimSoon(): void {
    if (!wantsWork()) return
    claiming = true
    const except = []
    for (const of of lanes.values()) {
      const waits = of.until > now() // the storage knows that itself
      if (!waits && of.waiting < LOW && share(of.destination).concurrency > 0) continue
      of.backlog = true
      if (!waits) except.push(of.destination)
    }
    const others = [...notOurs].filter(destination => share(destination).concurrency === 0)
    backlog = false
    void storage.ask('claim', { owner: options.owner, room: CLAIM, except: [...except, ...others] }).then(answer => {
      claiming = false
      if ('failed' in answer) {
        void options.sleep(1000).then(work)
        return
      }
      const { works, more } = answer.ok
      for (const of of works) takeClaimed(of)
      // Nothing, but more: all that was looked at has to wait. Not asked again and again.
      if (more && works.length === 0) void options.sleep(1000).then(work)
      else backlog ||= more
      claimSoon()
    })
  }

  function takeClaimed(of: ClaimedWork): void {
    const byDestination = Map.groupBy(of.entries, entry => entry.destination)
    for (const [destination, entries] of byDestination) {
      if (share(destination).concurrency === 0) {
        leaveToOthers({ ...of, entries, destination, content: undefined })
        continue
      }
      claimed++
      const into = lane(destination)
      into.add({ work: { ...of, entries, destination, content: undefined }, hold: undefined })
      if (into.until > now()) giveBack(into)
      else pump(into)
    }
  }

  /** Its few deliveries at once are another thread's. */
  function leaveToOthers(work: Work): void {
    notOurs.add(work.destination)
    for (const oldest of notOurs) {
      if (notOurs.size <= NOT_OURS) break
      notOurs.delete(oldest)
    }
    void putBack(work)
  }

  function work(): void {
    backlog = true
    claimSoon()
  }

  // Out.

  /** Begins as many deliveries to the destination as there may be now. */
  function pump(of: Lane): void {
    if (of.waiting === 0 || stopping) return
    const { concurrency, rate } = share(of.destination)
    // Whether a destination is well again is found out with one message, not with as many as it may have.
    const most = Math.min(concurrency, of.failures > 0 ? 1 : of.limit)
    while (of.active < most && of.until <= now()) {
      const few = of.active * FEW < concurrency
      if (active >= (few ? ACTIVE : ACTIVE / 2)) {
        const line = few ? crowdedOut.few : crowdedOut.more
        line.add(of)
        return
      }
      if (rate !== undefined && of.nextStart > now()) {
        if (of.active === 0) void options.sleep(of.nextStart - now()).then(() => pump(of))
        return
      }
      const job = of.take()
      if (!job) return
      if (rate !== undefined) of.nextStart = Math.max(now(), of.nextStart) + 1000 / rate
      of.active++
      active++
      if (!job.hold) claimed--
      void run(of, job)
    }
  }

  /** A delivery has ended: those that found no room come first, and its own destination after them. */
  function pumpNext(own: Lane): void {
    const { few, more } = crowdedOut
    if (few.size > 0 || more.size > 0) {
      for (const of of few) {
        if (active >= ACTIVE) break
        few.delete(of)
        pump(of)
      }
      for (const of of more) {
        if (active >= ACTIVE / 2) break
        more.delete(of)
        pump(of)
      }
    }
    pump(own)
  }

  async function run(of: Lane, job: Job): Promise<void> {
    const started = now()
    let over = false
    const finished = () => {
      if (over) return
      over = true
      of.active--
      active--
      pumpNext(of)
      refill(of)
    }
    try {
      const content = job.work.content ?? options.content(job.work.message)
      if (content === undefined) {
        finished()
        await recorder.damaged(job.work, job.work.entries, 'its content is missing')
      } else if (of.destination === REPORT) {
        await report(job.work, content)
        finished()
      } else {
        await deliver(of, job.work, content, started, finished)
      }
    } catch (error) {
      // The disk, or a mistake of ours that this message brings out: it must not take the others with it.
      finished()
      await postpone(job.work, error instanceof Error ? error.message : String(error))
    }
    freed(job)
  }

  async function postpone(work: Work, trouble: string): Promise<void> {
    const reason = `it could not be handled here: ${trouble}`
    const results = work.entries.map(({ n, destination, attempts, notice, expires }) => ({
      n,
      is: expires > now() ? ('waiting' as const) : ('held' as const),
      destination,
      attempts: attempts + 1,
      due: nextDue(attempts + 1, now(), chance(), options.retry),
      notice,
      reply: reason,
    }))
    const events = [{ event: 'damaged' as const, message: work.message, reason }]
    await recorder.record(work, undefined, { results, notices: [], events }, undefined)
  }

  async function deliver(of: Lane, work: Work, content: Content, started: number, finished: () => void): Promise<void> {
    const [sound, broken] = understand(work.entries)
    if (broken.length > 0) await recorder.damaged(work, broken, 'the address cannot be read')
    const outcomes =
      sound.length === 0
        ? []
        : await options.attempt(
            work,
            content,
            sound.map(({ recipient }) => recipient),
          )
    const attempted = sound.flatMap(({ entry, recipient }, i) => {
      const result = outcomes[i]
      return result ? [{ entry, recipient, result }] : []
    })
    const trouble = attempted.find(({ result }) => result.is === 'deferred' && result.of === 'destination')
    const destinationWaits = trouble !== undefined && of.lastSuccess < started
    // It takes others well, but not as many at once.
    if (trouble && !destinationWaits) health.narrow(of, of.active - 1)
    const delay = destinationWaits
      ? health.failed(of, attempted)
      : health.succeeded(of, attempted, share(of.destination).concurrency)
    finished()
    const settled = settle(work, attempted, { ...options.retry, now: now(), jitter: chance(), destinationWaits })
    const noted: Event[] =
      delay && trouble && delay.until > 0
        ? [{ event: 'destination-delayed', message: work.message, reason: reasonOf(trouble.result), ...delay }]
        : []
    await recorder.record(work, content, { ...settled, events: [...settled.events, ...noted] }, delay)
    if (destinationWaits) giveBack(of)
  }

  /** What waits for a destination in trouble goes back to the disk, so that memory stays free for the others. */
  function giveBack(of: Lane): void {
    for (let job = of.take(); job; job = of.take()) {
      if (!job.hold) claimed--
      void putBack(job.work).then(() => freed(job))
    }
    of.backlog = true
  }

  function putBack(work: Work): Promise<void> {
    const results = work.entries.map(entry => kept(entry, 'ready'))
    return recorder.record(work, undefined, { results, notices: [], events: [] }, undefined)
  }

  async function report(work: Work, content: Content): Promise<void> {
    const [sound, broken] = understand(work.entries)
    if (broken.length > 0) await recorder.damaged(work, broken, 'the address cannot be read')
    await recorder.record(work, content, settleReports(work, sound, routing, now()), undefined)
  }

  function understand(entries: readonly Entry[]): [{ entry: Entry; recipient: Attempted['recipient'] }[], Entry[]] {
    const sound: { entry: Entry; recipient: Attempted['recipient'] }[] = []
    const broken: Entry[] = []
    for (const entry of entries) {
      const recipient = recipientOf(entry)
      if (recipient) sound.push({ entry, recipient })
      else broken.push(entry)
    }
    return [sound, broken]
  }

  /** Nothing of it is under way any more. */
  function freed({ hold }: Job): void {
    if (hold && --hold.works === 0) held -= hold.bytes
    endIfIdle()
  }

  function refill(of: Lane): void {
    if (of.backlog && of.waiting < LOW / 2 && of.until <= now()) {
      of.backlog = false
      backlog = true
    }
    if (of.isIdle(now())) lanes.delete(of.destination)
    claimSoon()
    endIfIdle()
  }

  function endIfIdle(): void {
    if (active === 0 && !recorder.isBusy) idle?.()
  }

  return {
    /**
     * Before the commit: which of these destinations can be leased to this thread and kept in memory. The bytes are set aside;
     * `accept` or `drop` must follow.
     */
    reserve(
      destinations: readonly string[],
      source: string,
      content: Content,
    ): { readonly leased: ReadonlySet<string>; readonly hold: Hold } {
      const bytes = BESIDES + (content.in === 'memory' ? contentSize(content) : content.head.length)
      const leased = new Set(destinations.filter(destination => mayLease(destination, source, bytes)))
      if (leased.size > 0) held += bytes
      return { leased, hold: { bytes, works: leased.size } }
    },

    /** After the commit. */
    accept(works: readonly Work[], hold: Hold): void {
      for (const of of works) {
        const into = lane(of.destination)
        into.add({ work: of, hold })
        pump(into)
      }
    },

    /** The commit failed. */
    drop(hold: Hold): void {
      if (hold.works > 0) held -= hold.bytes
    },

    /** What the storage says unasked. */
    notice(notice: Notice): void {
      if (notice.is === 'work') work()
      else if (notice.is === 'delay') {
        // What waits for it on the disk can be claimed from now on, and could not a moment before.
        if (notice.until === 0) work()
        const of = notice.until > 0 ? lane(notice.destination) : lanes.get(notice.destination)
        if (!of) return
        of.until = notice.until
        if (of.until > now()) {
          health.told(of)
          giveBack(of)
        }
        pump(of)
        refill(of)
      }
    },

    /** Begins to claim. */
    start: work,

    /** Starts nothing new, and waits for what is under way, until it is on disk what became of it. */
    async stop(): Promise<void> {
      stopping = true
      if (active > 0 || recorder.isBusy) await new Promise<void>(resolve => (idle = resolve))
    },

    /** For the metrics. */
    get state() {
      return { active, held, claimed, lanes: lanes.size }
    },
  }
}

export type Runner = ReturnType<typeof createRunner>

function reasonOf(result: Result): string {
  return result.is === 'deferred' ? result.reason : ''
}

/** What became of work, on its way to the disk: one transaction for each attempt, repeated until it is there. */
import { type Event, eventLine } from '../log/events.ts'
import type { Content } from '../mail/content.ts'
import type { Entry, EntryResult, Settlement } from '../storage/operations.ts'
import type { Storage } from '../storage/storage.ts'
import { makeReport, type Reporter } from './report.ts'
import type { Settled } from './settle.ts'
import type { Work } from './work.ts'

export interface RecorderOptions {
  readonly owner: number
  readonly storage: Storage
  readonly reporter: Reporter
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** The entry goes on as it was, in this state. */
export function kept(entry: Entry, is: 'ready' | 'held', reply = entry.reply): EntryResult {
  const { n, destination, attempts, due, notice } = entry
  return { n, is, destination, attempts, due, notice, reply }
}

export function createRecorder({ owner, storage, reporter, now, sleep }: RecorderOptions) {
  let recording = 0

  /** Tried until it is on disk: nothing that was done may be forgotten. */
  async function store(work: Work, settled: Settled, settlement: Settlement): Promise<void> {
    for (let wait = 100; ; wait = Math.min(10_000, wait * 2)) {
      const answer = await storage.ask('settle', settlement)
      if ('ok' in answer) return
      if (answer.failed.why === 'conflict') return orphaned(work, settled)
      await sleep(wait)
    }
  }

  /** The account was removed while its mail was under way: the next attempt finds that out and tells the sender. */
  async function orphaned(work: Work, settled: Settled): Promise<void> {
    const again = new Set(settled.results.filter(result => result.is === 'stored').map(result => result.n))
    if (again.size === 0) return
    const rest = settled.results.filter(result => !again.has(result.n))
    const results = work.entries.filter(entry => again.has(entry.n)).map(entry => kept(entry, 'ready'))
    await record(work, undefined, { results: [...rest, ...results], notices: [], events: [] }, undefined)
  }

  /** One transaction for all that came of it, the reports about it too. `content`: needed where there are notices. */
  async function record(
    work: Work,
    content: Content | undefined,
    settled: Settled,
    delay: Settlement['delay'],
  ): Promise<void> {
    recording++
    try {
      const { message } = work
      const events: Event[] = [...settled.events]
      const reports = []
      if (settled.notices.length > 0 && content) {
        const about = { message, at: work.at, envelope: work.envelope, content }
        const made = await makeReport(about, settled.notices, reporter)
        events.push(made.event)
        if (made.report) reports.push(made.report)
      }
      const time = now()
      const lines = events.map(event => eventLine(time, event))
      await store(work, settled, { owner, message, results: settled.results, reports, delay, events: lines })
    } finally {
      recording--
    }
  }

  return {
    record,

    /** Set aside, with an event; an operator can look at it, and the rest goes on. */
    async damaged(work: Work, entries: readonly Entry[], reason: string): Promise<void> {
      const results = entries.map(entry => kept(entry, 'held', reason))
      const events: Event[] = [{ event: 'damaged', message: work.message, reason }]
      await record(work, undefined, { results, notices: [], events }, undefined)
    },

    /** Something is not on disk yet. */
    get isBusy() {
      return recording > 0
    },
  }
}

export type Recorder = ReturnType<typeof createRecorder>

import type { Work } from './work.ts'

/** Bytes of a message in memory, shared by its works. */
export interface Hold {
  readonly bytes: number
  works: number
}

export interface Job {
  readonly work: Work
  /** undefined: it was claimed, its content is still on disk. */
  readonly hold: Hold | undefined
}

/**
 * What one thread has in hand for one destination. Jobs wait by source and go out in turn, so that a source with thousands never stands
 * before one with a single message.
 */
export class Lane {
  readonly destination: string
  readonly #turns = new Map<string, Job[]>()
  /** Jobs waiting, and jobs being delivered. */
  waiting = 0
  active = 0
  /** Not before this time (ms since 1970): the destination itself was in trouble. */
  until = 0
  /** Troubles since the last success. */
  failures = 0
  /** Deliveries at once that its hosts have been seen to take; Infinity: as many as we may. */
  limit = Infinity
  /** When that was last changed, in ms since 1970. */
  limitedAt = 0
  /** ms since 1970 */
  lastSuccess = 0
  /** Not before, because of the rate (ms since 1970). */
  nextStart = 0
  /** More of it waits on disk. */
  backlog = false

  constructor(destination: string) {
    this.destination = destination
  }

  add(job: Job): void {
    const { source } = job.work
    const line = this.#turns.get(source)
    if (line) line.push(job)
    else this.#turns.set(source, [job])
    this.waiting++
  }

  /** The next job of the source whose turn it is; its source goes to the end of the round. */
  take(): Job | undefined {
    for (const [source, line] of this.#turns) {
      const job = line.shift()
      this.#turns.delete(source)
      if (line.length > 0) this.#turns.set(source, line)
      if (job === undefined) continue
      this.waiting--
      return job
    }
    return undefined
  }

  /** How many jobs of this source wait. */
  of(source: string): number {
    return this.#turns.get(source)?.length ?? 0
  }

  /** Nothing is known of it that anybody will ask for. */
  isIdle(now: number): boolean {
    return this.waiting === 0 && this.active === 0 && this.until === 0 && this.nextStart <= now && !this.backlog
  }
}

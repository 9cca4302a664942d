/** Time and turns of a world in one process: nothing happens but what stands in its two lists, so a run is the same each time. */

const HOUR = 3_600_000
const UNITS: Readonly<Record<string, number>> = { s: 1000, min: 60_000, hour: HOUR, day: 24 * HOUR }

/** '5 days', '90 min', or ms. */
export function msOf(duration: string | number): number {
  if (typeof duration === 'number') return duration
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ([a-z]+?)s?$/.exec(duration) ?? []
  const ms = UNITS[unit]
  if (count === undefined || ms === undefined) throw new Error(`not a duration: ${duration}`)
  return Number(count) * ms
}

export interface Clock {
  /** ms since 1970 */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** Calls it at that time, or right away when that is over. */
  readonly at: (time: number, call: () => void) => void
  /** Calls it in the next turn, after all that was asked for before. */
  readonly soon: (call: () => void) => void
  /** The time of the next call; undefined: there is none. */
  readonly next: () => number | undefined
  /** Makes it this late, and calls what is due. */
  readonly moveTo: (time: number) => void
  /** Turns, until nothing happens any more at this time. */
  readonly settle: () => Promise<void>
  /** Calls it between two tasks, after so many of them. Only one at a time. */
  readonly interrupt: (tasks: number, call: () => void) => void
}

/** Rounds without a task after which nothing is expected any more: promises have gone through, and what used setImmediate too. */
const QUIET = 4
/** Turns at one and the same moment, after which the world is taken to go in circles. */
const MOST_TURNS = 2_000_000

export function createClock(start: number): Clock {
  let now = start
  let order = 0
  let timers: { readonly time: number; readonly order: number; readonly call: () => void }[] = []
  let tasks: (() => void)[] = []
  let interruption: { left: number; readonly call: () => void } | undefined

  function moveTo(time: number): void {
    now = Math.max(now, time)
    const due = timers.filter(timer => timer.time <= now).sort((a, b) => a.time - b.time || a.order - b.order)
    if (due.length === 0) return
    timers = timers.filter(timer => timer.time > now)
    for (const { call } of due) call()
  }

  return {
    now: () => now,
    sleep: ms => new Promise(resolve => timers.push({ time: now + Math.max(0, ms), order: order++, call: resolve })),
    at: (time, call) => void timers.push({ time, order: order++, call }),
    soon: call => void tasks.push(call),
    next: () => timers.reduce<number | undefined>((first, { time }) => Math.min(first ?? time, time), undefined),
    moveTo,
    interrupt(left, call) {
      interruption = { left, call }
    },
    async settle() {
      for (let turns = 0, quiet = 0; quiet < QUIET; turns++) {
        await new Promise(resolve => setImmediate(resolve))
        const batch = tasks
        tasks = []
        quiet = batch.length === 0 ? quiet + 1 : 0
        for (const task of batch) {
          task()
          if (interruption && --interruption.left <= 0) {
            const { call } = interruption
            interruption = undefined
            call()
          }
        }
        if (turns > MOST_TURNS) throw new Error('the world does not come to rest')
      }
    },
  }
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
export function createChance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

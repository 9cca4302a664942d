/**
 * Deadlines of thousands of sessions with one timer per thread: a wheel of slots, each a set of what may be over at that tick. A deadline
 * that is moved later, as every command does, only changes a number; its slot finds out when the hand gets there.
 */

/** What can have a deadline. Both numbers start as 0 and belong to the wheel. */
export interface Timed {
  /** The tick at which it is over; 0: no deadline. */
  expires: number
  /** The tick of the slot that holds it; 0: none. */
  slot: number
  /** Called once; the deadline is gone then. */
  expired(): void
}

export interface Deadlines {
  /** In `ms` from now, up to a second late, never early; undefined: none. */
  set(item: Timed, ms: number | undefined): void
  /** ms until it is over, rounded up; undefined: it has none. */
  remaining(item: Timed): number | undefined
  /** Forgets the item. To be called when it ends, or the wheel keeps it in memory for a while. */
  remove(item: Timed): void
}

export interface Wheel extends Deadlines {
  /** One tick has gone by. */
  advance(): void
  /** Items it holds, among them some whose deadline was cleared. */
  readonly size: number
}

/** ms */
export const TICK = 500

/** Longer deadlines than these ticks (over eight minutes) travel round more than once. */
const SLOTS = 1024

/** The wheel without its clock. */
export function createWheel(): Wheel {
  const slots: (Set<Timed> | undefined)[] = Array.from({ length: SLOTS })
  let now = 1
  let size = 0

  function insert(item: Timed): void {
    item.slot = Math.min(item.expires, now + SLOTS - 1)
    const slot = (slots[item.slot % SLOTS] ??= new Set())
    slot.add(item)
    size++
  }

  function remove(item: Timed): void {
    item.expires = 0
    if (item.slot === 0) return
    slots[item.slot % SLOTS]?.delete(item)
    item.slot = 0
    size--
  }

  return {
    get size() {
      return size
    },
    set(item, ms) {
      if (ms === undefined) {
        item.expires = 0
        return
      }
      // One more, because the tick under way has partly gone by.
      const expires = now + Math.ceil(Math.max(0, ms) / TICK) + 1
      if (item.slot !== 0 && item.slot <= expires) {
        item.expires = expires
        return
      }
      remove(item)
      item.expires = expires
      insert(item)
    },
    remaining(item) {
      return item.expires === 0 ? undefined : Math.max(0, item.expires - now - 1) * TICK
    },
    remove,
    advance() {
      now++
      const due = slots[now % SLOTS]
      if (due === undefined) return
      slots[now % SLOTS] = undefined
      size -= due.size
      for (const item of due) item.slot = 0
      for (const item of due) {
        // An item that another one's end removed, or gave a new deadline and so a slot, is no longer ours.
        if (item.expires === 0 || item.slot !== 0) continue
        if (item.expires > now) {
          insert(item)
        } else {
          item.expires = 0
          item.expired()
        }
      }
    },
  }
}

/** A wheel that the thread's own clock turns while it holds anything; it doesn't keep the process alive. */
export function createDeadlines(): Deadlines {
  const wheel = createWheel()
  let timer: NodeJS.Timeout | undefined
  let last = 0

  function turn(): void {
    // After a stall of the event loop the ticks that were missed are made up for.
    for (let missed = Math.floor((performance.now() - last) / TICK); missed > 0; missed--) {
      last += TICK
      wheel.advance()
    }
    if (wheel.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    set(item, ms) {
      wheel.set(item, ms)
      if (timer !== undefined || wheel.size === 0) return
      last = performance.now()
      timer = setInterval(turn, TICK)
      timer.unref()
    },
    remaining: item => wheel.remaining(item),
    remove: item => wheel.remove(item),
  }
}

/** The one of this thread. */
export const threadDeadlines: Deadlines = createDeadlines()

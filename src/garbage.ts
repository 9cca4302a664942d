/** Memory that V8 would keep until it is short of it, given back while nothing else is to be done: of starting up, and of many log-ins at once. */
import { performance, type EventLoopUtilization } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Of the thread that calls. A pause of some 20 ms, after which a third less is taken up; a plain collection would give nothing back. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc') // of the whole process, and another thread may be here too: it stays
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Of the thread that calls, when it has started: what only the start needed goes as well, its code above all (1 MB and more a thread). */
export function collectAfterStart(): void {
  // How many collections a function may sleep through before its code goes. Of the whole process, too: who else collects now does the same.
  setFlagsFromString('--bytecode-old-age=1')
  collectGarbage()
  setFlagsFromString('--bytecode-old-age=6') // as it was
}

/** ms between two looks. */
const LOOK = 2000
/** Part of the time that a thread may be busy and yet be called idle. */
const IDLE = 0.02
/** Bytes that have to have come together to be worth it. */
const WORTH = 2 * 1024 * 1024

/** Collects whenever the calling thread is idle and holds more than after the last time. Keeps no thread alive. */
export function collectWhenIdle(): void {
  let least = getHeapStatistics().total_heap_size
  let before: EventLoopUtilization = performance.eventLoopUtilization()
  const look = (): void => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > IDLE || getHeapStatistics().total_heap_size < least + WORTH) return
    collectGarbage()
    least = getHeapStatistics().total_heap_size
  }
  setInterval(look, LOOK).unref()
}

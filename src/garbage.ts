/** What starting up leaves behind is collected once, in the thread that calls: about a third of its memory, which V8 would keep until it is short. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc') // of the whole process, and another thread may be here too: it stays
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect === 'function') collect()
}

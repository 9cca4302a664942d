import type { Collector, ReceiveBudget } from './collector.ts'

/** Bytes of one content that wait for its reader before the peer has to wait. */
const UNREAD = 256 * 1024

/** What reading a body fails with when the content doesn't come to its end: the client is gone, or it was too large or malformed. */
export class Aborted extends Error {
  override readonly name = 'Aborted'
}

/** A content that is handed to one reader as it comes in, and kept nowhere. */
export interface BodyCollector extends Collector {
  /** Header and body with CRLF line ends, dots unstuffed, in chunks. Can be read once. */
  readonly body: AsyncIterable<Uint8Array>
  /** It was refused or has broken off. */
  readonly aborted: boolean
  /** All of it is here. */
  end(): void
  /** The reader wants no more; what still comes is dropped. */
  release(): void
}

/** `budget`: of all contents together; beyond it each of them waits until its reader has nothing left. */
export function collectBody(budget: ReceiveBudget): BodyCollector {
  const parts: Buffer[] = []
  let unread = 0
  let at: 'coming' | 'complete' | 'released' | 'aborted' = 'coming'
  let wakeReader: (() => void) | undefined
  let wakePeer: (() => void) | undefined
  let taken = false

  function count(bytes: number): void {
    unread += bytes
    budget.used += bytes
  }

  function isFull(): boolean {
    return at === 'coming' && unread > 0 && (unread >= UNREAD || budget.used >= budget.limit)
  }

  function wake(): void {
    wakeReader?.()
    wakeReader = undefined
    if (isFull()) return
    wakePeer?.()
    wakePeer = undefined
  }

  function close(how: 'released' | 'aborted'): void {
    if (at === 'released' || at === 'aborted') return
    at = how
    parts.length = 0
    count(-unread)
    wake()
  }

  async function* read(): AsyncGenerator<Uint8Array, void> {
    if (taken) throw new Error('a body can be read once')
    taken = true
    try {
      for (;;) {
        const part = parts.shift()
        if (part) {
          count(-part.length)
          wake()
          yield part
        } else if (at === 'coming') {
          await new Promise<void>(resolve => {
            wakeReader = resolve
          })
        } else if (at === 'aborted') {
          throw new Aborted('the content did not come to its end')
        } else return
      }
    } finally {
      close('released')
    }
  }

  return {
    body: { [Symbol.asyncIterator]: read },
    get aborted() {
      return at === 'aborted'
    },
    take(part) {
      if (at !== 'coming' || part.length === 0) return
      parts.push(part)
      count(part.length)
      wakeReader?.()
      wakeReader = undefined
    },
    pressure() {
      if (!isFull()) return undefined
      return new Promise(resolve => {
        wakePeer = resolve
      })
    },
    discard: () => close('aborted'),
    end() {
      if (at !== 'coming') return
      at = 'complete'
      wake()
    },
    release: () => close('released'),
  }
}

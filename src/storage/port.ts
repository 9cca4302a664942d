import type { MessagePort } from 'node:worker_threads'
import type { Notice, OperationName, Operations, StorageResult, TimelineRecord } from './operations.ts'
import type { Storage } from './storage.ts'

export type { Storage } from './storage.ts'
import type { Asked, FromStorage } from './wire.ts'

/** Events that wait for the next batch. */
const RECORDS = 2000

type AnyResult = StorageResult<Operations[OperationName]['out']>

/** The storage as seen over a port to its thread. `closed` answers everything that still waits, as failed. */
export function storageOver(port: MessagePort, onNotice: (notice: Notice) => void): Storage & { closed(): void } {
  const waiting = new Map<number, (result: AnyResult) => void>()
  let batch: [number, Asked][] = []
  let records: TimelineRecord[] = []
  let number = 0
  let scheduled = false

  function send(): void {
    scheduled = false
    if (records.length > 0) batch.push([++number, { name: 'record', input: records }])
    port.postMessage(batch)
    batch = []
    records = []
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(send)
  }

  port.on('message', ({ answers, notices }: FromStorage) => {
    for (const notice of notices) onNotice(notice)
    for (const [of, result] of answers) {
      waiting.get(of)?.(result)
      waiting.delete(of)
    }
  })

  return {
    ask<Name extends OperationName>(name: Name, input: Operations[Name]['in']) {
      return new Promise<StorageResult<Operations[Name]['out']>>(resolve => {
        number++
        // The pair (name, input) is typed by `ask`; TypeScript can't see through the union. The answer has the type that `name` says.
        batch.push([number, { name, input } as Asked])
        waiting.set(number, resolve)
        schedule()
      })
    },
    record(events) {
      if (records.length + events.length > RECORDS) return
      records.push(...events)
      schedule()
    },
    closed() {
      for (const answer of waiting.values()) answer({ failed: { why: 'failed', detail: 'the storage thread is gone' } })
      waiting.clear()
    },
  }
}

import { formatId, type Id } from '../../mail/id.ts'
import type { Change, StorageResult } from '../operations.ts'
import type { Place, QueueTables } from './queue.ts'
import type { After, Transaction } from './transaction.ts'

/** After these an operator expects attempts at once, whatever was known of the destinations. */
const FREES_DESTINATIONS: ReadonlySet<string> = new Set(['retry', 'release', 'reroute'])

export interface OperatorOptions {
  readonly transaction: Transaction
  readonly queue: QueueTables
  readonly now: () => number
  readonly events: (after: After, subject: Id, lines: readonly string[]) => void
  /** Every destination may be tried again; called inside the transaction. */
  readonly freeDestinations: (after: After) => void
}

/** What an operator does to waiting entries: in batches, one transaction each, so that deliveries and acceptance go on in between. */
export function operatorChanges({ transaction, queue, now, events, freeDestinations }: OperatorOptions) {
  return (change: Change, answer: (result: StorageResult<number>) => void): void => {
    let place: Place = { message: -1, n: -1 }
    let changed = 0
    const batch = (): void => {
      let next: Place | undefined
      let found = 0
      const result = transaction(after => {
        const part = queue.change(change, now(), place)
        found = part.changed
        after.files.push(...part.files)
        for (const message of part.messages) events(after, message, [operatorEvent(message, change, now())])
        if (FREES_DESTINATIONS.has(change.to.is)) freeDestinations(after)
        after.work = part.changed > 0
        next = part.next
      })
      changed += found
      if ('failed' in result) answer(result)
      else if (next === undefined) answer({ ok: changed })
      else {
        place = next
        setImmediate(batch)
      }
    }
    batch()
  }
}

function operatorEvent(message: Id, { to }: Change, at: number): string {
  return JSON.stringify({
    level: 30,
    time: at,
    event: 'operator',
    message: formatId(message),
    order: to.is,
    ...('reason' in to ? { reason: to.reason } : {}),
  })
}

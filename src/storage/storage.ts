import type { OperationName, Operations, StorageResult, TimelineRecord } from './operations.ts'

/** The writing side of the storage, as a protocol thread sees it. Everything that is asked in one turn of the event loop travels together. */
export interface Storage {
  /** Answered when it is on disk (or failed as a whole). Never rejects. */
  ask<Name extends OperationName>(
    name: Name,
    input: Operations[Name]['in'],
  ): Promise<StorageResult<Operations[Name]['out']>>
  /** Events that belong to no other operation (refusals); dropped when there are too many. */
  record(events: readonly TimelineRecord[]): void
}

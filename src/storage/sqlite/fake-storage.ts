/** For tests: the storage in the same process, where each question is a commit of its own. */
import type { OperationName, Operations, StorageResult } from '../operations.ts'
import type { Storage } from '../storage.ts'
import type { Asked } from '../wire.ts'
import type { Engine } from './engine.ts'

export function storageIn(engine: Engine): Storage {
  return {
    ask<Name extends OperationName>(name: Name, input: Operations[Name]['in']) {
      return new Promise<StorageResult<Operations[Name]['out']>>(resolve => {
        // As in `storage/port.ts`: TypeScript can't see through the union.
        engine.ask({ name, input } as Asked, resolve)
        while (engine.commit());
      })
    },
    record: () => undefined,
  }
}

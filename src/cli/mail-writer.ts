/** Writes to mailboxes: through the running server where there is one, otherwise as the one writer of the data folder. */
import { chown, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { OPERATOR, type OperatorAppend } from '../control.ts'
import { type Id, idSource, OPERATOR_SLOT } from '../mail/id.ts'
import { type BodyFile, createBody } from '../storage/bodies.ts'
import type { Appended, Impossible, MailboxChange, MailboxDone } from '../storage/mail-operations.ts'
import type { OperationName, Operations, StorageResult } from '../storage/operations.ts'
import type { Asked } from '../storage/wire.ts'
import { askServer, CommandError, EXIT, okOf, openAlone } from './access.ts'

/** All throw CommandError for what is not an answer. */
export interface MailWriter {
  append(of: OperatorAppend): Promise<Appended | Impossible>
  change(of: MailboxChange): Promise<MailboxDone | Impossible>
  nextId(): Promise<Id>
  /** For a large content, under an id of `nextId`. Rejects with the error of the file system. */
  createBody(id: Id): Promise<BodyFile>
  close(): void
}

/** Ids that are asked for at once. */
const IDS = 256

export async function openMailWriter(data: string): Promise<MailWriter> {
  const ids = await askServer(data, { is: 'ids', count: IDS })
  return ids === undefined ? directly(data) : throughServer(data, ids)
}

function throughServer(data: string, first: readonly Id[]): MailWriter {
  let ids = [...first]
  const owner = stat(join(data, 'bodies'))

  function answered<T>(answer: T | undefined): T {
    if (answer !== undefined) return answer
    throw new CommandError('the server has ended; run this again, it goes on where it was', EXIT.unavailable)
  }

  return {
    async append(of) {
      const octets = serialize(of)
      return okOf(answered(await askServer(data, { is: 'append', octets: octets.length }, octets)))
    },
    async change(change) {
      return okOf(answered(await askServer(data, { is: 'mailbox', change })))
    },
    async nextId() {
      if (ids.length === 0) ids = [...answered(await askServer(data, { is: 'ids', count: IDS }))]
      const id = ids.shift()
      if (id === undefined) throw new CommandError('the server gives no ids', EXIT.unavailable)
      return id
    },
    async createBody(id) {
      const body = await createBody(data, id)
      // The server has to be able to read it, and does not always run as who runs this.
      const { uid, gid } = await owner
      if (process.getuid?.() === 0) await chown(body.path, uid, gid)
      return body
    },
    close: () => undefined,
  }
}

function directly(data: string): MailWriter {
  const { engine, close } = openAlone(data)
  const nextId = idSource(OPERATOR_SLOT, engine.newestId(), Date.now)

  function ask<Name extends 'append' | 'mailbox'>(asked: Asked & { readonly name: Name }): Operations[Name]['out'] {
    const results: StorageResult<Operations[OperationName]['out']>[] = []
    engine.ask(asked, result => results.push(result))
    while (engine.commit());
    const [result = { failed: { why: 'failed', detail: 'the storage gave no answer' } }] = results
    // The answer has the type that the name says; TypeScript can't see through the union.
    return okOf(result as StorageResult<Operations[Name]['out']>)
  }

  return {
    append: async of => ask<'append'>({ name: 'append', input: { ...of, owner: OPERATOR, replaces: undefined } }),
    change: async change => ask<'mailbox'>({ name: 'mailbox', input: change }),
    nextId: async () => nextId(),
    createBody: id => createBody(data, id),
    close,
  }
}

/** For tests: an engine in a folder of its own, with accounts, and messages for it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Description } from '../../mail/description.ts'
import { type Flags, NO_FLAGS } from '../../mail/flags.ts'
import { type Id, idSource } from '../../mail/id.ts'
import type { Appending } from '../mail-operations.ts'
import type { Notice, OperationName, Operations, StorageResult, Submission } from '../operations.ts'
import type { Asked } from '../wire.ts'
import { checkStorage } from './check.ts'
import { openEngine } from './engine.ts'
import { openStorageReader } from './reader.ts'

export const clock = { now: 1.8e12 }
export const nextId = idSource(0, 0, () => clock.now)

export function fakeDescription(sent: number | undefined = 1.7e12): Description {
  const bytes = new Uint8Array(Buffer.from('("text")'))
  const part = {
    type: 'text/plain',
    charset: undefined,
    encoding: 'identity',
    start: 0,
    body: 4,
    end: 10,
    lines: 1,
  } as const
  return {
    header: 4,
    envelope: bytes,
    body: bytes,
    structure: bytes,
    part: { ...part, type: 'multipart/mixed', parts: [{ ...part, charset: 'utf-8', parts: [] }] },
    sent,
    sort: {
      subject: 's',
      answer: false,
      from: 'a',
      to: 'b',
      cc: '',
      displayFrom: 'A',
      displayTo: 'B',
      messageId: 'm@x',
      references: ['r@x'],
    },
    preview: 'text',
    signature: new Uint8Array([1, 2, 3]),
  }
}

export function appending(size = 10, flags: Flags = NO_FLAGS): Appending {
  const content = { in: 'memory', bytes: Buffer.alloc(size, 'x') } as const
  return { id: nextId(), at: clock.now - 1000, content, description: fakeDescription(), flags }
}

/** To one recipient, leased by thread 1. */
export function fakeSubmission(size: number, description: Description | undefined): Submission {
  return {
    id: nextId(),
    at: clock.now,
    envelope: {
      returnPath: '<>',
      body: '7BIT',
      smtputf8: false,
      ret: undefined,
      envid: undefined,
      holdUntil: undefined,
    },
    content: { in: 'memory', bytes: Buffer.alloc(size, 'y') },
    description,
    sender: '',
    source: '<>',
    owner: 1,
    entries: [
      {
        n: 0,
        recipient: 'anna@home.test',
        dsn: undefined,
        destination: 'mailbox',
        state: 'leased',
        due: clock.now,
        expires: clock.now + 1e9,
        notice: 0,
      },
    ],
    stored: [],
    events: [],
  }
}

/** What is done in batches is done. */
export async function swept(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

export function fakeStorage(end: (close: () => void) => void) {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-mail-'))
  const notices: Notice[] = []
  const engine = openEngine({
    data,
    timeline: { maxAge: 1e12, maxSize: 1e6 },
    now: () => clock.now,
    notify: notice => notices.push(notice),
    log: () => undefined,
  })
  const reader = openStorageReader(data)
  end(() => {
    reader.close()
    engine.close()
    rmSync(data, { recursive: true, force: true })
  })

  /** In one group. */
  function all(asked: readonly Asked[]): StorageResult<Operations[OperationName]['out']>[] {
    const results: StorageResult<Operations[OperationName]['out']>[] = []
    asked.forEach((operation, i) =>
      engine.ask(operation, result => {
        results[i] = result
      }),
    )
    while (engine.commit());
    return results
  }

  /** The answer of one. */
  function ask<Name extends OperationName>(name: Name, input: Operations[Name]['in']): Operations[Name]['out'] {
    const [result] = all([{ name, input } as Asked])
    assert.ok(result && 'ok' in result, JSON.stringify(result))
    return result.ok
  }

  /** Through the queue into the INBOX of an account. */
  function deliver(account: number, size: number, head = '', described = true): Id {
    const submission = fakeSubmission(size, described ? fakeDescription() : undefined)
    const results = [{ n: 0, is: 'stored', account, head }] as const
    const settled = { message: submission.id, owner: 1, results, reports: [], delay: undefined, events: [] }
    for (const result of all([
      { name: 'submit', input: submission },
      { name: 'settle', input: settled },
    ]))
      assert.deepEqual(result, { ok: undefined })
    return submission.id
  }

  function problems(): readonly string[] {
    return checkStorage({ data, alone: true, now: clock.now, progress: () => undefined }).problems
  }

  ask('directory', { is: 'add-domain', name: 'home.test', catchAll: undefined })
  for (const address of ['anna@home.test', 'bruno@home.test'])
    ask('directory', { is: 'add-account', address, hash: 'x' })
  return { data, engine, reader, mail: reader.mail, notices, all, ask, deliver, swept, problems }
}

export type FakeStorage = ReturnType<typeof fakeStorage>

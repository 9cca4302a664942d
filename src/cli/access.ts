/** How a command reaches the data: through the running server where there is one, otherwise directly. */
import { accessSync, constants } from 'node:fs'
import { connect } from 'node:net'
import { type ControlAnswers, type ControlRequest, controlPath } from '../control.ts'
import type { Change, DirectoryChange, DirectoryResult, Operations, StorageResult } from '../storage/operations.ts'
import type { Asked } from '../storage/wire.ts'
import { databasePath, openReader, openWriter } from '../storage/sqlite/database.ts'
import { type Engine, openEngine } from '../storage/sqlite/engine.ts'
import { lockData } from '../storage/sqlite/lock.ts'
import { openStorageReader, type StorageReader } from '../storage/sqlite/reader.ts'
import { isCurrent } from '../storage/sqlite/schema.ts'

/** What went wrong, as exit codes; those above 1 are of sysexits(3). */
export const EXIT = { nothing: 1, usage: 64, unavailable: 69, temporary: 75, config: 78 } as const

/** Said to the person, without a stack. `code`: the exit code. */
export class CommandError extends Error {
  readonly code: number
  constructor(message: string, code: number = EXIT.nothing) {
    super(message)
    this.code = code
  }
}

export function usage(message: string): CommandError {
  return new CommandError(message, EXIT.usage)
}

/** undefined: no server runs on this data folder. `octets`: what follows the request. */
export function askServer<Request extends ControlRequest>(
  data: string,
  request: Request,
  octets?: Uint8Array,
): Promise<ControlAnswers[Request['is']] | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlPath(data))
    let text = ''
    const unavailable = (why: string): void => reject(new CommandError(why, EXIT.unavailable))
    socket.setEncoding('utf8')
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else unavailable(`the server of ${data} cannot be reached: ${error.message}`)
    })
    socket.on('data', (chunk: string) => {
      text += chunk
      if (!text.endsWith('\n')) return
      socket.end()
      resolve(JSON.parse(text))
    })
    socket.once('close', () => unavailable('the server went away before it answered; look whether it was done'))
    socket.write(`${JSON.stringify(request)}\n`)
    if (octets) socket.write(octets)
  })
}

/** How many entries of the queue were changed. Throws CommandError. */
export async function changeQueue(data: string, change: Change): Promise<number> {
  const request = { is: 'change', change } as const
  return okOf((await askServer(data, request)) ?? (await directly(data, { name: 'change', input: change })))
}

/** Several, in their order; without a server the data are opened once. Throws CommandError for what isn't an answer. */
export async function changeDirectories(data: string, changes: readonly DirectoryChange[]): Promise<DirectoryResult[]> {
  const [first, ...others] = changes
  if (!first) return []
  const answered = await askServer(data, { is: 'directory', change: first } as const)
  if (answered === undefined) {
    const asked = changes.map(change => ({ name: 'directory', input: change }) as const)
    return (await allDirectly<'directory'>(data, asked)).map(okOf)
  }
  const results = [okOf(answered)]
  for (const change of others) results.push(await changeDirectory(data, change))
  return results
}

/** Throws CommandError for what isn't an answer. */
export async function changeDirectory(data: string, change: DirectoryChange): Promise<DirectoryResult> {
  const request = { is: 'directory', change } as const
  return okOf((await askServer(data, request)) ?? (await directly(data, { name: 'directory', input: change })))
}

/** Throws CommandError for what isn't an answer. */
export function okOf<T>(result: StorageResult<T>): T {
  if ('ok' in result) return result.ok
  throw new CommandError(`that could not be stored: ${result.failed.detail}`, EXIT.unavailable)
}

async function directly<Name extends 'change' | 'directory'>(
  data: string,
  asked: Asked & { readonly name: Name },
): Promise<StorageResult<Operations[Name]['out']>> {
  const [result] = await allDirectly<Name>(data, [asked])
  return result ?? { failed: { why: 'failed', detail: 'the storage gave no answer' } }
}

/** No server runs: the command is the one writer for a moment. All are of the same name. */
function allDirectly<Name extends 'change' | 'directory'>(
  data: string,
  all: readonly Asked[],
): Promise<StorageResult<Operations[Name]['out']>[]> {
  const { engine, close } = openAlone(data)
  return new Promise(resolve => {
    const results: StorageResult<Operations[Name]['out']>[] = []
    for (const asked of all) {
      engine.ask(asked, result => {
        results.push(result as StorageResult<Operations[Name]['out']>)
        if (results.length < all.length) return
        setImmediate(() => {
          close()
          resolve(results)
        })
      })
    }
    while (engine.commit());
  })
}

/** The engine of a folder on which no server runs, until `close`. Throws CommandError where somebody else writes. */
export function openAlone(data: string): { readonly engine: Engine; readonly close: () => void } {
  const lock = lockData(data)
  if ('failed' in lock) throw new CommandError(lock.failed, EXIT.unavailable)
  const engine = openEngine({
    data,
    timeline: { maxAge: Number.POSITIVE_INFINITY, maxSize: Number.POSITIVE_INFINITY },
    now: Date.now,
    notify: () => undefined,
    log: () => undefined,
  })
  return {
    engine,
    close() {
      engine.close()
      lock.release()
    },
  }
}

/** Also brings data of an older version up to date. Throws CommandError, which says why not. */
export function mayRead(data: string): void {
  try {
    accessSync(databasePath(data), constants.R_OK)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (!/^(?:ENOENT|ENOTDIR)/.test(why))
      throw new CommandError(`the data folder ${data} cannot be read: ${why}`, EXIT.unavailable)
    const other = 'start the server once, or name another folder with --data or -c'
    throw new CommandError(`there is nothing in the data folder ${data} yet; ${other}`)
  }
  bringUpToDate(data)
}

function bringUpToDate(data: string): void {
  const reader = openReader(data)
  const current = isCurrent(reader)
  reader.close()
  if (current) return
  const lock = lockData(data)
  if ('failed' in lock)
    throw new CommandError(
      `the server that runs on ${data} is of an older version; start the new one`,
      EXIT.unavailable,
    )
  openWriter(data).close()
  lock.release()
}

/** What `look` finds in the data; they are closed again. Throws CommandError where there are none. */
export async function read<T>(data: string, look: (reader: StorageReader) => T | Promise<T>): Promise<T> {
  mayRead(data)
  const reader = openStorageReader(data)
  try {
    return await look(reader)
  } finally {
    reader.close()
  }
}

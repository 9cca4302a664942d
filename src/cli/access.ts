/** How a command reaches the data: through the running server where there is one, otherwise directly. */
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { type ControlAnswers, type ControlRequest, controlPath } from '../control.ts'
import type { Operations, StorageResult } from '../storage/operations.ts'
import type { Asked } from '../storage/wire.ts'
import { databasePath } from '../storage/sqlite/database.ts'
import { openEngine } from '../storage/sqlite/engine.ts'
import { lockData } from '../storage/sqlite/lock.ts'
import { openStorageReader, type StorageReader } from '../storage/sqlite/reader.ts'

/** Said to the person, without a stack. `code`: the exit code. */
export class CommandError extends Error {
  readonly code: number
  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

/** undefined: no server runs on this data folder. */
export function askServer<Request extends ControlRequest>(
  data: string,
  request: Request,
): Promise<ControlAnswers[Request['is']] | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlPath(data))
    let text = ''
    socket.setEncoding('utf8')
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(new CommandError(`the server of ${data} cannot be reached: ${error.message}`))
    })
    socket.on('data', (chunk: string) => {
      text += chunk
      if (!text.endsWith('\n')) return
      socket.end()
      resolve(JSON.parse(text))
    })
    socket.once('close', () => reject(new CommandError('the server went away before it answered')))
    socket.write(`${JSON.stringify(request)}\n`)
  })
}

/** A change of queue or directory, by whoever may write. Throws CommandError. */
export async function write(data: string, request: WriteRequest): Promise<Operations['change' | 'directory']['out']> {
  const answer = (await askServer(data, request)) ?? (await writeDirectly(data, request))
  if ('failed' in answer) throw new CommandError(`that could not be stored: ${answer.failed.detail}`)
  return answer.ok
}

type WriteRequest = Extract<ControlRequest, { is: 'change' | 'directory' }>
type Written = StorageResult<Operations['change' | 'directory']['out']>

function writeDirectly(data: string, request: WriteRequest): Promise<Written> {
  const lock = lockData(data)
  if (!lock) throw new CommandError(`another process is using the data folder ${data}`)
  const engine = openEngine({
    data,
    timeline: { maxAge: Number.POSITIVE_INFINITY, maxSize: Number.POSITIVE_INFINITY },
    now: Date.now,
    notify: () => undefined,
    log: () => undefined,
  })
  const asked: Asked =
    request.is === 'change' ? { name: 'change', input: request.change } : { name: 'directory', input: request.change }
  return new Promise(resolve => {
    engine.ask(asked, result => {
      setImmediate(() => {
        engine.close()
        lock.release()
        resolve(result as Written)
      })
    })
    engine.commit()
  })
}

/** Throws CommandError where there are no data. */
export function read(data: string): StorageReader {
  if (!existsSync(databasePath(data)))
    throw new CommandError(
      `there is no data in ${data}; start the server once, or name another folder with --data or -c`,
    )
  return openStorageReader(data)
}

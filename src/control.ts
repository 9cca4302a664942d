/**
 * How the command line reaches a running server: a Unix socket in the data folder, which only the owner of the folder can open. One JSON
 * request a line, one JSON answer a line. Without a running server the command line opens the data folder itself (`cli/access.ts`).
 */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Change, DirectoryChange, Operations, StorageResult } from './storage/operations.ts'
import type { Supervisor } from './supervisor.ts'
import type { ThreadState } from './threads.ts'

export type ControlRequest =
  | { readonly is: 'change'; readonly change: Change }
  | { readonly is: 'directory'; readonly change: DirectoryChange }
  | { readonly is: 'state'; readonly reset: boolean }
  | { readonly is: 'reload' }
  /** For tests: a protocol thread is replaced; without the storage thread the process ends. */
  | { readonly is: 'kill-thread'; readonly slot: number }
  | { readonly is: 'kill-storage' }

export interface ControlAnswers {
  change: StorageResult<Operations['change']['out']>
  directory: StorageResult<Operations['directory']['out']>
  state: readonly ThreadState[]
  reload: { readonly done: boolean; readonly reason: string | undefined }
  'kill-thread': boolean
  'kill-storage': boolean
}

/** Bytes of a request. */
const REQUEST = 1024 * 1024

export function controlPath(data: string): string {
  return join(data, 'control.sock')
}

export interface ControlOptions {
  readonly data: string
  readonly supervisor: Supervisor
  /** Reads the configuration anew; undefined: done, otherwise why not. */
  readonly reload: () => Promise<string | undefined>
}

/** Resolves when it listens; rejects when it can't. */
export function listenForControl(options: ControlOptions): Promise<Server> {
  const path = controlPath(options.data)
  rmSync(path, { force: true }) // we hold the lock of the folder: what is there was left by a crash
  const server = createServer(socket => serve(socket, options))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      chmodSync(path, 0o600)
      resolve(server)
    })
  })
}

function serve(socket: Socket, options: ControlOptions): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    text += chunk
    if (text.length > REQUEST) socket.destroy()
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      void answer(line, options).then(result => socket.write(`${JSON.stringify(result)}\n`))
    }
  })
}

async function answer(line: string, { supervisor, reload }: ControlOptions): Promise<unknown> {
  const request = parse(line)
  switch (request?.is) {
    case 'change':
      return supervisor.storage.ask('change', request.change)
    case 'directory':
      return supervisor.storage.ask('directory', request.change)
    case 'state':
      return supervisor.state(request.reset)
    case 'reload': {
      const reason = await reload()
      return { done: reason === undefined, reason }
    }
    case 'kill-thread':
      return supervisor.killThread(request.slot)
    case 'kill-storage':
      return supervisor.killStorage()
    case undefined:
      return { failed: { why: 'failed', detail: 'that request is not understood' } }
  }
}

/** The socket is the owner's own: what comes in was written by our command line. */
function parse(line: string): ControlRequest | undefined {
  try {
    return JSON.parse(line) as ControlRequest
  } catch {
    return undefined
  }
}

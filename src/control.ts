/**
 * How the command line reaches a running server: a Unix socket in the data folder, which only the owner of the folder can open. One JSON
 * request a line (of an `append`, so many octets after it), one JSON answer a line, one after the other. Without a running server the command line opens the data folder itself (`cli/access.ts`).
 */
import { chmodSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import type { Id } from './mail/id.ts'
import { bodyPath } from './storage/bodies.ts'
import type { Append, Appending, MailboxChange } from './storage/mail-operations.ts'
import type { Change, DirectoryChange, Operations, StorageResult } from './storage/operations.ts'
import type { Supervisor } from './supervisor.ts'
import type { ThreadState } from './threads.ts'

export type ControlRequest =
  | { readonly is: 'change'; readonly change: Change }
  | { readonly is: 'directory'; readonly change: DirectoryChange }
  | { readonly is: 'mailbox'; readonly change: MailboxChange }
  /** For messages that are to be appended; files of `bodies/` are made under them. At most MAX_IDS. */
  | { readonly is: 'ids'; readonly count: number }
  /** An `OperatorAppend` by v8.serialize follows, so many octets. */
  | { readonly is: 'append'; readonly octets: number }
  | { readonly is: 'state'; readonly reset: boolean }
  | { readonly is: 'reload' }
  /** For tests: a protocol thread is replaced; without the storage thread the process ends. */
  | { readonly is: 'kill-thread'; readonly slot: number }
  | { readonly is: 'kill-storage' }

export interface ControlAnswers {
  change: StorageResult<Operations['change']['out']>
  directory: StorageResult<Operations['directory']['out']>
  mailbox: StorageResult<Operations['mailbox']['out']>
  ids: readonly Id[]
  append: StorageResult<Operations['append']['out']>
  state: readonly ThreadState[]
  reload: { readonly done: boolean; readonly reason: string | undefined }
  'kill-thread': boolean
  'kill-storage': boolean
}

/** What comes in by the command line is nobody's lease: no protocol thread has this number. */
export const OPERATOR = 0
export type OperatorAppend = Pick<Append, 'mailbox' | 'messages'>

/** Bytes of a request, and of what follows an `append`. */
const REQUEST = 1024 * 1024
const OCTETS = 64 * 1024 * 1024
export const MAX_IDS = 1000

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
  socket.on('error', () => socket.destroy())
  void converse(socket, options).catch(() => socket.destroy())
}

/** Ends with the connection. Rejects when it breaks, or when a request is too large. */
async function converse(socket: Socket, options: ControlOptions): Promise<void> {
  const input = inputOf(socket)
  for (let line = await input.line(); line !== undefined; line = await input.line()) {
    const request = parse(line)
    const octets = request?.is === 'append' ? await input.octets(request.octets) : undefined
    socket.write(`${JSON.stringify(await answer(request, octets, options))}\n`)
  }
}

function inputOf(socket: Socket) {
  const chunks: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)

  async function more(): Promise<Buffer | undefined> {
    const next = await chunks.next()
    return next.done === true ? undefined : next.value
  }

  return {
    /** undefined: there are no more. */
    async line(): Promise<string | undefined> {
      for (let end = held.indexOf('\n'); ; end = held.indexOf('\n')) {
        if (end >= 0) {
          const line = held.toString('utf8', 0, end)
          held = held.subarray(end + 1)
          return line
        }
        const chunk = await more()
        if (!chunk) return undefined
        if (held.length + chunk.length > REQUEST) throw new Error('the request is too large')
        held = Buffer.concat([held, chunk])
      }
    },

    async octets(count: number): Promise<Buffer> {
      if (!(count <= OCTETS)) throw new Error('the request is too large')
      const parts = [held]
      let size = held.length
      while (size < count) {
        const chunk = await more()
        if (!chunk) throw new Error('the request has no end')
        parts.push(chunk)
        size += chunk.length
      }
      const all = Buffer.concat(parts)
      held = all.subarray(count)
      return all.subarray(0, count)
    },
  }
}

async function answer(
  request: ControlRequest | undefined,
  octets: Buffer | undefined,
  { data, supervisor, reload }: ControlOptions,
): Promise<unknown> {
  switch (request?.is) {
    case 'change':
      return supervisor.storage.ask('change', request.change)
    case 'directory':
      return supervisor.storage.ask('directory', request.change)
    case 'mailbox':
      return supervisor.storage.ask('mailbox', request.change)
    case 'ids':
      return Array.from({ length: Math.min(request.count, MAX_IDS) }, supervisor.nextId)
    case 'append':
      return append(octets ?? Buffer.alloc(0), data, supervisor)
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

async function append(octets: Buffer, data: string, { storage }: Supervisor): Promise<ControlAnswers['append']> {
  const { mailbox, messages } = deserialize(octets) as OperatorAppend
  const there = await Promise.all(messages.map(message => whereItIs(data, message)))
  const found = there.filter(message => message !== undefined)
  // A server that starts sweeps what nobody named yet.
  if (found.length < messages.length)
    return { failed: { why: 'failed', detail: 'the server was started anew, and what was on its way is gone' } }
  return storage.ask('append', { mailbox, owner: OPERATOR, messages: found, replaces: undefined })
}

/** With the path of its file as this process sees it; undefined: the file is not whole. */
async function whereItIs(data: string, message: Appending): Promise<Appending | undefined> {
  const { content, id } = message
  if (content.in === 'memory') return message
  const path = bodyPath(data, id)
  const size = await stat(path).then(
    file => file.size,
    () => undefined,
  )
  return size === content.size - content.head.length ? { ...message, content: { ...content, path } } : undefined
}

/** The socket is the owner's own: what comes in was written by our command line. */
function parse(line: string): ControlRequest | undefined {
  try {
    return JSON.parse(line) as ControlRequest
  } catch {
    return undefined
  }
}

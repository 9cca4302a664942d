/**
 * The main thread: starts the storage thread and the protocol threads, replaces a protocol thread that crashed, hands out reloads, and stops
 * everything in order. When the storage thread dies the process ends (and is to be started again): nothing could be promised any more, and
 * the next start finds everything that was acknowledged.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Settings } from './config/settings.ts'
import { collectAfterStart } from './garbage.ts'
import type { LogTarget } from './log/lines.ts'
import { occupied } from './net/occupied.ts'
import { createTicketKeys, ensureSelfSigned, loadTls, type TlsMaterial } from './net/tls.ts'
import { dropRights, ownFolder } from './rights.ts'
import { type Id, idAt, idSource, OPERATOR_SLOT } from './mail/id.ts'
import { type Storage, storageOver } from './storage/port.ts'
import { lockData } from './storage/sqlite/lock.ts'
import type { FromStorageThread, StorageThreadData, ToStorageThread } from './storage/wire.ts'
import type { Bound, FromProtocolThread, ProtocolThreadData, ThreadState, ToProtocolThread } from './threads.ts'

/** What is wrong in words for the person who starts it. */
export type Started = { readonly ok: Supervisor } | { readonly failed: string }

export interface Supervisor {
  readonly storage: Storage
  /** For messages that come in by the command line. */
  readonly nextId: () => Id
  /** Where the listeners of the settings are, in their order. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[]
  /** Entries that the last run had under way. */
  readonly recovered: number
  /** New settings for what can change while running. undefined: done; otherwise why the old ones stay. */
  reload(settings: Settings): Promise<string | undefined>
  state(reset: boolean): Promise<readonly ThreadState[]>
  /** Ends a protocol thread the hard way; it is replaced. */
  killThread(slot: number): Promise<boolean>
  /** Ends the storage thread the hard way, and so the process. */
  killStorage(): Promise<boolean>
  /** No new sessions, what is in flight ends, everything is committed. */
  stop(): Promise<void>
  reopenLog(): void
}

export interface SupervisorOptions {
  readonly settings: Settings
  readonly log: LogTarget
  /** Something that a person should see: a thread crashed, a port is lost. */
  readonly complain: (text: string) => void
  /** The storage thread is gone. */
  readonly dead: (reason: string) => void
}

interface ProtocolThread {
  readonly worker: Worker
  readonly slot: number
  readonly owner: number
  readonly started: number
  /** The listeners of the settings, in their order, that are its. */
  listens: readonly boolean[]
  serving: boolean
}

/** ms: a thread that lives shorter than this is replaced more and more slowly. */
const SHORT_LIFE = 10_000

const file = (name: string): URL =>
  new URL(`${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** MB for what lives shortly: enough at full load (a larger one costs more in page faults than it saves), and 15 MB less with idle sessions. */
const YOUNG = 6
const EXEC = [
  ...process.execArgv.filter(flag => flag.startsWith('--cpu-prof')),
  '--disable-warning=ExperimentalWarning',
]

/**
 * Code is compiled when it is first run, not after some hundred runs: a lone message on a fresh server takes 1.5 ms instead of 1.65. From
 * when all has started on: what runs at the start runs once, and would take 3 MB.
 */
const COMPILE_AT_ONCE = '--always-sparkplug --no-lazy-feedback-allocation'

export async function startServer(options: SupervisorOptions): Promise<Started> {
  let { settings } = options
  const { complain } = options
  const lock = lockData(settings.data)
  if ('failed' in lock) return { failed: `${lock.failed}; nothing was started` }
  const ticketKeys = createTicketKeys()
  const loaded = await loadMaterial(settings, ticketKeys)
  if (typeof loaded === 'string') return { failed: loaded }
  let tls: TlsMaterial = loaded

  const threads: (ProtocolThread | undefined)[] = []
  const states = new Map<number, (state: ThreadState) => void>()
  let storageWorker: Worker | undefined
  let newestId: Id = 0
  const clock = { wall: Date.now(), since: performance.now() }
  let owners = 0
  /** All of the first threads were there once: from now on each that ends is replaced. */
  let up = false
  let stopping = false
  let crashes = 0
  let asked = 0

  for (const listener of settings.listeners) {
    const other = await occupied(listener) // before our own threads are there
    if (other) return { failed: portTrouble(other) }
  }
  // The listeners first, while we may bind any port.
  const bound: (readonly Bound[])[] = []
  for (let slot = 0; slot < settings.threads; slot++) bound.push(await startThread(slot))
  const failed = bound.flat().find(of => of.is === 'failed')
  if (failed) return abandon(portTrouble(failed))
  if (settings.user !== undefined) {
    ownFolder(settings.data, settings.user)
    const trouble = dropRights(settings.user)
    if (trouble !== undefined) return abandon(trouble)
  }
  const ready = await startStorage()
  if ('failed' in ready) return abandon(ready.failed)
  newestId = ready.newestId
  const storage = storageOver(connectStorage(), () => undefined)
  up = true
  await Promise.all(threads.flatMap(thread => (thread ? [go(thread)] : [])))

  /** What was begun ends, so that the process can. */
  async function abandon(reason: string): Promise<Started> {
    const begun = [...threads.map(thread => thread?.worker), storageWorker].filter(worker => worker !== undefined)
    await Promise.all(begun.map(worker => worker.terminate()))
    return { failed: reason }
  }

  function startThread(slot: number): Promise<readonly Bound[]> {
    const owner = ++owners
    const data: ProtocolThreadData = { settings, tls, slot, owner }
    const worker = new Worker(file('protocol-thread'), {
      workerData: data,
      execArgv: EXEC,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
      name: `protocol ${slot}`,
    })
    const thread: ProtocolThread = { worker, slot, owner, started: Date.now(), listens: [], serving: false }
    threads[slot] = thread
    return new Promise(resolve => {
      worker.on('message', (message: FromProtocolThread) => {
        if (message.is === 'bound') {
          // Of a Unix socket there is but one, and the first thread has it.
          thread.listens = message.listening.map(
            (of, i) => of.is === 'listening' && (slot === 0 || settings.listeners[i]?.on !== 'unix'),
          )
          resolve(message.listening)
        } else if (message.is === 'state') states.get(message.number)?.(message.state)
        else if (message.is === 'complaint') complain(message.text)
      })
      worker.on('error', error => {
        complain(
          `protocol thread ${slot} crashed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        )
      })
      worker.on('exit', () => {
        resolve([{ is: 'failed', code: 'EXIT', reason: 'a protocol thread ended at its start' }])
        if (threads[slot] === thread && up && !stopping) void replace(slot, thread)
      })
    })
  }

  /** Leases of the lost thread are freed first, then another takes its place. */
  async function replace(slot: number, lost: ProtocolThread): Promise<void> {
    threads[slot] = undefined
    crashes = Date.now() - lost.started < SHORT_LIFE ? crashes + 1 : 0
    await release(lost)
    if (crashes > 0) await sleep(Math.min(30_000, 250 * 2 ** crashes))
    if (stopping) return
    const listening = await startThread(slot)
    const thread = threads.at(slot)
    for (const of of listening)
      if (of.is === 'failed') complain(`the new protocol thread ${slot} does not listen: ${portTrouble(of)}`)
    const deaf = unheard()
    if (deaf !== undefined) {
      options.dead(`nobody listens on ${deaf} any more`)
      return
    }
    if (!thread) return // it ended, and that has been seen to
    if (thread.listens.includes(true)) await go(thread)
    else await giveUp(thread, listening)
  }

  /** A listener of the settings that no thread has; undefined: there is none. */
  function unheard(): string | undefined {
    const deaf = settings.listeners.find((_, i) => !threads.some(thread => thread?.listens[i]))
    return deaf && (deaf.on === 'unix' ? deaf.path : `${deaf.host}:${deaf.port}`)
  }

  /** The others have its part. What we have no right to will not change; anything else is tried again. */
  async function giveUp(thread: ProtocolThread, listening: readonly Bound[]): Promise<void> {
    if (listening.every(of => of.is === 'listening' || of.code === 'EACCES')) {
      threads[thread.slot] = undefined
      const left = threads.filter(other => other !== undefined).length
      complain(`the server goes on with ${left} protocol thread${left === 1 ? '' : 's'} until it is started again`)
    }
    await thread.worker.terminate()
  }

  /** Tried until it is on disk: without it the mail that the thread had in hand would wait for the next start. */
  async function release({ owner, slot }: ProtocolThread): Promise<void> {
    while (!stopping && 'failed' in (await storage.ask('release', { owner, slot }))) await sleep(1000)
  }

  function go(thread: ProtocolThread): Promise<void> {
    const port = connectStorage()
    // A thread that takes another's place gives larger ids than that one did, also when the clock was set back in between.
    const latest = clock.wall + performance.now() - clock.since
    const message: ToProtocolThread = {
      is: 'go',
      port,
      newestId: Math.max(newestId, thread.owner > settings.threads ? idAt(latest) : 0),
    }
    thread.worker.postMessage(message, [port])
    return new Promise(resolve => {
      thread.worker.once('exit', resolve)
      const serving = (said: FromProtocolThread): void => {
        if (said.is !== 'serving') return
        thread.serving = true
        thread.worker.off('message', serving)
        resolve()
      }
      thread.worker.on('message', serving)
    })
  }

  function startStorage(): Promise<{ newestId: Id; recovered: number } | { failed: string }> {
    const data: StorageThreadData = {
      data: settings.data,
      timeline: settings.timeline,
      log: options.log,
      level: settings.log.level,
    }
    const worker = new Worker(file('storage/sqlite/thread'), {
      workerData: data,
      execArgv: EXEC,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
      name: 'storage',
    })
    storageWorker = worker
    let known = false
    const dead = (reason: string): void => {
      if (up && !stopping && !known) options.dead(reason)
      known = true
    }
    return new Promise(resolve => {
      worker.once('message', (message: FromStorageThread) => {
        if (message.is === 'ready') resolve(message)
      })
      worker.on('error', error => {
        const reason = error instanceof Error ? error.message : String(error)
        resolve({ failed: `the storage does not start: ${reason}` })
        dead(`the storage thread crashed: ${reason}`)
      })
      worker.on('exit', () => {
        resolve({ failed: 'the storage thread ended at its start' })
        dead('the storage thread ended')
      })
    })
  }

  function connectStorage() {
    const { port1, port2 } = new MessageChannel()
    storageWorker?.postMessage({ is: 'connect', port: port1 } satisfies ToStorageThread, [port1])
    return port2
  }

  const tellThreads = (message: ToProtocolThread): void => {
    for (const thread of threads) thread?.worker.postMessage(message)
  }

  const supervisor: Supervisor = {
    storage,
    nextId: idSource(OPERATOR_SLOT, newestId, Date.now),
    addresses: (bound[0] ?? []).flatMap(of => (of.is === 'listening' ? [of.address] : [])),
    recovered: ready.recovered,

    async reload(next) {
      const needs = restartFor(settings, next)
      if (needs !== undefined) return needs
      const material = await loadMaterial(next, ticketKeys)
      if (typeof material === 'string') return material
      settings = next
      tls = material
      tellThreads({ is: 'reload', settings, tls })
      return undefined
    },

    state(reset) {
      return Promise.all(
        threads.flatMap(thread => {
          if (!thread) return []
          const number = ++asked
          const { worker, slot } = thread
          let gone = (): void => undefined
          const answered = new Promise<ThreadState>(resolve => {
            gone = () => resolve({ slot, sessions: 0, loopDelayP99: 0, loopDelayMax: 0 })
            states.set(number, resolve)
            worker.once('exit', gone)
            worker.postMessage({ is: 'state', number, reset } satisfies ToProtocolThread)
          })
          return [
            answered.finally(() => {
              states.delete(number)
              worker.off('exit', gone)
            }),
          ]
        }),
      )
    },

    async killThread(slot) {
      const thread = threads[slot]
      if (!thread) return false
      await thread.worker.terminate()
      return true
    },

    async killStorage() {
      await storageWorker?.terminate()
      return true
    },

    async stop() {
      stopping = true
      const gone = threads.flatMap(thread =>
        thread ? [new Promise(resolve => thread.worker.once('exit', resolve))] : [],
      )
      tellThreads({ is: 'stop' })
      await Promise.all(gone)
      await new Promise(resolve => {
        storageWorker?.once('exit', resolve)
        storageWorker?.postMessage({ is: 'stop' } satisfies ToStorageThread)
      })
      lock.release()
    },

    reopenLog() {
      storageWorker?.postMessage({ is: 'reopen-log' } satisfies ToStorageThread)
    },
  }
  collectAfterStart()
  setFlagsFromString(COMPILE_AT_ONCE)
  return { ok: supervisor }
}

/** What clients call a server that is on their own machine. */
const LOOPBACK = ['localhost', '127.0.0.1']

async function loadMaterial(settings: Settings, ticketKeys: Uint8Array): Promise<TlsMaterial | string> {
  const unusable = (reason: string): string => `the certificate cannot be used: ${reason}`
  try {
    const files = settings.tls ?? {
      ...(await ensureSelfSigned(settings.data, settings.hostname, settings.dev ? LOOPBACK : [])),
      minVersion: 'TLSv1.2' as const,
    }
    const loaded = await loadTls(files, ticketKeys)
    return loaded.is === 'loaded' ? loaded.material : unusable(loaded.reason)
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error)) // the disk has no room for a new one
  }
}

/** What can't change while we run; undefined: all that changed can. */
function restartFor(old: Settings, next: Settings): string | undefined {
  const fixed = ['data', 'user', 'threads', 'listeners', 'timeline', 'log', 'hostname', 'dns'] as const
  const changed = fixed.filter(key => JSON.stringify(old[key]) !== JSON.stringify(next[key]))
  if (changed.length === 0) return undefined
  return `${changed.join(', ')} cannot change while the server runs; restart it to use the new configuration`
}

function portTrouble(failed: Pick<Extract<Bound, { is: 'failed' }>, 'code' | 'reason'>): string {
  if (failed.code === 'EACCES')
    return `${failed.reason}: ports below 1024 need the right to bind them (start as root with \`user\`, or give CAP_NET_BIND_SERVICE)`
  if (failed.code === 'EADDRINUSE')
    return `${failed.reason}: another program is listening there; stop it or choose another port`
  return failed.reason
}

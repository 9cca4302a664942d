/**
 * A protocol thread, put together: its listeners, its view of the storage, its queue runner and its deliveries. It listens as soon as it
 * is started (so that ports below 1024 are bound while we may), and serves when the main thread says that the storage is there.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { Deliver } from './config/define.ts'
import { importFunctions } from './config/functions.ts'
import { beginsWithTls, isSmtp, type Listener, type ListenerKind, type Settings } from './config/settings.ts'
import { passwordChecker } from './directory/passwords.ts'
import { createCache } from './dns/cache.ts'
import { createResolver } from './dns/client.ts'
import type { Connection, ConnectionHandler } from './net/connection.ts'
import { collectAfterStart, collectWhenIdle } from './garbage.ts'
import { createNetwork } from './net/dial.ts'
import { type Listening, listen } from './net/listen.ts'
import { createAuthFailures, createSources, shareOf } from './net/sources.ts'
import { createServerContext, type TlsMaterial } from './net/tls.ts'
import { openPostOffice } from './post-office.ts'
import { SmtpLoop } from './server/smtp.ts'
import type { MailSession } from './server/access.ts'
import type { ReceiveBudget } from './server/collector.ts'
import type { Reply } from './mail/reply.ts'
import { encodeReply, replies } from './smtp/replies.ts'
import { storageOver } from './storage/port.ts'
import { openStorageReader } from './storage/sqlite/reader.ts'
import type { FromProtocolThread, ProtocolThreadData, ToProtocolThread } from './threads.ts'

const main = parentPort
if (!main) throw new Error('this file is started as a worker thread')
const { slot, owner } = workerData as ProtocolThreadData
let { settings, tls } = workerData as ProtocolThreadData
const say = (message: FromProtocolThread): void => main.postMessage(message)

const now = Date.now
const random = (bytes: number): Uint8Array => randomBytes(bytes)
const TOO_MANY: Reply = { code: 421, status: '4.7.0', text: ['Too many connections; please try again later'] }
/** ms between two looks at the event loop; what is measured includes it. */
const LOOK = 20
const loopDelay = monitorEventLoopDelay({ resolution: LOOK })
loopDelay.enable()

let context = contextOf(tls)
const sessions = new Set<MailSession>()
const gone = (session: MailSession): void => {
  sessions.delete(session)
}
const sources = createSources({
  get connections() {
    return shareOf(settings.limits.connections, settings.threads)
  },
  get connectionsPerSource() {
    return shareOf(settings.limits.connectionsPerSource, settings.threads)
  },
})
const budget: ReceiveBudget = {
  get limit() {
    return shareOf(settings.limits.receiveMemory, settings.threads)
  },
  used: 0,
}
const failures = createAuthFailures(now)
const passwords = passwordChecker()

type Serve = (connection: Connection, listener: Listener) => MailSession
let serve: Serve | undefined
let stop = async (): Promise<void> => undefined
let reload = async (next: Settings): Promise<void> => {
  settings = withWhatStays(next)
}

const listening = await Promise.all(settings.listeners.map(bind))

function bind(listener: Listener): Promise<Listening> {
  if (listener.on === 'unix' && slot > 0)
    return Promise.resolve({
      is: 'listening',
      address: { address: listener.path, port: 0 },
      stop: async () => undefined,
    })
  return listen({
    listener,
    reusePort: listener.on === 'tcp' && settings.threads > 1,
    secureContext: () => context,
    implicitTls: beginsWithTls(listener.kind),
    sources,
    refusal: farewell(listener.kind, TOO_MANY),
    onConnection: (connection, of) => begin(connection, of),
  })
}

function begin(connection: Connection, listener: Listener): ConnectionHandler {
  if (!serve) {
    connection.write(farewell(listener.kind, replies.shutdown))
    connection.end()
    return EARLY
  }
  const session = serve(connection, listener)
  sessions.add(session)
  session.start()
  return session
}

/** The only words that a client hears, in its language. */
function farewell(kind: ListenerKind, reply: Reply): string {
  const text = reply.text.join(' ')
  if (kind === 'imap' || kind === 'imaps') return `* BYE ${text}\r\n` // RFC 9051 §7.1.5
  if (kind === 'pop3' || kind === 'pop3s') return `-ERR [SYS/TEMP] ${text}\r\n` // RFC 3206 §4
  return encodeReply(reply)
}

/** For a connection that came while we are starting or stopping. */
const EARLY = {
  data: () => undefined,
  drained: () => undefined,
  secured: () => undefined,
  deadline: () => undefined,
  closed: () => undefined,
}

function contextOf(material: TlsMaterial | undefined) {
  const made = material && createServerContext(material)
  return made?.is === 'loaded' ? made.context : undefined
}

async function go({ port, newestId }: Extract<ToProtocolThread, { is: 'go' }>): Promise<void> {
  const reader = openStorageReader(settings.data)
  let functions = await functionsOf(settings)
  const resolver = createResolver({ servers: settings.dns.servers, random: below => randomInt(below), clock: { now } })
  const storage = storageOver(port, notice => office.notice(notice))
  const office = openPostOffice(settings, {
    slot,
    owner,
    storage,
    reader,
    newestId,
    ownAddresses: ownAddresses(settings.listeners),
    network: createNetwork(),
    resolver: createCache(resolver, { clock: { now } }),
    now,
    monotonic: () => performance.now(),
    sleep: ms => sleep(ms),
    chance: Math.random,
    random,
    passwords,
    failures,
    budget,
    tlsPossible: () => context !== undefined,
    functions: () => functions,
    complain: error => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      say({ is: 'complaint', text: `protocol thread ${slot}: ${text}` })
    },
  })
  serve = (connection, listener) =>
    isSmtp(listener)
      ? new SmtpLoop(connection, office.receive(connection, listener), now, gone)
      : office.serve(connection, listener.kind === 'pop3' || listener.kind === 'pop3s' ? 'pop3' : 'imap', gone)
  let reloads = 0
  reload = async next => {
    const number = ++reloads
    const fresh = await functionsOf(next)
    // Routes name their functions by number: both change in the same moment, and a later reload is not undone by an earlier one.
    if (number !== reloads || (fresh === undefined && next.functionsFrom !== undefined)) return
    functions = fresh
    settings = withWhatStays(next)
    office.reload(settings)
  }
  stop = async () => {
    serve = undefined
    for (const session of sessions) session.shutdown()
    const done = (async () => {
      while (sessions.size > 0) await sleep(20)
      await office.stop()
    })()
    await Promise.race([done, sleep(GRACE, undefined, { ref: false })])
    resolver.close()
    reader.close()
    port.close()
  }
  office.start()
}

function withWhatStays(next: Settings): Settings {
  return { ...next, listeners: settings.listeners, threads: settings.threads, data: settings.data }
}

/** undefined: there are none, or they cannot be read; then a person hears why. */
async function functionsOf({ functionsFrom }: Settings): Promise<ReadonlyMap<number, Deliver> | undefined> {
  if (functionsFrom === undefined) return undefined
  try {
    return await importFunctions(functionsFrom)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    say({
      is: 'complaint',
      text: `protocol thread ${slot} cannot read the functions of ${functionsFrom}, and goes on as before: ${why}`,
    })
    return undefined
  }
}

/** ms that what is in flight gets to end when we stop. */
const GRACE = 25_000

/** RFC 5321 §5.1: where we take mail from other servers. */
function ownAddresses(listeners: readonly Listener[]): string[] {
  const machine = Object.values(networkInterfaces()).flatMap(of => of ?? [])
  return listeners.flatMap(of => {
    if (of.on !== 'tcp' || of.kind !== 'smtp' || of.port !== SMTP_PORT) return []
    const family = of.host === '0.0.0.0' ? 'IPv4' : of.host === '::' ? 'IPv6' : undefined
    return family === undefined ? [of.host] : machine.filter(each => each.family === family).map(each => each.address)
  })
}

/** Only there does the world look for us. */
const SMTP_PORT = 25

main.on('message', (message: ToProtocolThread) => {
  switch (message.is) {
    case 'go':
      void go(message).then(() => {
        collectAfterStart()
        collectWhenIdle()
        say({ is: 'serving' })
      })
      return
    case 'reload':
      tls = message.tls
      context = contextOf(tls)
      void reload(message.settings)
      return
    case 'state': {
      const ms = (value: number): number => Math.max(0, Math.round((value / 1e6 - LOOK) * 100) / 100)
      say({
        is: 'state',
        number: message.number,
        state: {
          slot,
          sessions: sources.size,
          loopDelayP99: ms(loopDelay.percentile(99)),
          loopDelayMax: ms(loopDelay.max),
        },
      })
      if (message.reset) loopDelay.reset()
      return
    }
    case 'stop':
      void (async () => {
        await Promise.all(listening.flatMap(of => (of.is === 'listening' ? [of.stop()] : [])))
        await stop()
        say({ is: 'stopped' })
        process.exit(0)
      })()
      return
  }
})

say({
  is: 'bound',
  listening: listening.map(of => (of.is === 'listening' ? { is: 'listening', address: of.address } : of)),
})

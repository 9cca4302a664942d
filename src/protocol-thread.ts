/**
 * A protocol thread, put together: its listeners, its view of the storage, its queue runner and its deliveries. It listens as soon as it
 * is started (so that ports below 1024 are bound while we may), and serves when the main thread says that the storage is there.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { open } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { importFunctions } from './config/functions.ts'
import type { Listener, Route, Settings } from './config/settings.ts'
import { createDelivery } from './delivery/deliver.ts'
import { callFunction } from './delivery/function.ts'
import { deliverToMailbox } from './delivery/mailbox.ts'
import { chooseRoute, destinationKey, rerouted } from './delivery/route.ts'
import { type Directory, openDirectory } from './directory/directory.ts'
import { passwordChecker } from './directory/passwords.ts'
import { createCache } from './dns/cache.ts'
import { createResolver } from './dns/client.ts'
import type { Address } from './mail/address.ts'
import { type Content, contentSize } from './mail/content.ts'
import { compileNetworks } from './net/cidr.ts'
import type { Connection } from './net/connection.ts'
import { createNetwork } from './net/dial.ts'
import { type Listening, listen } from './net/listen.ts'
import { createAuthFailures, createSources, shareOf } from './net/sources.ts'
import { createServerContext, type TlsMaterial } from './net/tls.ts'
import { createRunner } from './queue/runner.ts'
import type { Reporter } from './queue/report.ts'
import type { Routing } from './queue/routing.ts'
import { createSubmit } from './queue/submit.ts'
import { createReception, type ReceptionOptions } from './server/reception.ts'
import { SmtpLoop } from './server/smtp.ts'
import type { MessageCollector, ReceiveBudget } from './server/collector.ts'
import { encodeReply, replies } from './smtp/replies.ts'
import { formatId, idSource } from './mail/id.ts'
import type { Notice } from './storage/operations.ts'
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
const loopDelay = monitorEventLoopDelay({ resolution: 5 })
loopDelay.enable()

let context = contextOf(tls)
const loops = new Set<SmtpLoop<MessageCollector>>()
const sources = createSources({
  connections: shareOf(settings.limits.connections, settings.threads),
  connectionsPerSource: shareOf(settings.limits.connectionsPerSource, settings.threads),
})
const budget: ReceiveBudget = { limit: shareOf(settings.limits.receiveMemory, settings.threads), used: 0 }
const failures = createAuthFailures(now)
const passwords = passwordChecker()

type Serve = (connection: Connection, listener: Listener) => SmtpLoop<MessageCollector>
let serve: Serve | undefined
let stop = async (): Promise<void> => undefined
let reload = (_settings: Settings): void => undefined

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
    implicitTls: listener.kind === 'submissions',
    sources,
    refusal: encodeReply({ code: 421, status: '4.7.0', text: ['Too many connections; please try again later'] }),
    onConnection: (connection, of) => begin(connection, of),
  })
}

function begin(connection: Connection, listener: Listener): SmtpLoop<MessageCollector> | typeof EARLY {
  if (!serve) {
    connection.write(encodeReply(replies.shutdown))
    connection.end()
    return EARLY
  }
  const loop = serve(connection, listener)
  loops.add(loop)
  loop.start()
  return loop
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

function routeOf(directory: Directory, address: Address): Route | undefined {
  return chooseRoute(settings.routes, address, name => directory.isOwnDomain(name))
}

function routingFor(directory: Directory): Routing {
  const limits = new Map<string, Route>()
  return {
    destination(address) {
      const route = routeOf(directory, address)
      if (!route) return 'none'
      const key = destinationKey(route, address)
      if (route.concurrency !== undefined || route.rate !== undefined) limits.set(key, route)
      return key
    },
    times(_destination, address) {
      const lifetime = routeOf(directory, address)?.lifetime ?? settings.queue.lifetime
      return { lifetime, delayNotice: settings.queue.delayNotice }
    },
    share(destination) {
      const { concurrency = settings.queue.concurrency, rate } = limits.get(destination) ?? {}
      if (destination === 'mailbox') return { concurrency: MAILBOX_CONCURRENCY, rate: undefined }
      // A limit below the number of threads belongs to some of them, which ones the destination's name decides.
      const extra = (slot + hashOf(destination)) % settings.threads < concurrency % settings.threads ? 1 : 0
      return {
        concurrency: Math.floor(concurrency / settings.threads) + extra,
        rate: rate === undefined ? undefined : rate / Math.min(settings.threads, concurrency),
      }
    },
  }
}

/** Nothing is waited for but the commit. */
const MAILBOX_CONCURRENCY = 500

function hashOf(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) % 65_521
  return hash
}

/** The first bytes of a content. */
async function read(content: Content, bytes: number): Promise<Uint8Array> {
  if (content.in === 'memory') return content.bytes.subarray(0, bytes)
  const file = await open(content.path, 'r')
  try {
    const rest = Math.max(0, Math.min(bytes, contentSize(content)) - content.head.length)
    const buffer = Buffer.alloc(rest)
    let filled = 0
    for (let more = 1; more > 0 && filled < rest; filled += more)
      more = (await file.read(buffer, filled, rest - filled)).bytesRead
    return Buffer.concat([content.head, buffer.subarray(0, filled)])
  } finally {
    await file.close()
  }
}

async function go({ port, newestId }: Extract<ToProtocolThread, { is: 'go' }>): Promise<void> {
  const { data, hostname } = settings
  const reader = openStorageReader(data)
  const directory = openDirectory(reader, hostname)
  let onNotice = (_notice: Notice): void => undefined
  const storage = storageOver(port, notice => onNotice(notice))
  const nextId = idSource(slot, newestId, now)
  const routing = routingFor(directory)
  const reporter: Reporter = { hostname, routing, directory, nextId, now, random, read }
  let functions = settings.functionsFrom === undefined ? undefined : await importFunctions(settings.functionsFrom)
  const resolver = createResolver({ servers: settings.dns.servers, random: below => randomInt(below), clock: { now } })
  const delivery = createDelivery({
    network: createNetwork(),
    resolver: createCache(resolver, { clock: { now } }),
    random: Math.random,
    clock: { now: () => performance.now() },
    hostname,
    concurrency: settings.queue.concurrency,
    mailbox: async () => [],
    callFunction: (route, job) => callFunction(functions?.get(route.index), job),
  })
  const runner = createRunner({
    owner,
    storage,
    content: id => reader.content(id),
    routing,
    reporter,
    retry: settings.queue,
    memory: shareOf(settings.queue.memory, settings.threads),
    now,
    chance: Math.random,
    sleep: ms => sleep(ms),
    attempt: (work, content, recipients) => {
      const [first] = recipients
      const route = rerouted(work.destination) ?? (first && routeOf(directory, first.address))
      if (!route) return Promise.resolve(recipients.map(() => NO_ROUTE))
      if (route.via === 'mailbox')
        return Promise.resolve(deliverToMailbox(work, recipients, address => routeOf(directory, address), directory))
      return delivery.deliver(route, { id: formatId(work.message), envelope: work.envelope, content, recipients })
    },
  })
  const submit = createSubmit({ owner, storage, directory, routing, runner, reporter, hold: settings.queue.hold })
  const options = (): ReceptionOptions => ({
    hostname,
    data,
    limits: settings.limits,
    tlsPossible: context !== undefined,
    mayRelay: compileNetworks(settings.relayFrom),
    mayLoginInClear: compileNetworks(settings.cleartextLoginFrom),
    route: address => routeOf(directory, address),
    directory,
    passwords,
    failures,
    storage,
    submit,
    budget,
    nextId,
    now,
    random,
  })
  let receptions = new Map(settings.listeners.map(listener => [listener, createReception(listener, options())]))
  onNotice = notice => {
    if (notice.is === 'directory') directory.forget()
    else runner.notice(notice)
  }
  serve = (connection, listener) => {
    const reception = receptions.get(listener)
    if (!reception) throw new Error('a listener without a reception')
    const service = reception(connection)
    const loop: SmtpLoop<MessageCollector> = new SmtpLoop(
      connection,
      { ...service, closed: () => loops.delete(loop) },
      now,
    )
    return loop
  }
  reload = next => {
    settings = { ...next, listeners: settings.listeners, threads: settings.threads, data: settings.data }
    receptions = new Map(settings.listeners.map(listener => [listener, createReception(listener, options())]))
    if (settings.functionsFrom !== undefined) {
      void importFunctions(settings.functionsFrom).then(fresh => {
        functions = fresh
      })
    }
  }
  stop = async () => {
    serve = undefined
    for (const loop of loops) loop.shutdown()
    const done = (async () => {
      while (loops.size > 0) await sleep(20)
      await runner.stop()
      await delivery.close()
    })()
    await Promise.race([done, sleep(GRACE, undefined, { ref: false })])
    resolver.close()
    reader.close()
    port.close()
  }
  runner.start()
}

/** ms that what is in flight gets to end when we stop. */
const GRACE = 25_000

const NO_ROUTE = {
  is: 'bounced',
  status: '5.4.4',
  reason: 'there is no route to that domain',
  reply: undefined,
  to: undefined,
} as const

main.on('message', (message: ToProtocolThread) => {
  switch (message.is) {
    case 'go':
      void go(message).then(() => say({ is: 'serving' }))
      return
    case 'reload':
      tls = message.tls
      context = contextOf(tls)
      reload(message.settings)
      return
    case 'state': {
      const ms = (value: number): number => Math.round(value / 1e4) / 100
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
        await Promise.all(listening.map(of => (of.is === 'listening' ? of.stop() : undefined)))
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

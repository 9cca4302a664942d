/**
 * What a protocol thread does with mail, put together: directory, routing, queue runner, submission, reports, deliveries, reception. The
 * world comes in as arguments (time, chance, names, network, storage), so that a test can hold several of them in one process
 * (`test/world`); `protocol-thread.ts` gives the real ones.
 */
import { open } from 'node:fs/promises'
import type { Deliver } from './config/define.ts'
import type { Listener, Route, Settings, SmtpKind } from './config/settings.ts'
import { createDelivery } from './delivery/deliver.ts'
import { callFunction } from './delivery/function.ts'
import { deliverToMailbox } from './delivery/mailbox.ts'
import { chooseRoute, destinationKey, rerouted } from './delivery/route.ts'
import { openDirectory } from './directory/directory.ts'
import type { PasswordChecker } from './directory/passwords.ts'
import type { Resolver } from './dns/resolver.ts'
import { type Address, parseAddress } from './mail/address.ts'
import { type Content, contentSize } from './mail/content.ts'
import { formatId, type Id, idSource } from './mail/id.ts'
import { compileNetworks } from './net/cidr.ts'
import type { Connection } from './net/connection.ts'
import type { Network } from './net/network.ts'
import { type AuthFailures, shareOf } from './net/sources.ts'
import type { Reporter } from './queue/report.ts'
import type { Routing } from './queue/routing.ts'
import { createRunner } from './queue/runner.ts'
import { createSubmit } from './queue/submit.ts'
import { type MailSession, openMailAccess } from './server/access.ts'
import type { MessageCollector, ReceiveBudget } from './server/collector.ts'
import { Reception, type ReceptionOptions } from './server/reception.ts'
import type { SmtpService } from './server/smtp.ts'
import type { Notice } from './storage/operations.ts'
import type { StorageReader } from './storage/sqlite/reader.ts'
import type { Storage } from './storage/storage.ts'
import { startIndexer } from './store/indexer.ts'

export interface World {
  /** The place among the protocol threads, and who leases in the storage. */
  readonly slot: number
  readonly owner: number
  readonly storage: Storage
  readonly reader: StorageReader
  /** The largest id that was given before. */
  readonly newestId: Id
  /** On which mail from other servers is taken: an MX with one of them is us. */
  readonly ownAddresses: readonly string[]
  readonly network: Network
  readonly resolver: Resolver
  /** ms since 1970 */
  readonly now: () => number
  /** ms; only differences count. */
  readonly monotonic: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** 0 to 1 */
  readonly chance: () => number
  readonly random: (bytes: number) => Uint8Array
  readonly passwords: PasswordChecker
  readonly failures: AuthFailures
  readonly budget: ReceiveBudget
  readonly tlsPossible: () => boolean
  /** The functions of the configuration, by the place of their rule. */
  readonly functions: () => ReadonlyMap<number, Deliver> | undefined
  /** A mistake of ours that a person should see. */
  readonly complain: (error: unknown) => void
}

/** Settings that may not change while it runs: data, threads, listeners. */
export function openPostOffice(first: Settings, world: World) {
  let settings = first
  const { hostname } = settings
  const { storage, reader, slot, owner, now, chance, random, sleep } = world
  const directory = openDirectory(reader, hostname)
  const route = (address: Address): Route | undefined =>
    chooseRoute(settings.routes, address, name => directory.isOwnDomain(name))
  const routing = routingOf(() => settings, slot, route)
  const nextId = idSource(slot, world.newestId, now)
  const reporter: Reporter = { hostname, routing, directory, nextId, now, random, read }
  const delivery = createDelivery({
    network: world.network,
    resolver: world.resolver,
    random: below => Math.floor(chance() * below),
    clock: { now: world.monotonic },
    hostname,
    ownAddresses: world.ownAddresses,
    get concurrency() {
      return settings.queue.concurrency
    },
    mailbox: async () => [],
    callFunction: (to, job) => callFunction(world.functions()?.get(to.index), job),
  })
  const runner = createRunner({
    owner,
    storage,
    content: id => reader.content(id),
    routing,
    reporter,
    get retry() {
      return settings.queue
    },
    get memory() {
      return shareOf(settings.queue.memory, settings.threads)
    },
    now,
    chance,
    sleep,
    attempt: (work, content, recipients) => {
      const [any] = recipients
      const to = rerouted(work.destination) ?? (any && route(any.address))
      if (!to) return Promise.resolve(recipients.map(() => NO_ROUTE))
      if (to.via === 'mailbox') return Promise.resolve(deliverToMailbox(work, recipients, route, directory))
      return delivery.deliver(to, { id: formatId(work.message), envelope: work.envelope, content, recipients })
    },
  })
  const submit = createSubmit({
    owner,
    storage,
    directory,
    routing,
    runner,
    reporter,
    mailboxOf(sender, recipient) {
      const [result] = deliverToMailbox({ sender }, [recipient], route, directory)
      return result?.is === 'stored' ? result : undefined
    },
    get hold() {
      return settings.queue.hold
    },
  })
  const options = (): ReceptionOptions => ({
    hostname,
    data: settings.data,
    limits: settings.limits,
    tlsPossible: world.tlsPossible(),
    mayRelay: compileNetworks(settings.relayFrom),
    mayLoginInClear: compileNetworks(settings.cleartextLoginFrom),
    route,
    directory,
    passwords: world.passwords,
    failures: world.failures,
    storage,
    quota: account => reader.mail.quota(account),
    submit,
    budget: world.budget,
    nextId,
    now,
    random,
  })
  const receptions = new Map<Listener, Reception>()
  let mayLogInInClear = compileNetworks(settings.cleartextLoginFrom)
  const access = openMailAccess({
    hostname,
    data: settings.data,
    limits: () => settings.limits,
    mayLogInInClear: () => mayLogInInClear,
    tlsPossible: world.tlsPossible,
    owner,
    storage,
    reader,
    directory,
    passwords: world.passwords,
    failures: world.failures,
    budget: world.budget,
    nextId,
    now,
    complain: world.complain,
  })
  const indexer =
    slot === 0
      ? startIndexer({ reader: reader.mail, storage, content: id => reader.content(id), sleep, now })
      : undefined

  return {
    /** The service of a session that came to this listener of the settings. */
    receive(connection: Connection, listener: Listener<SmtpKind>): SmtpService<MessageCollector> {
      const known = receptions.get(listener)
      const reception = known ?? new Reception(listener, options())
      if (!known) receptions.set(listener, reception)
      return reception.welcome(connection)
    },

    /** A session that reads mail. */
    serve(connection: Connection, language: 'imap' | 'pop3', gone: (session: MailSession) => void): MailSession {
      return access.serve(connection, language, gone)
    },

    /** What the storage says unasked. */
    notice(notice: Notice): void {
      if (notice.is === 'directory') {
        directory.forget()
        access.accountsChanged()
      } else if (notice.is === 'mailboxes') access.changed(notice.changed)
      else if (notice.is === 'undescribed') indexer?.wake()
      else runner.notice(notice)
    },

    reload(next: Settings): void {
      settings = next
      routing.forget()
      receptions.clear()
      mayLogInInClear = compileNetworks(settings.cleartextLoginFrom)
    },

    /** Begins to deliver. */
    start(): void {
      runner.start()
      indexer?.wake()
    },

    /** Begins nothing new; resolves when what is under way has ended. */
    async stop(): Promise<void> {
      indexer?.stop()
      await runner.stop()
      await delivery.close()
    },
  }
}

export type PostOffice = ReturnType<typeof openPostOffice>

function routingOf(
  settings: () => Settings,
  slot: number,
  route: (address: Address) => Route | undefined,
): Routing & { forget(): void } {
  const shares = new Map<string, ReturnType<Routing['share']>>()

  function share(destination: string): ReturnType<Routing['share']> {
    const { threads, queue, routes } = settings()
    if (destination === 'mailbox') return { concurrency: MAILBOX_CONCURRENCY, rate: undefined }
    const { concurrency = queue.concurrency, rate } = routeOf(destination, routes, route) ?? {}
    // A limit below the number of threads belongs to some of them, which ones the destination's name decides.
    const extra = (slot + hashOf(destination)) % threads < concurrency % threads ? 1 : 0
    return {
      concurrency: Math.floor(concurrency / threads) + extra,
      rate: rate === undefined ? undefined : rate / Math.min(threads, concurrency),
    }
  }

  return {
    destination(address) {
      const to = route(address)
      return to ? destinationKey(to, address) : 'none'
    },
    times(_destination, address) {
      const { lifetime, delayNotice } = settings().queue
      return { lifetime: route(address)?.lifetime ?? lifetime, delayNotice }
    },
    share(destination) {
      const known = shares.get(destination)
      if (known) return known
      if (shares.size >= SHARES) shares.clear()
      const found = share(destination)
      shares.set(destination, found)
      return found
    },
    forget: () => shares.clear(),
  }
}

/** Destinations whose share is remembered. */
const SHARES = 10_000

/** The route behind the key of a destination, for its limits: what was claimed from the disk has nothing but the key. */
function routeOf(
  destination: string,
  routes: Settings['routes'],
  route: (address: Address) => Route | undefined,
): Route | undefined {
  const name = /^mx:(.+?)(?::\d+)?$/.exec(destination)?.[1] ?? 'localhost'
  const anybody = parseAddress(`postmaster@${name}`, { smtputf8: true })
  if (!anybody) return undefined
  const likely = route(anybody)
  if (likely && destinationKey(likely, anybody) === destination) return likely
  return routes.find(rule => destinationKey(rule.route, anybody) === destination)?.route
}

/** Nothing is waited for but the commit. */
const MAILBOX_CONCURRENCY = 500

function hashOf(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) % 65_521
  return hash
}

const NO_ROUTE = {
  is: 'bounced',
  status: '5.4.4',
  reason: 'there is no route to that domain',
  reply: undefined,
  to: undefined,
} as const

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

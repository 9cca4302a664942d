/** One of our servers, whole but for its threads and sockets: storage engine, queue, deliveries and reception in this process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerConfig } from '../../src/config/define.ts'
import { thisMachine } from '../../src/config/machine.ts'
import { configSchema } from '../../src/config/schema.ts'
import { isSmtp, type Listener, type Settings } from '../../src/config/settings.ts'
import type { Resolver } from '../../src/dns/resolver.ts'
import { type Id, parseId } from '../../src/mail/id.ts'
import type { Connection } from '../../src/net/connection.ts'
import { createAuthFailures } from '../../src/net/sources.ts'
import { openPostOffice, type PostOffice } from '../../src/post-office.ts'
import { SmtpLoop } from '../../src/server/smtp.ts'
import type { Change, DirectoryChange, Operations, QueueFilter } from '../../src/storage/operations.ts'
import { type Engine, openEngine } from '../../src/storage/sqlite/engine.ts'
import { openStorageReader, type QueueListing, type StorageReader } from '../../src/storage/sqlite/reader.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { Asked } from '../../src/storage/wire.ts'
import type { Clock } from './clock.ts'
import { createSender, type Mail, type Sent } from './sender.ts'
import type { Host, MemoryNetwork } from './network.ts'

export interface ServerSetup {
  readonly hostname: string
  readonly config?: Omit<ServerConfig, 'hostname' | 'data' | 'threads' | 'listeners'>
  /** With their catch-all. Those of accounts and aliases need not be named. */
  readonly domains?: Readonly<Record<string, string | undefined>>
  readonly accounts?: readonly string[]
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  /** Protocol threads; default 1. Connections come to them in turn. */
  readonly threads?: number
}

export interface Surroundings {
  readonly clock: Clock
  readonly chance: () => number
  readonly network: MemoryNetwork
  readonly resolver: Resolver
  readonly address: string
  /** Its place among the servers: ids of its threads begin with this slot. */
  readonly slot: number
  /** Under which data folders are made. */
  readonly folder: string
}

/** The timeline, as it was written. */
export interface TimelineEvent {
  readonly event: string
  readonly time: number
  readonly [key: string]: unknown
}

export interface MailIn {
  /** Return-Path and Delivered-To. */
  readonly head: string
  readonly text: string
  readonly at: number
}

export interface WorldServer {
  readonly hostname: string
  readonly address: string
  /** From a client that may relay. */
  send(mail: Mail): Promise<Sent>
  /** As a stranger on port 25. */
  receive(mail: Mail): Promise<Sent>
  mailbox(account: string): MailIn[]
  queue(filter?: QueueFilter): QueueListing[]
  change(to: Change['to'], filter?: QueueFilter): Promise<number>
  directory(change: DirectoryChange): Promise<void>
  timeline(message: string): TimelineEvent[]
  /** Gone in the middle of everything, and started again on what is on disk. */
  crash(): void
  /** One protocol thread is gone in the middle of everything; what it had leased is freed, and another takes its place. */
  crashThread(thread: number): void
  /** For the world's clock. */
  nextWake(): number | undefined
  wake(): void
  close(): Promise<void>
}

/** Who may relay, and who may not. */
const FRIEND = '10.0.0.1'
const STRANGER = '203.0.113.99'

const EVERYTHING = 100_000

/** One run of the server on its data, from start to stop or crash. */
interface Life {
  alive: boolean
  readonly hosts: Host[]
  readonly engine: Engine
  readonly reader: StorageReader
  /** The main thread's. */
  readonly storage: Storage
  readonly threads: Thread[]
  owners: number
}

interface Thread {
  alive: boolean
  readonly owner: number
  readonly connections: Set<Connection>
  readonly office: PostOffice
}

export async function openServer(setup: ServerSetup, around: Surroundings): Promise<WorldServer> {
  const { clock, network, address } = around
  const data = mkdtempSync(join(around.folder, 'server-'))
  const settings = settingsOf(setup, data, address)
  const lives: Life[] = []
  let life = begin(settings, around)
  lives.push(life)

  async function ask<Name extends 'change' | 'directory'>(
    name: Name,
    input: Operations[Name]['in'],
  ): Promise<Operations[Name]['out']> {
    const answer = life.storage.ask(name, input)
    await clock.settle()
    const result = await answer
    if ('failed' in result) throw new Error(result.failed.detail)
    return result.ok
  }
  const directory = async (change: DirectoryChange): Promise<void> => {
    const result = await ask('directory', change)
    if (result !== 'done') throw new Error(`${JSON.stringify(change)}: ${result}`)
  }
  for (const change of directoryOf(setup)) await directory(change)
  const sender = createSender(network, clock)

  return {
    hostname: setup.hostname,
    address,
    send: mail => sender.send(mail, FRIEND, address, mail.port ?? 25),
    receive: mail => sender.send(mail, STRANGER, address, mail.port ?? 25),
    mailbox(account) {
      const { reader } = life
      const id = reader.account(account)?.id
      if (id === undefined) throw new Error(`there is no account ${account}`)
      return reader.mails(id, 0, EVERYTHING).map(({ message, head, at }) => {
        const content = reader.content(message)
        return { head, at, text: content?.in === 'memory' ? Buffer.from(content.bytes).toString() : '' }
      })
    },
    queue: (filter = {}) => life.reader.entries(filter, clock.now(), EVERYTHING),
    change: (to, filter = {}) => ask('change', { filter, to }),
    directory,
    timeline: message => life.reader.timeline(idOf(message)).map((line): TimelineEvent => JSON.parse(line)),
    nextWake: () => life.engine.nextWake(),
    wake: () => life.engine.wake(),
    crash() {
      life.alive = false
      for (const host of life.hosts) host.state = 'refusing'
      life.threads.forEach(end)
      life = begin(settings, around)
      lives.push(life)
    },
    crashThread(slot) {
      const lost = life.threads[slot]
      if (!lost) throw new Error(`there is no thread ${slot}`)
      end(lost)
      void life.storage.ask('release', { owner: lost.owner, slot })
      life.threads[slot] = beginThread(life, slot, settings, around)
    },
    async close() {
      // What a peer keeps waiting for is nobody's concern any more.
      for (const { office } of life.threads) void office.stop()
      await clock.settle()
      for (const { reader, engine } of lives.toReversed()) {
        reader.close()
        engine.close()
      }
      rmSync(data, { recursive: true, force: true })
    },
  }
}

function end(thread: Thread): void {
  thread.alive = false
  for (const connection of thread.connections) connection.destroy()
}

function begin(settings: Settings, around: Surroundings): Life {
  const { clock, network, address } = around
  const engine = openEngine({
    data: settings.data,
    timeline: settings.timeline,
    now: clock.now,
    notify: notice =>
      clock.soon(() => {
        for (const { alive, office } of life.threads) if (alive) office.notice(notice)
      }),
    log: () => undefined,
  })
  const reader = openStorageReader(settings.data)
  const life: Life = {
    alive: true,
    hosts: [],
    engine,
    reader,
    storage: storageOf(engine, clock, () => life.alive),
    threads: [],
    owners: 0,
  }
  for (let slot = 0; slot < settings.threads; slot++) life.threads.push(beginThread(life, slot, settings, around))
  let turn = 0
  for (const listener of settings.listeners) {
    if (listener.on === 'unix' || !isSmtp(listener)) continue
    const host: Host = {
      state: 'up',
      accept(connection) {
        const thread = life.threads[turn++ % life.threads.length]
        if (!thread) throw new Error('a server without a thread')
        thread.connections.add(connection)
        const loop = new SmtpLoop(connection, thread.office.receive(connection, listener), clock.now)
        // As a real socket would: nothing is said before both ends are there.
        clock.soon(() => loop.start())
        return loop
      },
    }
    network.listen(address, listener.port, host)
    life.hosts.push(host)
  }
  return life
}

function beginThread(life: Life, slot: number, settings: Settings, around: Surroundings): Thread {
  const { clock, chance, network, address } = around
  const owner = ++life.owners
  const connections = new Set<Connection>()
  const isAlive = (): boolean => life.alive && thread.alive
  const outgoing = network.from(address)
  const office = openPostOffice(settings, {
    slot: around.slot + slot,
    owner,
    storage: storageOf(life.engine, clock, isAlive),
    reader: life.reader,
    newestId: life.engine.newestId(),
    ownAddresses: [address],
    network: {
      connect(to, open) {
        if (!isAlive()) return new Promise(() => {})
        return outgoing.connect(to, connection => {
          if (isAlive()) connections.add(connection)
          else connection.destroy()
          return open(connection)
        })
      },
    },
    resolver: around.resolver,
    now: clock.now,
    monotonic: clock.now,
    sleep: clock.sleep,
    chance,
    random: bytes => Uint8Array.from({ length: bytes }, () => Math.floor(chance() * 256)),
    passwords: { check: async (stored, password) => stored === password },
    failures: createAuthFailures(clock.now),
    budget: { limit: settings.limits.receiveMemory, used: 0 },
    tlsPossible: () => false,
    functions: () => undefined,
    complain: error => {
      throw error
    },
  })
  const thread: Thread = { alive: true, owner, connections, office }
  office.start()
  return thread
}

function idOf(text: string): Id {
  const id = parseId(text)
  if (id === undefined) throw new Error(`not an id: ${text}`)
  return id
}

function settingsOf({ hostname, config, threads = 1 }: ServerSetup, data: string, host: string): Settings {
  const checked = configSchema(thisMachine('/')).parse({
    relayFrom: ['10.0.0.0/8'],
    ...config,
    hostname,
    data,
    threads,
  })
  const kinds = { smtp: 25, submission: 587 } as const
  const listeners = (['smtp', 'submission'] as const).map(
    (kind): Listener => ({ kind, on: 'tcp', host, port: kinds[kind], proxyFrom: [] }),
  )
  return { ...checked, listeners, user: undefined, tls: undefined, functionsFrom: undefined, dev: false }
}

function directoryOf({ domains = {}, accounts = [], aliases = {} }: ServerSetup): DirectoryChange[] {
  const named = [...accounts, ...Object.keys(aliases)].map(address => address.slice(address.lastIndexOf('@') + 1))
  const names = new Set([...Object.keys(domains), ...named])
  return [
    ...[...names].map((name): DirectoryChange => ({ is: 'add-domain', name, catchAll: domains[name] })),
    ...accounts.map((address): DirectoryChange => ({ is: 'add-account', address, hash: 'secret' })),
    ...Object.entries(aliases).map(([address, targets]): DirectoryChange => ({ is: 'set-alias', address, targets })),
  ]
}

/** The storage thread without a thread: what is asked in one turn is one commit. */
function storageOf(engine: Engine, clock: Clock, isAlive: () => boolean): Storage {
  let scheduled = false
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    clock.soon(() => {
      scheduled = false
      if (isAlive() && engine.commit()) schedule()
    })
  }
  return {
    ask(name, input) {
      return new Promise(resolve => {
        // As in storage/port.ts: the pair is typed by `ask`, and the answer has the type that `name` says.
        engine.ask({ name, input } as Asked, result =>
          clock.soon(() => {
            if (isAlive()) resolve(result)
          }),
        )
        schedule()
      })
    },
    record(events) {
      engine.ask({ name: 'record', input: events }, () => undefined)
      schedule()
    },
  }
}

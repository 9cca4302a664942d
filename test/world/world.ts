/**
 * A world in one process: our servers, foreign hosts with a script, DNS, and a clock that moves only when told. The same seed gives the same
 * run, to the last byte; five days take as long as what happens in them.
 *
 *     await using world = createWorld({ seed: 1 })
 *     const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
 *     const away = world.peer('mx.away.test', { answer: command => (command.startsWith('RCPT') ? '451 4.7.1 later' : undefined) })
 *     world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
 *     const { id } = await home.send({ from: 'ann@home.test', to: 'bob@away.test' })
 *     await world.advance('5 days')
 *     home.timeline(id)
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeResolver, type FakeName } from '../../src/dns/fake.ts'
import { createChance, createClock, msOf } from './clock.ts'
import { createMemoryNetwork } from './network.ts'
import { peerOf, type Script, type ScriptedPeer } from './peer.ts'
import { openServer, type ServerSetup, type TimelineEvent, type WorldServer } from './server.ts'

export interface World extends AsyncDisposable {
  /** Names of DNS; a test changes them as it likes. */
  readonly zone: Record<string, FakeName>
  /** With its address in DNS, and an MX for each of its domains. */
  server(setup: ServerSetup): Promise<WorldServer>
  /** With its address in DNS; `port` for one that is not on 25. */
  peer(name: string, script?: Script, port?: number): ScriptedPeer
  /** Everything that happens in this time. */
  advance(duration: string | number): Promise<void>
  /** Of a message, wherever it was accepted. */
  timeline(message: string): TimelineEvent[]
  /** ms since 1970 */
  readonly now: () => number
  /** A number from 0 up to 1, by the seed. */
  readonly chance: () => number
  /** In the middle of what happens, after so many steps of anybody. */
  readonly interrupt: (steps: number, call: () => void) => void
  /** Connections that were tried: to 'address:port'. */
  readonly dialled: readonly { readonly at: number; readonly to: string; readonly from: string }[]
}

/** When every world begins. */
const START = Date.UTC(2026, 10, 24, 9)

/** Moments of one `advance`. */
const MOST_MOMENTS = 1_000_000

export function createWorld({ seed }: { readonly seed: number }): World {
  const clock = createClock(START)
  const chance = createChance(seed)
  const network = createMemoryNetwork(clock)
  const zone: Record<string, FakeName> = {}
  const resolver = createFakeResolver(zone)
  const folder = mkdtempSync(join(memoryFolder(), 'staffetta-world-'))
  const servers: WorldServer[] = []
  let hosts = 0
  let threads = 0

  const nextAddress = (): string => `192.0.2.${++hosts}`

  function nextMoment(): number | undefined {
    let first = clock.next()
    for (const server of servers) {
      const wake = server.nextWake()
      if (wake !== undefined && (first === undefined || wake < first)) first = wake
    }
    return first
  }

  async function advance(duration: string | number): Promise<void> {
    const end = clock.now() + msOf(duration)
    await clock.settle()
    for (let moments = 0; ; moments++) {
      const next = nextMoment()
      if (next === undefined || next > end) break
      if (moments > MOST_MOMENTS) throw new Error('too much happens')
      clock.moveTo(next)
      for (const server of servers) if ((server.nextWake() ?? Infinity) <= clock.now()) server.wake()
      await clock.settle()
    }
    clock.moveTo(end)
  }

  return {
    zone,
    async server(setup) {
      const address = nextAddress()
      const around = { clock, chance, network, resolver, address, slot: threads, folder }
      zone[setup.hostname] = { a: [address] }
      const named = [...(setup.accounts ?? []), ...Object.keys(setup.aliases ?? {})]
      const domains = [...named.map(of => of.slice(of.lastIndexOf('@') + 1)), ...Object.keys(setup.domains ?? {})]
      for (const domain of domains) zone[domain] ??= { mx: [[10, setup.hostname]] }
      threads += setup.threads ?? 1
      const server = await openServer(setup, around)
      servers.push(server)
      return server
    },
    peer(name, script = {}, port = 25) {
      const address = nextAddress()
      zone[name] = { a: [address] }
      const peer = peerOf(name, address, script, clock)
      network.listen(address, port, peer)
      return peer
    },
    advance,
    timeline: message => servers.flatMap(server => server.timeline(message)),
    now: clock.now,
    chance,
    interrupt: clock.interrupt,
    dialled: network.dialled,
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Where a commit costs nothing, if there is such a place: what is on disk after a crash is for test/crash. */
function memoryFolder(): string {
  return statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() ? '/dev/shm' : tmpdir()
}

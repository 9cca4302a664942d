import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createResolver } from '../../src/dns/client.ts'

/**
 * Real names for interop tests: nsd serves the zones of the test and an otherwise empty root, unbound resolves them, both on high
 * ports of the loopback interface, in a folder of their own. Nothing is ever asked outside this machine: unbound's root is our nsd,
 * and its own queries leave from 127.0.0.1.
 */
export interface Names {
  /** 'address:port' of unbound, for `dns.servers`. */
  readonly resolver: string
  /** 'address:port' of nsd: authoritative, does not recurse. */
  readonly authority: string
  readonly stop: () => Promise<void>
}

/**
 * Zone → its records as a master file (RFC 1035 §5), names relative to the zone; SOA and NS are put before them.
 *
 *     { 'example.test': '@ MX 10 mx1\nmx1 A 127.0.0.1', '0.0.127.in-addr.arpa': '1 PTR mx1.example.test.' }
 */
export type Zones = Readonly<Record<string, string>>

/** The programs of Debian's packages `nsd` and `unbound` that are not installed. */
export function missingPrograms(): readonly string[] {
  return ['nsd', 'unbound'].filter(name => findProgram(name) === undefined)
}

export interface NamesOptions {
  readonly zones: Zones
  /** Zones that are delegated to nsd, which has no data for them and says SERVFAIL, as a secondary does that never got its zone. */
  readonly lame?: readonly string[]
  /** Where unbound listens, and for whom it answers ('10.1.2.0/24'); default: a free port of the loopback interface, for this machine. */
  readonly at?: Listening
}

interface Listening {
  readonly address: string
  readonly port: number
  readonly clients: string
}

/** Rejects when a program does not start; what it said is in the message. */
export async function start(options: NamesOptions): Promise<Names> {
  const folder = mkdtempSync(join(tmpdir(), 'names-'))
  const authorityPort = await findPort()
  const at = options.at ?? { address: '127.0.0.1', port: await findPort(), clients: '127.0.0.0/8' }
  const zones = Object.entries({ '.': '', ...options.zones })
  const served = [...zones.map(([zone]) => zone), ...(options.lame ?? [])]
  mkdirSync(join(folder, 'zones'))
  zones.forEach(([zone, records], index) => writeFileSync(join(folder, 'zones', `${index}`), writeZone(zone, records)))
  writeFileSync(join(folder, 'nsd.conf'), nsdConf(folder, authorityPort, served))
  writeFileSync(join(folder, 'unbound.conf'), unboundConf(folder, authorityPort, at, served))
  const programs: Program[] = []
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) await program.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    programs.push(run('nsd', ['-d', '-c', join(folder, 'nsd.conf')]))
    await answers(`127.0.0.1:${authorityPort}`, programs)
    programs.push(run('unbound', ['-d', '-p', '-c', join(folder, 'unbound.conf')]))
    await answers(`${at.address}:${at.port}`, programs)
  } catch (error) {
    await stop()
    throw error
  }
  return { resolver: `${at.address}:${at.port}`, authority: `127.0.0.1:${authorityPort}`, stop }
}

function writeZone(zone: string, records: string): string {
  const origin = zone.endsWith('.') ? zone : `${zone}.`
  return [
    `$ORIGIN ${origin}`,
    '$TTL 300',
    '@ SOA ns.localhost. hostmaster.localhost. 1 3600 600 86400 60',
    '@ NS ns.localhost.',
    records,
    '',
  ].join('\n')
}

function nsdConf(folder: string, port: number, zones: readonly string[]): string {
  return `
server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  pidfile: ""
  zonesdir: "${folder}/zones"
  zonelistfile: "${folder}/zone.list"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
${zones.map((zone, index) => `zone:\n  name: "${zone}"\n  zonefile: "${index}"\n`).join('')}`
}

function unboundConf(folder: string, authorityPort: number, at: Listening, zones: readonly string[]): string {
  const stub = (zone: string): string => `
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${authorityPort}
`
  return `
server:
  interface: ${at.address}
  port: ${at.port}
  access-control: ${at.clients} allow
  outgoing-interface: 127.0.0.1
  do-ip6: no
  do-not-query-localhost: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  module-config: "validator iterator"
  qname-minimisation: no
  unblock-lan-zones: yes
  insecure-lan-zones: yes
  local-zone: "test." nodefault
${zones.map(zone => `  domain-insecure: "${zone}"\n`).join('')}
remote-control:
  control-enable: no
${zones.map(stub).join('')}`
}

interface Program {
  readonly name: string
  readonly child: ChildProcess
  /** What it printed, the first 64 KB. */
  readonly output: () => string
  readonly stop: () => Promise<void>
}

/** In a process group of its own, so that what it forks ends with it; at the latest when this process exits. */
function run(name: string, args: readonly string[]): Program {
  const child = spawn(findProgram(name) ?? name, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  const note = (chunk: Buffer): void => {
    if (output.length < 65_536) output += chunk.toString()
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  child.on('error', error => note(Buffer.from(error.message)))
  const kill = (): void => signal(child, 'SIGKILL')
  process.once('exit', kill)
  return {
    name,
    child,
    output: () => output,
    async stop(): Promise<void> {
      process.removeListener('exit', kill)
      if (child.pid === undefined || ended(child)) return
      const exited = once(child, 'exit')
      signal(child, 'SIGTERM')
      const timer = setTimeout(kill, 5_000)
      await exited
      clearTimeout(timer)
    },
  }
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function signal(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined || ended(child)) return
  try {
    process.kill(-child.pid, name)
  } catch {
    // it has just ended
  }
}

/** Waits until the last of the programs answers a question, 10 s at most. */
async function answers(server: string, programs: readonly Program[]): Promise<void> {
  const program = programs.at(-1)
  const clock = { now: () => performance.now() }
  const resolver = createResolver({ servers: [server], random: randomInt, clock, timeout: 200, rounds: 1 })
  try {
    for (const until = clock.now() + 10_000; clock.now() < until; ) {
      if ((await resolver.a('ready')).is !== 'failed') return
      if (program === undefined || ended(program.child) || program.child.pid === undefined) break
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  } finally {
    resolver.close()
  }
  throw new Error(`${program?.name} does not answer: ${program?.output()}`)
}

/** A port that is free for UDP and TCP at this moment. */
async function findPort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const port = randomInt(20_000, 32_000) // below the ports that the system gives to outgoing connections
    const tcp = createServer().listen(port, '127.0.0.1')
    const udp = createSocket('udp4').bind(port, '127.0.0.1')
    const [tcpFree, udpFree] = await Promise.all([succeeds(tcp), succeeds(udp)])
    if (tcpFree) await new Promise<void>(resolve => tcp.close(() => resolve()))
    if (udpFree) await new Promise<void>(resolve => udp.close(() => resolve()))
    if (tcpFree && udpFree) return port
  }
  throw new Error('No free port for a name server.')
}

/** Whether a socket comes to listen. */
function succeeds(socket: NodeJS.EventEmitter): Promise<boolean> {
  return once(socket, 'listening').then(
    () => true,
    () => false,
  )
}

/** Debian puts servers into /usr/sbin, which a user's PATH lacks. */
function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin']
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

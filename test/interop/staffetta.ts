/**
 * Our own server as an operator runs it: `node src/main.ts serve -c FILE` in a temporary folder, spoken to by its ports and its command
 * line and by nothing else.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerConfig } from '../../src/config/define.ts'
import { freePort, greets, run, succeed } from './program.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
export const PASSWORD = 'correct horse'

export interface Staffetta {
  readonly host: string
  readonly ports: { readonly smtp: number; readonly submission: number; readonly submissions: number }
  readonly log: () => string
  /** The command line on this server's data, its standard output. Rejects when it fails. */
  readonly command: (args: readonly string[], input?: string) => Promise<Buffer>
  /** The messages in a mailbox, byte for byte, in the order of their UIDs. */
  readonly mail: (address: string) => Promise<Buffer[]>
  /** A message in it that `wanted` likes; asks the server only when none was seen before. */
  readonly find: (address: string, wanted: (message: Buffer) => boolean) => Promise<Buffer | undefined>
  /** What waits. */
  readonly queue: () => Promise<unknown[]>
  readonly stop: () => Promise<void>
}

export type Environment = Readonly<Record<string, string>>

export interface StaffettaOptions {
  readonly hostname: string
  readonly domains: readonly string[]
  /** Accounts, all with PASSWORD. */
  readonly accounts: readonly string[]
  /** Listeners in it are further ones. */
  readonly config?: ServerConfig
  /** Of the server's process. */
  readonly env?: Environment
  /** Of the smtp listener, where others must know it before; default: a free one. */
  readonly port?: number
  /** With an address of its own there: ports 25, 587 and 465. */
  readonly namespace?: string
  readonly address?: string
}

export async function startStaffetta(options: StaffettaOptions): Promise<Staffetta> {
  const { namespace } = options
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-'))
  const host = options.address ?? '127.0.0.1'
  const ports =
    namespace === undefined
      ? { smtp: options.port ?? (await freePort()), submission: await freePort(), submissions: await freePort() }
      : { smtp: 25, submission: 587, submissions: 465 }
  const file = join(folder, 'staffetta.json')
  writeFileSync(file, JSON.stringify(configOf(options, host, ports), undefined, 2))
  const command = (args: readonly string[], input?: string) =>
    succeed({
      name: process.execPath,
      args: [MAIN, ...args, '-c', file],
      ...(input === undefined ? {} : { input }),
    })
  for (const domain of options.domains) await command(['domain', 'add', domain])
  for (const account of options.accounts) await command(['account', 'add', account, '--password-stdin'], PASSWORD)
  const program = run({ name: process.execPath, args: [MAIN, 'serve', '-c', file], namespace, env: options.env ?? {} })
  const log = (): string => {
    const written = join(folder, 'staffetta.log')
    return program.output() + (existsSync(written) ? readFileSync(written, 'utf8') : '')
  }
  for (const [name, port] of Object.entries(ports))
    await greets({ ...program, output: log }, { host, port, tls: name === 'submissions', namespace })
  const uids = (address: string) => listUids(command, address)
  return {
    host,
    ports,
    log,
    command,
    ...mailboxes(uids, (address, uid) => command(['mail', 'show', address, `${uid}`])),
    async queue() {
      return list(await command(['queue', 'list', '--json']))
    },
    async stop() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function configOf(
  options: StaffettaOptions,
  host: string,
  ports: { readonly smtp: number; readonly submission: number; readonly submissions: number },
): ServerConfig {
  const loopback = ['127.0.0.1', host].filter((address, index, all) => all.indexOf(address) === index)
  const on = (port: number) => ({ port, host: options.namespace === undefined ? host : loopback })
  return {
    hostname: options.hostname,
    data: 'data',
    relayFrom: ['127.0.0.0/8'],
    queue: { retryFirst: '1 s', retryLongest: '2 s' },
    log: { level: 'debug', file: 'staffetta.log' },
    ...options.config,
    listeners: {
      smtp: on(ports.smtp),
      submission: on(ports.submission),
      submissions: on(ports.submissions),
      ...options.config?.listeners,
    },
  }
}

type Run = (args: readonly string[]) => Promise<Buffer>

async function listUids(command: Run, address: string): Promise<number[]> {
  return list(await command(['mail', 'list', address, '--json'])).map(row => {
    if (typeof row === 'object' && row !== null && 'uid' in row && typeof row.uid === 'number') return row.uid
    throw new Error(`no uid in ${JSON.stringify(row)}`)
  })
}

/** A listing is one JSON array. */
function list(output: Buffer): unknown[] {
  const value: unknown = JSON.parse(output.toString())
  if (!Array.isArray(value)) throw new Error(`not a list: ${output.toString().slice(0, 500)}`)
  return value
}

/** A message under its UID never changes, so what was shown once is kept. */
function mailboxes(
  uids: (address: string) => Promise<number[]>,
  show: (address: string, uid: number) => Promise<Buffer>,
): Pick<Staffetta, 'mail' | 'find'> {
  const shown = new Map<string, Map<number, Buffer>>()
  const mail = async (address: string): Promise<Buffer[]> => {
    const mailbox = shown.get(address) ?? new Map<number, Buffer>()
    shown.set(address, mailbox)
    for (const uid of await uids(address)) if (!mailbox.has(uid)) mailbox.set(uid, await show(address, uid))
    return [...mailbox.values()]
  }
  return {
    mail,
    find: async (address, wanted) =>
      [...(shown.get(address)?.values() ?? [])].find(wanted) ?? (await mail(address)).find(wanted),
  }
}

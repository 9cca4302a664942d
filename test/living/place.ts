/** A folder with a configuration, and the real server on it: started, told, stopped and started again, as an operator does. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerConfig } from '../../src/config/define.ts'
import { hashPassword } from '../../src/directory/passwords.ts'
import type { DirectoryChange } from '../../src/storage/operations.ts'
import { askControl } from '../crash/server.ts'
import { call, type Done, freePort, type Program, run, until } from '../interop/program.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
export const PASSWORD = 'Tr0ub4dor and 3 horses'
export const ANNA = 'anna@living.test'
export const BRUNO = 'bruno@living.test'

export interface Place {
  readonly folder: string
  /** Of the smtp listener. */
  readonly port: number
  readonly pid: number
  /** Starts the server; resolves when it serves. */
  start(): Promise<void>
  /** Starts another one on the configuration in `file`, and resolves with how it ended. */
  second(file: string): Promise<Done>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** Replaces keys of the configuration, whatever they hold, sends SIGHUP, and resolves with what the server said to that. */
  reload(config: Readonly<Record<string, unknown>>): Promise<string>
  /** Sends SIGHUP, and resolves with what the server said to that. */
  hangUp(): Promise<string>
  /** What the server printed. */
  output(): string
  /** What stands in the log file, as objects. */
  log(): Record<string, unknown>[]
  /** The command line on this place's data. */
  command(args: string, input?: string): Promise<Done>
  /** The rows of a listing. */
  list(args: string): Promise<Record<string, unknown>[]>
  /** The first message in a mailbox whose text has `words`, as soon as it is there. */
  mail(address: string, words: string): Promise<string>
  remove(): Promise<void>
}

/** With the domain living.test and the accounts ANNA and BRUNO, both with PASSWORD. Keys of `config` replace those here. */
export async function newPlace(config: ServerConfig = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-living-'))
  chmodSync(folder, 0o755)
  const port = await freePort()
  const file = join(folder, 'staffetta.json')
  let program: Program | undefined
  let settled = false
  let now: Readonly<Record<string, unknown>> = {
    hostname: 'mx.living.test',
    data: 'data',
    threads: 2,
    listeners: { smtp: { port, host: '127.0.0.1' } },
    log: { file: 'staffetta.log' },
    ...config,
  }
  const write = (): void => writeFileSync(file, JSON.stringify(now, undefined, 2))
  const output = (): string => program?.output() ?? ''
  const command = (args: string, input?: string): Promise<Done> =>
    call({
      name: process.execPath,
      args: [MAIN, ...args.split(' '), '-c', file],
      ...(input === undefined ? {} : { input }),
    })
  write()
  const place: Place = {
    folder,
    port,
    get pid() {
      return program?.pid ?? 0
    },
    async start() {
      const started = run({ name: process.execPath, args: [MAIN, 'serve', '-c', file] })
      program = started
      await until(
        () => `the server: ${started.output()}`,
        () => {
          assert.ok(!started.hasEnded(), started.output())
          return started.output().includes('serving') ? true : undefined
        },
      )
      if (!settled) await settle(join(folder, 'data'))
      settled = true
    },
    second: other => call({ name: process.execPath, args: [MAIN, 'serve', '-c', other] }),
    stop: () => program?.stop() ?? Promise.resolve(null),
    reload(changed) {
      now = { ...now, ...changed }
      write()
      return place.hangUp()
    },
    async hangUp() {
      const before = output().length
      assert.ok(program)
      process.kill(program.pid, 'SIGHUP')
      return until('an answer to SIGHUP', () => {
        const said = output().slice(before)
        return /^staffetta: the configuration .*\n/m.test(said) ? said : undefined
      })
    },
    output,
    log() {
      const path = join(folder, 'staffetta.log')
      return existsSync(path) ? parseLines(readFileSync(path, 'utf8')) : []
    },
    command,
    async list(args) {
      const { code, stdout, stderr } = await command(`${args} --json`)
      assert.equal(code, 0, stderr)
      const rows: unknown = JSON.parse(stdout.toString())
      assert.ok(Array.isArray(rows))
      return rows
    },
    mail(address, words) {
      return until(`a message with ${words}`, async () => {
        for (const { uid } of (await place.list(`mail list ${address}`)).toReversed()) {
          const text = (await command(`mail show ${address} ${String(uid)}`)).stdout.toString()
          if (text.includes(words)) return text
        }
        return undefined
      })
    },
    async remove() {
      await place.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return place
}

/** As `staffetta domain add` and `staffetta account add` do it, but at once. */
async function settle(data: string): Promise<void> {
  const change = async (of: DirectoryChange): Promise<void> => {
    assert.deepEqual(await askControl(join(data, 'control.sock'), { is: 'directory', change: of }), { ok: 'done' })
  }
  await change({ is: 'add-domain', name: 'living.test', catchAll: undefined })
  const hash = await hashPassword(PASSWORD)
  assert.ok(hash !== undefined)
  for (const address of [ANNA, BRUNO]) await change({ is: 'add-account', address, hash })
}

/** Throws for a line that is no JSON object. */
export function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const value: unknown = JSON.parse(line)
      assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), line)
      return { ...value }
    })
}

/**
 * Foreign programs for the interop tests: found, started (in a network namespace where one is named), watched and ended, each by its
 * own id. What is absent is said plainly: skipped on a developer's machine, a failure where CI=true.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Debian puts servers into /usr/sbin, which a user's PATH lacks. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

export interface Needs {
  /** Programs and other things, in words. */
  readonly missing: readonly string[]
  /** Why tests that need them are left out; false: everything is there. */
  readonly skip: string | false
  /** The same, but false where CI=true: the test that looks whether everything is there must fail there. */
  readonly excuse: string | false
}

/** `others`: what else is missing, in words. */
export function needs(programs: readonly string[], others: readonly string[] = []): Needs {
  const missing = [...programs.filter(name => findProgram(name) === undefined), ...others]
  const skip = missing.length > 0 && `missing: ${missing.join(', ')} (as root on Debian 12: test/interop/install.sh)`
  return { missing, skip, excuse: process.env['CI'] === 'true' ? false : skip }
}

/** What is missing on this machine besides programs, for rigs that start other servers. */
export function missingRights(): readonly string[] {
  return process.getuid?.() === 0 ? [] : ['the rights of root']
}

export interface Program {
  readonly pid: number
  /** What it printed, the last 256 KB. */
  readonly output: () => string
  readonly hasEnded: () => boolean
  /** SIGTERM, and SIGKILL after 10 s. Resolves with its exit code (null: by a signal). */
  readonly stop: () => Promise<number | null>
}

export interface Command {
  readonly name: string
  readonly args: readonly string[]
  /** A network namespace of `ip netns`. */
  readonly namespace?: string | undefined
  readonly env?: Readonly<Record<string, string>>
}

function inNamespace({ name, args, namespace }: Command): [string, string[]] {
  const path = findProgram(name) ?? name
  if (namespace === undefined) return [path, [...args]]
  return [findProgram('ip') ?? 'ip', ['netns', 'exec', namespace, path, ...args]]
}

/** In a process group of its own, so that what it forks ends with it, also when the test is interrupted. */
export function run(command: Command): Program {
  const [path, args] = inNamespace(command)
  const env = { ...process.env, ...command.env }
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env })
  let output = ''
  const note = (chunk: Buffer | string): void => {
    output = (output + chunk.toString()).slice(-262_144)
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  child.on('error', error => note(error.message))
  const kill = (): void => signal(child, 'SIGKILL')
  process.once('exit', kill)
  return {
    pid: child.pid ?? 0,
    output: () => output,
    hasEnded: () => child.pid === undefined || ended(child),
    async stop(): Promise<number | null> {
      process.removeListener('exit', kill)
      if (child.pid === undefined || ended(child)) return child.exitCode
      const exited = once(child, 'exit')
      child.kill('SIGTERM') // the program itself: it ends its own
      const timer = setTimeout(kill, 10_000)
      await exited
      clearTimeout(timer)
      signalGroup(child, 'SIGKILL') // what it left behind
      return child.exitCode
    },
  }
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function signal(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid !== undefined && !ended(child)) signalGroup(child, name)
}

function signalGroup(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name)
  } catch {
    // nobody is left
  }
}

export interface Done {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a program to its end: at most 60 s and 64 MB of output. `input` is its standard input. */
export function call(command: Command & { readonly input?: Buffer | string }): Promise<Done> {
  const [path, args] = inNamespace(command)
  const env = { ...process.env, ...command.env }
  return new Promise(resolve => {
    const child = execFile(
      path,
      args,
      { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024, timeout: 60_000, env },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
        resolve({ code, stdout, stderr: code === 255 ? `${stderr.toString()}${error?.message}` : stderr.toString() })
      },
    )
    child.stdin?.on('error', () => {}) // it may end before it has read everything
    child.stdin?.end(command.input ?? '')
  })
}

/** Like `call`, but a program that fails is an error that shows what it said. */
export async function succeed(command: Command & { readonly input?: Buffer | string }): Promise<Buffer> {
  const { code, stdout, stderr } = await call(command)
  assert.equal(
    code,
    0,
    `${command.name} ${command.args.join(' ')}\n${stderr.slice(-4000)}${stdout.toString().slice(-4000)}`,
  )
  return stdout
}

/** Asks every 50 ms until the answer is not undefined; after `timeout` ms an error that says what was awaited. */
export async function until<T>(
  what: string | (() => string),
  ask: () => T | undefined | Promise<T | undefined>,
  timeout = 20_000,
): Promise<T> {
  for (const end = performance.now() + timeout; performance.now() < end; await sleep(50)) {
    const answer = await ask()
    if (answer !== undefined) return answer
  }
  throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`)
}

interface Greeting {
  readonly host: string
  readonly port: number
  /** TLS comes first, so that it accepts a connection is all there is to see. */
  readonly tls?: boolean
  readonly namespace?: string | undefined
}

/** Resolves when a mail server greets with 220; a program that does not come to that in 20 s is ended. */
export async function greets(program: Program, at: Greeting): Promise<void> {
  try {
    await until(
      () => `a greeting on port ${at.port}: ${program.output()}`,
      async () => {
        assert.ok(!program.hasEnded(), `ended before it listened on ${at.port}: ${program.output()}`)
        return (await isGreeting(at)) ? true : undefined
      },
    )
  } catch (error) {
    await program.stop()
    throw error
  }
}

async function isGreeting({ host, port, tls, namespace }: Greeting): Promise<boolean> {
  const listen = tls === true ? 'true' : 'read -t 5 -u 3 && echo $REPLY'
  const args = ['-c', `exec 3<>/dev/tcp/${host}/${port} && ${listen}`]
  const { stdout, code } = await call({ name: 'bash', args, namespace })
  return code === 0 && (tls === true || stdout.toString().startsWith('220'))
}

/** A port that is free at this moment, below those that the system gives to outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const port = randomInt(20_000, 32_000)
    const server = createServer().listen(port, '127.0.0.1')
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!free) continue
    await new Promise<void>(resolve => server.close(() => resolve()))
    return port
  }
  throw new Error('No free port.')
}

/** A self-signed certificate on an elliptic curve, for `name` and the loopback address: cert.pem and key.pem in `folder`. */
export async function makeCertificate(folder: string, name: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const names = `subjectAltName=DNS:${name},DNS:localhost,IP:127.0.0.1`
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const args = ['req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${name}`, '-addext', names]
  await succeed({ name: 'openssl', args: [...args, '-keyout', key, '-out', cert] })
  return { cert, key }
}

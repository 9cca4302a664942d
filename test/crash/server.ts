/** Our own server as a process of its own that is killed, starved and started again on the same data. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatId } from '../../src/mail/id.ts'
import { readNumbered } from './sink.ts'

/** None of them outlives the test. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const MAIN = join(import.meta.dirname, '../../src/main.ts')

export interface Rig {
  readonly data: string
  /** Of the smtp listener. */
  readonly port: number
  readonly submissionPort: number
  readonly lmtpPort: number
  readonly imapPort: number
  readonly pop3Port: number
  /** Starts the server on the data; resolves when it serves. */
  start(): Promise<void>
  readonly pid: number
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** The exit code of the process that is running now, when it ends by itself. */
  ended(): Promise<number | null>
  /** A request on the control socket, and its answer. */
  control(request: unknown): Promise<unknown>
  /** Rows of the database, with the values for its question marks. */
  query(sql: string, ...values: string[]): Record<string, unknown>[]
  /** Entries of the queue. */
  waiting(): number
  /** Flushes until nothing waits any more. */
  quiet(): Promise<void>
  /** The numbers of the messages in a mailbox, each as often as it is there. */
  mailbox(address: string): { seq: number; intact: boolean }[]
  /** Names of body files, and how many of them the database knows. */
  bodies(): { readonly files: number; readonly known: number }
  output(): string
}

export interface RigOptions {
  readonly folder: string
  /** Default: `data` in the folder. */
  readonly data?: string
  readonly sinkPort: number
  readonly threads?: number
  readonly queue?: Readonly<Record<string, unknown>>
  readonly limits?: Readonly<Record<string, unknown>>
}

export async function newRig(options: RigOptions): Promise<Rig> {
  const data = options.data ?? join(options.folder, 'data')
  mkdirSync(data, { recursive: true })
  const [port, submissionPort, lmtpPort] = [await freePort(), await freePort(), await freePort()]
  const [imapPort, pop3Port] = [await freePort(), await freePort()]
  const ports = { port, submissionPort, lmtpPort, imapPort, pop3Port }
  const file = join(options.folder, 'staffetta.json')
  const log = join(options.folder, 'staffetta.log')
  writeFileSync(file, JSON.stringify(configOf(options, data, ports, log)))
  let child: ChildProcess | undefined
  let output = ''

  async function start(): Promise<void> {
    const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'serve', '-c', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    const note = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-65_536)
    }
    started.stdout.on('data', note)
    started.stderr.on('data', note)
    running.add(started)
    started.once('exit', () => running.delete(started))
    let said = ''
    started.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-1000)
    })
    await until('the server', () => {
      assert.equal(started.exitCode, null, output)
      return said.includes('serving')
    })
  }

  function end(signal: NodeJS.Signals): Promise<number | null> {
    const exit = ended()
    child?.kill(signal)
    return exit
  }

  async function ended(): Promise<number | null> {
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child?.exitCode ?? null
  }

  function query(sql: string, ...values: string[]): Record<string, unknown>[] {
    const database = new DatabaseSync(join(data, 'staffetta.db'), { readOnly: true, timeout: 5000 })
    try {
      return database.prepare(sql).all(...values)
    } finally {
      database.close()
    }
  }

  const waiting = (): number => Number(query('SELECT count(*) AS n FROM entry')[0]?.['n'])
  const control = (request: unknown): Promise<unknown> => askControl(join(data, 'control.sock'), request)

  return {
    data,
    ...ports,
    start,
    get pid() {
      return child?.pid ?? 0
    },
    async kill() {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
    ended,
    control,
    query,
    waiting,
    async quiet() {
      for (const end = Date.now() + 60_000; waiting() > 0; await sleep(100)) {
        assert.ok(Date.now() < end, `still in the queue: ${JSON.stringify(query(LEFT))}\n${output}`)
        await control(RETRY)
      }
    },
    mailbox(address) {
      return query(MAILBOX, address).map(({ message, file, bytes }) => {
        assert.ok(bytes instanceof Uint8Array)
        const stamped = Buffer.from(bytes)
        const rest = file === 1 ? readFileSync(join(data, 'bodies', formatId(Number(message)))) : Buffer.alloc(0)
        return readNumbered(Buffer.concat([stamped, rest]))
      })
    },
    bodies() {
      const folder = join(data, 'bodies')
      const files = existsSync(folder) ? readdirSync(folder).length : 0
      return { files, known: Number(query('SELECT count(*) AS n FROM message WHERE file = 1')[0]?.['n']) }
    },
    output: () => output + (existsSync(log) ? readFileSync(log, 'utf8').slice(-4000) : ''),
  }
}

export const RETRY = { is: 'change', change: { filter: {}, to: { is: 'retry' } } }

const LEFT = 'SELECT state, destination, attempts, reply, count(*) AS entries FROM entry GROUP BY 1, 2, 3, 4 LIMIT 20'

const MAILBOX = `SELECT mail.message AS message, message.file AS file, message.bytes AS bytes
  FROM account JOIN mailbox ON mailbox.account = account.id JOIN mail ON mail.mailbox = mailbox.id
  JOIN message ON message.id = mail.message WHERE account.address = ? ORDER BY mail.uid`

/** The domain home.test with these accounts. `hash`: of the password of all of them. */
export async function addAccounts(rig: Rig, addresses: readonly string[], hash = 'nobody logs in'): Promise<void> {
  const change = async (of: unknown): Promise<void> => {
    assert.deepEqual(await rig.control({ is: 'directory', change: of }), { ok: 'done' })
  }
  await change({ is: 'add-domain', name: 'home.test', catchAll: null })
  for (const address of addresses) await change({ is: 'add-account', address, hash })
}

type Ports = Pick<Rig, 'port' | 'submissionPort' | 'lmtpPort' | 'imapPort' | 'pop3Port'>

function configOf(options: RigOptions, data: string, ports: Ports, log: string): unknown {
  const on = (port: number) => ({ port, host: '127.0.0.1' })
  return {
    hostname: 'mx.crash.test',
    data,
    threads: options.threads ?? 2,
    listeners: {
      smtp: on(ports.port),
      submission: on(ports.submissionPort),
      lmtp: on(ports.lmtpPort),
      imap: on(ports.imapPort),
      pop3: on(ports.pop3Port),
    },
    cleartextLoginFrom: ['127.0.0.0/8'],
    relayFrom: ['127.0.0.0/8'],
    routes: [{ to: '*', relay: { host: '127.0.0.1', port: options.sinkPort, tls: 'none' } }],
    queue: { retryFirst: '1 s', retryLongest: '2 s', ...options.queue },
    limits: { connectionsPerSource: 10_000, messagesPerSession: 100_000, ...options.limits },
    log: { level: 'warn', file: log },
  }
}

export function askControl(path: string, request: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ''
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('no answer')))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (!text.endsWith('\n')) return
      resolve(JSON.parse(text))
      socket.destroy()
    })
    socket.write(`${JSON.stringify(request)}\n`)
  })
}

/** Asks every 20 ms until the answer is true; after 30 s an error that says what was awaited. */
export async function until(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await ask()); await sleep(20)) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

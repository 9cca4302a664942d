import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { devSettings } from './config/dev.ts'
import type { RouteRule, Settings } from './config/settings.ts'
import { startServer, type Supervisor } from './supervisor.ts'

interface Running {
  readonly supervisor: Supervisor
  readonly settings: Settings
  readonly folder: string
  /** What a person was told. */
  readonly said: string[]
  readonly log: () => string
}

async function start(t: TestContext, change: (settings: Settings, folder: string) => Partial<Settings> = () => ({})) {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-supervisor-'))
  const dev = devSettings({ data: join(folder, 'data'), ports: { smtp: 0, submission: 0, submissions: 0 } })
  const smtp = dev.listeners.filter(({ kind }) => kind === 'smtp').slice(0, 1)
  const plain: Settings = { ...dev, dev: false, threads: 1, listeners: smtp }
  const settings = { ...plain, ...change(plain, folder) }
  const said: string[] = []
  const path = join(folder, 'log')
  const started = await startServer({
    settings,
    log: { to: 'file', path },
    complain: text => said.push(text),
    dead: reason => said.push(`dead: ${reason}`),
  })
  assert.ok('ok' in started, JSON.stringify(started))
  const supervisor = started.ok
  t.after(async () => {
    await supervisor.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { supervisor, settings, folder, said, log: () => readFileSync(path, 'utf8') } satisfies Running
}

/** Says these lines and QUIT; all that is answered. */
async function talk({ supervisor }: Pick<Running, 'supervisor'>, ...lines: string[]): Promise<string> {
  const [address] = supervisor.addresses
  assert.ok(address)
  const socket = connect(address.port, address.address).setEncoding('utf8')
  let heard = ''
  socket.on('data', (text: string) => (heard += text))
  socket.write([...lines, 'QUIT', ''].join('\r\n'))
  await once(socket, 'close')
  return heard
}

const GREETING = ['EHLO client.test', 'MAIL FROM:<a@example.org>']

async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await sleep(20)
  assert.ok(holds(), what)
}

const BY_FUNCTION: RouteRule = {
  to: ['*'],
  route: { via: 'function', index: 0, lifetime: undefined, concurrency: undefined, rate: undefined },
}

/** A configuration whose function writes down what it was given. */
function functionFile(folder: string, version: string): string {
  const deliver = `deliver: async ({ recipients }) => {
    appendFileSync(${JSON.stringify(join(folder, 'delivered'))}, '${version} ' + recipients.join() + '\\n')
    return { is: 'delivered' }
  }`
  return `import { appendFileSync } from 'node:fs'\nexport default { routes: [{ to: '*', ${deliver} }] }\n`
}

test('functions that cannot be read again stay what they were, and a person is told', async t => {
  const server = await start(t, (_, folder) => {
    writeFileSync(join(folder, 'config.mjs'), functionFile(folder, 'old'))
    return { routes: [BY_FUNCTION], functionsFrom: join(folder, 'config.mjs') }
  })
  const { supervisor, settings, folder, said } = server
  const delivered = (): string => {
    try {
      return readFileSync(join(folder, 'delivered'), 'utf8')
    } catch {
      return ''
    }
  }
  const send = (to: string) => talk(server, ...GREETING, `RCPT TO:<${to}>`, 'DATA', 'Subject: x', '', 'x', '.')
  await send('one@example.org')
  await eventually('the function is called', () => delivered() === 'old one@example.org\n')

  writeFileSync(join(folder, 'config.mjs'), 'throw new Error("the database is away")')
  assert.equal(await supervisor.reload(settings), undefined)
  await eventually('a person is told', () => said.some(text => text.includes('the database is away')))
  await send('two@example.org')
  await eventually('the old function is called', () => delivered().endsWith('old two@example.org\n'))
  assert.deepEqual(
    said.filter(text => text.includes('crashed') || text.includes('dead')),
    [],
  )

  writeFileSync(join(folder, 'config.mjs'), functionFile(folder, 'new'))
  assert.equal(await supervisor.reload(settings), undefined)
  for (let i = 0; i < 100 && !delivered().includes('new three@example.org'); i++) await send('three@example.org')
  assert.match(delivered(), /^new three@example\.org$/m)
})

test('a thread starts without functions that cannot be read, and a person is told', async t => {
  const server = await start(t, (_, folder) => {
    writeFileSync(join(folder, 'config.mjs'), 'throw new Error("the database is away")')
    return { routes: [BY_FUNCTION], functionsFrom: join(folder, 'config.mjs') }
  })
  assert.match(await talk(server, ...GREETING), /^250 2\.1\.0/m)
  assert.equal(server.said.length, 1)
  assert.match(server.said[0] ?? '', /the database is away/)
})

test('what is less important than log.level is not written; the timeline has it all the same', async t => {
  const server = await start(t, ({ log }) => ({ log: { ...log, level: 'warn' } }))
  const heard = await talk(server, ...GREETING, 'RCPT TO:<b@example.org>', 'DATA', 'Subject: x', '', 'x', '.')
  assert.match(heard, /250 2\.0\.0 queued/)
  await talk(server, 'NONSENSE')
  await eventually('warnings are written', () => server.log().includes('"event":"refused"'))
  assert.ok(!server.log().includes('"event":"accepted"'))
})

const SETTINGS: readonly [keyof Settings, (settings: Settings) => Partial<Settings>, RegExp | undefined][] = [
  ['hostname', () => ({ hostname: 'other.example.org' }), /hostname cannot change/],
  ['dns', () => ({ dns: { servers: ['127.0.0.9'] } }), /dns cannot change/],
  ['log', ({ log }) => ({ log: { ...log, level: 'error' } }), /log cannot change/],
  ['queue', ({ queue }) => ({ queue: { ...queue, hold: true, retryFirst: 1000 } }), undefined],
  ['limits', ({ limits }) => ({ limits: { ...limits, connections: 1 } }), undefined],
]

test('what can change while the server runs does, and what cannot is refused with the reason', async t => {
  const server = await start(t)
  const { supervisor, settings } = server
  for (const [name, change, reason] of SETTINGS) {
    const answer = await supervisor.reload({ ...settings, ...change(settings) })
    if (reason === undefined) assert.equal(answer, undefined, name)
    else assert.match(answer ?? 'done', reason, name)
  }
  const [address] = supervisor.addresses
  assert.ok(address)
  const first = connect(address.port, address.address)
  await once(first, 'data')
  assert.match(await talk(server, 'NOOP'), /^421 4\.7\.0/)
  first.destroy()
})

test('asking for the state a hundred times leaves nothing behind', async t => {
  const { supervisor } = await start(t)
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  for (let i = 0; i < 100; i++) assert.equal((await supervisor.state(false)).length, 1)
  await sleep(20)
  assert.deepEqual(warnings.map(String), [])
})

test('a certificate that can neither be read nor made at a reload is a reason, not the end', async t => {
  const { supervisor, settings } = await start(t)
  rmSync(join(settings.data, 'tls'), { recursive: true })
  writeFileSync(join(settings.data, 'tls'), 'a file where the folder was')
  assert.match((await supervisor.reload(settings)) ?? 'done', /^the certificate cannot be used: /)
})

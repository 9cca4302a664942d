/** As root only: what is left of a server that gave the rights of root up. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownFolder } from './rights.ts'

const NOBODY = 65_534
const skip = process.getuid?.() === 0 ? false : 'needs the rights of root to give them up'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-rights-'))
  chmodSync(folder, 0o755)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a link that the user put into the data folder gives nothing else away', { skip }, t => {
  const folder = newFolder(t)
  const [data, secret, outside] = [join(folder, 'data'), join(folder, 'secret'), join(folder, 'outside')]
  for (const path of [data, outside, join(data, 'bodies')]) mkdirSync(path)
  for (const path of [secret, join(outside, 'other'), join(data, 'bodies', 'own')]) writeFileSync(path, '')
  symlinkSync(secret, join(data, 'file'))
  symlinkSync(outside, join(data, 'folder'))
  chownSync(data, NOBODY, NOBODY)
  ownFolder(data, 'nobody')
  assert.equal(lstatSync(join(data, 'bodies', 'own')).uid, NOBODY)
  for (const path of [secret, outside, join(outside, 'other')]) assert.equal(lstatSync(path).uid, 0, path)
})

interface Running {
  readonly child: ChildProcess
  readonly port: number
  readonly said: () => string
  readonly control: (request: object) => Promise<string>
}

/** On a port that only root may bind. */
async function start(t: TestContext, threads: number): Promise<Running> {
  const folder = newFolder(t)
  const port = 600 + (process.pid % 200) + threads
  const config = join(folder, 'staffetta.json')
  const listeners = { smtp: { host: '127.0.0.1', port }, lmtp: { path: join(folder, 'data', 'lmtp.sock') } }
  writeFileSync(
    config,
    JSON.stringify({ hostname: 'mx.example.org', data: 'data', user: 'nobody', threads, listeners }),
  )
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'serve', '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', chunk => (said += String(chunk)))
  for (let i = 0; i < 500 && !said.includes('serving') && child.exitCode === null; i++) await sleep(20)
  assert.match(said, /serving/)
  const control = async (request: object): Promise<string> => {
    const socket = connect(join(folder, 'data', 'control.sock'))
    socket.write(`${JSON.stringify(request)}\n`)
    const [answer] = await once(socket, 'data')
    socket.destroy()
    return String(answer)
  }
  return { child, port, said: () => said, control }
}

async function greeting(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const [said] = await once(socket, 'data')
  socket.destroy()
  return String(said)
}

test('a thread that cannot listen again leaves its part to the others, and is not tried for ever', {
  skip,
}, async t => {
  const { port, said, control } = await start(t, 2)
  assert.match(await control({ is: 'kill-thread', slot: 1 }), /true/)
  for (let i = 0; i < 500 && !said().includes('goes on with 1 '); i++) await sleep(20)
  assert.match(said(), /goes on with 1 protocol thread until/)
  for (let i = 0; i < 10; i++) assert.match(await greeting(port), /^220 /)
  await sleep(1500)
  assert.equal(said().match(/does not listen/g)?.length, 1, said())
})

test('a server that nobody can reach any more ends, and is to be started again', { skip }, async t => {
  const { child, control } = await start(t, 1)
  assert.match(await control({ is: 'kill-thread', slot: 0 }), /true/)
  if (child.exitCode === null) await once(child, 'exit', { signal: AbortSignal.timeout(20_000) })
  assert.equal(child.exitCode, 70)
})

/** One built server in a folder of its own, and the rig's load generator and sink. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const root = resolve(import.meta.dirname, '..')
export const PORT = 2510
export const SINK = 2512

/** On the disk of the project: a temporary folder may be in memory. */
export async function startBench(rig) {
  const folder = mkdtempSync(join(root, '.bench-'))
  for (const name of ['load', 'sink']) {
    execFileSync('gcc', ['-O2', '-w', '-o', join(folder, name), join(rig, `${name}.c`), '-lssl', '-lcrypto'])
  }
  const config = join(folder, 'staffetta.json')
  writeFileSync(
    config,
    JSON.stringify({
      hostname: 'staffetta.test',
      data: './data',
      listeners: { smtp: { host: '127.0.0.1', port: PORT } },
      relayFrom: ['127.0.0.1'],
      limits: { connectionsPerSource: 10_000 },
      routes: [{ to: '*', relay: { host: '127.0.0.1', port: SINK, tls: 'none' } }],
      log: { file: './staffetta.log' },
    }),
  )
  const server = spawn(process.execPath, [join(root, 'dist/main.js'), 'serve', '-c', config], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  await new Promise((resolve, reject) => {
    server.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    server.stderr.on('data', text => {
      if (String(text).includes('serving')) resolve()
      else process.stderr.write(text)
    })
  })
  return {
    /** Bytes of memory of the whole process: proportional set size. */
    memory: () => Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${server.pid}/smaps_rollup`, 'utf8'))[1]) * 1024,
    ask: request => ask(join(folder, 'data/control.sock'), request),
    load: (...args) => load(join(folder, 'load'), args),
    startSink: (...args) => startSink(join(folder, 'sink'), args),
    async stop() {
      server.removeAllListeners('exit')
      const ended = new Promise(resolve => server.once('exit', resolve))
      server.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ask(path, request) {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ''
    socket.on('error', reject)
    socket.on('data', chunk => {
      text += chunk
      if (text.endsWith('\n')) socket.end(() => resolve(JSON.parse(text)))
    })
    socket.write(`${JSON.stringify(request)}\n`)
  })
}

function load(program, args) {
  const child = spawn(program, ['--port', String(PORT), ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', chunk => (text += chunk))
  return new Promise(resolve => child.once('close', () => resolve(JSON.parse(text))))
}

async function startSink(program, args) {
  const child = spawn(program, ['--port', String(SINK), ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const waiting = []
  createInterface({ input: child.stdout }).on('line', line => waiting.shift()?.(JSON.parse(line)))
  await sleep(300)
  const answer = signal =>
    new Promise(resolve => {
      waiting.push(resolve)
      child.kill(signal)
    })
  return { count: () => answer('SIGUSR1'), stop: () => answer('SIGTERM') }
}

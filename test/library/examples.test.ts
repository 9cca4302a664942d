import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'

/** The examples of docs/library.md and of the README: each compiles with the project's options, and servers and clients run against each other. */

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'staffetta-examples-'))

interface Example {
  readonly name: string
  readonly code: string
}

/** Blocks of TypeScript that import the package, by the name behind the fence; those without one are numbered. */
function examplesOf(file: string): Example[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(/^```ts ?(\S*)\n([^]*?)^```$/gm)]
    .map(([, name, code = ''], i) => ({ name: name === undefined || name === '' ? `${i}.ts` : name, code }))
    .filter(({ code }) => code.includes("from 'staffetta'"))
}

const examples = examplesOf('docs/library.md')
const fromReadme = existsSync(join(ROOT, 'README.md'))
  ? examplesOf('README.md').map(({ name, code }) => ({ name: `readme-${name}`, code }))
  : []

/** The ports of the examples, and those that are free here. */
const ports = new Map<string, number>()

before(async () => {
  for (const port of ['2525', '2587']) ports.set(port, await freePort())
  const source = JSON.stringify(join(ROOT, 'src/index.ts')).replaceAll('"', "'")
  for (const { name, code } of [...examples, ...fromReadme]) {
    const local = code.replaceAll("from 'staffetta'", `from ${source}`)
    writeFileSync(
      join(folder, name),
      local.replaceAll(/\b(?:2525|2587)\b/g, port => String(ports.get(port))),
    )
  }
  const types = join(ROOT, 'node_modules/@types')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        typeRoots: [types],
        moduleDetection: 'force',
        allowImportingTsExtensions: true,
        rewriteRelativeImportExtensions: false,
      },
      include: ['*.ts'],
    }),
  )
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
})

after(() => rmSync(folder, { recursive: true, force: true }))

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

interface Running {
  readonly child: ChildProcess
  /** All that it printed so far. */
  readonly printed: () => string
  /** Resolves when it has printed something like this, or rejects when it ends before. */
  until(pattern: RegExp): Promise<string>
  /** With what it printed; rejects when it fails. */
  readonly ended: Promise<string>
}

function start(name: string): Running {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(folder, name)])
  let out = ''
  let over = false
  let wake: () => void = () => undefined
  const take = (chunk: Buffer): void => {
    out += chunk.toString()
    wake()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const ended = new Promise<string>((resolve, reject) => {
    child.once('close', (code, signal) => {
      over = true
      wake()
      if (code === 0 || signal === 'SIGTERM') resolve(out)
      else reject(new Error(`${name} ended with ${code ?? signal}:\n${out}`))
    })
  })
  ended.catch(() => undefined)
  return {
    child,
    printed: () => out,
    ended,
    async until(pattern) {
      while (!pattern.test(out)) {
        if (over) throw new Error(`${name} ended before it printed ${pattern}:\n${out}`)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      return out
    },
  }
}

suite('the examples of the library', () => {
  test('there are some', () => {
    assert.deepEqual(
      examples.map(({ name }) => name),
      ['server.ts', 'client.ts', 'submission.ts', 'submit.ts', 'lmtp.ts', 'staffetta.config.ts'],
    )
  })

  test('they compile', () => {
    const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    })
    assert.equal(tsc.stdout + tsc.stderr, '')
    assert.equal(tsc.status, 0)
  })

  test('the client sends to the server, and hears what became of each recipient', async t => {
    const server = start('server.ts')
    t.after(() => server.child.kill())
    await server.until(/listening on \d+/)
    const client = await start('client.ts').ended
    assert.equal(client, 'ann@example.org: taken\nbob@elsewhere.example: never, There is no such mailbox here\n')
    assert.match(await server.until(/bytes from/), /^\d+ bytes from tim@example\.net for ann@example\.org$/m)
  })

  test('a login sends over TLS', async t => {
    const server = start('submission.ts')
    t.after(() => server.child.kill())
    await server.until(/listening on \d+/)
    assert.equal(await start('submit.ts').ended, 'sent for ann@example.org to 1\n')
  })

  test('LMTP answers for each recipient, and stops when it is told to', async t => {
    const server = start('lmtp.ts')
    t.after(() => server.child.kill())
    const path = /listening on (.*)/.exec(await server.until(/listening on .*\n/))?.[1] ?? ''
    t.after(() => rmSync(join(path, '..'), { recursive: true, force: true }))
    const socket = connect(path)
    let heard = ''
    const over = new Promise(resolve => socket.once('close', resolve))
    socket.on('data', chunk => {
      heard += chunk.toString()
      if (/^354/m.test(heard) && !/^452/m.test(heard)) socket.write('x\r\n.\r\nQUIT\r\n')
    })
    socket.write('LHLO x.test\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<full@b.test>\r\nDATA\r\n')
    await over
    assert.match(heard, /250 2\.0\.0 OK\r\n452 4\.2\.2 Full\r\n221/)
    assert.equal(readFileSync(join(path, '../1.eml'), 'utf8'), 'x\r\n')
    server.child.kill('SIGTERM')
    await server.ended
  })
})

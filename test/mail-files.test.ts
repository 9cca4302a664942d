/** Mail in and out by the command line, and its limits: the real program, with the server down and up, and killed in the middle. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { openStorageReader } from '../src/storage/sqlite/reader.ts'
import { call, freePort, type Program, run, until } from './interop/program.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')
const ANNA = 'anna@staffetta.test'
const FROM = 'From b@far.test Sat Feb  3 04:05:06 2024\n'

const folder = mkdtempSync(join(tmpdir(), 'mail-files-'))
const data = join(folder, 'data')
const config = join(folder, 'staffetta.json')
let server: Program | undefined

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function staffetta(args: readonly string[], input = ''): Promise<Said> {
  const done = await call({ name: process.execPath, args: [MAIN, ...args, '-c', config], input })
  assert.doesNotMatch(done.stderr, /\n\s+at .*\.ts:\d+/, `a stack for: ${args.join(' ')}`)
  return { code: done.code, stdout: done.stdout.toString(), stderr: done.stderr }
}

async function json(args: readonly string[], code = 0): Promise<unknown> {
  const said = await staffetta([...args, '--json'])
  assert.equal(said.code, code, said.stderr)
  return JSON.parse(said.stdout)
}

async function start(): Promise<void> {
  server = run({ name: process.execPath, args: [MAIN, 'serve', '-c', config] })
  const program = server
  await until(program.output, () => {
    assert.ok(!program.hasEnded(), program.output())
    return program.output().includes('serving') ? true : undefined
  })
}

async function stop(): Promise<void> {
  assert.equal(await server?.stop(), 0)
  server = undefined
}

before(async () => {
  const listeners = { smtp: { host: '127.0.0.1', port: await freePort() } }
  writeFileSync(
    config,
    JSON.stringify({ hostname: 'mx.staffetta.test', data: 'data', listeners, log: { file: 'log' } }),
  )
  assert.equal((await staffetta(['domain', 'add', 'staffetta.test'])).code, 0)
  const add = ['account', 'add', ANNA, 'bob@staffetta.test', 'dora@staffetta.test', '--password-stdin']
  assert.equal((await staffetta(add, 'correct horse')).code, 0)
})

after(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** How often each Subject is in an account. */
function subjects(address: string): Map<string, number> {
  const reader = openStorageReader(data)
  try {
    const found = new Map<string, number>()
    for (const { id } of reader.mail.mailboxes(reader.account(address)?.id ?? 0)) {
      for (const { message } of reader.mail.mailRows(id, [1, 2 ** 32 - 1], 100_000)) {
        const content = reader.content(message)
        assert.ok(content)
        const text = content.in === 'memory' ? Buffer.from(content.bytes) : readFileSync(content.path)
        const subject = /^Subject: (.*)\r\n/m.exec(text.toString('latin1', 0, 1000))?.[1] ?? ''
        found.set(subject, (found.get(subject) ?? 0) + 1)
      }
    }
    return found
  } finally {
    reader.close()
  }
}

const used = (address: string): number => [...subjects(address).values()].reduce((sum, one) => sum + one, 0)

for (const how of ['down', 'up'] as const) {
  suite(`with the server ${how}`, () => {
    const archive = `Archive/${how}`
    if (how === 'up') {
      before(start)
      after(stop)
    }

    test('import says what it did, keeps flags, and a second time does nothing', async () => {
      const path = join(folder, `${how}.mbox`)
      writeFileSync(
        path,
        `${FROM}Subject: one ${how}\nStatus: RO\n\nhi\n\n${FROM}Subject: two\n\n${'x'.repeat(70)}\n${'large\n'.repeat(60_000)}`,
      )
      const first = await staffetta(['import', ANNA, path, '--mailbox', archive])
      assert.equal(first.code, 0, first.stderr)
      assert.match(
        first.stdout,
        new RegExp(`^MAILBOX +IMPORTED +ALREADY THERE\n${archive} +2 +0\n\n2 messages, \\d+ KB, imported\n$`),
      )
      const again = await staffetta(['import', ANNA, path, '--mailbox', archive])
      assert.match(again.stdout, /\n0 messages, 0 B, imported; 2 had been imported before\n$/)
    })

    test('mail shows any mailbox', async () => {
      const rows = await json(['mail', 'mailboxes', ANNA])
      assert.ok(Array.isArray(rows))
      const found: { mailbox: string; messages: number; unseen: number } = rows.find(row => row.mailbox === archive)
      assert.deepEqual([found.messages, found.unseen], [2, 1])
      const listed = await staffetta(['mail', 'mailboxes', ANNA])
      assert.match(
        listed.stdout,
        /^MAILBOX +MESSAGES +UNSEEN +SIZE +FOR\nArchive +0 +0 +0 B +Archive\nArchive\/down +2 /,
      )
      assert.match(
        (await staffetta(['mail', 'list', ANNA, '--mailbox', archive])).stdout,
        new RegExp(`\n +1 .* one ${how}\n`),
      )
      const shown = await staffetta(['mail', 'show', ANNA, '1', '--mailbox', archive])
      assert.equal(shown.stdout, `Subject: one ${how}\r\n\r\nhi\r\n`)
      const none = await staffetta(['mail', 'list', ANNA, '--mailbox', 'Nothing'])
      assert.equal(none.code, 1)
      assert.match(none.stderr, /has no mailbox Nothing; see: staffetta mail mailboxes/)
    })

    test('export, and what there already is stays', async () => {
      const target = join(folder, `out-${how}`)
      const first: Record<string, unknown> = Object(await json(['export', ANNA, target]))
      const messages = used(ANNA)
      assert.deepEqual([first['exported'], first['already'], first['failed']], [messages, 0, 0])
      const again: Record<string, unknown> = Object(await json(['export', ANNA, target]))
      assert.deepEqual([again['exported'], again['already']], [0, messages])
      assert.equal(readdirSync(join(target, `.Archive.${how}`, 'cur')).length, 2)
      const file = join(folder, `one-${how}.mbox`)
      const one = await staffetta(['export', ANNA, file, '--format', 'mbox', '--mailbox', archive])
      assert.match(one.stdout, /\n2 messages, .*, exported to /)
      assert.equal((await staffetta(['export', ANNA, file, '--format', 'mbox', '--mailbox', archive])).code, 1)
    })

    test('limits are set, shown, and stop an import that goes on later', async () => {
      const bob = 'bob@staffetta.test'
      const path = join(folder, `quota-${how}.mbox`)
      writeFileSync(path, Array.from({ length: 9 }, (_, n) => `${FROM}Subject: ${how} ${n}\n\nhi\n\n`).join(''))
      const before = used(bob)
      const set = await staffetta(['account', 'quota', bob, '--messages', String(before + 4), '--size', '5 GB'])
      assert.match(set.stdout, /^bob@staffetta\.test: at most 5\.0 GB and \d+ messages?; in use: \d/)
      const full = await staffetta(['import', bob, path])
      assert.equal(full.code, 1)
      assert.match(full.stderr, /the account is full; raise its limit/)
      assert.equal(used(bob), before + 4)
      const list = await staffetta(['account', 'list'])
      assert.match(
        list.stdout,
        new RegExp(`\nbob@staffetta\\.test +${before + 4} +\\d+ B +5\\.0 GB, ${before + 4} msgs +`),
      )
      const only = await staffetta(['account', 'quota', bob, '--messages', 'none'])
      assert.match(only.stdout, /: at most 5\.0 GB; in use/)
      assert.equal((await staffetta(['import', bob, path])).code, 0)
      assert.equal(used(bob), before + 9)
    })
  })
}

suite('limits of a domain', () => {
  test('of all its accounts, and of each', async () => {
    const all = await staffetta(['domain', 'quota', 'staffetta.test', '--size', '1 TB'])
    assert.match(all.stdout, /^staffetta\.test: at most 1 TB; in use: /)
    const each = await staffetta([
      'domain',
      'quota',
      'staffetta.test',
      '--each',
      '--size',
      '2 GB',
      '--messages',
      '1000',
    ])
    assert.equal(each.stdout, 'each account of staffetta.test: at most 2.0 GB and 1,000 messages\n')
    assert.match((await staffetta(['domain', 'list'])).stdout, /1 TB +2\.0 GB, 1,000 msgs +\d{4}-/)
    assert.match((await staffetta(['account', 'list'])).stdout, /\nanna@staffetta\.test .* 2\.0 GB, 1,000 msgs +\d{4}-/)
    const shown: Record<string, unknown> = Object(await json(['account', 'quota', ANNA]))
    assert.deepEqual([shown['maxBytes'], shown['maxMessages']], [2 * 1024 ** 3, 1000])
    assert.equal(
      (await staffetta(['domain', 'quota', 'staffetta.test', '--each', '--size', 'none', '--messages', 'none'])).code,
      0,
    )
    assert.match((await staffetta(['account', 'quota', ANNA])).stdout, /: no limit; in use/)
  })
})

suite('what is wrong', () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    [`import nobody@staffetta.test ${folder}`, 1, /there is no account nobody@/],
    [`import ${ANNA} does-not-exist`, 64, /there is no does-not-exist/],
    [`import ${ANNA} imap://`, 64, /write it like imaps:\/\//],
    [`import ${ANNA} imaps://anna:secret@x.test/`, 64, /can be seen by others/],
    [`import ${ANNA} imap://anna@127.0.0.1:1/ --password-stdin`, 69, /^127\.0\.0\.1:1: /],
    [`import ${ANNA} ${folder} --format tar`, 64, /write mbox, maildir or eml/],
    [`import ${ANNA} ${folder} --mailbox a//b`, 64, /is not the name of a mailbox/],
    [`export ${ANNA} ${folder} --mailbox Nothing`, 1, /there is no mailbox Nothing/],
    [`export ${ANNA} ${MAIN}/x`, 1, /ENOTDIR/],
    [`account quota nobody@staffetta.test`, 1, /there is no account/],
    [`account quota ${ANNA} --size much`, 64, /is not a size/],
    [`domain quota far.test`, 1, /there is no domain far\.test/],
  ]
  for (const [command, code, says] of cases) {
    test(command.replaceAll(folder, 'FOLDER').replaceAll(MAIN, 'FILE'), async () => {
      const said = await staffetta(command.split(' '), 'x\n')
      assert.match(said.stderr, says)
      assert.equal(said.code, code)
    })
  }

  test('a folder without mail', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const said = await staffetta(['import', ANNA, empty])
    assert.equal(said.code, 1)
    assert.match(said.stderr, /there is no mail in .*empty: neither/)
  })

  test('messages that cannot be imported are listed, and the others are there', async () => {
    const path = join(folder, 'some')
    mkdirSync(path)
    writeFileSync(join(path, '1.eml'), '')
    writeFileSync(join(path, '2.eml'), 'Subject: eml\n\nhi\n')
    const said = await staffetta(['import', 'dora@staffetta.test', path])
    assert.equal(said.code, 1)
    assert.match(said.stdout, /\n1 message, /)
    assert.match(said.stderr, /^1 message or mailbox could not be imported:\n.*1\.eml: it is empty\n$/)
  })
})

suite('kill -9 in the middle', () => {
  const COUNT = 6000
  const path = join(folder, 'many.mbox')
  before(() => {
    const message = (n: number): string =>
      `${FROM}Subject: kill ${n}\n\n${`line of ${n}\n`.repeat(n % 500 === 7 ? 40_000 : 50)}\n`
    writeFileSync(path, Array.from({ length: COUNT }, (_, n) => message(n)).join(''))
  })
  after(() => server?.stop())

  const killed = (address: string): number =>
    [...subjects(address).keys()].filter(one => one.startsWith('kill ')).length

  /** Starts the import, and ends `whom` when some of it is there. */
  async function importUntil(address: string, whom: (importer: number) => number): Promise<number | null> {
    const child = spawn(process.execPath, [MAIN, 'import', address, path, '-c', config], { stdio: 'ignore' })
    const before = killed(address)
    await until('some of it', () => (child.exitCode !== null || killed(address) > before + 300 ? true : undefined))
    process.kill(whom(child.pid ?? 0), 'SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child.exitCode
  }

  async function complete(address: string): Promise<void> {
    const said = await staffetta(['import', address, path])
    assert.equal(said.code, 0, said.stderr)
    const found = [...subjects(address)].filter(([subject]) => subject.startsWith('kill '))
    assert.equal(found.length, COUNT)
    assert.deepEqual(
      found.filter(([, times]) => times !== 1),
      [],
    )
    const checked = await staffetta(['check', '--storage'])
    assert.match(checked.stdout, /nothing is wrong/)
  }

  test('of the import, with the server down', async () => {
    await importUntil(ANNA, importer => importer)
    assert.ok(killed(ANNA) < COUNT)
    // What it had begun to write and not stored goes when a server starts.
    await start()
    await stop()
    await complete(ANNA)
  })

  test('of the import, and of the server below it', async () => {
    const dora = 'dora@staffetta.test'
    await start()
    await importUntil(dora, importer => importer)
    const some = killed(dora)
    assert.ok(some > 0 && some < COUNT)
    const code = await importUntil(dora, () => server?.pid ?? 0)
    assert.equal(code, 69)
    assert.ok(killed(dora) < COUNT)
    await until('the end of the server', () => (server?.hasEnded() ? true : undefined))
    await start()
    assert.ok(existsSync(join(data, 'control.sock')))
    await complete(dora)
  })
})

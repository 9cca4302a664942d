/**
 * Random and mutated sessions over real sockets against the whole server: half-closed, reset in the middle, byte by byte, never reading.
 * Nothing crashes, every session ends, every reply follows the grammar, memory does not grow, and nothing is smuggled in.
 * STAFFETTA_FUZZ_SOCKETS: how many (default 5000), STAFFETTA_SEED: others.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { addAccounts, newRig, type Rig, until } from '../crash/server.ts'
import { startSink } from '../crash/sink.ts'
import { newRandom, type Random } from './random.ts'
import { FALSE_ENDS, newSession, pieces, wrongReplies } from './sessions.ts'

const SESSIONS = Number(process.env['STAFFETTA_FUZZ_SOCKETS'] ?? 5000)
const SEED = Number(process.env['STAFFETTA_SEED'] ?? 1)
const AT_ONCE = 25

async function setUp(t: TestContext): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-fuzz-'))
  const sink = await startSink()
  const rig = await newRig({ folder, sinkPort: sink.port })
  t.after(async () => {
    await rig.kill()
    await sink.down()
    rmSync(folder, { recursive: true, force: true })
  })
  await rig.start()
  await addAccounts(rig, ['anna@home.test'])
  return rig
}

type End = 'half-close' | 'reset' | 'leave'

/** What the server said. Rejects when the session does not end. */
function talk(port: number, input: Iterable<Buffer>, end: End, slow: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    let said = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the session does not end after: ${JSON.stringify(said.slice(-300))}`))
    }, 20_000)
    socket.on('data', chunk => (said += chunk.toString()))
    socket.on('error', () => undefined) // it may be reset by either side
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(said)
    })
    const send = async (): Promise<void> => {
      for (const piece of input) {
        if (socket.destroyed) return
        socket.write(piece)
        if (slow) await sleep(1)
      }
      if (end === 'reset') socket.resetAndDestroy()
      else if (end === 'leave') socket.destroy()
      else socket.end()
    }
    socket.once('connect', () => void send())
  })
}

async function one(rig: Rig, random: Random): Promise<string | undefined> {
  const kind = (['smtp', 'submission', 'lmtp'] as const)[random(3)] ?? 'smtp'
  const port = { smtp: rig.port, submission: rig.submissionPort, lmtp: rig.lmtpPort }[kind]
  const input = newSession(random, kind)
  const end = (['half-close', 'half-close', 'half-close', 'reset', 'leave'] as const)[random(5)] ?? 'half-close'
  const said = await talk(port, pieces(input, random), end, random(20) === 0)
  const tls = said.indexOf('220 2.0.0')
  const clear = tls === -1 ? said : said.slice(0, said.indexOf('\r\n', tls) + 2)
  // Whoever half-closes is still answered. What follows STARTTLS in plain text is no TLS: the connection is cut, perhaps before all is read.
  const isAnswered = end !== 'half-close' || /STARTTLS/i.test(input.toString('latin1')) || said.startsWith('220 ')
  return wrongReplies(clear, end !== 'half-close') ?? (isAnswered ? undefined : `no greeting: ${said}`)
}

/** Bytes. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

async function sessionsOf(rig: Rig): Promise<number> {
  const states: unknown = await rig.control({ is: 'state', reset: false })
  assert.ok(Array.isArray(states) && states.length === 2, `not all threads are there: ${JSON.stringify(states)}`)
  return states.reduce((sum: number, state: { sessions: number }) => sum + state.sessions, 0)
}

test(`${SESSIONS} sessions over sockets`, async t => {
  const rig = await setUp(t)
  const marks: number[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let number = next++; number < SESSIONS; number = next++) {
      const wrong = await one(rig, newRandom(SEED * 7_000_003 + number)).catch(String)
      assert.equal(wrong, undefined, `session ${number} of seed ${SEED}`)
      if (number % Math.ceil(SESSIONS / 6) === 0) marks.push(memoryOf(rig.pid))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  await until('all sessions to be over', async () => (await sessionsOf(rig)) === 0)
  await rig.quiet()
  const growth = memoryOf(rig.pid) - (marks[2] ?? 0)
  assert.ok(growth < 100e6, `memory grew by ${growth} bytes`)
  const { files, known } = rig.bodies()
  assert.equal(files, known, 'body files that no message names')
  assert.doesNotMatch(rig.output(), /crashed|Error/)
  const messages = rig.mailbox('anna@home.test').length
  assert.ok(messages > SESSIONS / 20, `only ${messages} messages came through`)
  t.diagnostic(
    `${messages} messages in the mailbox; memory changed by ${Math.round(growth / 1e6)} MB from the first third to the end`,
  )
  assert.equal(await rig.stop(), 0)
})

test('no false end of a message lets another one in', async t => {
  const rig = await setUp(t)
  for (const end of FALSE_ENDS) {
    const opening = 'EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<anna@home.test>\r\nDATA\r\n'
    const smuggled = 'MAIL FROM:<smuggled@b.example>\r\nRCPT TO:<anna@home.test>\r\nDATA\r\nevil\r\n.\r\n'
    const input = Buffer.from(`${opening}Subject: x\r\n\r\ntext${end}${smuggled}QUIT\r\n`, 'latin1')
    const cut = opening.length + 20
    await talk(rig.port, [input.subarray(0, cut), input.subarray(cut)], 'half-close', true)
    const said = await talk(
      rig.lmtpPort,
      [Buffer.from(input.toString('latin1').replace('EHLO', 'LHLO'), 'latin1')],
      'half-close',
      false,
    )
    assert.match(said, /\r\n221 /)
  }
  await rig.quiet()
  assert.deepEqual(rig.query("SELECT id FROM message WHERE sender LIKE 'smuggled%'"), [])
})

test('who half-closes after the dot still hears what became of the message', async t => {
  const rig = await setUp(t)
  const input =
    'EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<anna@home.test>\r\nDATA\r\nSubject: x\r\n\r\ntext\r\n.\r\n'
  for (let round = 0; round < 20; round++) {
    const said = await talk(rig.port, [Buffer.from(input)], 'half-close', false)
    assert.match(said, /\r\n250 2\.0\.0 [^\r\n]*\r\n$/)
  }
})

test('thousands of half-sent messages leave nothing behind', async t => {
  const rig = await setUp(t)
  const part = Buffer.from(
    `EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<anna@home.test>\r\nDATA\r\n${'x'.repeat(70)}\r\n`,
  )
  const large = Buffer.concat([part, Buffer.alloc(400_000, 'y')])
  for (let round = 0; round < 30; round++) {
    const ends = ['half-close', 'reset', 'leave'] as const
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => talk(rig.port, [i % 2 ? part : large], ends[i % 3] ?? 'leave', false)),
    )
  }
  await until('all sessions to be over', async () => (await sessionsOf(rig)) === 0)
  await until('the files to be gone', () => rig.bodies().files === 0)
})

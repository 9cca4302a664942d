/**
 * Mailboxes under load, and `kill -9`: deliveries by LMTP while clients of IMAP do everything that changes a mailbox. After the next start
 * all that was promised is true: nothing is missing, twice, or back again, and no number that only grows has gone back. STAFFETTA_CRASHES:
 * how often the process is killed (default 5), STAFFETTA_SEED: other moments.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashPassword } from '../../src/directory/passwords.ts'
import { checkStorage } from '../../src/storage/sqlite/check.ts'
import { newRandom, type Random } from '../fuzz/random.ts'
import { openImap } from './imap-talk.ts'
import { type Load, startLoad } from './load.ts'
import { type MailClient, newMailClient } from './mail-client.ts'
import { differences, lookAt, newWitness, type Seen, stateIn, type Witness } from './mail-witness.ts'
import { addAccounts, newRig, type Rig, until } from './server.ts'
import { startSink } from './sink.ts'
import { fillUp, mount, unmount, whyNoSmallDisk } from './small-disk.ts'

const CRASHES = Number(process.env['STAFFETTA_CRASHES'] ?? 5)
const SEED = Number(process.env['STAFFETTA_SEED'] ?? 20_260_801)
const PASSWORD = 'secret'
const ACCOUNTS = ['anna@home.test', 'bruno@home.test']
/** Clients of IMAP for each account. */
const CLIENTS = 3
const SHARED = ['INBOX', 'Archive', 'Junk']

interface Place {
  readonly t: TestContext
  readonly rig: Rig
  readonly random: Random
  readonly clients: ReadonlyMap<string, readonly MailClient[]>
  readonly loads: Load[]
  readonly witness: Witness
  readonly checked: Map<number, number>
}

/** `disk`: the data stand on a small one, of so many MB. */
async function setUp(t: TestContext, seed: number, disk?: number): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-mailboxes-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  if (disk !== undefined) mount(['-t', 'tmpfs', '-o', `size=${disk}m`, 'tmpfs', data])
  const sink = await startSink()
  const rig = await newRig({ folder, data, sinkPort: sink.port, limits: { errors: 100_000 } })
  t.after(async () => {
    await rig.kill()
    await sink.down()
    if (disk !== undefined) unmount(data)
    rmSync(folder, { recursive: true, force: true })
  })
  await rig.start()
  await addAccounts(rig, ACCOUNTS, await hashPassword(PASSWORD))
  const [random, witness, checked] = [newRandom(seed), newWitness(), new Map<number, number>()]
  const clients = new Map<string, readonly MailClient[]>()
  for (const user of ACCOUNTS) {
    const { boxes } = await seenOf(rig, user, checked)
    const shared = new Map(boxes.filter(({ name }) => SHARED.includes(name)).map(box => [box.name, box.validity]))
    assert.equal(shared.size, SHARED.length)
    // RFC 5530 §3: try again later.
    const mayRefuse = (tagged: string): boolean => disk !== undefined && tagged.startsWith('NO [UNAVAILABLE]')
    const each = { port: rig.imapPort, user, password: PASSWORD, random, witness, shared, size, mayRefuse }
    clients.set(
      user,
      Array.from({ length: CLIENTS }, (_, n) => newMailClient({ ...each, prefix: `c${n}/` })),
    )
  }
  return { t, rig, random, clients, loads: [], witness, checked }
}

/** Whole lines. */
const size = (random: Random): number => 78 * (random(25) > 0 ? 15 + random(60) : 4000 + random(1200))

async function seenOf(rig: Rig, user: string, checked: Map<number, number>): Promise<Seen> {
  const talk = await openImap(rig.imapPort, user, PASSWORD)
  const seen = await lookAt(talk, checked)
  talk.close()
  return seen
}

interface Running {
  /** All of it has ended. */
  stop(): Promise<void>
}

function start({ t, rig, random, clients, loads }: Place): Running {
  const load = startLoad({
    port: rig.lmtpPort,
    hello: 'LHLO',
    connections: 3,
    random,
    size,
    recipients: of => [ACCOUNTS[of(ACCOUNTS.length)] ?? ''],
  })
  loads.push(load)
  t.after(() => load.stop())
  const all = [...clients.values()].flat()
  const running = Promise.all(all.map(client => client.run()))
  running.catch(() => undefined) // whoever stops it hears of it
  return {
    async stop() {
      for (const client of all) client.stop()
      await Promise.all([running, load.stop()])
    },
  }
}

/** Everything that was promised is true. Answers how many mails there are. */
async function reckon({ rig, clients, loads, witness, checked }: Place, when: string): Promise<number> {
  await rig.quiet()
  let mails = 0
  for (const [user, those] of clients) {
    const seen = await seenOf(rig, user, checked)
    mails += seen.mails.length
    witness.look(user, seen)
    those.forEach((client, n) => {
      const found = stateIn(seen, `c${n}/`, client.seqs)
      const wrong = client.possible().map(state => differences(state, found))
      assert.ok(
        wrong.some(lines => lines.length === 0),
        `${when}, client ${n} of ${user}:\n${wrong.map(lines => lines.slice(0, 10).join('\n')).join('\nor\n')}`,
      )
      client.settle(found)
    })
    reckonDelivered(user, those, seen, loads, when)
  }
  await assertWhole(rig, when)
  return mails
}

/** RFC 2033 §4.2: each 250 is the promise for one recipient. */
function reckonDelivered(
  user: string,
  clients: readonly MailClient[],
  { mails }: Seen,
  loads: readonly Load[],
  when: string,
): void {
  const delivered = mails.filter(({ seq }) => !clients.some(client => client.seqs.has(seq)))
  assert.ok(
    delivered.every(({ box }) => box.name === 'INBOX'),
    `${when}: delivered into another mailbox`,
  )
  const seqs = new Set(delivered.map(({ seq }) => seq))
  assert.equal(seqs.size, delivered.length, `${when}: ${delivered.length - seqs.size} messages were delivered twice`)
  for (const { acknowledged, surprises } of loads) {
    assert.deepEqual(surprises, [])
    const lost = [...acknowledged].filter(([seq, [recipient]]) => recipient === user && !seqs.has(seq))
    assert.deepEqual(lost, [], `${when}: lost after their 250`)
  }
}

async function assertWhole(rig: Rig, when: string): Promise<void> {
  // What is left of deleted mailboxes and many mails goes in batches.
  await until('what is removed to be gone', () => {
    const [left] = rig.query(
      'SELECT (SELECT count(*) FROM mailbox WHERE account = 0) + (SELECT count(*) FROM unreferenced) AS n',
    )
    return left?.['n'] === 0
  })
  await until(`${when}: no body file that no message names`, () => rig.bodies().files === rig.bodies().known)
  const { problems } = checkStorage({ data: rig.data, alone: true, now: Date.now(), progress: () => undefined })
  assert.deepEqual(problems, [], when)
}

/** `wanted`: what somebody must have done, so that the test has tested something. */
function assertBusy({ t, clients, loads }: Place, mails: number, wanted: readonly string[]): void {
  const all = [...clients.values()].flat()
  const done = new Map<string, number>()
  for (const client of all) for (const [name, count] of client.done) done.set(name, (done.get(name) ?? 0) + count)
  for (const name of wanted) assert.ok((done.get(name) ?? 0) > 0, `nobody did ${name}`)
  const delivered = loads.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  assert.ok(delivered > 0)
  t.diagnostic(
    `${delivered} delivered; ${[...done].map(([name, count]) => `${count} ${name}`).join(', ')}; ${mails} mails are there`,
  )
}

test(`kill -9 while mailboxes change, ${CRASHES} times: what was promised is true`, async t => {
  const place = await setUp(t, SEED)
  const { rig, random } = place
  let mails = 0
  for (let round = 0; round < CRASHES; round++) {
    const running = start(place)
    await sleep(500 + random(1500))
    await rig.kill()
    const stopped = running.stop()
    await rig.start()
    await stopped
    mails = await reckon(place, `round ${round} of seed ${SEED}`)
  }
  assertBusy(place, mails, ['APPEND', 'STORE', 'COPY', 'MOVE', 'EXPUNGE', 'CREATE', 'RENAME', 'DELETE'])
  assert.equal(await rig.stop(), 0)
  const main = join(import.meta.dirname, '../../src/main.ts')
  const said = execFileSync(process.execPath, [main, 'check', '--storage', '--data', rig.data], { encoding: 'utf8' })
  assert.match(said, /: nothing is wrong/)
})

test('protocol threads are killed while mailboxes change: what was promised is true', async t => {
  const place = await setUp(t, SEED + 1)
  const { rig, random } = place
  let mails = 0
  for (let round = 0; round < 3; round++) {
    const running = start(place)
    await sleep(200 + random(600))
    assert.equal(await rig.control({ is: 'kill-thread', slot: random(2) }), true)
    await sleep(200)
    await running.stop()
    await until('the thread to be replaced', async () => {
      const threads: unknown = await rig.control({ is: 'state', reset: false })
      return Array.isArray(threads) && threads.length === 2
    })
    mails = await reckon(place, `round ${round} of seed ${SEED + 1}`)
  }
  assertBusy(place, mails, ['APPEND', 'STORE', 'MOVE'])
  assert.equal(await rig.stop(), 0)
})

test('the storage thread is killed while mailboxes change: what was promised is true', async t => {
  const place = await setUp(t, SEED + 2)
  const { rig, random } = place
  for (let round = 0; round < 2; round++) {
    const running = start(place)
    await sleep(300 + random(700))
    await rig.control({ is: 'kill-storage' }).catch(() => undefined) // it may end before it answers
    const code = await rig.ended()
    assert.ok(code !== null && code !== 0, `it ended with ${code}`)
    const stopped = running.stop()
    await rig.start()
    await stopped
    await reckon(place, `round ${round} of seed ${SEED + 2}`)
  }
  assert.equal(await rig.stop(), 0)
})

const skip = whyNoSmallDisk()
const refusedBy = ({ clients }: Place): number => [...clients.values()].flat().reduce((sum, of) => sum + of.refused, 0)
const doneBy = ({ clients }: Place): number =>
  [...clients.values()].flat().reduce((sum, { done }) => sum + (done.get('APPEND') ?? 0), 0)

/** RFC 5321 §4.2.2: 452 or 451. */
function assertOnlyTemporary({ loads }: Place): void {
  for (const { refusals } of loads)
    for (const reply of refusals.keys()) assert.match(reply, /^(?:452 4\.3\.1|451 4\.\d\.\d) /)
}

async function assertServesAgain(place: Place, when: string): Promise<void> {
  const [before, running] = [doneBy(place), start(place)]
  await until(`APPEND to succeed again (${place.rig.output()})`, () => doneBy(place) > before + 20)
  await running.stop()
  await reckon(place, when)
}

test('a full disk: APPEND is refused and nothing is half stored; what is expunged makes room', { skip }, async t => {
  const place = await setUp(t, SEED + 3, 64)
  const { rig, clients, loads, checked } = place
  const running = start(place)
  await until('the disk to be full', () => refusedBy(place) > 100)
  await sleep(500)
  await running.stop()
  assertOnlyTemporary(place)
  const mails = await reckon(place, 'full')
  t.diagnostic(`full with ${mails} mails, ${refusedBy(place)} commands refused`)
  for (const [user, those] of clients) {
    const talk = await openImap(rig.imapPort, user, PASSWORD)
    for (const name of SHARED) {
      for (const command of [`SELECT ${name}`, 'STORE 1:* +FLAGS.SILENT (\\Deleted)', 'CLOSE'])
        assert.match((await talk.ask(command)).tagged, /^(?:OK|BAD There is no message of that number)/)
    }
    const seen = await lookAt(talk, checked)
    talk.close()
    those.forEach((client, n) => client.settle(stateIn(seen, `c${n}/`, client.seqs)))
  }
  loads.length = 0
  await assertServesAgain(place, 'after room was made')
})

test('a disk that somebody else fills: nothing is half stored, and service goes on by itself', { skip }, async t => {
  const place = await setUp(t, SEED + 4, 64)
  const running = start(place)
  await until('some mail', () => doneBy(place) > 20)
  const ballast = fillUp(place.rig.data)
  await until('refusals', () => refusedBy(place) > 100)
  await sleep(300)
  rmSync(ballast)
  await running.stop()
  await reckon(place, 'with room again')
  await assertServesAgain(place, 'later')
})

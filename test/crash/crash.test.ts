/**
 * Nothing that was acknowledged is ever lost: under load the whole process, a protocol thread or the storage thread is killed at a random
 * moment, and after the next start everything that got its 250 arrives. STAFFETTA_CRASHES: how often the process is killed (default 5),
 * STAFFETTA_SEED: other moments.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLocal, reckon } from './account.ts'
import { type Load, startLoad } from './load.ts'
import { newRandom, type Random } from '../fuzz/random.ts'
import { addAccounts, newRig, type Rig, until } from './server.ts'
import { type Sink, startSink } from './sink.ts'

const CRASHES = Number(process.env['STAFFETTA_CRASHES'] ?? 5)
const SEED = Number(process.env['STAFFETTA_SEED'] ?? 20_260_601)
const CONNECTIONS = 20
const ACCOUNTS = ['anna@home.test', 'bruno@home.test']
const OTHERS = ['u1@far.test', 'u2@far.test', 'u3@near.test']

async function setUp(t: TestContext): Promise<{ rig: Rig; sink: Sink }> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-crash-'))
  const sink = await startSink()
  const rig = await newRig({ folder, sinkPort: sink.port, limits: { errors: 100_000 } })
  t.after(async () => {
    await rig.kill()
    await sink.down()
    rmSync(folder, { recursive: true, force: true })
  })
  await rig.start()
  await addAccounts(rig, ACCOUNTS)
  return { rig, sink }
}

function load(t: TestContext, rig: Rig, random: Random): Load {
  const running = startLoad({
    port: rig.port,
    connections: CONNECTIONS,
    random,
    size: of => (of(20) > 2 ? 5_000 : of(3) > 0 ? 300_000 : 1_000_000),
    recipients: of => [...OTHERS.slice(0, of(4)), ACCOUNTS[of(8)] ?? 'u4@far.test'],
  })
  t.after(() => running.stop())
  return running
}

/** ms before a crash: what the next hop took then may not be written down yet, and comes again. */
const WINDOW = 2000

test(`kill -9 under load, ${CRASHES} times: nothing is lost`, async t => {
  const random = newRandom(SEED)
  const { rig, sink } = await setUp(t)
  const loads: Load[] = []
  const kills: number[] = []
  for (let round = 0; round < CRASHES; round++) {
    const running = load(t, rig, random)
    loads.push(running)
    await sleep(300 + random(1300))
    kills.push(Date.now())
    await rig.kill()
    const stopped = running.stop()
    await rig.start()
    await stopped
    await rig.quiet()
    const { acknowledged, lost, duplicates } = reckon(rig, sink, loads, ACCOUNTS)
    assert.deepEqual(lost, [], `round ${round}`)
    const again = duplicates.filter(({ times }) => (times.at(-1) ?? 0) > (kills.at(-1) ?? 0))
    for (const { key, times } of again) {
      const before = (kills.at(-1) ?? 0) - (times.at(-2) ?? 0)
      assert.ok(before < WINDOW, `${key} came again although it was taken ${before} ms before the crash`)
    }
    assert.ok(again.length <= CONNECTIONS * OTHERS.length * 2, `${again.length} duplicates after one crash`)
    t.diagnostic(
      `round ${round}: ${acknowledged} acknowledged, 0 lost, ${again.length} came again (in flight at the kill)`,
    )
    const { files, known } = rig.bodies()
    assert.equal(files, known, 'body files that no message names')
  }
  assert.ok(loads.every(of => of.acknowledged.size > 0))
  assert.ok(loads.some(of => [...of.acknowledged.values()].flat().some(isLocal)))
})

test('protocol threads are killed under load: nothing is lost, and service goes on', async t => {
  const random = newRandom(SEED + 1)
  const { rig, sink } = await setUp(t)
  const running = load(t, rig, random)
  const kills: number[] = []
  for (let round = 0; round < 4; round++) {
    await sleep(200 + random(800))
    kills.push(Date.now())
    assert.equal(await rig.control({ is: 'kill-thread', slot: random(2) }), true)
    const before = running.acknowledged.size
    await until('service to go on', () => running.acknowledged.size > before + 20)
    await until('the thread to be replaced', async () => {
      const threads: unknown = await rig.control({ is: 'state', reset: false })
      return Array.isArray(threads) && threads.length === 2
    })
  }
  await running.stop()
  await rig.quiet()
  const { acknowledged, lost, duplicates } = reckon(rig, sink, [running], ACCOUNTS)
  assert.deepEqual(lost, [])
  for (const { key, times } of duplicates) {
    const first = times[0] ?? 0
    assert.ok(
      kills.some(kill => kill - first < WINDOW && kill - first > -WINDOW),
      `${key} came twice without a crash: ${times.join(' ')}`,
    )
  }
  const { files, known } = rig.bodies()
  assert.equal(files, known, 'body files that no message names')
  t.diagnostic(`${acknowledged} acknowledged, 0 lost, ${duplicates.length} came again, after ${kills.length} kills`)
  assert.equal(await rig.stop(), 0)
})

test('without the storage thread the process ends, and the next start finds everything', async t => {
  const random = newRandom(SEED + 2)
  const { rig, sink } = await setUp(t)
  const loads: Load[] = []
  for (let round = 0; round < 2; round++) {
    const running = load(t, rig, random)
    loads.push(running)
    await sleep(300 + random(700))
    await rig.control({ is: 'kill-storage' }).catch(() => undefined) // it may end before it answers
    const code = await rig.ended()
    assert.ok(code !== null && code !== 0, `it ended with ${code}`)
    const stopped = running.stop()
    await rig.start()
    await stopped
    await rig.quiet()
    const { acknowledged, lost } = reckon(rig, sink, loads, ACCOUNTS)
    assert.deepEqual(lost, [])
    t.diagnostic(`round ${round}: ${acknowledged} acknowledged, 0 lost, exit code ${code}`)
  }
})

test('SIGTERM under load: exit code 0, nothing is lost, nothing comes twice', async t => {
  const random = newRandom(SEED + 3)
  const { rig, sink } = await setUp(t)
  const running = load(t, rig, random)
  await sleep(700)
  const stopped = running.stop()
  assert.equal(await rig.stop(), 0)
  await rig.start()
  await stopped
  await rig.quiet()
  const { acknowledged, lost, duplicates } = reckon(rig, sink, [running], ACCOUNTS)
  assert.deepEqual([lost, duplicates], [[], []])
  t.diagnostic(`${acknowledged} acknowledged, 0 lost, 0 twice`)
})

/**
 * A disk without room, and one that fails to write: only 4xx, nothing that was acknowledged is lost or comes twice, and when the trouble is
 * over the server goes on by itself. The small disk is a tmpfs and needs the rights of root; failing writes are made with a limit on the size
 * of the process's files, and with the folder of bodies mounted read-only.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { reckon } from './account.ts'
import { type Load, startLoad } from './load.ts'
import { newRandom } from '../fuzz/random.ts'
import { addAccounts, newRig, type Rig, until } from './server.ts'
import { type Sink, startSink } from './sink.ts'
import { fillUp, mount, mountUnlessBusy, unmount, whyNoSmallDisk } from './small-disk.ts'

const MB = 1024 * 1024
const ACCOUNTS = ['anna@home.test']

const skip = whyNoSmallDisk()

interface Place {
  readonly t: TestContext
  readonly rig: Rig
  readonly sink: Sink
  readonly data: string
}

async function setUp(t: TestContext, size?: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-disk-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  if (size !== undefined) mount(['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', data])
  const sink = await startSink()
  const rig = await newRig({ folder, data, sinkPort: sink.port, limits: { errors: 100_000 } })
  t.after(async () => {
    await rig.kill()
    await sink.down()
    if (size !== undefined) unmount(data)
    rmSync(folder, { recursive: true, force: true })
  })
  await rig.start()
  await addAccounts(rig, ACCOUNTS)
  return { t, rig, sink, data }
}

function load({ rig, t }: Place, size: number, recipients = ['u1@far.test', 'u2@far.test']): Load {
  const running = startLoad({
    port: rig.port,
    connections: 4,
    random: newRandom(1),
    size: () => size,
    recipients: () => recipients,
  })
  t.after(() => running.stop())
  return running
}

const refusals = (of: Load): number => [...of.refusals.values()].reduce((sum, count) => sum + count, 0)

/** RFC 5321 §4.2.2, §4.2.3: 452 or 451, with a code of class 4. */
function assertOnlyTemporary(of: Load): void {
  for (const reply of of.refusals.keys()) assert.match(reply, /^(?:452 4\.3\.1|451 4\.\d\.\d) /)
  assert.deepEqual(of.surprises, [])
}

const free = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Under load until it is refused, and a while longer. */
async function fill(place: Place, size: number): Promise<Load> {
  const running = load(place, size)
  await until('the disk to be full', () => refusals(running) > 30)
  await sleep(1000)
  await running.stop()
  assertOnlyTemporary(running)
  return running
}

async function assertServesAgain(place: Place, size: number): Promise<Load> {
  const running = load(place, size)
  await until(`service to go on (${place.rig.output()})`, () => running.acknowledged.size > 20)
  await running.stop()
  return running
}

function assertExact(place: Place, loads: readonly Load[]): void {
  const { acknowledged, lost, duplicates } = reckon(place.rig, place.sink, loads, ACCOUNTS)
  assert.deepEqual([lost, duplicates], [[], []])
  place.t.diagnostic(`${acknowledged} acknowledged, 0 lost, 0 twice, ${refusals(loads[0] ?? assert.fail())} refused`)
}

for (const [kind, size] of [
  ['small messages', 20_000],
  ['large messages, which are files', 600_000],
] as const) {
  test(`a full disk, ${kind}: refused for the moment, delivered when the next hop is back`, { skip }, async t => {
    const place = await setUp(t, '64m')
    await place.sink.down()
    const full = await fill(place, size)
    assert.ok(full.acknowledged.size > 10)
    t.diagnostic(`full at ${full.acknowledged.size} messages, ${Math.round(free(place.data) / MB)} MB free`)
    await place.sink.up()
    await place.rig.quiet()
    const again = await assertServesAgain(place, size)
    await place.rig.quiet()
    assertExact(place, [full, again])
    const { files, known } = place.rig.bodies()
    assert.equal(files, known, 'body files that no message names')
  })
}

test('a full disk: what an operator deletes makes room', { skip }, async t => {
  const place = await setUp(t, '64m')
  await place.sink.down()
  const full = await fill(place, 20_000)
  const waiting = place.rig.waiting()
  assert.ok(waiting >= full.acknowledged.size * 2)
  // What is being tried at the moment is not deleted, so more than once.
  await until('the queue to be empty', async () => {
    const answer = await place.rig.control({ is: 'change', change: { filter: {}, to: { is: 'delete' } } })
    assert.ok(typeof answer === 'object' && answer !== null && 'ok' in answer, JSON.stringify(answer))
    return place.rig.waiting() === 0
  })
  const again = await assertServesAgain(place, 20_000)
  await place.sink.up()
  await place.rig.quiet()
  assertExact(place, [again])
})

test('a disk that somebody else fills: what is under way ends, and what waits is kept', { skip }, async t => {
  const place = await setUp(t, '64m')
  const running = load(place, 20_000, ['u1@far.test', 'anna@home.test'])
  await until('some mail', () => running.acknowledged.size > 20)
  const ballast = fillUp(place.data)
  await until('refusals', () => refusals(running) > 30)
  await sleep(500)
  const before = running.acknowledged.size
  rmSync(ballast)
  await until(`service to go on (${place.rig.output()})`, () => running.acknowledged.size > before + 20)
  await running.stop()
  await place.rig.quiet()
  assertOnlyTemporary(running)
  assertExact(place, [running])
})

/** Writes beyond this size of a file fail, with an error other than 'no room'. */
function limitFiles(rig: Rig, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', `${rig.pid}`, `--fsize=${bytes}:unlimited`], { stdio: 'pipe' })
}

test('writes that fail: refused for the moment, and service goes on when they succeed again', async t => {
  const place = await setUp(t)
  const running = load(place, 20_000, ['u1@far.test', 'anna@home.test'])
  for (let round = 0; round < 3; round++) {
    const [before, refused] = [running.acknowledged.size, refusals(running)]
    await until(`service to go on (${place.rig.output()})`, () => running.acknowledged.size > before + 20)
    limitFiles(place.rig, 8192)
    await until('refusals', () => refusals(running) > refused + 30)
    limitFiles(place.rig, 'unlimited')
  }
  const before = running.acknowledged.size
  await until(`service to go on (${place.rig.output()})`, () => running.acknowledged.size > before + 20)
  await running.stop()
  await place.rig.quiet()
  assertOnlyTemporary(running)
  assertExact(place, [running])
})

test('large messages whose files cannot be made: refused for the moment', { skip }, async t => {
  const place = await setUp(t, '256m')
  const bodies = join(place.data, 'bodies')
  mount(['--bind', bodies, bodies])
  const running = load(place, 600_000)
  await until('some mail', () => running.acknowledged.size > 10)
  await until('a moment without an open file', () => mountUnlessBusy(['-o', 'remount,bind,ro', bodies]))
  await until('refusals', () => refusals(running) > 30)
  const small = load(place, 5_000)
  await until('small mail to go on', () => small.acknowledged.size > 20)
  await small.stop()
  const before = running.acknowledged.size
  mount(['-o', 'remount,bind,rw', bodies])
  await until('service to go on', () => running.acknowledged.size > before + 10)
  await running.stop()
  await place.rig.quiet()
  assertOnlyTemporary(running)
  assertExact(place, [running, small])
})

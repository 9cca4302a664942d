import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Job, Lane } from './lanes.ts'

function job(source: string, message: number): Job {
  const envelope = {
    returnPath: '<>',
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    holdUntil: undefined,
  } as const
  const work = { message, at: 0, envelope, sender: source, source, size: 1, entries: [], destination: 'd' }
  return { work: { ...work, content: undefined }, hold: undefined }
}

function taken(lane: Lane): string[] {
  const order: string[] = []
  for (let next = lane.take(); next; next = lane.take()) order.push(`${next.work.source}${next.work.message}`)
  return order
}

const TURNS: readonly (readonly [jobs: string, order: string])[] = [
  ['', ''],
  ['a1', 'a1'],
  ['a1 a2 a3', 'a1 a2 a3'],
  ['a1 a2 a3 b1', 'a1 b1 a2 a3'],
  ['a1 a2 b1 b2 c1', 'a1 b1 c1 a2 b2'],
]

for (const [jobs, order] of TURNS) {
  test(`'${jobs}' leave as '${order}'`, () => {
    const lane = new Lane('d')
    for (const name of jobs.split(' ').filter(Boolean)) lane.add(job(name.slice(0, 1), Number(name.slice(1))))
    assert.equal(taken(lane).join(' '), order)
    assert.equal(lane.waiting, 0)
  })
}

test('whatever comes and goes: none is lost, those of a source keep their order, and a lone one waits for each other source once at most', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 100 }), sources => {
      const lane = new Lane('d')
      sources.forEach((source, i) => lane.add(job(String(source), i)))
      assert.equal(lane.waiting, sources.length)
      assert.equal(lane.of('3'), sources.filter(source => source === 3).length)
      lane.add(job('lone', 1000))
      const order = taken(lane)
      assert.equal(order.length, sources.length + 1)
      assert.ok(order.indexOf('lone1000') <= new Set(sources).size)
      for (const source of new Set(sources)) {
        const own = order
          .filter(name => name.startsWith(`${source}`) && name !== 'lone1000')
          .map(name => Number(name.slice(1)))
        assert.deepEqual(
          own,
          own.toSorted((a, b) => a - b),
        )
      }
    }),
  )
})

test('a lane that still has to know something is not idle', () => {
  const lane = new Lane('d')
  assert.ok(lane.isIdle(1000))
  for (const [change, back] of [
    [() => lane.add(job('a', 1)), () => lane.take()],
    [() => lane.active++, () => lane.active--],
    [() => (lane.until = 2000), () => (lane.until = 0)],
    [() => (lane.backlog = true), () => (lane.backlog = false)],
    [() => (lane.nextStart = 1001), () => (lane.nextStart = 1000)],
  ] as const) {
    change()
    assert.ok(!lane.isIdle(1000), String(change))
    back()
    assert.ok(lane.isIdle(1000), String(back))
  }
})

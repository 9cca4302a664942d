import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createWheel, TICK, type Timed, type Wheel } from './deadlines.ts'

function timed(expired: () => void): Timed {
  return { expires: 0, slot: 0, expired }
}

function advance(wheel: Wheel, ticks: number): void {
  for (let i = 0; i < ticks; i++) wheel.advance()
}

test('a deadline is never early, and at most a second late', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000 }), fc.nat(3000), (ms, before) => {
      const wheel = createWheel()
      advance(wheel, before)
      const fired: number[] = []
      let ticks = 0
      wheel.set(
        timed(() => fired.push(ticks)),
        ms,
      )
      for (; fired.length === 0 && ticks < 10_000; ticks++) wheel.advance()
      // The first tick may come at once, so `ticks` of them have taken at least (ticks - 1) * TICK.
      assert.ok((ticks - 1) * TICK >= ms && ticks * TICK <= ms + 2 * TICK, `${ms} ms took ${ticks} ticks`)
      advance(wheel, 3000)
      assert.equal(fired.length, 1)
      assert.equal(wheel.size, 0)
    }),
    { numRuns: 60 },
  )
})

test('the last word counts: later, earlier, cleared, removed', () => {
  const cases: [string, (wheel: Wheel, item: Timed) => void, number | undefined][] = [
    ['moved later', (wheel, item) => wheel.set(item, 900_000), 1801],
    ['moved earlier', (wheel, item) => wheel.set(item, 1000), 3],
    ['cleared', (wheel, item) => wheel.set(item, undefined), undefined],
    ['removed', (wheel, item) => wheel.remove(item), undefined],
    [
      'cleared and set again',
      (wheel, item) => {
        wheel.set(item, undefined)
        wheel.set(item, 20_000)
      },
      41,
    ],
  ]
  for (const [name, change, expected] of cases) {
    const wheel = createWheel()
    let at: number | undefined
    let ticks = 0
    const item = timed(() => (at = ticks))
    wheel.set(item, 10_000)
    change(wheel, item)
    for (ticks = 1; ticks <= 4000; ticks++) wheel.advance()
    assert.equal(at, expected, name)
    assert.equal(wheel.size, 0, name)
  }
})

test('one that is over may end or prolong another of the same tick', () => {
  const wheel = createWheel()
  const fired: string[] = []
  const ended = timed(() => fired.push('ended'))
  const prolonged = timed(() => fired.push('prolonged'))
  const first = timed(() => {
    fired.push('first')
    wheel.remove(ended)
    wheel.set(prolonged, 5000)
    wheel.set(first, 1000)
  })
  for (const item of [first, ended, prolonged]) wheel.set(item, 1000)
  advance(wheel, 3)
  assert.deepEqual(fired, ['first'])
  assert.equal(wheel.size, 2)
  wheel.remove(first)
  advance(wheel, 20)
  assert.deepEqual(fired, ['first', 'prolonged'])
  assert.equal(wheel.size, 0)
})

test('what remains is told', () => {
  const wheel = createWheel()
  const item = timed(() => {})
  assert.equal(wheel.remaining(item), undefined)
  wheel.set(item, 10_000)
  assert.equal(wheel.remaining(item), 10_000)
  advance(wheel, 4)
  assert.equal(wheel.remaining(item), 8000)
  wheel.set(item, undefined)
  assert.equal(wheel.remaining(item), undefined)
})

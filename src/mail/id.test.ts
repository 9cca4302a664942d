import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatId, idAt, idSource, parseId, slotOfId, timeOfId } from './id.ts'

test('ids of one thread grow, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1.77e12, max: 1.9e12 }), { minLength: 1, maxLength: 600 }), times => {
      const clock = times.values()
      const next = idSource(3, 0, () => clock.next().value ?? 1.8e12)
      let before = 0
      for (const _ of times) {
        const id = next()
        assert.ok(Number.isSafeInteger(id) && id > before)
        before = id
      }
    }),
  )
})

test('threads never give the same id, not even in the same ms', () => {
  const seen = new Set<number>()
  for (const slot of [0, 1, 15]) {
    const next = idSource(slot, 0, () => 1.8e12)
    for (let i = 0; i < 1000; i++) seen.add(next())
  }
  assert.equal(seen.size, 3000)
})

test('after a restart with a clock that is behind, ids are larger than the newest stored', () => {
  const newest = idSource(15, 0, () => 1.8e12)()
  assert.ok(idSource(0, newest, () => 1.7e12)() > newest)
})

test('the time is in the id', () => {
  const id = idSource(7, 0, () => 1.8e12)()
  assert.equal(timeOfId(id), 1.8e12)
  assert.equal(slotOfId(id), 7)
  assert.ok(idAt(1.8e12) <= id && id < idAt(1.8e12 + 1))
})

test('written and read', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), id => parseId(formatId(id)) === id))
  for (const text of ['', 'abc', '00000000000u', 'u0000000000', '../../../etc', 'zzzzzzzzzzz']) {
    assert.equal(parseId(text), undefined, text)
  }
})

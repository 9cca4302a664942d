import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextDue } from './schedule.ts'

const MINUTE = 60_000
const settings = { retryFirst: 5 * MINUTE, retryLongest: 240 * MINUTE }

test('intervals double up to the longest', () => {
  const minutes = Array.from({ length: 9 }, (_, i) => nextDue(i + 1, 0, 0, settings) / MINUTE)
  assert.deepEqual(minutes, [5, 10, 20, 40, 80, 160, 240, 240, 240])
})

test('chance shortens an interval by at most a fifth, and never reaches beyond the longest', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.float({ min: 0, max: 1, noNaN: true }), (attempts, jitter) => {
      const [plain, due] = [nextDue(attempts, 1e12, 0, settings), nextDue(attempts, 1e12, jitter, settings)]
      assert.ok(due <= plain && due - 1e12 >= ((plain - 1e12) * 4) / 5 - 1)
      assert.ok(plain <= 1e12 + settings.retryLongest)
    }),
  )
})

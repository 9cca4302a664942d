import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { difference, intersection, placeOf, slices, union, within } from './uids.ts'

const uids = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  .map(list => Uint32Array.from(list.sort((a, b) => a - b)))

test('as with sets', () => {
  fc.assert(
    fc.property(uids, uids, (a, b) => {
      const [inA, inB] = [new Set(a), new Set(b)]
      const all = [...new Set([...a, ...b])].sort((x, y) => x - y)
      assert.deepEqual(
        [...intersection(a, b)],
        all.filter(uid => inA.has(uid) && inB.has(uid)),
      )
      assert.deepEqual(
        [...difference(a, b)],
        all.filter(uid => inA.has(uid) && !inB.has(uid)),
      )
      assert.deepEqual([...union(a, b)], all)
    }),
  )
})

test('within ranges', () => {
  const set = Uint32Array.of(2, 3, 5, 8, 9, 20)
  const cases: [[number, number][], number[]][] = [
    [[], []],
    [[[1, 1]], []],
    [[[1, 4]], [2, 3]],
    [
      [
        [3, 3],
        [5, 8],
        [10, 30],
      ],
      [3, 5, 8, 20],
    ],
    [[[1, 4_294_967_295]], [2, 3, 5, 8, 9, 20]],
  ]
  for (const [ranges, expected] of cases) assert.deepEqual([...within(set, ranges)], expected)
  assert.deepEqual(
    [1, 2, 4, 20, 21].map(uid => placeOf(set, uid)),
    [0, 0, 2, 5, 6],
  )
})

test('slices hold each UID once, are as long as is allowed, and leave large gaps out', () => {
  fc.assert(
    fc.property(uids, fc.integer({ min: 1, max: 10 }), (set, most) => {
      const held = [...slices(set, most)].flatMap(({ from, range: [first, last] }) => {
        const part = [...within(set, [[first, last]])]
        assert.equal(part[0], set[from])
        assert.ok(part.length <= most)
        return part
      })
      assert.deepEqual(held, [...set])
    }),
  )
  assert.deepEqual(
    [...slices(Uint32Array.of(1, 5, 100, 116, 133), 500)].map(({ range }) => range),
    [
      [1, 5],
      [100, 116],
      [133, 133],
    ],
  )
})

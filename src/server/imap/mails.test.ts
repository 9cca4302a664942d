import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { Version } from '../../store/view.ts'
import { inSlices, mailsIn, partOf } from './mails.ts'

function versionOf(uids: readonly number[]): Version {
  // What stands behind `exists` is not this version's.
  return { uids: Uint32Array.from([...uids, 4_000_000_000]), exists: uids.length, vanished: 0 }
}

function list(version: Version, ranges: readonly UidRange[]): [seq: number, uid: number][] {
  const mails = mailsIn(version, ranges)
  const found: [number, number][] = []
  while (mails.next()) found.push([mails.seq, mails.uid])
  assert.equal(mails.next(), false)
  return found
}

const uids = fc.uniqueArray(fc.integer({ min: 1, max: 60 })).map(all => all.sort((a, b) => a - b))
const ranges = fc.uniqueArray(fc.integer({ min: 1, max: 70 })).map(all => {
  const sorted = all.sort((a, b) => a - b)
  return sorted.flatMap((first, i): UidRange[] => (i % 2 === 0 ? [[first, sorted[i + 1] ?? first]] : []))
})
const isIn = (uid: number, of: readonly UidRange[]): boolean => of.some(([a, b]) => uid >= a && uid <= b)

test('the mails of ranges are those whose UID lies in them', () => {
  fc.assert(
    fc.property(uids, ranges, (all, of) => {
      const expected = all.flatMap((uid, i) => (isIn(uid, of) ? [[i + 1, uid]] : []))
      assert.deepEqual(list(versionOf(all), of), expected)
    }),
  )
})

test('slices hold each wanted mail once, no other, and not too many', () => {
  fc.assert(
    fc.property(
      uids,
      ranges,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 4 }),
      (all, of, most, modulus) => {
        const version = versionOf(all)
        const slices = [...inSlices(version, of, most, uid => uid % modulus === 0)]
        const found = slices.map(slice => list(version, slice).map(([, uid]) => uid))
        for (const [i, slice] of found.entries())
          assert.ok(slice.length <= most && (i === found.length - 1 || slice.length === most))
        assert.deepEqual(
          found.flat(),
          all.filter(uid => isIn(uid, of) && uid % modulus === 0),
        )
      },
    ),
  )
})

test('a part counts the mails of the ranges, from either end', () => {
  const version = versionOf([10, 20, 30, 40, 50, 60])
  const some: UidRange[] = [
    [5, 25],
    [40, 70],
  ]
  for (const [of, part, expected] of [
    [[[1, 4_294_967_295]], [1, 2], [10, 20]],
    [[[1, 4_294_967_295]], [-1, -2], [50, 60]],
    [[[1, 4_294_967_295]], [2, 1], [10, 20]],
    [[[1, 4_294_967_295]], [5, 100], [50, 60]],
    [[[1, 4_294_967_295]], [-4, -100], [10, 20, 30]],
    [[[1, 4_294_967_295]], [7, 9], []],
    [[[1, 4_294_967_295]], [-7, -9], []],
    [some, [2, 4], [20, 40, 50]],
    [some, [-4, -4], [20]],
    [[], [1, 5], []],
  ] as [UidRange[], [number, number], number[]][]) {
    const found = list(version, partOf(version, of, part)).map(([, uid]) => uid)
    assert.deepEqual(found, expected, JSON.stringify([of, part]))
  }
})

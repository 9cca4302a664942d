import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isMarked,
  isThere,
  listing,
  mark,
  markedCount,
  markedUids,
  newMaildrop,
  uniqueId,
  unmarkAll,
} from './maildrop.ts'

const drop = () => newMaildrop(77, Uint32Array.from([3, 4, 9, 10]), Uint32Array.from([100, 200, 300, 400]))

test('numbers, sizes and unique ids', () => {
  const it = drop()
  assert.deepEqual([it.count, it.octets], [4, 1000])
  assert.equal(listing(it, 'LIST', 1, 10).text, '1 100\r\n2 200\r\n3 300\r\n4 400\r\n.\r\n')
  assert.equal(listing(it, 'UIDL', 1, 10).text, '1 77.3\r\n2 77.4\r\n3 77.9\r\n4 77.10\r\n.\r\n')
  assert.deepEqual(
    [0, 1, 4, 5, 4294967296].map(n => isThere(it, n)),
    [false, true, true, false, false],
  )
})

test('a unique id is at most 70 characters, all printable', () => {
  const it = newMaildrop(4294967295, Uint32Array.of(4294967295), Uint32Array.of(1))
  assert.match(uniqueId(it, 1), /^[!-~]{1,70}$/) // RFC 1939 §7
})

test('what is marked is not counted, not listed, and comes back', () => {
  const it = drop()
  mark(it, 2)
  mark(it, 2)
  mark(it, 3)
  mark(it, 9)
  assert.deepEqual([it.count, it.octets, markedCount(it)], [2, 500, 2])
  assert.equal(listing(it, 'LIST', 1, 10).text, '1 100\r\n4 400\r\n.\r\n')
  assert.deepEqual(markedUids(it), [[4, 9]])
  unmarkAll(it)
  assert.deepEqual([it.count, it.octets, markedUids(it)], [4, 1000, []])
})

test('an empty maildrop', () => {
  const it = newMaildrop(1, new Uint32Array(0), new Uint32Array(0))
  assert.deepEqual(listing(it, 'UIDL', 1, 10), { text: '.\r\n', next: undefined })
  assert.deepEqual([it.count, it.octets, markedUids(it)], [0, 0, []])
})

test('the ranges of what is marked hold exactly that, and a list in slices is the list', () => {
  const uids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }).map(all => all.sort((a, b) => a - b))
  fc.assert(
    fc.property(
      uids,
      fc.array(fc.integer({ min: 0, max: 41 })),
      fc.integer({ min: 1, max: 7 }),
      (all, marks, slice) => {
        const it = newMaildrop(1, Uint32Array.from(all), Uint32Array.from(all))
        for (const n of marks) mark(it, n)
        const ranges = markedUids(it)
        for (const [at, uid] of all.entries()) {
          const covered = ranges.some(([first, last]) => uid >= first && uid <= last)
          assert.equal(covered, isMarked(it, at + 1))
        }
        const left = all.filter((_, at) => !isMarked(it, at + 1))
        assert.equal(
          it.octets,
          left.reduce((sum, size) => sum + size, 0),
        )
        let text = ''
        for (let from: number | undefined = 1; from !== undefined; ) {
          const part: ReturnType<typeof listing> = listing(it, 'LIST', from, slice)
          text += part.text
          from = part.next
        }
        assert.equal(text, listing(it, 'LIST', 1, 1000).text)
      },
    ),
  )
})

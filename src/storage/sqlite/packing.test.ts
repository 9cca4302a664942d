import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pack, unpack } from './packing.ts'

const LARGEST = [0, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]

const columns = fc
  .record({
    uids: fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 32 - 1 }), { maxLength: 40 }),
    flags: fc.constantFrom(...LARGEST),
    modseqs: fc.constantFrom(...LARGEST),
  })
  .chain(({ uids, flags, modseqs }) => {
    const numbers = (max: number) =>
      fc.array(
        fc.maxSafeNat().map(n => n % (max + 1)),
        { minLength: uids.length, maxLength: uids.length },
      )
    return fc.record({
      uids: fc.constant(Uint32Array.from(uids.sort((a, b) => a - b))),
      flags: numbers(flags).map(all => Float64Array.from(all)),
      modseqs: numbers(modseqs).map(all => Float64Array.from(all)),
    })
  })

test('what was packed is what comes out, whatever width its numbers have', () => {
  fc.assert(
    fc.property(columns, of => {
      const found = unpack(pack(of))
      assert.deepEqual([...(found?.uids ?? [])], [...of.uids])
      assert.deepEqual([...(found?.flags ?? [])], [...of.flags])
      assert.deepEqual([...(found?.modseqs ?? [])], [...of.modseqs])
    }),
  )
  for (const largest of LARGEST) {
    const of = { uids: Uint32Array.of(1, 7), flags: Float64Array.of(0, largest), modseqs: Float64Array.of(largest, 1) }
    const found = unpack(pack(of))
    assert.deepEqual([found?.flags[1], found?.modseqs[0]], [largest, largest])
  }
})

test('small numbers take few bytes', () => {
  const uids = Uint32Array.from({ length: 1000 }, (_, n) => n)
  const flags = new Float64Array(1000).fill(31)
  assert.equal(pack({ uids, flags, modseqs: new Float64Array(1000).fill(40_000) }).length, 16 + 7000)
})

test('bytes that were changed, cut, added to or not packed at all are known', () => {
  fc.assert(
    fc.property(
      columns,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.uint8Array({ maxLength: 64 }),
      (of, at, by, others) => {
        const bytes = pack(of)
        const changed = Uint8Array.from(bytes)
        changed[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by
        // The last four bytes of the header mean nothing.
        if (at % bytes.length < 12 || at % bytes.length >= 16) assert.equal(unpack(changed), undefined)
        assert.equal(unpack(bytes.slice(0, at % bytes.length)), undefined)
        assert.equal(unpack(Buffer.concat([bytes, Buffer.alloc(by)])), undefined)
        assert.equal(unpack(others), undefined)
      },
    ),
  )
})

test('bytes from an odd place on are left alone', () => {
  const bytes = pack({ uids: Uint32Array.of(3), flags: Float64Array.of(1), modseqs: Float64Array.of(2) })
  const moved = new Uint8Array(bytes.length + 1)
  moved.set(bytes, 1)
  assert.equal(unpack(moved.subarray(1)), undefined)
})

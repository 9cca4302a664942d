import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { responseWriter } from './response-writer.ts'

function session() {
  const parts: Buffer[] = []
  return {
    gone: false,
    asked: 0,
    parts,
    write(part: string | Uint8Array): void {
      parts.push(typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.length))
    },
    room(): undefined {
      this.asked++
    },
  }
}

test('what is written arrives, in order, and what has left is not written over', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 300 }),
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.uint8Array({ maxLength: 5000 }),
    fc.constant(undefined),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), pieces => {
      const to = session()
      const out = responseWriter(to)
      for (const each of pieces) {
        if (each === undefined) out.flush()
        else if (typeof each === 'string') out.text(each)
        else if (typeof each === 'number') out.number(each)
        else out.bytes(each)
      }
      out.flush()
      const expected = pieces.map(each =>
        each instanceof Uint8Array ? Buffer.from(each) : Buffer.from(each === undefined ? '' : String(each)),
      )
      assert.deepEqual(Buffer.concat(to.parts), Buffer.concat(expected))
    }),
  )
})

test('numbers are written in full', () => {
  for (const number of [0, 9, 10, 99, 100, 4_294_967_295, 999_999_999_999_999, Number.MAX_SAFE_INTEGER]) {
    const to = session()
    const out = responseWriter(to)
    out.number(number)
    out.flush()
    assert.equal(Buffer.concat(to.parts).toString(), String(number))
  }
})

test('the session is asked for room after each 64 KB, written or looked at', () => {
  const to = session()
  const out = responseWriter(to)
  for (let i = 0; i < 1000; i++) {
    out.text('x'.repeat(100))
    void out.room()
  }
  assert.equal(to.asked, 1)
  out.worked(100_000)
  void out.room()
  assert.equal(to.asked, 2)
  void out.room()
  assert.equal(to.asked, 2)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findBareNewline } from './newline.ts'

const [LF, CR] = [10, 13]

/** The law, said slowly. A CR at the very end is not judged. */
function slowly(bytes: Buffer, last: number): number {
  const bare = (at: number): boolean => {
    const before = at === 0 ? last : bytes[at - 1]
    return (bytes[at] === LF && before !== CR) || (bytes[at] === CR && at + 1 < bytes.length && bytes[at + 1] !== LF)
  }
  if (bytes.length > 0 && last === CR && bytes[0] !== LF) return 0
  return bytes.findIndex((_, at) => bare(at))
}

test('finds the first bare CR or LF, at every place and alignment', () => {
  const part = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('\r\n', 'text of a line\r\n', '.', '\t', 'ö', '\x8d\x8a', '\0') },
    { weight: 1, arbitrary: fc.constantFrom('\r', '\n') },
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), fc.nat(7), fc.constantFrom(CR, LF, 65), (parts, shift, last) => {
      const bytes = Buffer.from(`${'x'.repeat(shift)}${parts.join('')}`, 'latin1').subarray(shift)
      assert.equal(findBareNewline(bytes, bytes.length, last), slowly(bytes, last))
    }),
    { numRuns: 2000 },
  )
})

test('looks no further than the end', () => {
  const bytes = Buffer.from(`${'x'.repeat(100)}\r\n\n`)
  assert.equal(findBareNewline(bytes, 102, 65), -1)
  assert.equal(findBareNewline(bytes, 103, 65), 102)
})

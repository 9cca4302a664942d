import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BodyType } from '../mail/envelope.ts'
import { ChunkScanner } from './chunk.ts'
import type { ContentFault } from './data.ts'

type Case = readonly [name: string, body: BodyType, chunks: readonly string[], fault: ContentFault | undefined]
const cases: readonly Case[] = [
  ['one', '8BITMIME', ['a\r\n'], undefined],
  ['dots stay', '7BIT', ['.\r\n..\r\n.\r\n'], undefined],
  ['a CRLF in two chunks', '7BIT', ['a\r', '\n'], undefined],
  ['empty last', '7BIT', ['a\r\n', ''], undefined],
  ['nothing at all', '7BIT', [''], undefined],
  ['LF', '7BIT', ['a\nb'], 'bare-newline'],
  ['LF first', '7BIT', ['\n'], 'bare-newline'],
  ['LF first in the second', '7BIT', ['a', '\n'], 'bare-newline'],
  ['CR last', '7BIT', ['a\r'], 'bare-newline'],
  ['CR last, then nothing', '7BIT', ['a\r', ''], 'bare-newline'],
  ['CR before another chunk', '7BIT', ['a\r', 'b'], 'bare-newline'],
  ['binary', 'BINARYMIME', ['a\rb\n', '\n\r'], undefined],
  ['too big', 'BINARYMIME', ['x'.repeat(60), 'x'.repeat(41)], 'too-big'],
]

for (const [name, body, chunks, fault] of cases) {
  test(`chunks: ${name}, in pieces of every size`, () => {
    for (let size = 1; size <= 10; size++) {
      let content = ''
      const scanner = new ChunkScanner(100, body, part => void (content += part.toString()))
      chunks.forEach((chunk, index) => {
        scanner.begin(chunk.length, index === chunks.length - 1)
        const input = Buffer.from(`${chunk}BDAT`)
        let taken = 0
        for (let end = -1; end === -1; ) {
          const piece = input.subarray(taken, taken + size)
          end = scanner.feed(piece)
          taken += end === -1 ? piece.length : end
        }
        assert.equal(taken, chunk.length)
      })
      assert.equal(scanner.fault, fault)
      if (fault === undefined) assert.equal(content, chunks.join(''))
      assert.ok(content.length <= 100)
    }
  })
}

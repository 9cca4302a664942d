import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutLine, type Line, MAX_LINE, newLineCutter } from './line.ts'

function cutAll(chunks: readonly Buffer[]): { readonly lines: readonly Line[]; readonly held: number } {
  const cutter = newLineCutter()
  const lines: Line[] = []
  let held = 0
  for (const chunk of chunks) {
    // A chunk may be empty, and so may be what is left of it.
    for (let cut = cutLine(cutter, chunk, 0); cut !== undefined; cut = cutLine(cutter, chunk, cut.end)) {
      lines.push(cut.line)
    }
    held = Math.max(held, cutter.held.length)
  }
  return { lines, held }
}

const EMPTY = Buffer.alloc(0)
const line = (text: string): Line => ({ is: 'line', text })
const wrong = (why: 'overlong' | 'bare-newline' | 'not-utf8'): Line => ({ is: 'malformed', why })
const longest = 'x'.repeat(MAX_LINE - 2)

const cases: readonly (readonly [name: string, input: string, lines: readonly Line[]])[] = [
  ['nothing', '', []],
  ['no end', 'NOOP', []],
  ['only a CR', 'NOOP\r', []],
  ['one', 'NOOP\r\n', [line('NOOP')]],
  ['empty', '\r\n\r\n', [line(''), line('')]],
  ['two and a half', 'A\r\nB\r\nC', [line('A'), line('B')]],
  ['LF alone', 'A\nB\r\nC\r\n', [wrong('bare-newline'), line('C')]],
  ['CR alone', 'A\rB\r\nC\r\n', [wrong('bare-newline'), line('C')]],
  ['CR CR LF', 'A\r\r\nC\r\n', [wrong('bare-newline'), line('C')]],
  ['LF first', '\nA\r\n', [wrong('bare-newline')]],
  ['UTF-8', 'VRFY j\xc3\xb6rg\r\n', [line('VRFY jörg')]],
  ['not UTF-8', 'VRFY j\xf6rg\r\nA\r\n', [wrong('not-utf8'), line('A')]],
  ['longest', `${longest}\r\nA\r\n`, [line(longest), line('A')]],
  ['one too long', `${longest}x\r\nA\r\n`, [wrong('overlong'), line('A')]],
  ['far too long', `${longest.repeat(5)}\n\r\nA\r\n`, [wrong('overlong'), line('A')]],
]

for (const [name, input, lines] of cases) {
  const bytes = Buffer.from(input, 'latin1')
  test(`line: ${name}`, () => assert.deepEqual(cutAll([bytes]).lines, lines))
  test(`line: ${name}, in two pieces`, () => {
    // Every place near the end, and some of the others when there are many.
    const stride = Math.max(1, Math.floor(bytes.length / 100))
    for (let at = 0; at <= bytes.length; at++) {
      if (at % stride > 0 && at < bytes.length - 20) continue
      assert.deepEqual(cutAll([bytes.subarray(0, at), EMPTY, bytes.subarray(at)]).lines, lines, `split at ${at}`)
    }
  })
}

test('however it is split, the lines are the same, and what is held is bounded', () => {
  const piece = fc.constantFrom('\r', '\n', '\r\n', 'A', 'NOOP', '\xc3\xb6', '\xff', 'x'.repeat(5000))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(40), { maxLength: 20 }), (pieces, sizes) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1')
      const chunks: Buffer[] = []
      let at = 0
      for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)))
      chunks.push(bytes.subarray(at))
      const split = cutAll(chunks)
      assert.deepEqual(split.lines, cutAll([bytes]).lines)
      assert.ok(split.held <= MAX_LINE)
    }),
  )
})

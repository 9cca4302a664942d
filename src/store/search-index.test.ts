import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldCase } from '../mail/case-fold.ts'
import { mayHold, needleHashes, signatureBuilder } from '../mail/signature.ts'
import { BLOCK, blockBuilder, candidates, ROWS } from './search-index.ts'

function signatureOf(text: string): Uint8Array | undefined {
  const builder = signatureBuilder()
  builder.add(text, 'header')
  return builder.done()
}

/** As the storage gives them back. */
const readerOf = (rows: readonly Uint8Array[]) => ({
  indexRow: (_mailbox: number, block: number, row: number) => (block === 3 ? rows[row] : undefined),
})

const FIRST = 3 * BLOCK

function find(rows: readonly Uint8Array[], uids: readonly number[], needle: string): number[] {
  return [...candidates(readerOf(rows), 1, Uint32Array.from(uids), needleHashes(foldCase(needle)))]
}

test('the candidates are those whose signature may hold the needle', () => {
  const word = fc.constantFrom('invoice', 'meeting', 'Grüße', 'budget', 'x', 'quarterly figures')
  const texts = fc.array(
    fc.array(word).map(words => words.join(' ')),
    { minLength: 1, maxLength: 40 },
  )
  fc.assert(
    fc.property(texts, word, fc.nat(BLOCK - 41), (texts, needle, first) => {
      const builder = blockBuilder()
      const uids = texts.map((_, n) => FIRST + first + n)
      const signatures = texts.map(signatureOf)
      uids.forEach((uid, n) => builder.add(uid, signatures[n], ''))
      const may = uids.filter((_, n) => mayHold(signatures[n] ?? new Uint8Array(1), needleHashes(foldCase(needle))))
      assert.deepEqual(find(builder.rows(), uids, needle), may)
    }),
    { numRuns: 30 },
  )
})

test('first and last of a block, only those that are asked about, and the lines of a copy', () => {
  const builder = blockBuilder()
  builder.add(FIRST, signatureOf('apple'), '')
  builder.add(FIRST + BLOCK - 1, signatureOf('apple pear'), '')
  builder.add(FIRST + 500, signatureOf('cherry'), 'Delivered-To: apple@a.example\r\n')
  const rows = builder.rows()
  assert.equal(rows.length, ROWS)
  const all = [FIRST, FIRST + 1, FIRST + 500, FIRST + BLOCK - 1]
  assert.deepEqual(find(rows, all, 'APPLE'), [FIRST, FIRST + 500, FIRST + BLOCK - 1])
  assert.deepEqual(find(rows, [FIRST + 1, FIRST + BLOCK - 1], 'apple'), [FIRST + BLOCK - 1])
  assert.deepEqual(find(rows, all, 'pear'), [FIRST + BLOCK - 1])
  assert.deepEqual(find(rows, all, 'plum and other fruits that are not there'), [])
  assert.deepEqual(find(rows, all, 'ap'), all) // too short for the index
})

test('a mail without a signature may hold everything, and a large one what it holds', () => {
  const builder = blockBuilder()
  const large = Array.from({ length: 4000 }, (_, n) => (n * 7919).toString(36)).join(' ')
  builder.add(FIRST + 1, undefined, '')
  builder.add(FIRST + 2, signatureOf(`${large} needle`), '')
  builder.add(FIRST + 3, signatureOf('small'), '')
  assert.ok((signatureOf(large)?.length ?? 0) > 512)
  assert.deepEqual(find(builder.rows(), [FIRST + 1, FIRST + 2, FIRST + 3], 'needle'), [FIRST + 1, FIRST + 2])
})

test('a block without mails has no rows; without rows everything is a candidate', () => {
  assert.deepEqual(blockBuilder().rows(), [])
  assert.deepEqual(find([], [FIRST, FIRST + 7], 'anything'), [FIRST, FIRST + 7])
  assert.deepEqual(
    find(
      Array.from({ length: ROWS }, () => new Uint8Array(3)),
      [FIRST],
      'anything',
    ),
    [FIRST],
  )
})

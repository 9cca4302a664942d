import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Content } from '../mail/content.ts'
import { collectMessage, type ReceiveBudget, SMALL } from './collector.ts'

const STAMP = Buffer.from('Received: by us\r\n')

function setUp(t: TestContext, limit = 1e9) {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-collector-'))
  mkdirSync(join(data, 'bodies'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const budget: ReceiveBudget = { limit, used: 0 }
  let ids = 1e15
  return {
    data,
    budget,
    collect: () => collectMessage(ids++, data, budget),
    files: () => readdirSync(join(data, 'bodies')),
  }
}

function bytesOf(content: Content | undefined): Buffer {
  assert.ok(content)
  if (content.in === 'memory') return Buffer.from(content.bytes)
  const bytes = Buffer.concat([content.head, readFileSync(content.path)])
  assert.equal(bytes.length, content.size)
  return bytes
}

const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 251))

for (const [name, size, piece, limit, where] of [
  ['an empty one', 0, 1, 1e9, 'memory'],
  ['a small one', 5000, 5000, 1e9, 'memory'],
  ['a small one, byte by byte', 5000, 1, 1e9, 'memory'],
  ['a small one, odd pieces', 20_000, 255, 1e9, 'memory'],
  ['the largest that stays in memory', SMALL, 65_536, 1e9, 'memory'],
  ['one byte more', SMALL + 1, 65_536, 1e9, 'file'],
  ['a large one', 3_000_000, 65_536, 1e9, 'file'],
  ['a small one when the memory is used up', 5000, 100, 1000, 'file'],
] as const) {
  test(`${name} arrives whole, in ${where}`, async t => {
    const { collect, budget, files } = setUp(t, limit)
    const collector = collect()
    const sent = bytes(size)
    for (let at = 0; at < size; at += piece) {
      collector.take(sent.subarray(at, at + piece))
      await collector.pressure()
    }
    assert.ok(collector.head().equals(sent.subarray(0, collector.head().length)))
    const content = await collector.finish(STAMP)
    assert.equal(content?.in, where)
    assert.ok(bytesOf(content).equals(Buffer.concat([STAMP, sent])))
    assert.equal(budget.used, 0)
    assert.equal(files().length, where === 'file' ? 1 : 0)
  })
}

/** What happens to files happens later; each is waited for. */
async function emptied(files: () => string[]): Promise<void> {
  for (let turn = 0; turn < 1000 && files().length > 0; turn++) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(files(), [])
}

test('discarded at any moment, nothing is left: neither memory nor file', async t => {
  const { collect, budget, files } = setUp(t)
  for (const size of [0, 100, SMALL, SMALL + 1, 1_000_000]) {
    const collector = collect()
    for (let at = 0; at < size; at += 50_000) collector.take(Buffer.alloc(Math.min(50_000, size - at)))
    collector.discard()
    collector.discard()
    collector.take(Buffer.alloc(100))
    assert.equal(budget.used, 0)
  }
  await emptied(files)
})

test('a finished file goes when the queue does not take it', async t => {
  const { collect, files } = setUp(t)
  const collector = collect()
  collector.take(Buffer.alloc(SMALL + 1))
  assert.equal((await collector.finish(STAMP))?.in, 'file')
  assert.equal(files().length, 1)
  collector.discard()
  await emptied(files)
})

test('without a folder to write to, a large one is refused and a small one is not', async t => {
  const { collect, data, budget } = setUp(t)
  rmSync(join(data, 'bodies'), { recursive: true })
  const large = collect()
  large.take(Buffer.alloc(SMALL + 1))
  large.take(Buffer.alloc(SMALL))
  assert.equal(await large.finish(STAMP), undefined)
  const small = collect()
  small.take(Buffer.alloc(100))
  assert.equal((await small.finish(STAMP))?.in, 'memory')
  assert.equal(budget.used, 0)
})

test('the header is seen whole, also when it goes to the file piece by piece', async t => {
  const { collect } = setUp(t, 10)
  const collector = collect()
  const header = `${'Received: from a by b\r\n'.repeat(100)}Date: now\r\n\r\n`
  for (let at = 0; at < header.length; at += 50) {
    collector.take(Buffer.from(header.slice(at, at + 50)))
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.ok(collector.head().toString().startsWith(header))
  collector.discard()
})

test('what is taken byte by byte is not kept byte by byte', t => {
  const { collect } = setUp(t)
  const collector = collect()
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  const packet = Buffer.alloc(1)
  for (let i = 0; i < 200_000; i++) collector.take(packet.subarray(0))
  const after = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  assert.ok(after - before < 30e6, `${after - before} bytes for 200,000`)
  collector.discard()
})

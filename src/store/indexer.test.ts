import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { NO_FLAGS } from '../mail/flags.ts'
import type { Id } from '../mail/id.ts'
import type { OperationName, Operations, StorageResult } from '../storage/operations.ts'
import { clock, fakeDescription, fakeStorage, nextId } from '../storage/sqlite/fake-mail.ts'
import { startIndexer } from './indexer.ts'
import { BLOCK } from './search-index.ts'

const INBOX = 1

/** Against the real storage. `missing` are messages whose content nobody has; `failures`: how often the storage says no first. */
function open(t: TestContext, failures = 0) {
  const storage = fakeStorage(close => t.after(close))
  const { reader, mail, ask } = storage
  const missing = new Set<Id>()
  const asked: OperationName[] = []
  const slept: number[] = []
  let left = failures
  let stale: readonly Id[] | undefined
  let time = 0
  const indexer = startIndexer({
    reader: { ...mail, undescribed: limit => stale ?? mail.undescribed(limit) },
    storage: {
      async ask<Name extends OperationName>(
        name: Name,
        input: Operations[Name]['in'],
      ): Promise<StorageResult<Operations[Name]['out']>> {
        asked.push(name)
        if (asked.length > 100) indexer.stop()
        if (left-- > 0) return { failed: { why: 'full', detail: 'no room' } }
        return { ok: ask(name, input) }
      },
    },
    content: id => (missing.has(id) ? undefined : reader.content(id)),
    async sleep(ms) {
      slept.push(ms)
      time += ms
    },
    now: () => time++,
  })
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  function fill(mails: number): void {
    const content = { in: 'memory', bytes: Buffer.from('Subject: x\r\n\r\nx') } as const
    const description = fakeDescription()
    const messages = Array.from({ length: mails }, () => ({
      id: nextId(),
      at: clock.now,
      content,
      description: { ...description, signature: undefined },
      flags: NO_FLAGS,
    }))
    ask('append', { mailbox: INBOX, owner: 1, messages, replaces: undefined })
  }
  function alwaysWaiting(id: Id): void {
    stale = [id]
  }
  return { ...storage, indexer, missing, asked, slept, settled, fill, alwaysWaiting }
}

suite('the indexer', () => {
  test('describes what has no description, when it is woken', async t => {
    const { deliver, mail, indexer, asked, settled } = open(t)
    const ids = Array.from({ length: 70 }, () => deliver(1, 20, '', false))
    await settled()
    assert.deepEqual(asked, [])
    indexer.wake()
    await settled()
    assert.deepEqual(mail.undescribed(100), [])
    assert.deepEqual(asked, ['describe', 'describe', 'describe'])
    assert.equal(mail.description(ids[69] ?? 0)?.part.type, 'text/plain')
    deliver(1, 20, '', false)
    indexer.wake()
    await settled()
    assert.deepEqual(mail.undescribed(100), [])
  })

  test('indexes blocks when all of their UIDs were given, also those without mail', async t => {
    const { ask, mail, indexer, asked, settled, fill, problems } = open(t)
    fill(BLOCK - 2)
    indexer.wake()
    await settled()
    assert.deepEqual(mail.indexBlocks(INBOX), [])
    fill(BLOCK)
    indexer.wake()
    await settled()
    assert.deepEqual(mail.indexBlocks(INBOX), [0])
    fill(1)
    ask('expunge', { mailbox: INBOX, uids: [[BLOCK, 2 * BLOCK - 1]], which: 'all' })
    indexer.wake()
    await settled()
    assert.deepEqual(mail.unindexed(10), [])
    assert.deepEqual(asked, ['index', 'index'])
    assert.deepEqual(problems(), [])
  })

  test('goes on without what cannot be read', async t => {
    const { deliver, mail, indexer, missing, settled, slept } = open(t)
    const ids = Array.from({ length: 100 }, () => deliver(1, 20, '', false))
    const lost = ids.filter((_, n) => n % 2 === 0)
    for (const id of lost) missing.add(id)
    indexer.wake()
    await settled()
    assert.deepEqual(mail.undescribed(100), lost)
    assert.ok(slept.every(ms => ms < 1000))
  })

  test('comes again later, and later, while the storage is full', async t => {
    const { deliver, mail, indexer, asked, slept, settled } = open(t, 3)
    deliver(1, 20, '', false)
    indexer.wake()
    await settled()
    assert.deepEqual(mail.undescribed(100), [])
    assert.deepEqual(asked, ['describe', 'describe', 'describe', 'describe'])
    assert.deepEqual(
      slept.filter(ms => ms >= 1000),
      [1000, 2000, 4000],
    )
  })

  test('rests when the storage says that it has it, and has not', async t => {
    const { deliver, indexer, asked, slept, settled, alwaysWaiting } = open(t)
    alwaysWaiting(deliver(1, 20, '', false))
    indexer.wake()
    await settled()
    indexer.stop()
    assert.ok(asked.length > 1 && slept.filter(ms => ms >= 1000).length >= asked.length - 1)
  })

  test('pauses between portions, and stops at the next', async t => {
    const { deliver, mail, indexer, asked, slept, settled } = open(t)
    for (let n = 0; n < 64; n++) deliver(1, 20, '', false)
    indexer.wake()
    indexer.stop()
    indexer.wake()
    await settled()
    assert.deepEqual(asked, [])
    assert.equal(mail.undescribed(100).length, 64)
    assert.deepEqual(slept, [])
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createWheel, TICK, type Wheel } from '../net/deadlines.ts'
import { newMaildrop } from '../pop3/maildrop.ts'
import type { FetchRow } from '../storage/mail-reader.ts'
import { KEPT, MaildropReader, type ReadAhead } from './pop3-reader.ts'

const KB = 1024

interface World {
  readonly common: ReadAhead
  readonly wheel: Wheel
  /** UIDs of the mails that are still there; of message n it is 10 n. */
  readonly there: Set<number>
  /** How many mails each look at the database brought. */
  readonly looks: number[]
  readonly open: () => MaildropReader
}

/** A mailbox with mails of these sizes. */
function world(sizes: readonly number[]): World {
  const uids = sizes.map((_, at) => 10 * (at + 1))
  const there = new Set(uids)
  const looks: number[] = []
  const wheel = createWheel()
  const fetchRows: ReadAhead['reader']['fetchRows'] = (_mailbox, [first, last], limit) => {
    const found = uids.filter(uid => uid >= first && uid <= last && there.has(uid)).slice(0, limit)
    looks.push(found.length)
    return found.map(uid => rowOf(uid, sizes[uid / 10 - 1] ?? 0))
  }
  const common: ReadAhead = { reader: { fetchRows }, deadlines: wheel, held: 0 }
  const maildrop = newMaildrop(1, Uint32Array.from(uids), Uint32Array.from(sizes))
  return { common, wheel, there, looks, open: () => new MaildropReader(common, 1, maildrop) }
}

function rowOf(uid: number, size: number): FetchRow {
  const nothing = { envelope: undefined, body: undefined, structure: undefined, content: undefined }
  return { uid, message: uid, at: 0, saved: 0, head: '', size, flags: 0, modseq: 1, ...nothing }
}

function read(reader: MaildropReader, ...numbers: number[]): (number | undefined)[] {
  return numbers.map(n => reader.read(n)?.uid)
}

const many = (count: number, size: number): number[] => Array.from({ length: count }, () => size)
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1)

test('from the second of two in sequence on sixteen are read together', () => {
  const { common, looks, open } = world(many(40, 100))
  const reader = open()
  assert.deepEqual(
    read(reader, ...upTo(40)),
    upTo(40).map(n => 10 * n),
  )
  assert.deepEqual(looks, [1, 16, 16, 7])
  assert.equal(common.held, 0)
})

test('who jumps about gets one by one, and what was held goes', () => {
  const { common, looks, open } = world(many(40, 100))
  const reader = open()
  assert.deepEqual(read(reader, 1, 3, 5, 4), [10, 30, 50, 40])
  assert.deepEqual(looks, [1, 1, 1, 1])
  read(reader, 5)
  assert.equal(common.held, 1600)
  assert.deepEqual(read(reader, 7), [70])
  assert.equal(common.held, 0)
  assert.deepEqual(looks, [1, 1, 1, 1, 16, 1])
})

test('TOP and RETR of each in turn are a sequence too', () => {
  const { looks, open } = world(many(10, 100))
  assert.deepEqual(read(open(), 1, 1, 2, 2, 3, 3, 4), [10, 10, 20, 20, 30, 30, 40])
  assert.deepEqual(looks, [1, 1, 9, 1, 1])
})

test('what was removed before the look is gone, what was removed after it is still given', () => {
  const { there, looks, open } = world(many(10, 100))
  const reader = open()
  for (const uid of [30, 60, 100]) there.delete(uid)
  assert.deepEqual(read(reader, 1, 2), [10, 20])
  there.clear()
  assert.deepEqual(read(reader, 3, 4, 5, 6, 7, 8, 9, 10), [undefined, 40, 50, undefined, 70, 80, 90, undefined])
  assert.deepEqual(looks, [1, 6])
  assert.deepEqual(read(reader, 9, 10), [undefined, undefined])
})

test('who does not go on lets go of it in time, and nothing is given that was removed before', () => {
  const { common, wheel, there, open } = world(many(10, 100))
  const reader = open()
  read(reader, 1, 2)
  there.clear()
  assert.equal(common.held, 900)
  for (let ticks = 0; ticks <= KEPT / TICK + 2; ticks++) wheel.advance()
  assert.equal(common.held, 0)
  assert.deepEqual(read(reader, 3, 4), [undefined, undefined])
})

test('large ones are read in smaller numbers, the largest alone', () => {
  const { common, looks, open } = world([...many(5, 30 * KB), ...many(3, 64 * KB + 1), 1, 1])
  const reader = open()
  let most = 0
  for (const n of upTo(10)) {
    reader.read(n)
    most = Math.max(most, common.held)
  }
  assert.deepEqual(looks, [1, 2, 2, 1, 1, 1, 2])
  assert.ok(most <= 64 * KB, `${most} bytes`)
})

test('a thread holds 4 MB at most; more sessions read one by one, until others are done', () => {
  const { common, wheel, looks, open } = world(many(10, 16 * KB))
  const readers = Array.from({ length: 70 }, open)
  for (const reader of readers) read(reader, 1, 2)
  assert.equal(common.held, 4 * 1024 * KB)
  assert.equal(looks.filter(rows => rows > 1).length, 64)
  for (const reader of readers) reader.release()
  assert.equal(common.held, 0)
  assert.equal(wheel.size, 0)
  read(readers[69] ?? assert.fail('none'), 3)
  assert.equal(common.held, 64 * KB)
})

test('any order, whatever goes meanwhile: the message itself, or it has been removed; nothing stays held', () => {
  const act = fc.oneof(
    { weight: 6, arbitrary: fc.constant('next' as const) },
    { weight: 1, arbitrary: fc.constant('again' as const) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 50 }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 1, max: 50 }) }) },
    { weight: 1, arbitrary: fc.constant('wait' as const) },
  )
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 * KB }), { minLength: 50, maxLength: 50 }), fc.array(act), run),
  )
  function run(sizes: readonly number[], acts: readonly ('next' | 'again' | 'wait' | number | { remove: number })[]) {
    const { common, wheel, there, open } = world(sizes)
    const reader = open()
    let last = 0
    for (const what of acts) {
      if (what === 'wait') wheel.advance()
      else if (typeof what === 'object') there.delete(10 * what.remove)
      else {
        last = what === 'next' ? (last % 50) + 1 : what === 'again' ? Math.max(1, last) : what
        const uid = reader.read(last)?.uid
        assert.ok(uid === undefined ? !there.has(10 * last) : uid === 10 * last, `${last}: ${uid}`)
      }
      assert.ok(common.held <= 64 * KB)
    }
    reader.release()
    assert.equal(common.held, 0)
    assert.equal(wheel.size, 0)
  }
})

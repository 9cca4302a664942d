import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EntryState, REPORT } from '../storage/operations.ts'
import type { QueueListing } from '../storage/sqlite/reader.ts'
import { idAt } from '../mail/id.ts'
import { listingJson, listingText, summaryJson, summaryText } from './queue-text.ts'

const now = Date.UTC(2026, 6, 1, 12)
const plain = { width: 80, colours: false }
const id = idAt(now - 3_600_000)

function row(recipient: string, state: EntryState, more: Partial<QueueListing> = {}): QueueListing {
  return {
    message: id,
    n: 0,
    recipient,
    dsn: undefined,
    destination: 'mx:x.test',
    attempts: 0,
    due: now,
    expires: now + 86_400_000,
    notice: 0,
    reply: undefined,
    order: undefined,
    at: now - 3_600_000,
    size: 2048,
    sender: 'anna@example.org',
    state,
    ...more,
  }
}

test('a message is a block, each recipient a line, with the last reply below', () => {
  const reply = 'mx.x.test [192.0.2.1]:25: 451 4.7.1 Greylisted, please try again a little later than now'
  const rows = [
    row('b@x.test', 'waiting', { attempts: 2, due: now + 120_000, reply }),
    row('longer@x.test', 'leased'),
    row('r@x.test', 'ready', { destination: REPORT }),
    row('d@x.test', 'ready', { message: id + 1, sender: '', destination: 'to:backup.test:25' }),
    row('h@x.test', 'held', { message: id + 1, sender: '' }),
  ]
  const text = listingText(rows, now, plain)
  assert.deepEqual(
    text.split('\n').map(line => line.replace(/^[0-9a-z]{11}/, 'ID')),
    [
      'ID  from anna@example.org, 1 h old, 2.0 KB',
      '  → b@x.test       waiting, next try in 2 min, tried 2 times',
      '    mx.x.test [192.0.2.1]:25: 451 4.7.1 Greylisted, please try again a little',
      '    later than now',
      '  → longer@x.test  sending',
      '  → r@x.test       ready, for a report to the sender',
      'ID  from <>, 1 h old, 2.0 KB',
      '  → d@x.test       ready for backup.test:25',
      '  → h@x.test       held',
    ],
  )
})

test('programs get the words of the storage', () => {
  assert.deepEqual(
    listingJson([row('b@x.test', 'leased')]).map(each => Object.keys(each)),
    [['id', 'at', 'size', 'sender', 'recipient', 'state', 'destination', 'attempts', 'due', 'expires', 'reply']],
  )
})

test('a summary has a line for each destination, the fullest first', () => {
  const counts = [
    { destination: 'mailbox', state: 'leased' as const, entries: 2, oldest: id },
    { destination: 'mx:x.test', state: 'waiting' as const, entries: 1500, oldest: id },
    { destination: 'mx:x.test', state: 'held' as const, entries: 1, oldest: idAt(now - 7_200_000) },
  ]
  assert.equal(
    summaryText(counts, now, plain),
    [
      'DESTINATION  SENDING  READY  WAITING  HELD  OLDEST',
      'mx:x.test          -      -    1,500     1     2 h',
      'mailbox            2      -        -     -     1 h',
    ].join('\n'),
  )
  assert.deepEqual(summaryJson(counts)[1], {
    destination: 'mailbox',
    leased: 2,
    ready: 0,
    waiting: 0,
    held: 0,
    oldest: '2026-07-01T11:00:00.000Z',
  })
})

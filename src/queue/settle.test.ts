import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../mail/address.ts'
import type { Notify } from '../mail/envelope.ts'
import type { Entry } from '../storage/operations.ts'
import { type Result, settle } from './settle.ts'
import type { Work } from './work.ts'

const NOW = 1.8e12
const MOMENT = { now: NOW, jitter: 0, destinationWaits: false, retryFirst: 60_000, retryLongest: 240_000 }
const address = parseAddress('u@far.test', { smtputf8: false }) ?? assert.fail()
const sender = parseAddress('a@own.test', { smtputf8: false }) ?? assert.fail()

const ENTRY: Entry = {
  message: 7,
  n: 3,
  recipient: 'u@far.test',
  dsn: undefined,
  destination: 'mx:far.test',
  attempts: 2,
  due: NOW - 1,
  expires: NOW + 1e6,
  notice: 5,
  reply: undefined,
  order: undefined,
}

function workFrom(returnPath: Work['envelope']['returnPath']): Work {
  const envelope = {
    returnPath,
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    holdUntil: undefined,
  } as const
  const about = { message: 7, at: 0, envelope, sender: 'a@own.test', source: 'a@own.test', size: 1 }
  return { ...about, entries: [ENTRY], destination: 'mx:far.test', content: undefined }
}

const REPLY = { code: 450, status: '4.2.0', text: ['come', 'back'] } as const
const TO = 'mx.far.test [192.0.2.1]:25'
const DEFERRED = { is: 'deferred', status: '4.2.0', reason: 'later', reply: REPLY, to: TO } as const

interface Case {
  readonly name: string
  readonly result: Result
  readonly destinationWaits?: boolean
  readonly notify?: readonly Notify[]
  readonly from?: '<>'
  /** What the entry becomes. */
  readonly entry: object
  readonly event: string
  /** What the sender hears. */
  readonly notice?: string
}

const WAITING = { n: 3, destination: 'mx:far.test', attempts: 3, notice: 5, reply: `${TO}: 450 4.2.0 come back` }
const BOUNCED = { is: 'bounced', status: '5.1.1', reason: 'no', reply: undefined, to: TO } as const
const STORED = { is: 'stored', account: 9, address: 'anna@own.test', head: 'H' } as const

const CASES: readonly Case[] = [
  {
    name: 'delivered',
    result: { is: 'delivered', to: TO, reply: undefined, reports: false },
    entry: { n: 3, is: 'done' },
    event: 'delivered',
  },
  {
    name: 'delivered, the sender asked',
    result: { is: 'delivered', to: TO, reply: undefined, reports: false },
    notify: ['SUCCESS'],
    entry: { n: 3, is: 'done' },
    event: 'delivered',
    notice: 'relayed 2.1.9 mx.far.test',
  },
  {
    name: 'delivered to a host that reports itself',
    result: { is: 'delivered', to: TO, reply: undefined, reports: true },
    notify: ['SUCCESS'],
    entry: { n: 3, is: 'done' },
    event: 'delivered',
  },
  { name: 'stored', result: STORED, entry: { n: 3, is: 'stored', account: 9, head: 'H' }, event: 'delivered' },
  {
    name: 'stored, the sender asked',
    result: STORED,
    notify: ['SUCCESS'],
    entry: { n: 3, is: 'stored', account: 9, head: 'H' },
    event: 'delivered',
    notice: 'delivered 2.1.5 undefined',
  },
  {
    name: 'bounced',
    result: BOUNCED,
    entry: { n: 3, is: 'done' },
    event: 'bounced',
    notice: 'failed 5.1.1 mx.far.test',
  },
  { name: 'bounced, NOTIFY=NEVER', result: BOUNCED, notify: [], entry: { n: 3, is: 'done' }, event: 'bounced' },
  { name: 'bounced, a report itself', result: BOUNCED, from: '<>', entry: { n: 3, is: 'done' }, event: 'bounced' },
  {
    name: 'deferred',
    result: { ...DEFERRED, of: 'recipient' },
    entry: { ...WAITING, is: 'waiting', due: NOW + 240_000 },
    event: 'deferred',
  },
  {
    name: 'deferred, and the whole destination waits',
    result: { ...DEFERRED, of: 'destination' },
    destinationWaits: true,
    entry: { ...WAITING, is: 'ready', due: NOW },
    event: 'deferred',
  },
  {
    name: 'deferred by a destination that takes others',
    result: { ...DEFERRED, of: 'destination' },
    entry: { ...WAITING, is: 'waiting', due: NOW + 240_000 },
    event: 'deferred',
  },
]

for (const { name, result, destinationWaits = false, notify, from, entry, event, notice } of CASES) {
  test(name, () => {
    const recipient = { address, notify, original: undefined }
    const attempted = [{ entry: ENTRY, recipient, result }]
    const settled = settle(workFrom(from ?? sender), attempted, { ...MOMENT, destinationWaits })
    assert.deepEqual(settled.results, [entry])
    assert.deepEqual(
      settled.events.map(of => of.event),
      [event],
    )
    const heard = settled.notices.map(({ action, status, remote }) => `${action} ${status} ${remote}`)
    assert.deepEqual(heard, notice === undefined ? [] : [notice])
  })
}

test('the last reply is kept short', () => {
  const result: Result = { ...DEFERRED, of: 'recipient', reply: { ...REPLY, text: ['x'.repeat(5000)] } }
  const { results } = settle(
    workFrom(sender),
    [{ entry: ENTRY, recipient: { address, notify: undefined, original: undefined }, result }],
    MOMENT,
  )
  assert.ok(results[0]?.is === 'waiting' && results[0].reply?.length === 1000)
})

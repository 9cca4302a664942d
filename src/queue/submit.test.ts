import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { OperationName, Operations, StorageResult, Submission } from '../storage/operations.ts'
import type { Storage } from '../storage/storage.ts'
import { type Arrival, createSubmit } from './submit.ts'

function recipient(text: string, notify?: Recipient['notify']): Recipient {
  const address = parseAddress(text, { smtputf8: true })
  assert.ok(address)
  return { address, notify, original: undefined }
}

const SENDER = recipient('eve@else.test').address
const ARRIVAL: Omit<Arrival, 'recipients'> = {
  id: 1,
  at: 1000,
  envelope: {
    returnPath: SENDER,
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    holdUntil: undefined,
  },
  content: { in: 'memory', bytes: Buffer.from('Subject: x\r\n\r\n') },
  description: undefined,
  login: undefined,
  events: [],
}

/** What the storage is asked for; it fails as often as `conflicts` says. */
async function submitted(recipients: readonly Recipient[], conflicts: number): Promise<Submission[]> {
  const asked: Submission[] = []
  const directory = {
    isOwnDomain: (name: string) => name === 'home.test',
    meaning: () => ({ is: 'account', id: 7, address: 'ann@home.test' }) as const,
  }
  const routing = {
    destination: (to: Recipient['address']) => (to.domain === 'home.test' ? 'mailbox' : `mx:${to.domain}`),
    times: () => ({ lifetime: 1000, delayNotice: 0 }),
    share: () => ({ concurrency: 1, rate: undefined }),
  }
  const storage: Storage = {
    ask<Name extends OperationName>(_: Name, input: Operations[Name]['in']) {
      if ('envelope' in Object(input)) asked.push(input as Submission)
      const failed = { why: 'conflict', detail: 'account 7 is gone' } as const
      const result: StorageResult<Operations[Name]['out']> =
        asked.length <= conflicts ? { failed } : { ok: undefined as Operations[Name]['out'] }
      return Promise.resolve(result)
    },
    record: () => undefined,
  }
  const submit = createSubmit({
    owner: 1,
    storage,
    directory,
    routing,
    runner: {
      reserve: () => ({ leased: new Set(), hold: { bytes: 0, works: 0 } }),
      accept: () => undefined,
      drop: () => undefined,
    },
    reporter: {
      hostname: 'mx.home.test',
      routing,
      directory,
      nextId: () => 2,
      now: () => 1000,
      random: bytes => new Uint8Array(bytes),
      read: () => Promise.resolve(new Uint8Array(0)),
    },
    mailboxOf: () => ({ account: 7, address: 'ann@home.test', head: 'Return-Path: <eve@else.test>\r\n' }),
    hold: false,
  })
  assert.equal(await submit({ ...ARRIVAL, recipients }), undefined)
  return asked
}

const shape = ({ stored, entries }: Submission): unknown => [
  stored.map(of => of.account),
  entries.map(of => of.recipient),
]

test('what is for a mailbox of ours is in it with the commit that takes it in; the rest is queued', async () => {
  const asked = await submitted([recipient('ann@home.test'), recipient('bob@away.test')], 0)
  assert.deepEqual(asked.map(shape), [[[7], ['bob@away.test']]])
  assert.match(asked[0]?.events.join('\n') ?? '', /"event":"delivered".*ann@home\.test/)
})

test('who is to hear of the delivery: it is queued, and reported on', async () => {
  const asked = await submitted([recipient('ann@home.test', ['SUCCESS'])], 0)
  assert.deepEqual(asked.map(shape), [[[], ['ann@home.test']]])
})

test('an account that goes in this moment: its mail is queued, and nothing is refused', async () => {
  const asked = await submitted([recipient('ann@home.test'), recipient('bob@away.test')], 1)
  assert.deepEqual(asked.map(shape), [
    [[7], ['bob@away.test']],
    [[], ['ann@home.test', 'bob@away.test']],
  ])
})

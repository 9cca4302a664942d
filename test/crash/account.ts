/** Puts side by side what the senders were promised and what arrived. */
import assert from 'node:assert/strict'
import type { Load } from './load.ts'
import type { Rig } from './server.ts'
import { arrivalKey, type Sink } from './sink.ts'

/** A recipient for which a message came more than once, and when (ms since 1970). */
export interface Duplicate {
  readonly key: string
  readonly times: readonly number[]
}

export interface Reckoning {
  /** Messages that got their 250. */
  readonly acknowledged: number
  /** Promised and not there. */
  readonly lost: readonly string[]
  /** At the next hop; in a mailbox there may be none at all. */
  readonly duplicates: readonly Duplicate[]
}

export const isLocal = (recipient: string): boolean => recipient.endsWith('@home.test')

/** Fails when a mailbox holds a message twice, or when anything arrived with other bytes than it was sent with. */
export function reckon(rig: Rig, sink: Sink, loads: readonly Load[], accounts: readonly string[]): Reckoning {
  const inMailboxes = new Set<string>()
  for (const account of accounts) {
    for (const { seq, intact } of rig.mailbox(account)) {
      const key = arrivalKey(seq, account)
      assert.ok(intact, `damaged in a mailbox: ${key}`)
      assert.ok(!inMailboxes.has(key), `twice in a mailbox: ${key}`)
      inMailboxes.add(key)
    }
  }
  assert.deepEqual(sink.damaged, [])
  const lost: string[] = []
  let acknowledged = 0
  for (const load of loads) {
    assert.deepEqual(load.surprises, [])
    acknowledged += load.acknowledged.size
    for (const [seq, recipients] of load.acknowledged) {
      for (const recipient of recipients) {
        const key = arrivalKey(seq, recipient)
        if (!(isLocal(recipient) ? inMailboxes : sink.arrivals).has(key)) lost.push(key)
      }
    }
  }
  const duplicates = [...sink.arrivals].filter(([, times]) => times.length > 1).map(([key, times]) => ({ key, times }))
  return { acknowledged, lost, duplicates }
}

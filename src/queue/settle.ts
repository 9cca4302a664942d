import type { Outcome } from '../mail/outcome.ts'
import type { Event } from '../log/events.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Action, Notice } from '../mail/notice.ts'
import { reportsDue } from '../mail/report.ts'
import type { Entry, EntryResult } from '../storage/operations.ts'
import { nextDue, type RetrySettings } from './schedule.ts'
import type { Work } from './work.ts'

/** What became of one entry: an outcome of delivery, or the mailbox that takes it in the transaction that ends the entry. */
export type Result =
  | Outcome
  | { readonly is: 'stored'; readonly account: number; readonly address: string; readonly head: string }

export interface Settled {
  readonly results: readonly EntryResult[]
  /** What the sender is to hear (NOTIFY was asked already). */
  readonly notices: readonly Notice[]
  readonly events: readonly Event[]
}

export interface Moment extends RetrySettings {
  /** ms since 1970 */
  readonly now: number
  /** 0 to 1 */
  readonly jitter: number
  /** Trouble with the destination itself makes it wait as a whole, so its entries stay ready. false: it takes other messages well. */
  readonly destinationWaits: boolean
}

/** Pure: what an attempt means for its entries, its sender and its timeline. `results` in the order of the work's entries. */
export function settle(work: Work, attempted: readonly Attempted[], moment: Moment): Settled {
  const results: EntryResult[] = []
  const notices: Notice[] = []
  const events: Event[] = []
  for (const { entry, recipient, result } of attempted) {
    results.push(entryResult(entry, result, moment))
    events.push(eventOf(work, entry, result, moment))
    const notice = noticeOf(recipient, result, moment.now)
    if (notice && reportsDue(recipient, notice.action, work.envelope.returnPath)) notices.push(notice)
  }
  return { results, notices, events }
}

export interface Attempted {
  readonly entry: Entry
  readonly recipient: Recipient
  readonly result: Result
}

function entryResult(entry: Entry, result: Result, moment: Moment): EntryResult {
  const { n } = entry
  switch (result.is) {
    case 'stored':
      return { n, is: 'stored', account: result.account, head: result.head }
    case 'delivered':
    case 'bounced':
      return { n, is: 'done' }
    case 'deferred': {
      const attempts = entry.attempts + 1
      const waits = result.of === 'destination' && moment.destinationWaits
      const due = waits ? moment.now : nextDue(attempts, moment.now, moment.jitter, moment)
      const { destination, notice } = entry
      return { n, is: waits ? 'ready' : 'waiting', destination, attempts, due, notice, reply: lastReply(result) }
    }
  }
}

/** The peer's words, or ours, as the queue listing and a later report show them. */
function lastReply({ reply, reason, to }: Extract<Result, { is: 'deferred' }>): string {
  const said = reply ? [reply.code, ...(reply.status ? [reply.status] : []), ...reply.text].join(' ') : reason
  return (to === undefined ? said : `${to}: ${said}`).slice(0, 1000)
}

function eventOf(work: Work, entry: Entry, result: Result, moment: Moment): Event {
  const [message, recipient, attempts] = [work.message, entry.recipient, entry.attempts + 1]
  switch (result.is) {
    case 'stored':
      return { event: 'delivered', message, recipient, to: `mailbox ${result.address}`, reply: undefined, attempts }
    case 'delivered':
      return { event: 'delivered', message, recipient, to: result.to, reply: result.reply, attempts }
    case 'bounced': {
      const { to, status, reason, reply } = result
      return { event: 'bounced', message, recipient, to, status, reason, reply, attempts }
    }
    case 'deferred': {
      const { to, status, reason, reply, of } = result
      const waits = of === 'destination' && moment.destinationWaits
      const next = waits ? undefined : nextDue(attempts, moment.now, moment.jitter, moment)
      return { event: 'deferred', message, recipient, to, status, reason, reply, attempts, next }
    }
  }
}

function noticeOf(recipient: Recipient, result: Result, now: number): Notice | undefined {
  const of = (action: Exclude<Action, 'delayed'>, status: string, reason: string): Notice => {
    const { reply, to } = result.is === 'stored' ? { reply: undefined, to: undefined } : result
    return { action, recipient, status, reason, reply, remote: hostOf(to), lastAttempt: now }
  }
  switch (result.is) {
    case 'stored':
      return of('delivered', '2.1.5', 'It is in the mailbox.')
    case 'delivered': // RFC 3461 §5.2.2: a host that knows DSN reports itself
      return result.reports
        ? undefined
        : of('relayed', '2.1.9', 'The next host took it; it does not report any further.')
    case 'bounced':
      return of('failed', result.status, result.reason)
    case 'deferred':
      return undefined
  }
}

/** 'mx1.example.org' of 'mx1.example.org [192.0.2.1]:25'. */
function hostOf(to: string | undefined): string | undefined {
  return to?.split(' ', 1)[0]
}

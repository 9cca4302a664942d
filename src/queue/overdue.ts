/** Entries whose next step is a report to the sender, not a delivery: given up, by time or by an operator, or late for the first time. */
import type { Event } from '../log/events.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Notice } from '../mail/notice.ts'
import { reportsDue } from '../mail/report.ts'
import type { Entry, EntryResult } from '../storage/operations.ts'
import type { Routing } from './routing.ts'
import type { Settled } from './settle.ts'
import type { Work } from './work.ts'

/** Pure. `now`: ms since 1970. */
export function settleReports(
  work: Work,
  entries: readonly { readonly entry: Entry; readonly recipient: Recipient }[],
  routing: Pick<Routing, 'destination'>,
  now: number,
): Settled {
  const results: EntryResult[] = []
  const notices: Notice[] = []
  const events: Event[] = []
  for (const { entry, recipient } of entries) {
    const givenUp = entry.order !== undefined || entry.expires <= now
    const notice = givenUp ? failure(entry, recipient, now) : delay(entry, recipient)
    if (reportsDue(recipient, notice.action, work.envelope.returnPath)) notices.push(notice)
    if (givenUp) {
      results.push({ n: entry.n, is: 'done' })
      events.push(bounced(entry, notice))
    } else {
      results.push(goesOn(entry, routing.destination(recipient.address), now))
    }
  }
  return { results, notices, events }
}

function bounced({ message, recipient, attempts }: Entry, { status, reason }: Notice): Event {
  return { event: 'bounced', message, recipient, to: undefined, status, reason, reply: undefined, attempts }
}

/** Told once. */
function goesOn({ n, attempts, due, reply }: Entry, destination: string, now: number): EntryResult {
  return { n, is: due <= now ? 'ready' : 'waiting', destination, attempts, due, notice: 0, reply }
}

function failure(entry: Entry, recipient: Recipient, now: number): Notice {
  const [status, reason] =
    entry.order === undefined ? ['4.4.7', entry.reply ?? 'It could not be delivered in time.'] : ['5.7.0', entry.order] // RFC 3463 §3.5
  return { action: 'failed', recipient, status, reason, reply: undefined, remote: undefined, lastAttempt: now }
}

function delay(entry: Entry, recipient: Recipient): Notice {
  const reason = entry.reply ?? 'It could not be delivered so far.'
  const unknown = { reply: undefined, remote: undefined, lastAttempt: undefined }
  return { action: 'delayed', recipient, status: '4.4.7', reason, retryUntil: entry.expires, ...unknown }
}

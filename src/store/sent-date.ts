/**
 * SENTBEFORE, SENTON, SENTSINCE. RFC 9051 §6.4.4 compares the day that is written in the Date field, without regard to its time and zone.
 * What is kept for all mails is the moment, so these are first narrowed by it; only what lies within a day of the one that is asked for
 * is looked at itself. A mail without a usable Date counts with its internal date, as RFC 5256 §2.2 has it for SORT.
 */
import { parseLocalDate } from '../mail/date.ts'
import { filterColumn } from './columns.ts'
import { describedMail, type MailScope, undescribed } from './mail-scope.ts'
import { difference, union } from './uids.ts'

/** ms. No zone is further from UTC. */
export const DAY = 24 * 60 * 60 * 1000

/** Of these mails, those written on this day (ms since 1970 of its midnight) or later. */
export async function sentSince(uids: Uint32Array, day: number, scope: MailScope): Promise<Uint32Array> {
  const waiting = undescribed(uids, scope)
  const described = difference(uids, waiting)
  const perhaps = filterColumn(described, 'sent', '>=', day - DAY, scope)
  const surely = filterColumn(perhaps, 'sent', '>=', day + DAY, scope)
  const doubtful = union(difference(perhaps, surely), waiting)
  return union(surely, await writtenSince(doubtful, day, scope))
}

async function writtenSince(uids: Uint32Array, day: number, scope: MailScope): Promise<Uint32Array> {
  const found = new Uint32Array(uids.length)
  let length = 0
  for (const uid of uids) {
    await scope.breathe()
    const row = scope.reader.mail(scope.mailbox, uid)
    if (!row) continue
    const envelope = scope.reader.envelope(row.message) ?? (await describedMail(uid, scope))?.description.envelope
    if (envelope && (localDate(envelope) ?? row.at) >= day) found[length++] = uid
  }
  return found.subarray(0, length)
}

/** RFC 9051 §7.5.2: the first thing in an envelope is the Date field, a string as it was written. */
const ENVELOPE_DATE = /^\("((?:[^"\\]|\\.)*)"/s
/** Bytes of an envelope in which a date must end: `parseDate` takes no longer one. */
const DATE_PART = 600

/** What clock and calendar showed where it was written, in ms as if that were UTC; undefined: no date. */
function localDate(envelope: Uint8Array): number | undefined {
  const start = Buffer.from(envelope.buffer, envelope.byteOffset, Math.min(envelope.length, DATE_PART))
  const text = ENVELOPE_DATE.exec(start.toString('latin1'))?.[1]
  return text === undefined ? undefined : parseLocalDate(text.replaceAll(/\\(.)/g, '$1'))
}

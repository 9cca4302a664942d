import type { Directory } from '../directory/directory.ts'
import type { Event } from '../log/events.ts'
import { eventLine } from '../log/events.ts'
import { formatAddress } from '../mail/address.ts'
import { type Content, contentSize } from '../mail/content.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Notice } from '../mail/notice.ts'
import { buildReport, returnsContent } from '../mail/report.ts'
import { hasNonAsciiHeader, needs } from '../mail/seven-bit.ts'
import type { Id } from '../mail/id.ts'
import type { Submission } from '../storage/operations.ts'
import { isAsciiAddress } from '../mail/address.ts'
import type { Routing } from './routing.ts'

/** What reports are made with. */
export interface Reporter {
  readonly hostname: string
  readonly routing: Routing
  readonly directory: Pick<Directory, 'isOwnDomain' | 'meaning'>
  readonly nextId: () => Id
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
  /** The first bytes of a content, at most so many. */
  readonly read: (content: Content, bytes: number) => Promise<Uint8Array>
}

const HEADER = 256 * 1024
/** The sender hears of the failure also when the message itself cannot be read any more. */
const LOST = new Uint8Array(0)

export interface About {
  readonly message: Id
  readonly at: number
  readonly envelope: Envelope
  readonly content: Content
}

/** The report as a message of its own, and the events about it on the timeline of the message it speaks of. */
export async function makeReport(
  about: About,
  notices: readonly Notice[],
  by: Reporter,
): Promise<{ report: Submission | undefined; event: Event }> {
  const { message, envelope } = about
  const recipients = notices.map(notice => formatAddress(notice.recipient.address))
  const action = notices[0]?.action ?? 'failed'
  const { returnPath } = envelope
  if (returnPath === '<>') throw new Error('reports about reports are never made')
  const unknown = by.directory.isOwnDomain(returnPath.domain) && by.directory.meaning(returnPath).is === 'unknown'
  if (unknown)
    return {
      report: undefined,
      event: { event: 'reported', message, action, recipients, report: undefined, reason: 'the sender does not exist' },
    }

  const size = contentSize(about.content)
  const whole = returnsContent(envelope, notices, size)
  const bytes = buildReport({
    random: by.random(16),
    hostname: by.hostname,
    now: by.now(),
    arrival: about.at,
    envelope,
    notices,
    original: {
      is: whole ? 'whole' : 'header',
      bytes: await by.read(about.content, whole ? size : HEADER).catch(() => LOST),
    },
  })
  const report = submissionOf(bytes, about, returnPath, by, action)
  return { report, event: { event: 'reported', message, action, recipients, report: report.id } }
}

function submissionOf(
  bytes: Uint8Array,
  about: About,
  to: Exclude<Envelope['returnPath'], '<>'>,
  by: Reporter,
  action: string,
): Submission {
  const [id, at] = [by.nextId(), by.now()]
  const destination = by.routing.destination(to)
  const { lifetime } = by.routing.times(destination, to)
  const recipient = formatAddress(to)
  return {
    id,
    at,
    envelope: {
      returnPath: '<>', // RFC 3461 §6.1
      body: needs(bytes) === '7bit' ? '7BIT' : '8BITMIME',
      smtputf8: hasNonAsciiHeader(bytes) || !isAsciiAddress(to),
      ret: undefined,
      envid: undefined,
      holdUntil: undefined,
    },
    content: { in: 'memory', bytes },
    description: undefined, // most go elsewhere
    sender: '',
    source: 'MAILER-DAEMON',
    owner: 0,
    stored: [],
    entries: [
      {
        n: 0,
        recipient,
        dsn: JSON.stringify({ notify: [] }), // RFC 3461 §6.1: NOTIFY=NEVER
        destination,
        state: 'ready',
        due: at,
        expires: at + lifetime,
        notice: 0,
      },
    ],
    events: [
      eventLine(at, { event: 'report', message: id, about: about.message, to: recipient, action, size: bytes.length }),
    ],
  }
}

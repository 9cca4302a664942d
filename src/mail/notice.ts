/** What goes into a delivery report: report.ts makes the message of it, report-text.ts the part for people. */
import type { Reply } from './reply.ts'
import type { Envelope, Recipient } from './envelope.ts'

/** RFC 3464 §2.3.3 */
export type Action = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

/** What became of one recipient. Texts may be hostile: they are cleaned and cut in the report. */
export type Notice = {
  readonly recipient: Recipient
  /** RFC 3463 */
  readonly status: string
  /** In our words; shown where there is no reply. */
  readonly reason: string
  readonly reply: Reply | undefined
  /** The host that gave the reply, or that could not be talked to. */
  readonly remote: string | undefined
  /** ms since 1970 */
  readonly lastAttempt: number | undefined
} & (
  | { readonly action: 'delayed' /** ms since 1970 */; readonly retryUntil: number }
  | { readonly action: Exclude<Action, 'delayed'> }
)

export interface ReportFacts {
  /** 16 bytes or more, for the Message-ID and the boundary. */
  readonly random: Uint8Array
  /** Reporting-MTA */
  readonly hostname: string
  /** ms since 1970 */
  readonly now: number
  /** When the message came to us, in ms since 1970. */
  readonly arrival: number
  readonly envelope: Envelope
  readonly notices: readonly Notice[]
  /** `whole` need not be read for a report that does not return it: see `returnsContent` of report.ts. */
  readonly original: { readonly is: 'whole' | 'header'; readonly bytes: Uint8Array }
}

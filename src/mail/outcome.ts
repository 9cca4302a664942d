import type { Reply } from './reply.ts'

/**
 * What became of one recipient in one attempt. Never thrown, always returned.
 * `status` is an enhanced status code (RFC 3463) for the report, from the peer's reply or our own finding.
 */
export type Outcome =
  /** The next host took it, or it is in the mailbox. `reports`: that host announced DSN, so SUCCESS reports are its task (RFC 3461 §4.2). */
  | { readonly is: 'delivered'; readonly to: string; readonly reply: Reply | undefined; readonly reports: boolean }
  /** Try again. `of: 'destination'`: the trouble was with the connection or the host, so its other messages need not try it now. */
  | {
      readonly is: 'deferred'
      readonly of: 'recipient' | 'destination'
      readonly status: string
      readonly reason: string
      readonly reply: Reply | undefined
      readonly to: string | undefined
    }
  /** Never: tell the sender. */
  | {
      readonly is: 'bounced'
      readonly status: string
      readonly reason: string
      readonly reply: Reply | undefined
      readonly to: string | undefined
    }

/**
 * The words of the POP3 machine (`server.ts`): where a session is, what may happen to it, what it wants done.
 *
 * The loop (`server/pop3.ts`) keeps one `Session` per connection, hands each `Event` to `step`, and performs the effects in their order. It
 * hands over one line at a time, and none while the machine waits for something (`takesLine` is false): what the client pipelined
 * (RFC 2449 §6.6) stays in the loop's buffer until then.
 */
import type { Line } from '../mail/line.ts'
import type { UidRange } from '../mail/sequence-set.ts'
import type { Credentials } from '../sasl/credentials.ts'
import type { Exchange } from '../sasl/mechanism.ts'
import type { MaildropView } from './maildrop.ts'
import type { Reply } from './replies.ts'

/** What does not change while a connection lasts. One object can serve many sessions. */
export interface Context {
  /** Our name in the greeting. */
  readonly hostname: string
  /** Refusals in one session before we hang up. */
  readonly limits: { readonly errors: number }
  /** There is a certificate, so STLS is offered while TLS is not on. */
  readonly startTls: boolean
  /** This source may log in without TLS. */
  readonly clearLogin: boolean
}

/** What is true in every state of a connection. */
export interface Link {
  /** TLS is on. */
  readonly tls: boolean
  /** Commands that were refused so far. */
  readonly errors: number
}

/** RFC 1939 §3, with what may be under way in each of its states. */
export type Session =
  | { readonly at: 'new' }
  /** AUTHORIZATION. `user`: the argument of USER. */
  | { readonly at: 'authorization'; readonly link: Link; readonly user: string | undefined }
  /** The next line is a response of the SASL exchange, not a command. */
  | { readonly at: 'sasl'; readonly link: Link; readonly exchange: Exchange }
  /** Asked: open. */
  | { readonly at: 'opening'; readonly link: Link }
  /** +OK was said to STLS. */
  | { readonly at: 'securing'; readonly link: Link }
  /** TRANSACTION. */
  | { readonly at: 'transaction'; readonly link: Link; readonly maildrop: MaildropView }
  /** A message or a list goes out. `leaving`: we stop when it is out. */
  | { readonly at: 'sending'; readonly link: Link; readonly maildrop: MaildropView; readonly leaving: boolean }
  /** UPDATE. */
  | { readonly at: 'updating'; readonly count: number }
  /** Nothing is said or done any more; events that come late are ignored. */
  | { readonly at: 'closed' }

export type Event =
  /** `tls`: from the first byte. */
  | { readonly on: 'connected'; readonly tls: boolean }
  | { readonly on: 'line'; readonly line: Line }
  /** Answers to `open`. */
  | { readonly on: 'opened'; readonly maildrop: MaildropView }
  | { readonly on: 'not-opened'; readonly why: 'wrong' | 'blocked' | 'busy' | 'in-use' | 'no-maildrop' }
  /** What `list` or `send` asked for is written, or on its way. */
  | { readonly on: 'sent' }
  /** Nothing of what `send` asked for was written. */
  | { readonly on: 'not-sent'; readonly why: 'gone' | 'unreadable' }
  /** The answer to `update`. */
  | { readonly on: 'updated'; readonly removed: boolean }
  /** TLS is up after STLS. */
  | { readonly on: 'secured' }
  /** The client took too long. */
  | { readonly on: 'timeout' }
  /** We are about to stop. */
  | { readonly on: 'shutdown' }

export type Effect =
  | { readonly do: 'reply'; readonly reply: Reply }
  /** RFC 5034 §4: a challenge, in base64. */
  | { readonly do: 'challenge'; readonly base64: string }
  /** A short multi-line response after its first line, with the line with the dot. */
  | { readonly do: 'lines'; readonly lines: readonly string[] }
  /** Check the credentials, open the maildrop; answer with `opened` or `not-opened`. */
  | { readonly do: 'open'; readonly credentials: Credentials }
  /** Mark message `n` of the maildrop as deleted; no event follows. */
  | { readonly do: 'mark'; readonly n: number }
  | { readonly do: 'unmark-all' }
  /** Write the lines of all messages that are not marked, and the dot; answer with `sent`. */
  | { readonly do: 'list'; readonly what: 'LIST' | 'UIDL' }
  /** Write the reply and the message, dot-stuffed and with the dot; answer with `sent` or `not-sent`. `lines`: of the body; undefined: all. */
  | { readonly do: 'send'; readonly n: number; readonly lines: number | undefined; readonly reply: Reply }
  /** Remove these from the mailbox, those that are still there; answer with `updated` when that is on disk. */
  | { readonly do: 'update'; readonly uids: readonly UidRange[] }
  /** Throw away unread input, start TLS; answer with `secured`. */
  | { readonly do: 'start-tls' }
  /** Send what was said, then close. Nothing follows. */
  | { readonly do: 'close' }

export interface Step {
  readonly next: Session
  readonly effects: readonly Effect[]
}

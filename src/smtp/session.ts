/**
 * The words of the server machine (`server.ts`): where a session is, what may happen to it, what it wants done.
 *
 * The loop (`server/smtp.ts`) keeps one `Session` per connection, hands each `Event` to `step`, and performs the effects
 * in their order. It hands over one line at a time, and none while the machine waits for an answer
 * (`takesLine` is false): what the client pipelined stays in the loop's buffer until then.
 */
import type { Limits, SmtpKind } from '../config/settings.ts'
import type { BodyType, Envelope, Recipient } from '../mail/envelope.ts'
import type { Credentials } from '../sasl/credentials.ts'
import type { Exchange } from '../sasl/mechanism.ts'
import type { ContentFault } from './data.ts'
import type { Line } from '../mail/line.ts'
import type { Reply } from '../mail/reply.ts'
import type { Verdict } from './verdict.ts'

/** What does not change while a connection lasts. One object per kind of listener and source can serve many sessions. */
export interface Context {
  readonly kind: SmtpKind
  /** Our name in the greeting and in the replies to EHLO and HELO. */
  readonly hostname: string
  readonly limits: Pick<Limits, 'messageSize' | 'recipients' | 'messagesPerSession' | 'errors' | 'idleCommands'>
  /** There is a certificate, so STARTTLS is offered while TLS is not on. */
  readonly startTls: boolean
  /** RFC 3207 §4: nothing but EHLO, NOOP, STARTTLS and QUIT before TLS is on. Never on port 25. */
  readonly tlsRequired: boolean
  /** This source may use AUTH without TLS. */
  readonly clearLogin: boolean
  /** No MAIL before AUTH. False for sources that may relay without login. */
  readonly loginRequired: boolean
  /** RFC 4865, ms: how far in the future a release may lie; 0: FUTURERELEASE is not offered. Only used on submission. */
  readonly longestHold: number
  /** The clock, in ms since 1970: asked for FUTURERELEASE only. */
  readonly now: () => number
}

/** What is true in every state of a connection. */
export interface Link {
  /** TLS is on. */
  readonly tls: boolean
  /** 4xx and 5xx replies so far. */
  readonly errors: number
  /** Commands that moved no mail, since the last accepted message. */
  readonly idle: number
  /** Messages accepted so far. */
  readonly messages: number
}

/** Who the client says it is, and who it has proved to be. */
export interface Client {
  readonly protocol: 'SMTP' | 'ESMTP' | 'LMTP'
  /** The argument of EHLO, HELO or LHLO, as written. */
  readonly name: string
  /** The account that logged in. */
  readonly login: string | undefined
}

/** A transaction that has at least one recipient. */
export interface Transaction {
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
}

/** RFC 3030 §2: BDAT chunk-size [ LAST ] */
export interface Chunk {
  /** Bytes. */
  readonly size: number
  readonly last: boolean
}

export type Session =
  /** Nothing happened. */
  | { readonly at: 'new' }
  /** Asked: connect. */
  | { readonly at: 'connect-asked'; readonly link: Link }
  /** The connection was refused in the greeting; QUIT is awaited (RFC 5321 §3.1). */
  | { readonly at: 'unwelcome'; readonly link: Link }
  /** Greeted, but the client has not said hello. */
  | { readonly at: 'connected'; readonly link: Link }
  /** Asked: hello. `back`: where the session stays if the hello is refused (RFC 5321 §4.1.4). */
  | { readonly at: 'hello-asked'; readonly link: Link; readonly client: Client; readonly back: Idle }
  | { readonly at: 'ready'; readonly link: Link; readonly client: Client }
  /** The next line is a response of the SASL exchange, not a command. */
  | { readonly at: 'auth'; readonly link: Link; readonly client: Client; readonly exchange: Exchange }
  /** Asked: auth. */
  | { readonly at: 'auth-asked'; readonly link: Link; readonly client: Client }
  /** 220 was said to STARTTLS. */
  | { readonly at: 'securing'; readonly link: Link }
  /** Asked: mail. */
  | { readonly at: 'mail-asked'; readonly link: Link; readonly client: Client; readonly envelope: Envelope }
  /** A transaction without a recipient yet. `refused`: there were some, and none was accepted. */
  | {
      readonly at: 'mail'
      readonly link: Link
      readonly client: Client
      readonly envelope: Envelope
      readonly refused: boolean
    }
  /** Asked: rcpt. */
  | {
      readonly at: 'rcpt-asked'
      readonly link: Link
      readonly client: Client
      readonly envelope: Envelope
      readonly recipients: readonly Recipient[]
      readonly candidate: Recipient
    }
  | { readonly at: 'rcpt'; readonly link: Link; readonly client: Client; readonly transaction: Transaction }
  /** Asked: data. `chunk`: it was BDAT that started it. */
  | {
      readonly at: 'data-asked'
      readonly link: Link
      readonly client: Client
      readonly transaction: Transaction
      readonly chunk: Chunk | undefined
    }
  /** 354 was said; the loop receives. `leaving`: what to say when the message is settled, before hanging up. */
  | {
      readonly at: 'data'
      readonly link: Link
      readonly client: Client
      readonly transaction: Transaction
      readonly leaving: Reply | undefined
    }
  /** The loop receives a chunk. `received`: bytes of the chunks before it; `leaving`: as in `data`, and only in the last. */
  | {
      readonly at: 'chunk'
      readonly link: Link
      readonly client: Client
      readonly transaction: Transaction
      readonly received: number
      readonly chunk: Chunk
      readonly leaving: Reply | undefined
    }
  /** Between two chunks. */
  | {
      readonly at: 'chunks'
      readonly link: Link
      readonly client: Client
      readonly transaction: Transaction
      readonly received: number
    }
  /** A chunk was refused: nothing but RSET, EHLO or the last chunk leads out of here (RFC 3030 §2). */
  | { readonly at: 'spoiled'; readonly link: Link; readonly client: Client }
  /** Submitted; the answer is awaited. `leaving`: as in `data`. */
  | {
      readonly at: 'submitting'
      readonly link: Link
      readonly client: Client
      readonly transaction: Transaction
      readonly leaving: Reply | undefined
    }
  /** Nothing is said or done any more; events that come late are ignored. */
  | { readonly at: 'closed' }

/** A session that awaits a command. */
export type Idle = Extract<
  Session,
  { readonly at: 'unwelcome' | 'connected' | 'ready' | 'mail' | 'rcpt' | 'chunks' | 'spoiled' }
>

export type Event =
  /** `tls`: from the first byte. */
  | { readonly on: 'connected'; readonly tls: boolean }
  | { readonly on: 'line'; readonly line: Line }
  /** The answer to an `ask`; for `auth` only when it is a refusal that is not about the credentials. */
  | { readonly on: 'verdict'; readonly verdict: Verdict }
  /** The answer to `ask` auth. undefined: wrong user or password. */
  | { readonly on: 'authenticated'; readonly account: string | undefined }
  /** TLS is up after STARTTLS. */
  | { readonly on: 'secured' }
  /** What `receive` asked for is here in full. `size`: bytes of it (dots unstuffed). */
  | { readonly on: 'content'; readonly size: number }
  /** What `receive` asked for was read to its end and must not be used. */
  | { readonly on: 'content-refused'; readonly fault: ContentFault }
  /** The answer to `submit`: one reply, or on LMTP one for each recipient in their order (RFC 2033 §4.2). */
  | { readonly on: 'submitted'; readonly replies: readonly Reply[] }
  /** The client took too long. */
  | { readonly on: 'timeout' }
  /** We are about to stop. */
  | { readonly on: 'shutdown' }

/** What the machine wants to know from policy and directory. Each is answered by one event. */
export type Question =
  | { readonly about: 'connect' }
  | { readonly about: 'hello'; readonly client: Client }
  | { readonly about: 'auth'; readonly client: Client; readonly credentials: Credentials }
  /** `size`: as declared (RFC 1870), in bytes. */
  | { readonly about: 'mail'; readonly client: Client; readonly envelope: Envelope; readonly size: number | undefined }
  | {
      readonly about: 'rcpt'
      readonly client: Client
      readonly envelope: Envelope
      readonly recipient: Recipient
      /** The accepted ones before it. */
      readonly recipients: readonly Recipient[]
    }
  /** Before 354, or before the first chunk is read. */
  | {
      readonly about: 'data'
      readonly client: Client
      readonly envelope: Envelope
      readonly recipients: readonly Recipient[]
    }

export type Effect =
  | { readonly do: 'reply'; readonly reply: Reply }
  /** Answer with one `verdict` (for `auth`: `authenticated`, or a `verdict`). */
  | { readonly do: 'ask'; readonly question: Question }
  /**
   * Read content up to CRLF.CRLF (`data`), or the bytes of a chunk; answer with `content` or `content-refused` when its
   * last byte has been read. `limit`: bytes of the whole content. Chunks add to each other until `submit` or `forget`.
   */
  | { readonly do: 'receive'; readonly how: 'data'; readonly limit: number }
  | {
      readonly do: 'receive'
      readonly how: 'chunk'
      readonly chunk: Chunk
      readonly body: BodyType
      readonly limit: number
    }
  /** Skip so many bytes of input (a chunk that nobody wants). No event follows. */
  | { readonly do: 'discard'; readonly size: number }
  /** Throw away the content received so far: the transaction is over without a message. A `close` does the same. */
  | { readonly do: 'forget' }
  /** Check the content and make it durable; answer with `submitted`. */
  | {
      readonly do: 'submit'
      readonly client: Client
      /** The content came under TLS. */
      readonly tls: boolean
      readonly envelope: Envelope
      readonly recipients: readonly Recipient[]
    }
  /** Throw away unread input, start TLS; answer with `secured`. */
  | { readonly do: 'start-tls' }
  /** Send what was said, then close. Nothing follows. */
  | { readonly do: 'close' }

export interface Step {
  readonly next: Session
  readonly effects: readonly Effect[]
}

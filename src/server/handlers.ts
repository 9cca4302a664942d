/** What the user of `createServer` writes: options, handlers, and the verdicts that they give. */
import type { LimitsConfig } from '../config/define.ts'
import type { BodyType, Notify, OriginalRecipient } from '../mail/envelope.ts'
import type { TlsState } from '../net/connection.ts'

/** RFC 3463 §2: code and status must be of the same class, or it does not compile. `text` has one line for each of its lines. */
export type Refusal =
  | {
      readonly code: 421 | 450 | 451 | 452 | 454 | 455
      readonly status: `4.${number}.${number}`
      readonly text: string
    }
  | {
      readonly code: 521 | 530 | 535 | 550 | 551 | 552 | 553 | 554 | 556
      readonly status: `5.${number}.${number}`
      readonly text: string
    }

export type Accept = { readonly is: 'accept' }
export type Refuse = { readonly is: 'refuse' } & Refusal
/** Says so and closes the connection. */
export type Disconnect = { readonly is: 'disconnect' } & Refusal

/** What a handler says of one step; nothing is `accept`. */
export type Verdict = Accept | Refuse | Disconnect
/** `account`: who it is from now on; default: the user name. */
export type AuthVerdict = { readonly is: 'accept'; readonly account?: string } | Refuse | Disconnect
/** `text`: what stands behind `250 2.0.0`. From here on the message is yours. */
export type MessageVerdict = { readonly is: 'accept'; readonly text?: string } | Refuse

/** One connection. The same object in all calls, so that a WeakMap can hold what you know of it. */
export interface ServerSession {
  readonly remote: { readonly address: string; readonly port: number }
  readonly local: { readonly address: string; readonly port: number }
  /** ms since 1970 */
  readonly since: number
  readonly protocol: 'SMTP' | 'ESMTP' | 'LMTP' | undefined
  /** What the client calls itself (EHLO, HELO, LHLO); nothing to rely on. */
  readonly helo: string | undefined
  readonly login: string | undefined
  readonly tls: TlsState | undefined
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** MAIL FROM with its parameters. */
export interface MailFrom {
  /** '' is the null return path of reports (RFC 5321 §4.5.5): never answer such a message. */
  readonly from: string
  readonly body: BodyType
  readonly smtputf8: boolean
  /** RFC 3461 §4.3, §4.4 */
  readonly ret: 'FULL' | 'HDRS' | undefined
  readonly envid: string | undefined
}

/** RCPT TO with its parameters. */
export interface RcptTo {
  readonly address: string
  /** RFC 3461 §4.1; an empty list is NEVER, undefined: the client did not say. */
  readonly notify: readonly Notify[] | undefined
  readonly original: OriginalRecipient | undefined
}

export interface IncomingMessage extends MailFrom {
  readonly recipients: readonly RcptTo[]
  /**
   * Header and body with CRLF line ends, as they come in; can be read once. Who does not read lets the client wait. Fails with `Aborted` when
   * the message does not come to its end, and then nothing was promised to anybody.
   */
  readonly content: AsyncIterable<Uint8Array>
}

type Answer<Said> = Said | void | Promise<Said | void>

export interface Handlers<Messages = MessageVerdict> {
  readonly onConnect?: (session: ServerSession) => Answer<Verdict>
  readonly onMail?: (mail: MailFrom & { readonly size: number | undefined }, session: ServerSession) => Answer<Verdict>
  readonly onRcpt?: (recipient: RcptTo, mail: MailFrom, session: ServerSession) => Answer<Verdict>
  /** Called when the content begins. The client hears 250 after the promise is resolved, and only if it was read to its end or left alone. */
  readonly onMessage: (message: IncomingMessage, session: ServerSession) => Answer<Messages>
  readonly onClose?: (session: ServerSession) => void
  /** A handler threw, gave an impossible verdict, or took too long; the client hears 451 4.3.0. */
  readonly onError?: (error: unknown, session: ServerSession) => void
}

export type SmtpHandlers = Handlers & {
  readonly protocol?: 'smtp'
  /** With it AUTH is offered, once there is TLS. Say `accept` only for what is right. */
  readonly onAuth?: (credentials: Credentials, session: ServerSession) => AuthVerdict | Promise<AuthVerdict>
}

/** RFC 2033: one verdict for all recipients, or one for each, in their order. */
export type LmtpHandlers = Handlers<MessageVerdict | readonly MessageVerdict[]> & { readonly protocol: 'lmtp' }

export interface CommonOptions {
  /** In the greeting and the reply to EHLO. Default: the machine's name. */
  readonly hostname?: string
  /** PEM; 'self-signed': a new certificate that nobody trusts, for tests. Without it there is no TLS, and so no AUTH. */
  readonly tls?: ServerTls
  /** TLS from the first byte (RFC 8314 §3.3) instead of STARTTLS. Default false. */
  readonly implicitTls?: boolean
  /** No mail before AUTH. Default: true with `onAuth`. */
  readonly authRequired?: boolean
  /** AUTH without TLS, for tests. Default false. */
  readonly authInClear?: boolean
  /** Networks ('10.0.0.0/8') whose connections start with a PROXY protocol header. Default: none. */
  readonly proxyFrom?: readonly string[]
  /** Defaults: those of the product (docs/configuration.md). */
  readonly limits?: LimitsConfig
  /** ms that `close` waits for what is under way before it cuts it off. Default 10,000. */
  readonly closeTimeout?: number
}

export type ServerTls = 'self-signed' | { readonly cert: string; readonly key: string }

export type ServerOptions = CommonOptions & (SmtpHandlers | LmtpHandlers)

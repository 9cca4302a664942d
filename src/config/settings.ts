/**
 * The configuration after it was checked: every default filled in, every unit in ms and bytes, every path absolute.
 * Plain data (it is handed to the threads by structured clone); the functions of a TypeScript configuration stay in its file, and a
 * thread that needs one imports that file again (`functionsFrom`). `config/schema.ts` makes it, nobody else.
 */
export interface Settings {
  /** Our name: the greeting, EHLO, Received, Message-ID and reports say it. */
  readonly hostname: string
  /** The data folder. */
  readonly data: string
  /** The user whose rights remain after the ports are bound; undefined: stay who we are. */
  readonly user: string | undefined
  /** Protocol threads. */
  readonly threads: number
  readonly listeners: readonly Listener[]
  /** undefined: a self-signed certificate is made in the data folder. */
  readonly tls: { readonly cert: string; readonly key: string; readonly minVersion: 'TLSv1.2' | 'TLSv1.3' } | undefined
  /** Resolvers as 'address' or 'address:port' ('[::1]:53'); empty: those of the system. */
  readonly dns: { readonly servers: readonly string[] }
  /** Networks (CIDR) that may relay without login. */
  readonly relayFrom: readonly string[]
  /** Networks (CIDR) that may use AUTH without TLS. */
  readonly cleartextLoginFrom: readonly string[]
  readonly limits: Limits
  readonly queue: QueueSettings
  /** First match wins; the own domains of the directory come before all of them, unless a route names them. */
  readonly routes: readonly RouteRule[]
  readonly timeline: { readonly maxAge: number; readonly maxSize: number }
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'; readonly file: string | undefined }
  /** The configuration file to import for `{ via: 'function' }` routes; undefined when it has none. */
  readonly functionsFrom: string | undefined
  /** Dev mode: demo domain and accounts are created when missing. */
  readonly dev: boolean
}

/** Where mail is handed in, and where it is read. Those in the plural begin with TLS (RFC 8314 §3). */
export type SmtpKind = 'smtp' | 'submission' | 'submissions' | 'lmtp'
export type ImapKind = 'imap' | 'imaps'
export type Pop3Kind = 'pop3' | 'pop3s'
export type ListenerKind = SmtpKind | ImapKind | Pop3Kind

export type Listener<Kind extends ListenerKind = ListenerKind> = {
  readonly kind: Kind
  /** Networks whose connections start with a PROXY protocol header; from others it is not understood. */
  readonly proxyFrom: readonly string[]
} & (
  | { readonly on: 'tcp'; readonly host: string; readonly port: number }
  | { readonly on: 'unix'; readonly path: string }
)

const FIRST_BYTE: ReadonlySet<ListenerKind> = new Set<ListenerKind>(['submissions', 'imaps', 'pop3s'])
const SMTP: ReadonlySet<ListenerKind> = new Set<SmtpKind>(['smtp', 'submission', 'submissions', 'lmtp'])

/** RFC 8314 §3: TLS from the first byte. */
export function beginsWithTls(kind: ListenerKind): boolean {
  return FIRST_BYTE.has(kind)
}

export function isSmtp(listener: Listener): listener is Listener<SmtpKind> {
  return SMTP.has(listener.kind)
}

export interface Limits {
  /** Bytes, as announced by SIZE (RFC 1870). */
  readonly messageSize: number
  /** Recipients of one message; RFC 5321 §4.5.3.1.8: at least 100. */
  readonly recipients: number
  /** Sessions in all, over all threads. */
  readonly connections: number
  /** Sessions of one source (an IPv4 address or an IPv6 /64). */
  readonly connectionsPerSource: number
  /** ms without a byte from the client while a command is awaited; RFC 5321 §4.5.3.2.7: 5 minutes. Of IMAP and POP3: before the login. */
  readonly idleTimeout: number
  /** ms without a byte from a client of IMAP or POP3 that is logged in; RFC 9051 §5.4: at least 30 minutes, RFC 1939 §3: at least 10. */
  readonly mailboxIdleTimeout: number
  /** ms for a whole message content. */
  readonly messageTimeout: number
  /** ms for a whole session; of IMAP and POP3 until the login. */
  readonly sessionTimeout: number
  /** Messages in one session. */
  readonly messagesPerSession: number
  /** Refusals in one session (4xx and 5xx replies, NO, BAD, -ERR) before we hang up. */
  readonly errors: number
  /** Commands in one session that move no mail (NOOP, RSET, VRFY, repeated EHLO) before we hang up. */
  readonly idleCommands: number
  /** Failed log-ins of one source in ten minutes before AUTH is refused for a while. */
  readonly authFailures: number
  /** Received fields in a message before it is taken for a loop; RFC 5321 §6.3: at least 100. */
  readonly hops: number
  /** Bytes of messages that may be in memory while they are being received, over all threads. */
  readonly receiveMemory: number
}

export interface QueueSettings {
  /** ms until an undelivered message is given up; RFC 5321 §4.5.4.1: at least 4 to 5 days. */
  readonly lifetime: number
  /** ms until the sender hears of a delay; 0: never. */
  readonly delayNotice: number
  /** ms: the first retry, then doubled up to the longest. */
  readonly retryFirst: number
  readonly retryLongest: number
  /** Accept, but hold everything. */
  readonly hold: boolean
  /** Bytes of accepted messages that all threads together may keep in memory for delivery. */
  readonly memory: number
  /** Simultaneous deliveries to one destination, unless its route says otherwise. */
  readonly concurrency: number
}

export interface RouteRule {
  /** Recipient patterns: '*', 'example.org', '*.example.org', 'user@example.org'. In lower case. */
  readonly to: readonly string[]
  readonly route: Route
}

/** Where a message goes next. */
export type Route = RouteLimits &
  (
    | {
        readonly via: 'mailbox'
        /** All of it into this account's mailbox; undefined: the recipient's own. */
        readonly account: string | undefined
      }
    | { readonly via: 'mx'; readonly tls: TlsPolicy; readonly port: number }
    | {
        readonly via: 'relay'
        readonly host: string
        readonly port: number
        readonly tls: TlsPolicy
        readonly auth: { readonly user: string; readonly pass: string } | undefined
      }
    | {
        readonly via: 'lmtp'
        readonly to: { readonly host: string; readonly port: number } | { readonly path: string }
      }
    | { readonly via: 'refuse'; readonly code: number; readonly status: string; readonly text: string }
    | {
        readonly via: 'function'
        /** The place of the rule among the routes of the file. */
        readonly index: number
      }
  )

/** `opportunistic`: TLS without checking the certificate, plain text when there is none. `implicit`: TLS from the first byte, checked. */
export type TlsPolicy = 'none' | 'opportunistic' | 'required' | 'implicit'

export interface RouteLimits {
  /** ms, instead of the queue's. */
  readonly lifetime: number | undefined
  /** Simultaneous deliveries to one destination, instead of the queue's. */
  readonly concurrency: number | undefined
  /** Messages per second to one destination; undefined: no limit. */
  readonly rate: number | undefined
}

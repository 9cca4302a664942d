/**
 * What a user writes in `staffetta.config.ts`. Written by hand and not derived from the schema, because an editor shows these comments;
 * `define.test.ts` holds the two together. The meaning of every key with its default is in docs/configuration.md.
 */
import type { Duration, Rate, Size } from './units.ts'

export type { Duration, Rate, Size } from './units.ts'

export interface ServerConfig {
  /** Our full name, as in DNS: the greeting, EHLO, Received, Message-ID and reports say it. Default: the machine's, when that is a full name. */
  hostname?: string
  /** The data folder, relative to this file. Default: './data'. */
  data?: string
  /** The user whose rights remain after the ports are bound. Default: the one who starts the server. */
  user?: string
  /** Protocol threads, 1 to 15. Default: the processor cores, at most 15. */
  threads?: number
  /** Where we listen. Default: smtp on 25, submission on 587, submissions on 465, imap on 143, imaps on 993, pop3s on 995. */
  listeners?: ListenersConfig
  /** Default: a self-signed certificate is made in the data folder. */
  tls?: {
    /** PEM file: the certificate and those between it and its authority. */
    cert: string
    /** PEM file: the private key. */
    key: string
    /** Default: 'TLSv1.2'. */
    minVersion?: 'TLSv1.2' | 'TLSv1.3'
  }
  dns?: {
    /** Resolvers: '127.0.0.1', '127.0.0.1:53', '[::1]:53'. Default: those of the system. */
    servers?: string[]
  }
  /** Addresses and networks ('10.1.2.0/24') that may relay without login. Default: nobody. */
  relayFrom?: string[]
  /** Addresses and networks that may log in without TLS; for test rigs. Default: nobody. */
  cleartextLoginFrom?: string[]
  limits?: LimitsConfig
  queue?: QueueConfig
  /** Where mail goes; the first match wins. The own domains come before all routes, unless a route names them. Default: `[{ to: '*', mx: true }]`. */
  routes?: RouteConfig[]
  /** How long, and up to which size in all, the history of messages and refusals is kept. */
  timeline?: {
    /** Default: '30 days'. */
    maxAge?: Duration
    /** Default: '1 GB'. */
    maxSize?: Size
  }
  log?: {
    /** Default: 'info'. */
    level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
    /** Default: standard output. */
    file?: string
  }
}

export interface ListenersConfig {
  /** From other mail servers, usually port 25. */
  smtp?: ListenerConfig | ListenerConfig[]
  /** From mail clients and programs, STARTTLS and login, usually port 587. */
  submission?: ListenerConfig | ListenerConfig[]
  /** From mail clients and programs, TLS from the first byte and login, usually port 465. */
  submissions?: ListenerConfig | ListenerConfig[]
  /** LMTP (RFC 2033), from a program that hands over mail for mailboxes. Default host: '127.0.0.1'. */
  lmtp?: ListenerConfig | SocketConfig | (ListenerConfig | SocketConfig)[]
  /** Mailboxes for mail clients, STARTTLS and login, usually port 143. */
  imap?: ListenerConfig | ListenerConfig[]
  /** Mailboxes for mail clients, TLS from the first byte and login, usually port 993. */
  imaps?: ListenerConfig | ListenerConfig[]
  /** For programs that fetch the mail of INBOX, STLS and login, usually port 110. */
  pop3?: ListenerConfig | ListenerConfig[]
  /** For programs that fetch the mail of INBOX, TLS from the first byte and login, usually port 995. */
  pop3s?: ListenerConfig | ListenerConfig[]
}

export interface ListenerConfig {
  port: number
  /** One or several addresses. Default: all, IPv4 and IPv6. */
  host?: string | string[]
  /** Addresses and networks whose connections start with a PROXY protocol header. Default: none. */
  proxyFrom?: string[]
}

export interface SocketConfig {
  /** A Unix socket, relative to this file. */
  path: string
}

export interface LimitsConfig {
  /** Of one message. Default: '50 MB'. */
  messageSize?: Size
  /** Of one message, at least 100. Default: 1000. */
  recipients?: number
  /** In all. Default: 10000. */
  connections?: number
  /** Of one source: an IPv4 address or an IPv6 /64. Default: 100. */
  connectionsPerSource?: number
  /** Without a byte while a command is awaited; on IMAP and POP3 before the login. Default: '5 min'. */
  idleTimeout?: Duration
  /** Without a byte from a client of IMAP or POP3 that is logged in. Default: '30 min'. */
  mailboxIdleTimeout?: Duration
  /** For a whole message content. Default: '15 min'. */
  messageTimeout?: Duration
  /** For a whole session; on IMAP and POP3 until the login. Default: '1 hour'. */
  sessionTimeout?: Duration
  /** Default: 10000. */
  messagesPerSession?: number
  /** Refusals in one session (4xx and 5xx replies, NO, BAD, -ERR) before we hang up. Default: 20. */
  errors?: number
  /** Commands in one session that move no mail before we hang up. Default: 100. */
  idleCommands?: number
  /** Failed log-ins of one source in ten minutes before AUTH is refused for a while. Default: 10. */
  authFailures?: number
  /** Received fields before a message is taken for a loop, at least 100. Default: 100. */
  hops?: number
  /** Of messages in memory while they are being received. Default: '128 MB'. */
  receiveMemory?: Size
}

export interface QueueConfig {
  /** Until an undelivered message is given up. Default: '5 days'. */
  lifetime?: Duration
  /** Until the sender hears of a delay; 0: never. Default: '4 hours'. */
  delayNotice?: Duration
  /** Default: '5 min'; then doubled up to the longest. */
  retryFirst?: Duration
  /** Default: '4 hours'. */
  retryLongest?: Duration
  /** Accept, but hold everything. Default: false. */
  hold?: boolean
  /** Of accepted messages kept in memory for delivery. Default: '64 MB'. */
  memory?: Size
  /** Simultaneous deliveries to one destination. Default: 20. */
  concurrency?: number
}

/** One rule: whom it is for, exactly one of the destinations, and limits of its own. */
export type RouteConfig = RouteCommon & OneOf<Destinations>

export interface RouteCommon {
  /** Recipients: '*', 'example.org', '*.example.org', 'user@example.org'; one or several. */
  to: string | string[]
  /** Instead of the queue's. */
  lifetime?: Duration
  /** Simultaneous deliveries to one destination, instead of the queue's. */
  concurrency?: number
  /** Messages to one destination: a number per second, or '20 / min'. Default: no limit. */
  rate?: Rate
}

export interface Destinations {
  /** true: each recipient's own mailbox; 'account@domain': all of it into that one. */
  mailbox: true | string
  /** The mail exchangers of the recipient's domain. Default: TLS where offered, port 25. */
  mx: true | { tls?: 'none' | 'opportunistic' | 'required'; port?: number }
  /** A smarthost. */
  relay: RelayConfig
  /** LMTP to a host and port, or to a Unix socket. */
  lmtp: { host: string; port: number } | { path: string }
  /** Refused with 550 5.7.1 and this text, or with this reply. */
  refuse: string | { code?: number; status?: string; text: string }
  /** Your own function. Only in .ts and .mjs files. */
  deliver: Deliver
}

export interface RelayConfig {
  host: string
  /** Default: 587. */
  port?: number
  /** Default: 'implicit' on port 465, otherwise 'required'. */
  tls?: 'none' | 'opportunistic' | 'required' | 'implicit'
  auth?: { user: string; pass: string } | { user: string /** A file that holds the password. */; passFile: string }
}

/** Delivers one message to recipients who share this route. What it throws counts as `deferred`. */
export type Deliver = (message: OutgoingMessage) => Promise<DeliverResult | readonly DeliverResult[]>

export interface OutgoingMessage {
  readonly id: string
  /** '' for reports (the null reverse-path of RFC 5321). */
  readonly returnPath: string
  readonly recipients: readonly string[]
  /** Bytes. */
  readonly size: number
  /** Header and body with CRLF line ends, in chunks. */
  content(): AsyncIterable<Uint8Array>
}

/** For all recipients, or as a list with one for each, in their order. */
export type DeliverResult =
  | { readonly is: 'delivered' }
  /** Try again later. */
  | { readonly is: 'deferred'; readonly reason: string /** RFC 3463, '4.x.x' */; readonly status?: string }
  /** Never: tell the sender. */
  | { readonly is: 'bounced'; readonly reason: string /** RFC 3463, '5.x.x' */; readonly status?: string }

type OneOf<T> = { [K in keyof T]: { [P in K]: T[P] } & { [P in Exclude<keyof T, K>]?: never } }[keyof T]

/** Gives the editor the types of the configuration; returns what it is given. */
export function defineServer(config: ServerConfig): ServerConfig {
  return config
}

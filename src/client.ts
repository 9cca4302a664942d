/**
 * The SMTP client for programs:
 *
 *     const client = createClient({ host: 'mail.example.org', port: 587, auth: { user: 'tim', pass: '…' } })
 *     const results = await client.send({ from: 'tim@example.org', to: ['ann@example.net'], content: 'Subject: Hi\r\n\r\nHello\r\n' })
 *     await client.close()
 *
 * Every recipient has a result of its own; what the host or the network does is never thrown.
 */
import { randomInt } from 'node:crypto'
import { hostname } from 'node:os'
import type { TlsPolicy } from './config/settings.ts'
import { attempt, type Means } from './delivery/attempt.ts'
import type { Outcome } from './mail/outcome.ts'
import { newRoom } from './delivery/fit.ts'
import { createPool } from './delivery/pool.ts'
import { relayTarget } from './delivery/relay.ts'
import { createResolver } from './dns/client.ts'
import type { Resolver } from './dns/resolver.ts'
import { parseAddress } from './mail/address.ts'
import type { Content } from './mail/content.ts'
import type { Envelope, Notify, Recipient } from './mail/envelope.ts'
import { needs } from './mail/seven-bit.ts'
import { createNetwork } from './net/dial.ts'
import type { Network } from './net/network.ts'

export interface ClientOptions {
  /** A name or an IP address. */
  readonly host: string
  /** Default 587. */
  readonly port?: number
  /** Default `implicit` for port 465, otherwise `required` with `auth` and `opportunistic` without. */
  readonly tls?: TlsPolicy
  readonly auth?: { readonly user: string; readonly pass: string }
  /** What EHLO says; default the name of this machine. */
  readonly name?: string
  readonly pool?: {
    /** Connections at once; default 5. */
    readonly connections?: number
    /** ms that a connection waits for the next message; default 5,000. */
    readonly idle?: number
  }
  /** ms for a connection; default 30,000. */
  readonly connectTimeout?: number
  /** Trusted roots in PEM, instead of those that Node brings. */
  readonly ca?: string
  /** Instead of the real ones, in tests. */
  readonly resolver?: Resolver
  readonly network?: Network
}

export interface OutgoingMail {
  /** '' is the null return path of reports (RFC 5321 §4.5.5). */
  readonly from: string
  readonly to: string | readonly string[]
  /** Header and body. In a string or bytes, line ends of every kind become CRLF; a `Content` is sent as it is. */
  readonly content: string | Uint8Array | Content
  /** RFC 6531: addresses or header are not all ASCII. Default: as the addresses need it. */
  readonly smtputf8?: boolean
  /** RFC 3461 */
  readonly dsn?: { readonly notify?: readonly Notify[]; readonly ret?: 'FULL' | 'HDRS'; readonly envid?: string }
}

export interface SendResult {
  readonly to: string
  /** Whether the host took it, may take it later, or never will; with its reply. */
  readonly outcome: Outcome
}

export interface Client {
  /** One result for each recipient, in order. Throws (a TypeError) only for what is no mail: no recipient, an address that is none. */
  readonly send: (mail: OutgoingMail) => Promise<readonly SendResult[]>
  /** Resolves when what is under way has ended and all connections are closed. */
  readonly close: () => Promise<void>
}

export function createClient(options: ClientOptions): Client {
  const { host, port = 587, auth, pool: limits = {}, connectTimeout = 30_000, ca } = options
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`not a port: ${port}`)
  const connections = limits.connections ?? 5
  if (!Number.isInteger(connections) || connections < 1)
    throw new TypeError(`not a number of connections: ${connections}`)
  const tls = options.tls ?? (port === 465 ? 'implicit' : auth === undefined ? 'opportunistic' : 'required')
  const own =
    options.resolver === undefined ? createResolver({ servers: [], random: randomInt, clock: performance }) : undefined
  const resolver = own ?? options.resolver
  if (resolver === undefined) throw new TypeError('no resolver')
  const pool = createPool()
  const means: Means = {
    network: options.network ?? createNetwork(),
    pool,
    now: () => performance.now(),
    idle: limits.idle ?? 5_000,
    connectTimeout,
    room: newRoom(),
    ca,
  }
  const target = relayTarget({ host, port, tls, auth }, options.name ?? hostname(), connections, { resolver })
  let sent = 0

  return {
    async send(mail) {
      const recipients = recipientsOf(mail)
      const content = contentOf(mail.content)
      const outcomes = await attempt(means, target, {
        id: `${++sent}`,
        envelope: envelopeOf(mail, content),
        content,
        recipients,
      })
      const names = typeof mail.to === 'string' ? [mail.to] : mail.to
      return outcomes.map((outcome, i) => ({ to: names[i] ?? '', outcome }))
    },
    async close() {
      await pool.close()
      own?.close()
    },
  }
}

function recipientsOf({ to, dsn }: OutgoingMail): readonly Recipient[] {
  const recipients = (typeof to === 'string' ? [to] : to).map(text => ({
    address: addressOf(text),
    notify: dsn?.notify,
    original: dsn === undefined || !isAscii(text) ? undefined : { type: 'rfc822', address: text },
  }))
  if (recipients.length === 0) throw new TypeError('a message has at least one recipient')
  return recipients
}

function envelopeOf(mail: OutgoingMail, content: Content): Envelope {
  const addresses = [mail.from, ...(typeof mail.to === 'string' ? [mail.to] : mail.to)]
  return {
    returnPath: mail.from === '' ? '<>' : addressOf(mail.from),
    body: content.in === 'file' ? '8BITMIME' : BODY[needs(content.bytes)],
    smtputf8: mail.smtputf8 ?? !addresses.every(isAscii),
    ret: mail.dsn?.ret,
    envid: mail.dsn?.envid,
    holdUntil: undefined,
  }
}

const BODY = { '7bit': '7BIT', '8bit': '8BITMIME', binary: 'BINARYMIME' } as const

function addressOf(text: string) {
  const address = parseAddress(text, { smtputf8: true })
  if (address === undefined) throw new TypeError(`not an address: ${JSON.stringify(text)}`)
  return address
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

function contentOf(content: OutgoingMail['content']): Content {
  if (typeof content === 'string') return { in: 'memory', bytes: Buffer.from(content.replace(/\r\n|\r|\n/g, '\r\n')) }
  if (!(content instanceof Uint8Array)) return content
  return { in: 'memory', bytes: withCrlf(Buffer.from(content.buffer, content.byteOffset, content.byteLength)) }
}

const BARE = /\r(?!\n)|(?<!\r)\n/

/** latin1 keeps each byte a character, so nothing but the line ends changes. */
function withCrlf(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  return BARE.test(text) ? Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n'), 'latin1') : bytes
}

/** RFC 5321 §4.4: the trace field that we put on top of every message we accept. */
import { type Address, formatAddress, parseDomain } from './address.ts'
import { formatDate } from './date.ts'

/** RFC 3848 §1 and RFC 6531 §4.3: the protocol names, `S` with TLS and `A` with a login. */
export type Protocol = 'SMTP' | `${'ESMTP' | 'LMTP' | 'UTF8SMTP' | 'UTF8LMTP'}${'' | 'S'}${'' | 'A'}`

export interface Received {
  readonly from: {
    /** As the client gave it; it may be anything. */
    readonly helo: string
    /** The client's IP address as text; '': it has none (a Unix socket). */
    readonly address: string
    /** Its name in DNS; undefined: not known. */
    readonly name?: string | undefined
  }
  /** Our host name. */
  readonly by: string
  readonly with: Protocol
  /** The queue's; an Atom. */
  readonly id: string
  /** To be given only where the message has exactly one recipient (RFC 5321 §7.2: others must not learn of each other). */
  readonly for?: Address | undefined
  readonly tls?: { readonly protocol: string; readonly cipher: string } | undefined
  /** ms since 1970 */
  readonly date: number
}

/** RFC 5322 §2.1.1: at most 78 characters in a line, where it can be. */
const LINE = 77
/** Characters of what a client or its DNS says of itself. */
const FOREIGN_MAX = 255

/** RFC 3848 §1; after HELO it is SMTP, whatever else happened (RFC 5321 §4.4: Protocol). */
export function protocolName(session: {
  readonly greeting: 'HELO' | 'EHLO' | 'LHLO'
  readonly tls: boolean
  readonly authenticated: boolean
  readonly smtputf8: boolean
}): Protocol {
  if (session.greeting === 'HELO') return 'SMTP'
  const tls = session.tls ? 'S' : ''
  const login = session.authenticated ? 'A' : ''
  if (session.smtputf8) return `${session.greeting === 'LHLO' ? 'UTF8LMTP' : 'UTF8SMTP'}${tls}${login}` // RFC 6531 §4.3
  return `${session.greeting === 'LHLO' ? 'LMTP' : 'ESMTP'}${tls}${login}`
}

/** The whole field, folded, with its final CRLF. */
export function formatReceived(received: Received): string {
  const { from, tls } = received
  const clauses = [`from ${foreign(from.helo)}`]
  const tcpInfo = [foreignName(from.name), addressLiteral(from.address)].filter(part => part !== '').join(' ')
  if (tcpInfo !== '') clauses.push(`(${tcpInfo})`)
  clauses.push(`by ${received.by}`, `with ${received.with}`, `id ${received.id}`)
  if (received.for !== undefined) clauses.push(`for <${formatAddress(received.for)}>`)
  // RFC 8314 §4.3: the "tls" clause, among the Additional-Registered-Clauses after "for"
  if (tls !== undefined) clauses.push(`tls ${tls.cipher}`, `(${tls.protocol})`)
  return fold(clauses, formatDate(received.date))
}

function fold(clauses: readonly string[], date: string): string {
  let text = 'Received:'
  let column = text.length
  const add = (part: string): void => {
    const separator = column + 1 + part.length > LINE ? '\r\n\t' : ' '
    column = separator === ' ' ? column + 1 + part.length : 1 + part.length
    text += separator + part
  }
  clauses.forEach((clause, index) => {
    const written = index === clauses.length - 1 ? `${clause};` : clause
    const space = written.indexOf(' ')
    if (1 + written.length <= LINE || space === -1) return add(written)
    add(written.slice(0, space))
    add(written.slice(space + 1))
  })
  add(date)
  return `${text}\r\n`
}

/**
 * What a foreign host says, as one harmless word: a domain or an address literal as it is (RFC 5321 §4.4:
 * Extended-Domain), of anything else only what can stand in an Atom, so that no space, comment or line end gets through.
 */
function foreign(text: string): string {
  const short = text.slice(0, FOREIGN_MAX)
  return parseDomain(short) ?? (short.replace(/[^A-Za-z0-9._-]/g, '?') || 'unknown')
}

/** A name from DNS; it must not look like an address literal, because that one is our own finding. */
function foreignName(name: string | undefined): string {
  return name === undefined || name === '' ? '' : foreign(name.replaceAll('[', '?'))
}

/** RFC 5321 §4.1.3; '' for what is no IP address. */
function addressLiteral(address: string): string {
  const [ip = ''] = address.split('%', 1) // without the zone of a link-local address
  return parseDomain(`[${ip}]`) ?? parseDomain(`[IPv6:${ip}]`) ?? ''
}

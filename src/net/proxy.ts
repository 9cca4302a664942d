import { isIPv4, isIPv6 } from 'node:net'
import { normalAddress } from './cidr.ts'

/**
 * The PROXY protocol (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, called PP below): how a load balancer tells whom it
 * speaks for. Pure: from the first bytes of a connection to who the client is.
 */
export type ProxyHeader =
  | { readonly is: 'incomplete' }
  | { readonly is: 'bad'; readonly reason: string }
  /** The header takes the first `length` bytes. */
  | { readonly is: 'header'; readonly length: number; readonly client: ProxyClient | undefined }

/** undefined in its place: the proxy speaks for itself (LOCAL, a health check) or doesn't tell (UNKNOWN, UNSPEC, AF_UNIX). */
export interface ProxyClient {
  readonly address: string
  readonly port: number
  /** Where the client connected to. */
  readonly local: { readonly address: string; readonly port: number }
}

/** PP §2.1: the longest line of version 1, CRLF included. */
const V1_LONGEST = 107

/** PP §2.2 */
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

const V2_FIXED = 16

/** Bytes after the fixed part. PP §2.2 asks for 536 at least; our bound leaves room for the TLVs of TLS. */
const V2_LONGEST = 4096

/** Bytes within which a header is either complete or bad. */
export const PROXY_LONGEST = V2_FIXED + V2_LONGEST

/** What stands at the beginning of `bytes`, the first of a connection. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2_SIGNATURE)) return parseV2(bytes)
  if (startsLike(bytes, V1_WORD)) return parseV1(bytes)
  return bad('no PROXY header')
}

const V1_WORD = Buffer.from('PROXY ', 'latin1')

function startsLike(bytes: Buffer, word: Buffer): boolean {
  const length = Math.min(bytes.length, word.length)
  return bytes.compare(word, 0, length, 0, length) === 0
}

/** PP §2.1: PROXY TCP4 source destination port port CRLF */
function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_LONGEST).indexOf('\r\n', 0, 'latin1')
  if (end < 0) return bytes.length < V1_LONGEST ? INCOMPLETE : bad('no line end in 107 bytes')
  const length = end + 2
  const words = bytes.toString('latin1', 0, end).split(' ')
  const [, family, source, destination, sourcePort, destinationPort] = words
  if (family === 'UNKNOWN') return { is: 'header', length, client: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined
  if (isAddress === undefined) return bad('unknown family')
  if (words.length !== 6 || source === undefined || destination === undefined) return bad('not six words')
  if (!isAddress(source) || !isAddress(destination)) return bad('not an address')
  const port = parsePort(sourcePort)
  const localPort = parsePort(destinationPort)
  if (port === undefined || localPort === undefined) return bad('not a port')
  const local = { address: normalAddress(destination), port: localPort }
  return { is: 'header', length, client: { address: normalAddress(source), port, local } }
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:0|[1-9]\d{0,4})$/.test(text)) return undefined
  const port = Number(text)
  return port > 65535 ? undefined : port
}

/** PP §2.2: signature, version and command, family and transport, length, addresses, TLVs (which we pass over). */
function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED) return INCOMPLETE
  const command = bytes.readUInt8(12)
  const family = bytes.readUInt8(13)
  const rest = bytes.readUInt16BE(14)
  if (command >> 4 !== 2) return bad('unknown version')
  if ((command & 15) > 1) return bad('unknown command')
  if (rest > V2_LONGEST) return bad('too long')
  const length = V2_FIXED + rest
  if (bytes.length < length) return INCOMPLETE
  // PP §2.2: LOCAL, and families that we don't know: the real addresses of the connection count
  if ((command & 15) === 0 || family === UNSPEC || family === UNIX_STREAM) {
    return { is: 'header', length, client: undefined }
  }
  if (family !== TCP4 && family !== TCP6) return bad('not a TCP connection')
  const size = family === TCP4 ? 4 : 16
  if (rest < size * 2 + 4) return bad('addresses cut off')
  const write = family === TCP4 ? ipv4 : ipv6
  const ports = V2_FIXED + size * 2
  const local = { address: write(bytes, V2_FIXED + size), port: bytes.readUInt16BE(ports + 2) }
  return {
    is: 'header',
    length,
    client: { address: write(bytes, V2_FIXED), port: bytes.readUInt16BE(ports), local },
  }
}

const UNSPEC = 0x00
const TCP4 = 0x11
const TCP6 = 0x21
const UNIX_STREAM = 0x31

function ipv4(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

/** RFC 5952 §4: lower case, the longest run of zero groups as '::'. */
function ipv6(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + i * 2))
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) return ipv4(bytes, at + 12)
  const text = groups.map(group => group.toString(16)).join(':')
  const longest = text.match(/(?<![^:])0(?::0)+(?![^:])/g)?.sort((a, b) => b.length - a.length)[0]
  if (longest === undefined) return text
  const start = `:${text}:`.indexOf(`:${longest}:`)
  return `${text.slice(0, Math.max(0, start - 1))}::${text.slice(start + longest.length + 1)}`
}

const INCOMPLETE: ProxyHeader = { is: 'incomplete' }

function bad(reason: string): ProxyHeader {
  return { is: 'bad', reason }
}

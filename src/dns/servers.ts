import { isIP, isIPv4 } from 'node:net'
import { isLoopback } from './hosts.ts'

/** A resolver to ask. `trusted`: its AD bit counts. */
export interface Server {
  readonly address: string
  readonly port: number
  readonly trusted: boolean
}

const PORT = 53

/** Servers of a resolv.conf that are used. resolv.conf(5): MAXNS */
const MAX_SERVERS = 3

/**
 * 'address', 'address:port' or '[IPv6 address]:port'; undefined: none of these. Who names a server in the configuration says that it,
 * and the way to it, can be trusted (RFC 6840 §5.8 leaves that to local policy).
 */
export function parseServer(text: string): Server | undefined {
  const bracketed = /^\[(?<address>[^\]]+)\](?::(?<port>[0-9]{1,5}))?$/.exec(text)
  if (bracketed === null && isIP(text) !== 0) return { address: text, port: PORT, trusted: true }
  const parts = bracketed ?? /^(?<address>[0-9.]+):(?<port>[0-9]{1,5})$/.exec(text)
  const address = parts?.groups?.['address'] ?? ''
  const port = Number(parts?.groups?.['port'] ?? PORT)
  const isAddress = bracketed === null ? isIPv4(address) : isIP(address) === 6
  return isAddress && port > 0 && port < 65_536 ? { address, port, trusted: true } : undefined
}

/**
 * The `nameserver` lines of resolv.conf(5); without any, the one on this machine, as libc does. Their AD bit counts only on
 * loopback: what DHCP put there is across a network where anybody may set a bit. `search` and `options` are for people's short names
 * and not used: every name that a mail server asks for is whole.
 */
export function parseResolvConf(text: string): readonly Server[] {
  const servers: Server[] = []
  for (const line of text.split('\n')) {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? ''
    if (isIP(address) !== 0 && servers.length < MAX_SERVERS) {
      servers.push({ address, port: PORT, trusted: isLoopback(address) })
    }
  }
  return servers.length > 0 ? servers : [{ address: '127.0.0.1', port: PORT, trusted: true }]
}

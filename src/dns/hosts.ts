import { closeSync, openSync, readSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { parseName } from './name.ts'
import type { Answer } from './resolver.ts'

/** The names that are answered without asking a server: the special ones of RFC 6761 and those of the hosts file. */

/** Name in lower case → its addresses. */
export type Hosts = ReadonlyMap<string, { readonly a: readonly string[]; readonly aaaa: readonly string[] }>

/** Bytes of a hosts file that are read. */
const MAX_HOSTS_FILE = 1024 * 1024
const MAX_NAMES = 10_000

/**
 * hosts(5): an address and its names on each line. Lines that are not so are left out, and so are the addresses 0.0.0.0 and ::
 * with which lists block names: connecting to them would be connecting to ourselves.
 */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, { a: string[]; aaaa: string[] }>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIPv4(address) ? 'a' : isIPv6(address) ? 'aaaa' : undefined
    if (family === undefined || address === '0.0.0.0' || address === '::') continue
    for (const text of names) {
      const name = parseName(text)
      if (name === undefined || (hosts.size >= MAX_NAMES && !hosts.has(name))) continue
      const entry = hosts.get(name) ?? { a: [], aaaa: [] }
      if (!entry[family].includes(address)) entry[family].push(address)
      hosts.set(name, entry)
    }
  }
  return hosts
}

/** The first MB of a file, up to the last whole line; '' for one that can't be read. */
export function readSmallFile(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(MAX_HOSTS_FILE)
      const length = readSync(file, bytes, 0, bytes.length, 0)
      const end = length < bytes.length ? length : bytes.lastIndexOf('\n') + 1
      return bytes.toString('utf8', 0, end)
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/**
 * What RFC 6761 and RFC 7686 say about special names, and the hosts file; undefined: ask a server.
 * A name of the hosts file has the addresses that stand there and no others: with an IPv4 address only, it has no IPv6 one.
 */
export function answerLocally(name: string, type: string, hosts: Hosts): Answer<string> | undefined {
  const [top = ''] = name.split('.').slice(-1)
  // RFC 6761 §6.3: localhost and names below it are the loopback address, and are never asked for
  if (top === 'localhost') return found(type === 'A' ? ['127.0.0.1'] : type === 'AAAA' ? ['::1'] : [])
  // RFC 6761 §6.4, RFC 7686 §2: never asked for, never there
  if (top === 'invalid' || top === 'onion') return { is: 'none', name: 'missing', authentic: false }
  const entry = type === 'A' || type === 'AAAA' ? hosts.get(name) : undefined
  return entry && found(type === 'A' ? entry.a : entry.aaaa)
}

/** RFC 6303 §4.2: the names of loopback addresses are not asked for either. */
export function isLoopback(address: string): boolean {
  return (isIPv4(address) && address.startsWith('127.')) || address === '::1'
}

/** No TTL: looking here again costs nothing. Nothing of the disk is authentic in the sense of DNSSEC. */
export function found(records: readonly string[]): Answer<string> {
  if (records.length === 0) return { is: 'none', name: 'exists', authentic: false }
  return { is: 'found', records, ttl: 0, authentic: false }
}

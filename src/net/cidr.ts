import { BlockList, isIPv4, isIPv6 } from 'node:net'

export interface NetworkRange {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** Leading bits that must match. */
  readonly prefix: number
}

/** IPv4-mapped IPv6 addresses (RFC 4291 §2.5.5.2) as IPv4, and without a zone (RFC 4007 §11). Anything else is returned as it is. */
export function normalAddress(address: string): string {
  if (!address.includes(':')) return address
  const zone = address.indexOf('%')
  const plain = zone < 0 ? address : address.slice(0, zone)
  if (!MAPPED.test(plain)) return plain
  const [, high = '', low = ''] = MAPPED_HEX.exec(plain) ?? []
  if (low !== '') return [high, low].flatMap(octetsOf).join('.')
  const tail = plain.slice(plain.lastIndexOf(':') + 1)
  return isIPv4(tail) ? tail : plain
}

function octetsOf(group: string): readonly number[] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 255]
}

/** The IPv4 address of a mapped one, written as IPv6 does. */
const MAPPED_HEX = /^(?:::|(?:0{1,4}:){5})ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i
const MAPPED = /^(?:::|(?:0{1,4}:){5})ffff:/i

/** 'address' or 'address/prefix' (RFC 4632 §3.1, RFC 4291 §2.3). undefined: neither. */
export function parseNetwork(text: string): NetworkRange | undefined {
  const slash = text.indexOf('/')
  const address = normalAddress(slash < 0 ? text : text.slice(0, slash))
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined
  if (bits === undefined) return undefined
  const family = bits === 32 ? 'ipv4' : 'ipv6'
  if (slash < 0) return { address, family, prefix: bits }
  const digits = text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits)) return undefined
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8
  const prefix = Number(digits) - (bits === 32 && text.includes(':') ? 96 : 0)
  return prefix < 0 || prefix > bits ? undefined : { address, family, prefix }
}

/** Whether an address is in one of the networks. The list comes from checked settings: a bad entry is our bug and thrown. */
export function compileNetworks(list: readonly string[]): (address: string) => boolean {
  if (list.length === 0) return () => false
  const single = new Set<string>()
  const ranges = new BlockList()
  for (const text of list) {
    const network = parseNetwork(text)
    if (network === undefined) throw new Error(`not a network: ${text}`)
    if (network.family === 'ipv4' && network.prefix === 32) single.add(network.address)
    else ranges.addSubnet(network.address, network.prefix, network.family)
  }
  const onlySingle = ranges.rules.length === 0
  return address => {
    const normal = normalAddress(address)
    if (single.has(normal)) return true
    if (onlySingle) return false
    if (isIPv4(normal)) return ranges.check(normal, 'ipv4')
    return isIPv6(normal) && ranges.check(normal, 'ipv6')
  }
}

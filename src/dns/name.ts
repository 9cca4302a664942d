import { isIPv4, isIPv6 } from 'node:net'

/**
 * A domain name that may be asked for, in lower case and without the final dot.
 * undefined: no such name can exist (empty or too long a label, not ASCII, blanks), so nobody needs to be asked.
 */
export function parseName(text: string): string | undefined {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  // RFC 1035 §2.3.4: 255 octets with the length octets, 253 as text
  if (name.length > 253 || !LABELS.test(name)) return undefined
  // RFC 1123 §2.1: a name never has the form #.#.#.#, since the highest-level label is alphabetic
  return NUMERIC_TOP.test(name) ? undefined : name
}

/** RFC 1035 §2.3.4: labels of 63 octets. RFC 2181 §11: any octet may stand in one; we ask for the visible ASCII ones. */
const LABELS = /^[!-\-/-~]{1,63}(?:\.[!-\-/-~]{1,63})*$/
const NUMERIC_TOP = /(?:^|\.)[0-9]+$/

/**
 * A host name from an answer, in lower case; undefined for one that no host can have. Such names go into header fields and logs,
 * so nothing but letters, digits, hyphen, underscore and dots may stand in them (RFC 1123 §2.1, and the underscore that is in use).
 */
export function parseHostName(text: string): string | undefined {
  return text.length <= 253 && HOST.test(text) ? text.toLowerCase() : undefined
}

const HOST = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i

/**
 * Where the names of an address are found: RFC 1035 §3.5 (in-addr.arpa), RFC 3596 §2.5 (ip6.arpa).
 * An IPv4-mapped address is the IPv4 address. undefined: not an address.
 */
export function reverseName(address: string): string | undefined {
  if (isIPv4(address)) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`
  const groups = parseIPv6(address)
  if (groups === undefined) return undefined
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    return reverseName(groups.slice(6).flatMap(bytesOf).join('.'))
  }
  const nibbles = groups.map(group => group.toString(16).padStart(4, '0')).join('')
  return `${nibbles.split('').toReversed().join('.')}.ip6.arpa`
}

/** RFC 4291 §2.2: eight groups of 16 bits; a zone (`%eth0`) is left out. undefined: not an IPv6 address. */
function parseIPv6(text: string): readonly number[] | undefined {
  if (!isIPv6(text)) return undefined
  const [address = ''] = text.split('%')
  const [head = [], tail] = address.split('::').map(readGroups)
  if (tail === undefined) return head
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function readGroups(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function bytesOf(group: number): readonly number[] {
  return [group >> 8, group & 0xff]
}

import { isIP } from 'node:net'
import { normalAddress } from '../net/cidr.ts'
import type { Answer, Mx, Resolver } from '../dns/resolver.ts'

/** Where a domain's mail is taken: names and addresses, best first. */
export type Hosts =
  /** Flat and in the order in which they are to be tried; at least one. */
  | { readonly is: 'found'; readonly hosts: readonly Host[] }
  /** Not now; `status` is 4.x.x. */
  | { readonly is: 'deferred'; readonly status: string; readonly reason: string }
  /** Never; `status` is 5.x.x. */
  | { readonly is: 'bounced'; readonly status: string; readonly reason: string }

export interface Host {
  /** As in the MX record or the configuration; the name that a certificate is checked for. */
  readonly name: string
  readonly address: string
}

export interface Surroundings {
  readonly resolver: Resolver
  /** An integer from 0 up to, but without, `below`. */
  readonly random: (below: number) => number
  /** What must not be delivered to, because it is us: our name in lower case, and the addresses on which we listen. */
  readonly own: { readonly hostname: string; readonly addresses: ReadonlySet<string> }
}

/** RFC 5321 §5.1: not all, but enough. */
const MAX_HOSTS = 10
const MAX_ADDRESSES = 20

/** RFC 5321 §5.1: the hosts of a domain or address literal. `domain` is in the form in which an Address has it. */
export async function resolveMx(domain: string, around: Surroundings): Promise<Hosts> {
  if (domain.startsWith('[')) return literalHost(domain, around)
  const answer = await around.resolver.mx(domain)
  switch (answer.is) {
    case 'failed':
      return { is: 'deferred', status: '4.4.3', reason: `MX of ${domain}: ${answer.reason}` }
    case 'none':
      // RFC 5321 §5.1: without MX the domain itself is the host. A missing name has no address either.
      if (answer.name === 'missing') return { is: 'bounced', status: '5.1.2', reason: `there is no domain ${domain}` }
      return addressesOf([{ preference: 0, exchange: domain }], domain, around)
    case 'found':
      // RFC 7505 §3: the only record, with the root as exchange.
      if (answer.records.every(record => record.exchange === '')) {
        return { is: 'bounced', status: '5.1.10', reason: `${domain} takes no mail (null MX)` }
      }
      return addressesOf(sorted(answer.records, around.random), domain, around)
  }
}

/** The addresses of a host that the configuration names; an IP address is its own. Trouble is `deferred`: the configuration can be mended. */
export async function resolveHost(name: string, { resolver }: Pick<Surroundings, 'resolver'>): Promise<Hosts> {
  const plain = name.replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1')
  if (isIP(plain) !== 0) return { is: 'found', hosts: [{ name, address: plain }] }
  const { addresses, failed } = await lookUp(name, resolver)
  if (addresses.length > 0)
    return { is: 'found', hosts: addresses.map(address => ({ name, address })).slice(0, MAX_ADDRESSES) }
  if (failed !== undefined) return { is: 'deferred', status: '4.4.3', reason: `address of ${name}: ${failed}` }
  return { is: 'deferred', status: '4.4.4', reason: `${name} has no address` }
}

/** RFC 5321 §4.1.3 */
function literalHost(domain: string, { own }: Surroundings): Hosts {
  const address = domain.slice(1, -1).replace(/^ipv6:/i, '')
  if (isIP(address) === 0) return { is: 'bounced', status: '5.1.2', reason: `${domain} is not an address we can reach` }
  if (isOurs(address, own)) return loop(domain)
  return { is: 'found', hosts: [{ name: domain, address }] }
}

/** RFC 6890 §2.2.2: who connects to 0.0.0.0, or to anything in 127.0.0.0/8, never leaves this machine. */
function isOurs(address: string, { addresses }: Surroundings['own']): boolean {
  const plain = normalAddress(address)
  if (plain === '0.0.0.0' || plain === '::' || addresses.has(plain)) return true
  return plain.startsWith('127.') && addresses.has('127.0.0.1')
}

function loop(domain: string): Hosts {
  return { is: 'bounced', status: '5.4.6', reason: `mail for ${domain} loops back to this host` }
}

/** RFC 5321 §5.1: lowest preference first, equal ones in random order. */
function sorted(records: readonly Mx[], random: (below: number) => number): readonly Mx[] {
  return records
    .filter(record => record.exchange !== '')
    .map(record => ({ record, chance: random(2 ** 31) }))
    .sort((a, b) => a.record.preference - b.record.preference || a.chance - b.chance)
    .map(({ record }) => record)
}

async function addressesOf(records: readonly Mx[], domain: string, around: Surroundings): Promise<Hosts> {
  const { own, resolver } = around
  const tried = records.slice(0, MAX_HOSTS)
  const found = await Promise.all(tried.map(({ exchange }) => lookUp(exchange, resolver)))
  const ours = tried
    .filter(({ exchange }, i) => exchange === own.hostname || found[i]?.addresses.some(each => isOurs(each, own)))
    .map(({ preference }) => preference)
  // RFC 5321 §5.1: hosts that are as far away as we are, or farther, would send it back to us.
  const nearer = Math.min(Infinity, ...ours)
  const hosts = tried.flatMap(({ exchange, preference }, i) =>
    preference < nearer ? (found[i]?.addresses ?? []).map(address => ({ name: exchange, address })) : [],
  )
  if (hosts.length > 0) return { is: 'found', hosts: hosts.slice(0, MAX_ADDRESSES) }
  const failed = found.find((each, i) => each.failed !== undefined && (tried[i]?.preference ?? 0) < nearer)
  if (failed !== undefined) return { is: 'deferred', status: '4.4.3', reason: `hosts of ${domain}: ${failed.failed}` }
  if (ours.length > 0) return loop(domain)
  return { is: 'bounced', status: '5.4.4', reason: `no host of ${domain} has an address` }
}

interface Found {
  readonly addresses: readonly string[]
  /** Why there may be more than these. */
  readonly failed: string | undefined
}

/** IPv6 and IPv4 in turn, so that neither alone being cut off costs many tries. */
async function lookUp(name: string, resolver: Resolver): Promise<Found> {
  const [aaaa, a] = await Promise.all([resolver.aaaa(name), resolver.a(name)])
  const [six, four] = [recordsOf(aaaa), recordsOf(a)]
  const addresses: string[] = []
  for (let i = 0; i < six.length || i < four.length; i++) {
    for (const address of [six[i], four[i]]) if (address !== undefined) addresses.push(address)
  }
  return { addresses, failed: a.is === 'failed' ? a.reason : aaaa.is === 'failed' ? aaaa.reason : undefined }
}

function recordsOf(answer: Answer<string>): readonly string[] {
  return answer.is === 'found' ? answer.records : []
}

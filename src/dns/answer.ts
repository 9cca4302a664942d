import { type Question, RCODE, type ResourceRecord, type Response } from './message.ts'
import { parseHostName } from './name.ts'
import type { Answer, Mx } from './resolver.ts'

/** What a response means: the way from a DNS message to an `Answer`. */

/** The value of a record of the type asked for; undefined: it is of no use. */
export type ReadValue<Value> = (record: ResourceRecord) => Value | undefined

export const readText: ReadValue<string> = record => (record.type === 'MX' ? undefined : record.data)

export const readName: ReadValue<string> = record => (record.type === 'MX' ? undefined : parseHostName(record.data))

export const readMx: ReadValue<Mx> = record => {
  if (record.type !== 'MX') return undefined
  // RFC 7505 §3: the null MX
  const exchange = record.exchange === '.' ? '' : parseHostName(record.exchange)
  return exchange === undefined ? undefined : { preference: record.preference, exchange }
}

/** Aliases followed within one answer section. */
const MAX_CNAMES = 8

/**
 * `failed` for an rcode other than NOERROR and NXDOMAIN, for a referral, for a circle or a chain of more than 8 aliases,
 * and for records of which none is usable. `trusted`: the AD bit of this server counts.
 */
export function readAnswer<Value>(
  question: Question,
  response: Response,
  read: ReadValue<Value>,
  trusted: boolean,
): Answer<Value> {
  const { rcode } = response
  if (rcode !== RCODE.noError && rcode !== RCODE.nxDomain) return failed(describeRcode(rcode))
  const chain = followAliases(question.name, response.answers)
  if (chain === undefined) return failed('circle of aliases, or too many')
  // RFC 6840 §5.8: AD means that all of the answer was validated, by a resolver which we must have reason to trust
  const authentic = trusted && response.authentic
  const own = response.answers.filter(record => record.type === question.type && record.name === chain.name)
  if (own.length > 0) return findValues(own, chain.ttl, read, authentic)
  if (rcode === RCODE.noError && isReferral(response)) return failed('referral instead of an answer')
  // RFC 6604 §3: after aliases the rcode speaks of the last name
  const name = rcode === RCODE.nxDomain ? 'missing' : 'exists'
  if (response.negativeTtl === undefined) return { is: 'none', name, authentic }
  return { is: 'none', name, authentic, ttl: Math.min(response.negativeTtl, chain.ttl) }
}

function findValues<Value>(
  own: readonly ResourceRecord[],
  chainTtl: number,
  read: ReadValue<Value>,
  authentic: boolean,
): Answer<Value> {
  const records: Value[] = []
  let ttl = chainTtl
  for (const record of own) {
    const value = read(record)
    if (value === undefined) continue
    records.push(value)
    ttl = Math.min(ttl, record.ttl)
  }
  return records.length > 0 ? { is: 'found', records, ttl, authentic } : failed('no usable record')
}

/** RFC 1034 §3.6.2. Where the chain of aliases ends and the lowest TTL on the way; undefined: a circle, or too long. */
function followAliases(
  start: string,
  answers: readonly ResourceRecord[],
): { readonly name: string; readonly ttl: number } | undefined {
  let name = start
  let ttl = Number.POSITIVE_INFINITY
  for (let step = 0; step <= MAX_CNAMES; step++) {
    const alias = answers.find(record => record.type === 'CNAME' && record.name === name)
    if (alias?.type !== 'CNAME') return { name, ttl }
    name = alias.data.toLowerCase()
    ttl = Math.min(ttl, alias.ttl)
  }
  return undefined
}

/** RFC 2308 §2.2: NS without SOA and without authority is a delegation, not 'no data'. */
function isReferral(response: Response): boolean {
  return response.referral && !response.authoritative && response.answers.length === 0
}

export function describeRcode(rcode: number): string {
  for (const [name, code] of Object.entries(RCODE)) {
    if (code === rcode) return name.toUpperCase()
  }
  return `RCODE ${rcode}`
}

function failed(reason: string): { readonly is: 'failed'; readonly reason: string } {
  return { is: 'failed', reason }
}

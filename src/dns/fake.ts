import { reverseName } from './name.ts'
import type { Answer, Mx, Resolver } from './resolver.ts'

/**
 * The names of a test, as a table that can be read:
 *
 *     createFakeResolver({
 *       'example.test': { mx: [[10, 'mx1.example.test']], txt: ['v=spf1 mx -all'] },
 *       'mx1.example.test': { a: ['192.0.2.1'] },
 *       'www.example.test': { cname: 'example.test' },
 *       'nomail.test': { mx: [[0, '']] },
 *       'broken.test': { fail: 'SERVFAIL' },
 *       '192.0.2.1': { ptr: ['mx1.example.test'] },
 *     })
 *
 * A name that is not in the table is missing. The table is read at each question, so a test may change its own in the meantime.
 */
export type FakeZone = Readonly<Record<string, FakeName>>

export interface FakeName {
  /** Preference and exchange; '' is the null MX (RFC 7505). */
  readonly mx?: readonly (readonly [preference: number, exchange: string])[]
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly txt?: readonly string[]
  /** The key is the address itself. */
  readonly ptr?: readonly string[]
  readonly cname?: string
  /** Every question for this name fails for this reason, or those of the types named. */
  readonly fail?: string | Readonly<Partial<Record<FakeType, string>>>
  /** Default false. */
  readonly authentic?: boolean
  /** Seconds; default 300. */
  readonly ttl?: number
}

type FakeType = keyof Resolver

/** As the real one for at most 8 aliases. `asked`: the questions so far, as 'mx example.test'. */
export function createFakeResolver(zone: FakeZone): Resolver & { readonly asked: readonly string[] } {
  const asked: string[] = []

  function answer<Value>(
    type: FakeType,
    text: string,
    read: (entry: FakeName) => readonly Value[] | undefined,
  ): Answer<Value> {
    asked.push(`${type} ${text}`)
    let name = normalize(text)
    for (let step = 0; step <= 8; step++) {
      const entry = findName(zone, name)
      if (entry === undefined) return { is: 'none', name: isAbove(zone, name) ? 'exists' : 'missing', authentic: false }
      const { ttl = 300, authentic = false, fail } = entry
      const reason = typeof fail === 'string' ? fail : fail?.[type]
      if (reason !== undefined) return { is: 'failed', reason }
      if (entry.cname === undefined) {
        const records = read(entry) ?? []
        return records.length > 0
          ? { is: 'found', records, ttl, authentic }
          : { is: 'none', name: 'exists', authentic, ttl }
      }
      name = normalize(entry.cname)
    }
    return { is: 'failed', reason: 'circle of aliases, or too many' }
  }

  return {
    asked,
    mx: async domain => answer('mx', domain, readMx),
    a: async name => answer('a', name, entry => entry.a),
    aaaa: async name => answer('aaaa', name, entry => entry.aaaa),
    txt: async name => answer('txt', name, entry => entry.txt),
    ptr: async address => answer('ptr', address, entry => entry.ptr),
  }
}

function readMx(entry: FakeName): readonly Mx[] | undefined {
  return entry.mx
    ?.map(([preference, exchange]) => ({ preference, exchange: exchange.toLowerCase() }))
    .sort((a, b) => a.preference - b.preference)
}

/** RFC 4343: without case; addresses by their reverse name, however they are written. */
function normalize(text: string): string {
  return reverseName(text) ?? text.toLowerCase().replace(/\.$/, '')
}

function findName(zone: FakeZone, name: string): FakeName | undefined {
  return Object.hasOwn(zone, name) ? zone[name] : Object.entries(zone).find(([key]) => normalize(key) === name)?.[1]
}

/** RFC 8020: a name above an existing one exists, even without records. */
function isAbove(zone: FakeZone, name: string): boolean {
  return Object.keys(zone).some(key => normalize(key).endsWith(`.${name}`))
}

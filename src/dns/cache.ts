import type { Answer, Resolver } from './resolver.ts'

/**
 * Remembers answers as long as their TTL allows, in bounded memory, and asks a question that is under way only once.
 * What was not asked for the longest goes first.
 */
export interface CacheOptions {
  /** ms. */
  readonly clock: { readonly now: () => number }
  /** Answers of each record type; default 10,000. */
  readonly maxEntries?: number
  /** Estimated bytes of memory for each record type, so that large TXT records can't fill it; default 4 MB. */
  readonly maxBytes?: number
}

/** Seconds. */
const MAX_TTL = 86_400
/** RFC 2308 §5 advises 1 to 3 hours at most; a domain that was just set up should not wait that long for its mail. */
const MAX_NEGATIVE_TTL = 300
/** RFC 2308 §7: at most 5 minutes for a failure; some seconds are enough to spare a troubled server. */
const FAILURE_TTL = 5

/** The answers that come out of the cache have the TTL that is left to them. */
export function createCache(resolver: Resolver, options: CacheOptions): Resolver {
  return {
    mx: remember(name => resolver.mx(name), options),
    a: remember(name => resolver.a(name), options),
    aaaa: remember(name => resolver.aaaa(name), options),
    txt: remember(name => resolver.txt(name), options),
    ptr: remember(address => resolver.ptr(address), options),
  }
}

interface Entry<Value> {
  readonly answer: Answer<Value>
  /** ms, by the clock. */
  readonly until: number
  readonly bytes: number
}

type Ask<Value> = (name: string) => Promise<Answer<Value>>

function remember<Value>(ask: Ask<Value>, options: CacheOptions): Ask<Value> {
  const { clock, maxEntries = 10_000, maxBytes = 4 * 1024 * 1024 } = options
  /** A Map keeps the order of insertion, and an entry in use is inserted anew: the first one is the one to go. */
  const entries = new Map<string, Entry<Value>>()
  const underWay = new Map<string, Promise<Answer<Value>>>()
  let bytes = 0

  function drop(key: string, entry: Entry<Value>): void {
    entries.delete(key)
    bytes -= entry.bytes
  }

  function find(key: string): Answer<Value> | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    const left = entry.until - clock.now()
    if (left <= 0) {
      drop(key, entry)
      return undefined
    }
    entries.delete(key)
    entries.set(key, entry)
    return entry.answer.is === 'failed' ? entry.answer : { ...entry.answer, ttl: Math.ceil(left / 1000) }
  }

  function keep(key: string, answer: Answer<Value>): void {
    const ttl = lifetime(answer)
    if (ttl <= 0) return
    const entry = { answer, until: clock.now() + ttl * 1000, bytes: estimateSize(key, answer) }
    entries.set(key, entry)
    bytes += entry.bytes
    for (const [oldKey, old] of entries) {
      if (entries.size <= maxEntries && bytes <= maxBytes) break
      drop(oldKey, old)
    }
  }

  async function askAnew(name: string, key: string): Promise<Answer<Value>> {
    try {
      const answer = await ask(name)
      keep(key, answer)
      return answer
    } finally {
      underWay.delete(key)
    }
  }

  return async name => {
    const key = name.toLowerCase().replace(/\.$/, '') // RFC 4343
    const known = find(key)
    if (known !== undefined) return known
    const same = underWay.get(key)
    if (same !== undefined) return same
    const answer = askAnew(name, key)
    underWay.set(key, answer)
    return answer
  }
}

/** Seconds; 0: not to be remembered. */
function lifetime(answer: Answer<unknown>): number {
  switch (answer.is) {
    case 'found':
      return Math.min(answer.ttl, MAX_TTL)
    case 'none':
      return Math.min(answer.ttl ?? 0, MAX_NEGATIVE_TTL)
    case 'failed':
      return FAILURE_TTL
  }
}

/** Bytes, roughly: 200 for an entry and 100 for a record beside its text. */
function estimateSize(key: string, answer: Answer<unknown>): number {
  let size = 200 + key.length
  if (answer.is !== 'found') return size
  for (const record of answer.records) size += 100 + (typeof record === 'string' ? record.length : 0)
  return size
}

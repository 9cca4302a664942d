/** The names port: everything the product asks of DNS goes through here. The real one is `dns/client.ts`, the fake one `dns/fake.ts`. */
export interface Resolver {
  /** RFC 5321 §5.1. Sorted by preference, equal ones in the order of the answer (the caller shuffles). */
  mx(domain: string): Promise<Answer<Mx>>
  /** IPv4 addresses as text. */
  a(name: string): Promise<Answer<string>>
  /** IPv6 addresses as text. */
  aaaa(name: string): Promise<Answer<string>>
  /** Each record's strings joined (RFC 7208 §3.3). */
  txt(name: string): Promise<Answer<string>>
  /** Names for an IPv4 or IPv6 address, without the final dot. */
  ptr(address: string): Promise<Answer<string>>
}

/** RFC 5321 §5.1; an exchange of '' is the null MX of RFC 7505. */
export interface Mx {
  readonly preference: number
  readonly exchange: string
}

/**
 * What came of a question. `none` covers a missing name (NXDOMAIN) and a name without such records (NODATA): `name` tells which.
 * `failed` is SERVFAIL, a timeout, a refusal, a malformed answer: worth another try later.
 */
export type Answer<Record> =
  /** ttl in seconds; authentic: the AD bit of a resolver that we trust (RFC 6840 §5.8). */
  | { readonly is: 'found'; readonly records: readonly Record[]; readonly ttl: number; readonly authentic: boolean }
  /** ttl in seconds, from the SOA (RFC 2308 §5); absent: the answer had none and is not worth remembering. */
  | { readonly is: 'none'; readonly name: 'missing' | 'exists'; readonly authentic: boolean; readonly ttl?: number }
  | { readonly is: 'failed'; readonly reason: string }

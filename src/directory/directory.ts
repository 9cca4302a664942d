/**
 * Who exists: domains, accounts, aliases. Read from the storage as it is needed and kept in a small cache, which is forgotten as a whole when
 * the directory changes. Local parts of own domains are compared without case, and what follows a plus sign is a note (`anna+shop@`).
 */
import { type Address, formatAddress, parseAddress } from '../mail/address.ts'

/** What a directory is read from. */
export interface DirectoryReader {
  domain(name: string): { readonly catchAll: string | undefined } | undefined
  account(address: string): { readonly id: number; readonly address: string; readonly hash: string } | undefined
  alias(address: string): readonly string[] | undefined
  /** The account that was made first, in this domain or, without one, of all. */
  firstAccount(domain: string | undefined): { readonly id: number; readonly address: string } | undefined
}

/** What an own address means. */
export type Meaning =
  /** The mailbox of this account. */
  | { readonly is: 'account'; readonly id: number; readonly address: string }
  /** These instead, own and foreign, each once. */
  | { readonly is: 'alias'; readonly targets: readonly Address[] }
  /** RFC 5321 §4.5.1: has to be accepted, but there is no account at all that could read it. */
  | { readonly is: 'unread' }
  | { readonly is: 'unknown' }

/** Aliases of aliases of aliases …, and addresses that one may become. */
const DEPTH = 10
const TARGETS = 1000
const CACHED = 10_000

/** RFC 5321 §4.5.1, RFC 2142 §4: always accepted in an own domain. */
const ALWAYS: ReadonlySet<string> = new Set(['postmaster', 'abuse'])

/** `hostname`: what is addressed to this host itself (RFC 5321 §4.5.1: postmaster without a domain) is ours too. */
export function openDirectory(reader: DirectoryReader, hostname: string) {
  const domains = new Map<string, { readonly catchAll: string | undefined } | undefined>()
  const meanings = new Map<string, Meaning>()

  function domain(name: string): { readonly catchAll: string | undefined } | undefined {
    return cached(domains, name, () => reader.domain(name) ?? (name === hostname ? { catchAll: undefined } : undefined))
  }

  /** One step: account, alias, without the note, always accepted, catch-all. */
  function lookUp(local: string, domainName: string): Meaning {
    for (const name of namesOf(local)) {
      const address = `${name}@${domainName}`
      const account = reader.account(address)
      if (account) return { is: 'account', id: account.id, address: account.address }
      const targets = reader.alias(address)
      if (targets) return { is: 'alias', targets: targets.flatMap(parsed) }
    }
    const catchAll = domain(domainName)?.catchAll
    if (catchAll !== undefined) return { is: 'alias', targets: parsed(catchAll) }
    if (!ALWAYS.has(local)) return { is: 'unknown' }
    const first = reader.firstAccount(domainName) ?? reader.firstAccount(undefined)
    return first ? { is: 'account', ...first } : { is: 'unread' }
  }

  /** Follows own aliases to their ends; what is foreign, an account or unknown is an end. */
  function follow(start: Address): Meaning {
    const first = lookUp(start.local.toLowerCase(), start.domain)
    if (first.is !== 'alias') return first
    const [only] = first.targets
    if (first.targets.length === 1 && only && isOwn(only) && key(only) !== key(start)) {
      const next = lookUp(only.local.toLowerCase(), only.domain)
      if (next.is === 'account') return next
    }
    const ends = new Map<string, Address>()
    const seen = new Set<string>([key(start)])
    const visit = (targets: readonly Address[], depth: number): void => {
      for (const target of targets) {
        if (ends.size >= TARGETS || seen.has(key(target))) continue
        seen.add(key(target))
        const meaning: Meaning = isOwn(target) ? lookUp(target.local.toLowerCase(), target.domain) : { is: 'unknown' }
        if (meaning.is === 'alias' && depth < DEPTH) visit(meaning.targets, depth + 1)
        else if (meaning.is !== 'alias' && (meaning.is !== 'unknown' || !isOwn(target))) ends.set(key(target), target)
      }
    }
    visit(first.targets, 1)
    return ends.size > 0 ? { is: 'alias', targets: [...ends.values()] } : { is: 'unknown' }
  }

  function isOwn(address: Address): boolean {
    return domain(address.domain) !== undefined
  }

  return {
    isOwnDomain: (name: string): boolean => domain(name) !== undefined,

    /** What an address of an own domain means, aliases followed to their ends. */
    meaning(address: Address): Meaning {
      return cached(meanings, key(address), () => follow(address))
    },

    /** The account with exactly this address (a login). */
    account: (address: string) => reader.account(address.toLowerCase()),

    /** Whether this account may send as this address: its own, with a note, or an alias that leads to it. */
    maySendAs(login: string, address: Address): boolean {
      const meaning = isOwn(address) ? this.meaning(address) : { is: 'unknown' as const }
      if (meaning.is === 'account') return meaning.address === login
      return meaning.is === 'alias' && meaning.targets.some(target => formatAddress(target) === login)
    },

    /** After a change of the directory. */
    forget(): void {
      domains.clear()
      meanings.clear()
    },
  }
}

export type Directory = ReturnType<typeof openDirectory>

const key = (address: Address): string => `${address.local.toLowerCase()}@${address.domain}`

function parsed(text: string): Address[] {
  const address = parseAddress(text, { smtputf8: true })
  return address ? [address] : []
}

/** The local part as it is, then without what follows its first plus sign. */
function namesOf(local: string): string[] {
  const plus = local.indexOf('+')
  return plus > 0 ? [local, local.slice(0, plus)] : [local]
}

function cached<Value>(cache: Map<string, Value>, name: string, find: () => Value): Value {
  const known = cache.get(name)
  if (known !== undefined || cache.has(name)) return known as Value
  const value = find()
  if (cache.size >= CACHED) cache.clear()
  cache.set(name, value)
  return value
}

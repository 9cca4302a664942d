import type { Route, RouteRule } from '../config/settings.ts'
import type { Address } from '../mail/address.ts'

const MAILBOX: Route = {
  via: 'mailbox',
  account: undefined,
  lifetime: undefined,
  concurrency: undefined,
  rate: undefined,
}

/**
 * Where mail for the recipient goes: by the first rule that matches. An own domain goes to its mailboxes unless a rule names it otherwise
 * than by '*'. undefined: no rule matches.
 */
export function chooseRoute(
  rules: readonly RouteRule[],
  recipient: Address,
  isOwnDomain: (domain: string) => boolean,
): Route | undefined {
  const own = isOwnDomain(recipient.domain)
  for (const rule of rules) {
    if (rule.to.some(pattern => (pattern === '*' ? !own : matches(pattern, recipient)))) return rule.route
  }
  return own ? MAILBOX : undefined
}

/** Patterns are in lower case: 'example.org', '*.example.org' (its subdomains, not itself), 'user@example.org'. */
function matches(pattern: string, { local, domain }: Address): boolean {
  if (pattern.startsWith('*.')) return domain.endsWith(pattern.slice(1))
  const at = pattern.lastIndexOf('@')
  if (at < 0) return pattern === domain
  return (
    pattern.length - at - 1 === domain.length &&
    pattern.endsWith(domain) &&
    pattern.slice(0, at) === local.toLowerCase()
  )
}

/** What deliveries to the same place have in common: the key by which the queue groups and limits them. */
export function destinationKey(route: Route, recipient: Address): string {
  switch (route.via) {
    case 'mailbox':
      return 'mailbox'
    case 'mx':
      return route.port === 25 ? `mx:${recipient.domain}` : `mx:${recipient.domain}:${route.port}`
    case 'relay':
      // With another account it is another door.
      return `relay:${route.auth === undefined ? '' : `${route.auth.user}@`}${route.host}:${route.port}`
    case 'lmtp':
      return 'path' in route.to ? `lmtp:${route.to.path}` : `lmtp:${route.to.host}:${route.to.port}`
    case 'refuse':
      return 'refuse'
    case 'function':
      return `function:${route.index}`
  }
}

/** The key under which an operator sends entries elsewhere: `to:host:port`. */
export function rerouteKey(host: string, port: number): string {
  return `to:${host}:${port}`
}

/** The route of such a key; undefined: it is none. */
export function rerouted(destination: string): Route | undefined {
  if (!destination.startsWith('to:')) return undefined
  const colon = destination.lastIndexOf(':')
  const [host, port] = [destination.slice(3, colon), Number(destination.slice(colon + 1))]
  return {
    via: 'relay',
    host,
    port,
    tls: 'opportunistic',
    auth: undefined,
    lifetime: undefined,
    concurrency: undefined,
    rate: undefined,
  }
}

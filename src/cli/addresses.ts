/** What people type as addresses and domains, checked at the door. All throw CommandError with what to write instead. */
import { domainToUnicode } from 'node:url'
import { type Address, type Domain, formatAddress, parseAddress, parseDomain } from '../mail/address.ts'
import { usage } from './access.ts'

export function addressOf(text: string): Address {
  const address = parseAddress(text, { smtputf8: true })
  if (address) return address
  throw usage(`"${text}" is not an address; write it like anna@example.org`)
}

/** Of an account or alias of ours: in lower case, because own local parts are compared without case, and never in need of quotes. */
export function ownAddress(text: string): string {
  const { local, domain } = addressOf(text)
  const address = formatAddress({ local: local.toLowerCase(), domain })
  if (address.startsWith('"')) throw usage(`${text}: an address of our own cannot need quotes; choose a plain one`)
  return address
}

export function domainOf(text: string): Domain {
  const domain = parseDomain(text)
  if (domain !== undefined && !domain.startsWith('[')) return domain
  throw usage(`"${text}" is not a domain; write it like example.org`)
}

/** The domain as people write it, where that differs: 'bücher.test (xn--bcher-kva.test)'. */
export function domainText(name: string): string {
  const unicode = domainToUnicode(name)
  return unicode === name || unicode === '' ? name : `${unicode} (${name})`
}

/** What `--limit` takes. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw usage(`"${text}" is not a number from 1 to 999999`)
}

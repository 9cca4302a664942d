/**
 * What RFC 5321 calls a Mailbox, and the path around it. An address is parsed once at the door and carried as data:
 * the local part as meant (without quoting), the domain in the one form in which domains are compared and asked of DNS.
 */
import { domainToASCII, URL } from 'node:url'

declare const checked: unique symbol

/**
 * A host name in lower case, internationalised labels in their A-label form, or an address literal with its brackets
 * (`[192.0.2.1]`, `[IPv6:2001:db8::1]`). Only `parseDomain` makes one; equal domains are equal strings.
 */
export type Domain = string & { readonly [checked]: 'Domain' }

export interface Address {
  /** As meant: `a b` for `"a b"@example.org`. Case is kept (RFC 5321 §2.4). */
  readonly local: string
  readonly domain: Domain
}

/** RFC 5321 §4.1.2: what stands between the angle brackets of MAIL FROM and RCPT TO. */
export type Path = Address | '<>' | 'postmaster'

const MAX_LOCAL = 64 // RFC 5321 §4.5.3.1.1: octets
const MAX_DOMAIN = 255 // RFC 5321 §4.5.3.1.2: octets
const MAX_MAILBOX = 254 // RFC 5321 §4.5.3.1.3: a path has 256 octets, and the angle brackets count
const MAX_LABEL = 63 // RFC 1035 §2.3.4: octets

const [QUOTE, DOT, AT, LT, GT, BACKSLASH] = [0x22, 0x2e, 0x40, 0x3c, 0x3e, 0x5c]
const [LEFT_BRACKET, RIGHT_BRACKET, HYPHEN] = [0x5b, 0x5d, 0x2d]

interface Read<Value> {
  readonly value: Value
  /** The offset after it. */
  readonly end: number
}

// What an ASCII character may be, as bits.
const ATEXT = 1
const LET_DIG = 2
const UPPER = 4
const KIND = asciiKinds()

function asciiKinds(): Uint8Array {
  const kinds = new Uint8Array(128)
  const add = (characters: string, bits: number): void => {
    for (const character of characters) {
      const code = character.charCodeAt(0)
      kinds[code] = (kinds[code] ?? 0) | bits
    }
  }
  add('ABCDEFGHIJKLMNOPQRSTUVWXYZ', ATEXT | LET_DIG | UPPER)
  add('abcdefghijklmnopqrstuvwxyz0123456789', ATEXT | LET_DIG)
  add("!#$%&'*+-/=?^_`{|}~", ATEXT) // RFC 5322 §3.2.3
  return kinds
}

function kindOf(code: number): number {
  return KIND[code] ?? 0
}

/**
 * RFC 5321 §4.1.2: Domain or address-literal, the whole text. U-labels (RFC 6531 §3.3) are mapped by UTS 46 to their
 * A-labels. undefined: not a domain, a label over 63 or a name over 255 octets.
 */
export function parseDomain(text: string): Domain | undefined {
  const read = readDomain(text, 0, true)
  return read?.end === text.length ? read.value : undefined
}

/**
 * RFC 5321 §4.1.2: Mailbox, the whole text; with `smtputf8` as RFC 6531 §3.3 extends it. undefined: not a mailbox, a
 * local part over 64 octets (as written), or more than fits in a path of 256 octets.
 */
export function parseAddress(text: string, options: { readonly smtputf8: boolean }): Address | undefined {
  const read = readMailbox(text, 0, options.smtputf8)
  return read?.end === text.length ? read.value : undefined
}

/**
 * RFC 5321 §4.1.2: the `<...>` that starts at `at`; `end` is the offset after its `>`. undefined: no path there.
 * `<postmaster>` without a domain is 'postmaster', the null reverse-path is '<>'; which of them may stand where is for
 * the caller to say.
 */
export function readPath(
  text: string,
  at: number,
  options: { readonly smtputf8: boolean },
): { readonly path: Path; readonly end: number } | undefined {
  if (text.charCodeAt(at) !== LT) return undefined
  let start = at + 1
  if (text.charCodeAt(start) === GT) return { path: '<>', end: start + 1 }
  if (text.charCodeAt(start) === AT) {
    const afterRoute = skipSourceRoute(text, start)
    if (afterRoute === undefined) return undefined
    start = afterRoute
  }
  const read = readMailbox(text, start, options.smtputf8)
  if (read !== undefined) {
    return text.charCodeAt(read.end) === GT ? { path: read.value, end: read.end + 1 } : undefined
  }
  // RFC 5321 §4.5.1: "postmaster" without a domain, in any case.
  const end = at + '<postmaster>'.length
  return text.slice(at, end).toLowerCase() === '<postmaster>' ? { path: 'postmaster', end } : undefined
}

/** The address as it is written in a command: quoted only where needed, the domain in A-label form. */
export function formatAddress(address: Address): string {
  return `${formatLocal(address.local)}@${address.domain}`
}

/** The address for a host without SMTPUTF8; undefined: it has none, because its local part is not ASCII (RFC 6531 §3.2). */
export function formatAsciiAddress(address: Address): string | undefined {
  return isAsciiAddress(address) ? formatAddress(address) : undefined
}

/** Whether a host without SMTPUTF8 can be given the address. */
export function isAsciiAddress(address: Address): boolean {
  return isAscii(address.local)
}

/** RFC 5321 §2.4: the local part is compared as it is, the domain without case (it is kept in one form). */
export function sameAddress(a: Address, b: Address): boolean {
  return a.domain === b.domain && a.local === b.local
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false
  return true
}

function formatLocal(local: string): string {
  return isDotString(local) ? local : `"${local.replace(/["\\]/g, '\\$&')}"` // RFC 5321 §4.1.2: quote as little as possible
}

function isDotString(local: string): boolean {
  return local !== '' && dotStringEnd(local, 0, true) === local.length
}

function readMailbox(text: string, start: number, smtputf8: boolean): Read<Address> | undefined {
  const local =
    text.charCodeAt(start) === QUOTE ? readQuoted(text, start, smtputf8) : readDotString(text, start, smtputf8)
  if (local === undefined || text.charCodeAt(local.end) !== AT) return undefined
  const octets = local.end - start
  if (octets > MAX_LOCAL) return undefined
  const ascii = isAscii(local.value)
  if (!ascii && !isCleanUnicode(local.value)) return undefined
  const localOctets = ascii ? octets : Buffer.byteLength(text.slice(start, local.end))
  if (localOctets > MAX_LOCAL) return undefined
  const read = readDomain(text, local.end + 1, smtputf8)
  if (read === undefined || localOctets + 1 + read.value.length > MAX_MAILBOX) return undefined
  return { value: { local: local.value, domain: read.value }, end: read.end }
}

/** RFC 5321 §4.1.2: Dot-string = Atom *("." Atom) */
function readDotString(text: string, start: number, smtputf8: boolean): Read<string> | undefined {
  const end = dotStringEnd(text, start, smtputf8)
  return end === undefined ? undefined : { value: text.slice(start, end), end }
}

function dotStringEnd(text: string, start: number, smtputf8: boolean): number | undefined {
  let at = start
  let atomStart = start
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if ((kindOf(code) & ATEXT) !== 0) continue
    if (code >= 0x80 && smtputf8) continue // RFC 6531 §3.3: atext =/ UTF8-non-ascii
    if (code !== DOT) break
    if (at === atomStart) return undefined
    atomStart = at + 1
  }
  return at === atomStart ? undefined : at
}

/** RFC 5321 §4.1.2: Quoted-string = DQUOTE *QcontentSMTP DQUOTE; the value is without quotes and backslashes. */
function readQuoted(text: string, start: number, smtputf8: boolean): Read<string> | undefined {
  let value = ''
  let runStart = start + 1
  for (let at = runStart; at < text.length && at - start < MAX_LOCAL; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return { value: value + text.slice(runStart, at), end: at + 1 }
    if (code === BACKSLASH) {
      value += text.slice(runStart, at)
      runStart = ++at
      const quoted = text.charCodeAt(at)
      if (!(quoted >= 0x20 && quoted < 0x7f)) return undefined // RFC 5321 §4.1.2: quoted-pairSMTP = %d92 %d32-126
    } else if (code < 0x20 || code === 0x7f || (code >= 0x80 && !smtputf8)) {
      return undefined // RFC 5321 §4.1.2: qtextSMTP; RFC 6531 §3.3: qtextSMTP =/ UTF8-non-ascii
    }
  }
  return undefined
}

/** No lone surrogates, no control characters (RFC 5198 §2), no sign that bytes were not UTF-8 before they reached us. */
function isCleanUnicode(text: string): boolean {
  return text.isWellFormed() && !/[\u0080-\u009f\ufffd]/.test(text)
}

/** RFC 5321 §4.1.2: Domain or address-literal; the longest that starts at `start`. */
function readDomain(text: string, start: number, unicode: boolean): Read<Domain> | undefined {
  if (text.charCodeAt(start) === LEFT_BRACKET) return readLiteral(text, start)
  let end = start
  let seen = 0
  for (; end < text.length && end - start <= MAX_DOMAIN; end++) {
    const code = text.charCodeAt(end)
    if (code >= 0x80) seen |= 0x80
    else if ((kindOf(code) & LET_DIG) !== 0) seen |= kindOf(code)
    else if (code !== DOT && code !== HYPHEN) break
  }
  const written = text.slice(start, end)
  if ((seen & 0x80) !== 0) return unicode ? readUnicodeDomain(written, end) : undefined
  const name = (seen & UPPER) !== 0 ? written.toLowerCase() : written
  return isDomainName(name) ? { value: brand(name), end } : undefined
}

/** RFC 6531 §3.3: sub-domain =/ U-label. */
function readUnicodeDomain(written: string, end: number): Read<Domain> | undefined {
  if (!isCleanUnicode(written)) return undefined
  const name = domainToASCII(written) // '' for what IDNA forbids
  return isDomainName(name) ? { value: brand(name), end } : undefined
}

/** RFC 5321 §4.1.2: sub-domain *("." sub-domain); sub-domain = Let-dig [Ldh-str]. */
function isDomainName(name: string): boolean {
  if (name.length > MAX_DOMAIN) return false
  let labelStart = 0
  for (let at = 0; at <= name.length; at++) {
    const code = at === name.length ? DOT : name.charCodeAt(at)
    if (code === DOT) {
      const length = at - labelStart
      if (length === 0 || length > MAX_LABEL || name.charCodeAt(at - 1) === HYPHEN) return false
      labelStart = at + 1
    } else if (code === HYPHEN ? at === labelStart : (kindOf(code) & LET_DIG) === 0) {
      return false
    }
  }
  return true
}

/** RFC 5321 §4.1.3: the `[...]` that starts at `start`. */
function readLiteral(text: string, start: number): Read<Domain> | undefined {
  let end = start + 1
  for (; end - start < MAX_DOMAIN; end++) {
    const code = text.charCodeAt(end)
    if (code === RIGHT_BRACKET) break
    // RFC 5321 §4.1.3: dcontent = %d33-90 / %d94-126
    if (!(code > 0x20 && code < 0x7f) || code === LEFT_BRACKET || code === BACKSLASH) return undefined
  }
  if (text.charCodeAt(end) !== RIGHT_BRACKET) return undefined
  const literal = canonicalLiteral(text.slice(start + 1, end))
  return literal === undefined ? undefined : { value: brand(`[${literal}]`), end: end + 1 }
}

function canonicalLiteral(content: string): string | undefined {
  const colon = content.indexOf(':')
  if (colon === -1) return canonicalIpv4(content)
  // RFC 5321 §4.1.3: the tag of a General-address-literal MUST be registered with IANA; IPv6 is the only one that is.
  const tag = content.slice(0, colon).toLowerCase()
  return tag === 'ipv6' ? canonicalIpv6(content.slice(colon + 1)) : undefined
}

/** RFC 5321 §4.1.3: Snum 3("." Snum); leading zeros are allowed there and lost here. */
function canonicalIpv4(content: string): string | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(content)) return undefined
  const numbers = content.split('.', 4).map(Number)
  return numbers.every(number => number <= 255) ? numbers.join('.') : undefined
}

/** RFC 5321 §4.1.3: IPv6-addr, in the one spelling of RFC 5952 (which Node's URL gives to it). */
function canonicalIpv6(content: string): string | undefined {
  if (content.length > 45 || !/^[0-9a-fA-F:.]+$/.test(content)) return undefined
  const url = URL.parse(`http://[${content}]`)
  return url === null ? undefined : `IPv6:${url.hostname.slice(1, -1)}`
}

/**
 * RFC 5321 §4.1.2: A-d-l ":" from the first "@" on; appendix C: accepted and ignored. The offset after the colon;
 * undefined: not a source route.
 */
function skipSourceRoute(text: string, start: number): number | undefined {
  let at = start
  while (text.charCodeAt(at) === AT) {
    const read = readDomain(text, at + 1, false)
    if (read === undefined || text.charCodeAt(at + 1) === LEFT_BRACKET) return undefined
    at = read.end
    const next = text[at++]
    if (next === ':') return at
    if (next !== ',') return undefined
  }
  return undefined
}

/** The one door through which a checked domain gets its type. */
function brand(name: string): Domain {
  return name as Domain
}

/**
 * RFC 5322 §3.4, §4.4: the addresses of From, To and the like, as ENVELOPE has them and SORT reads them. What is broken is read as far as it
 * goes; what follows in its field is left out.
 */
import { cursorOf, type Cursor, peek, readAtom, readPhrase, readQuoted, skipCfws } from './structured-field.ts'

/** RFC 9051 §7.5.2: begin of a group: only `mailbox`, its name; end of a group: nothing. Of an address, '' is what should be there and is not. */
export interface ListedAddress {
  readonly name: string | undefined
  /** `@a,@b` */
  readonly route: string | undefined
  readonly mailbox: string | undefined
  readonly domain: string | undefined
}

/** Domain of `<a@b` without its end. */
const UNCLOSED = 'SYNTAX_ERROR'
const BROKEN_ROUTE = 'INVALID_ROUTE'

const GROUP_END: ListedAddress = { name: undefined, route: undefined, mailbox: undefined, domain: undefined }

/** At most `max` addresses, ends of groups not counted, of an unfolded value. */
export function parseAddressList(value: string, max: number): ListedAddress[] {
  const addresses: ListedAddress[] = []
  const cursor = cursorOf(value)
  skipCfws(cursor)
  while (cursor.at < value.length && addresses.length < max) {
    if (!readGroup(cursor, addresses, max)) addresses.push(readMailbox(cursor))
    if (!skipComma(cursor)) break
  }
  return addresses
}

function skipComma(cursor: Cursor): boolean {
  if (peek(cursor) !== ',') return false
  cursor.at++
  skipCfws(cursor)
  return true
}

/** RFC 5322 §3.4: group = display-name ":" [group-list] ";" [CFWS]. false: there is none, and the cursor stands where it stood. */
function readGroup(cursor: Cursor, into: ListedAddress[], max: number): boolean {
  const start = cursor.at
  const name = readPhrase(cursor)
  if (name === undefined || peek(cursor) !== ':') {
    cursor.at = start
    return false
  }
  cursor.at++
  into.push({ ...GROUP_END, mailbox: name })
  skipCfws(cursor)
  while (cursor.at < cursor.text.length && peek(cursor) !== ';' && into.length < max) {
    into.push(readMailbox(cursor))
    if (!skipComma(cursor)) break
  }
  if (peek(cursor) === ';') cursor.at++
  skipCfws(cursor)
  into.push(GROUP_END)
  return true
}

/** RFC 5322 §3.4: mailbox = name-addr / addr-spec */
function readMailbox(cursor: Cursor): ListedAddress {
  const start = cursor.at
  const name = readPhrase(cursor)
  if (name !== undefined && peek(cursor) === '<') return readAngleAddress(cursor, name === '' ? undefined : name)
  cursor.at = start
  return readAddrSpec(cursor)
}

/** RFC 5322 §3.4, §4.4: "<" [obs-route] addr-spec ">" */
function readAngleAddress(cursor: Cursor, name: string | undefined): ListedAddress {
  cursor.at++
  skipCfws(cursor)
  const route = peek(cursor) === '@' ? readRoute(cursor) : undefined
  const mailbox = readLocalPart(cursor)
  const domain = mailbox !== undefined && peek(cursor) === '@' ? readDomain(cursor) : undefined
  const closed = peek(cursor) === '>'
  if (closed) {
    cursor.at++
    skipCfws(cursor)
  }
  return listed(name, route, mailbox, closed ? domain : UNCLOSED)
}

/** RFC 5322 §4.4: obs-route = obs-domain-list ":" */
function readRoute(cursor: Cursor): string | undefined {
  const domains: string[] = []
  while (peek(cursor) === '@') {
    domains.push(`@${readDomain(cursor)}`)
    while (peek(cursor) === ',') skipComma(cursor)
  }
  if (peek(cursor) !== ':') return BROKEN_ROUTE
  cursor.at++
  skipCfws(cursor)
  return domains.join(',')
}

/** Without a domain, a single word is a mailbox, and anything more is a name. A name may stand in a comment behind. */
function readAddrSpec(cursor: Cursor): ListedAddress {
  const quoted = peek(cursor) === '"'
  cursor.comment = ''
  const mailbox = readLocalPart(cursor)
  if (peek(cursor) === '@') {
    const domain = readDomain(cursor)
    return listed(cursor.comment === '' ? undefined : cursor.comment, undefined, mailbox, domain)
  }
  if (mailbox === undefined) return listed(undefined, undefined, undefined, undefined)
  if (cursor.comment !== '' && cursor.at === cursor.text.length) {
    return listed(cursor.comment, undefined, mailbox, undefined)
  }
  const more = readPhrase(cursor) ?? ''
  if (more === '' && !quoted) return listed(undefined, undefined, mailbox, undefined)
  return listed(more === '' ? mailbox : `${mailbox} ${more}`, undefined, undefined, undefined)
}

/** RFC 5322 §3.4.1, §4.4: words with dots between them, as meant (without quotes); more dots than allowed are kept. undefined: nothing there. */
function readLocalPart(cursor: Cursor): string | undefined {
  let local: string | undefined
  for (let wordMayFollow = true; ; ) {
    const next = peek(cursor)
    if (next === '.') {
      cursor.at++
      local = `${local ?? ''}.`
      wordMayFollow = true
    } else {
      const word = !wordMayFollow ? '' : next === '"' ? readQuoted(cursor) : readAtom(cursor)
      if (word === undefined || (word === '' && next !== '"') || !wordMayFollow) return local
      local = (local ?? '') + word
      wordMayFollow = false
    }
    skipCfws(cursor)
  }
}

/** RFC 5322 §3.4.1: domain = dot-atom / domain-literal / obs-domain, at the `@`. undefined: there is none. */
function readDomain(cursor: Cursor): string | undefined {
  cursor.at++
  skipCfws(cursor)
  if (peek(cursor) === '[') return readLiteral(cursor)
  let domain = readAtom(cursor)
  for (skipCfws(cursor); peek(cursor) === '.'; skipCfws(cursor)) {
    cursor.at++
    skipCfws(cursor)
    domain += `.${readAtom(cursor)}`
  }
  return domain === '' ? undefined : domain
}

function readLiteral(cursor: Cursor): string {
  const { text, at } = cursor
  const close = text.indexOf(']', at)
  cursor.at = close === -1 ? text.length : close + 1
  skipCfws(cursor)
  return close === -1 ? text.slice(at) : text.slice(at, close + 1)
}

function listed(
  name: string | undefined,
  route: string | undefined,
  mailbox: string | undefined,
  domain: string | undefined,
): ListedAddress {
  return { name, route, mailbox: mailbox ?? '', domain: domain ?? '' }
}

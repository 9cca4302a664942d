/**
 * The single values of a configuration, each as a zod schema whose error says what was found, what it is not, and what to write instead.
 * `meta` holds what docs/configuration.md prints: the type in words, the meaning, and the default where it is not a constant.
 */
import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { show } from './explain.ts'
import type { Duration, Rate, Size } from './units.ts'
import { formatDuration, formatSize, parseDuration, parseRate, parseSize } from './units.ts'

/** `wrong` is the whole text for the user. */
export type Parsed<T> = { readonly ok: T } | { readonly wrong: string }

interface Words {
  /** For the documentation. */
  readonly type: string
  /** Completes '… is not'. */
  readonly is: string
  /** Completes 'write'. */
  readonly write: string
}

/** One value: undefined from `parse` means that it is not what the words say. */
export function leaf<Input, Output>(words: Words, parse: (input: unknown) => Parsed<Output> | undefined) {
  return z
    .custom<Input>()
    .transform((input, context): Output => {
      const parsed = parse(input) ?? { wrong: notWhat(input, words) }
      if ('ok' in parsed) return parsed.ok
      context.issues.push({ code: 'custom', message: parsed.wrong, input })
      return z.NEVER
    })
    .meta({ type: words.type })
}

export function known<T>(value: T | undefined): Parsed<T> | undefined {
  return value === undefined ? undefined : { ok: value }
}

function notWhat(input: unknown, words: Words): string {
  return input === undefined
    ? `is missing; write ${words.write}`
    : `${show(input)} is not ${words.is}; write ${words.write}`
}

interface Range {
  readonly min: number
  readonly max: number
  /** Why the minimum is what it is. */
  readonly source?: string
}

/** Longest timer of Node.js: 2^31-1 ms, a little over 24 days. */
export const LONGEST_TIMER = 24 * 86_400_000

export function duration(range: Range) {
  const words = { type: 'duration', is: 'a duration', write: "a number of ms or text like '5 min'" }
  return leaf<Duration, number>(words, input => within(input, parseDuration(input), range, formatDuration))
}

export function size(range: Range) {
  const words = { type: 'size', is: 'a size', write: "a number of bytes or text like '50 MB'" }
  return leaf<Size, number>(words, input => within(input, parseSize(input), range, formatSize))
}

export function rate() {
  const words = { type: 'rate', is: 'a rate', write: "a number per second or text like '20 / min'" }
  return leaf<Rate, number>(words, input => known(parseRate(input)))
}

export function count(range: Range) {
  const words = { type: 'number', is: 'a whole number', write: `a number from ${range.min} to ${range.max}` }
  return leaf<number, number>(words, input =>
    within(input, typeof input === 'number' && Number.isSafeInteger(input) ? input : undefined, range, String),
  )
}

export function port() {
  return count({ min: 1, max: 65_535 })
}

function within(
  input: unknown,
  value: number | undefined,
  range: Range,
  format: (n: number) => string,
): Parsed<number> | undefined {
  if (value === undefined) return undefined
  const source = range.source === undefined ? '' : ` (${range.source})`
  if (value < range.min)
    return { wrong: `${show(input)} is too small; write at least ${quoted(format(range.min))}${source}` }
  if (value > range.max) return { wrong: `${show(input)} is too large; write at most ${quoted(format(range.max))}` }
  return { ok: value }
}

function quoted(text: string): string {
  return /^\d+$/.test(text) ? text : `'${text}'`
}

export function flag() {
  const words = { type: 'true or false', is: 'true or false', write: 'true or false' }
  return leaf<boolean, boolean>(words, input => known(typeof input === 'boolean' ? input : undefined))
}

export function choice<const T extends string>(values: readonly T[]) {
  const list = values.map(value => `'${value}'`).join(' or ')
  const words = { type: list, is: 'one of the words known here', write: list }
  return leaf<T, T>(words, input => known(values.find(value => value === input)))
}

/** Text of one line, not empty, at most 1000 characters. */
export function text(what: string, write: string) {
  return leaf<string, string>({ type: 'text', is: what, write }, input => known(line(input)))
}

function line(input: unknown): string | undefined {
  return typeof input === 'string' && input !== '' && input.length <= 1000 && !/[\r\n\0]/.test(input)
    ? input
    : undefined
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*${LABEL}$`, 'i')
// A last label of digits only would be (part of) an IPv4 address: RFC 3696 §2.
const FULL_NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`, 'i')

/** RFC 5321 §2.3.5: a fully qualified domain name. Names that only the machine itself knows are none. */
export function isFullName(name: string): boolean {
  return FULL_NAME.test(name) && !/(^|\.)(localdomain|localhost)$/i.test(name)
}

/** A name or an IP address to connect to. */
export function host() {
  const words = {
    type: 'host name or address',
    is: 'a host name or IP address',
    write: "text like 'mail.example.org' or '192.0.2.1'",
  }
  return leaf<string, string>(words, input =>
    known(typeof input === 'string' && (isIP(input) > 0 || HOST.test(input)) ? input : undefined),
  )
}

/** An IP address to listen on. */
export function address() {
  const words = { type: 'address', is: 'an IP address', write: "an address of this machine, like '127.0.0.1' or '::'" }
  return leaf<string, string>(words, input => known(typeof input === 'string' && isIP(input) > 0 ? input : undefined))
}

/** A resolver: 'address', 'address:port' or '[address]:port'. */
export function resolver() {
  const words = {
    type: 'address or address:port',
    is: 'the address of a resolver',
    write: "text like '127.0.0.1', '127.0.0.1:53' or '[::1]:53'",
  }
  return leaf<string, string>(words, input => known(typeof input === 'string' && isResolver(input) ? input : undefined))
}

function isResolver(text: string): boolean {
  if (isIP(text) > 0) return true
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text)
  const number = Number(match?.[3] ?? 0)
  return (isIP(match?.[1] ?? '') === 6 || isIP(match?.[2] ?? '') === 4) && number >= 1 && number <= 65_535
}

/** A network in CIDR notation; a lone address becomes a network of one. `everyone`: whether a network of all addresses is sensible. */
export function network(everyone: 'allowed' | 'refused') {
  const words = {
    type: 'address or network',
    is: 'an address or network',
    write: "text like '10.1.2.0/24', '192.0.2.7' or '2001:db8::/32'",
  }
  return leaf<string, string>(words, input => {
    const cidr = typeof input === 'string' ? parseNetwork(input) : undefined
    if (everyone === 'refused' && cidr?.endsWith('/0') === true) {
      return {
        wrong: `${show(input)} is every address there is, which makes an open relay; write the networks that are yours`,
      }
    }
    return known(cidr)
  })
}

/** In CIDR notation; undefined when it is not a network that node:net can match. */
export function parseNetwork(text: string): string | undefined {
  const [address = '', bits, more] = text.split('/', 3)
  const version = isIP(address)
  if (version === 0 || more !== undefined || address.includes('%') || (bits !== undefined && !/^\d{1,3}$/.test(bits)))
    return undefined
  const prefix = Number(bits ?? (version === 4 ? 32 : 128))
  if (prefix > (version === 4 ? 32 : 128)) return undefined
  new BlockList().addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
  return `${address}/${prefix}`
}

/** 'user@domain' in lower case. */
export function account() {
  const words = { type: 'account', is: 'an account', write: "text like 'anna@example.org'" }
  return leaf<string, string>(words, input =>
    known(typeof input === 'string' ? parsePattern(input, 'address') : undefined),
  )
}

/** A recipient pattern of a route, in lower case. */
export function pattern() {
  const words = {
    type: 'pattern',
    is: 'a recipient pattern',
    write: "'*', 'example.org', '*.example.org' or 'user@example.org'",
  }
  return leaf<string, string>(words, input => known(typeof input === 'string' ? parsePattern(input, 'any') : undefined))
}

function parsePattern(input: string, kind: 'address' | 'any'): string | undefined {
  const text = input.toLowerCase()
  if (text === '*' && kind === 'any') return text
  const at = text.lastIndexOf('@')
  const domain = at < 0 && text.startsWith('*.') ? text.slice(2) : text.slice(at + 1)
  // RFC 5321 §4.5.3.1.1: a local-part of at most 64 octets. RFC 6531 §3.3: letters beyond ASCII in both parts.
  const isDomain =
    domain.length <= 255 && domain.split('.').every(label => /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)$/u.test(label))
  const isLocal =
    at < 0
      ? kind === 'any'
      : at > 0 && Buffer.byteLength(text.slice(0, at)) <= 64 && !/[\s*\p{Cc}]/u.test(text.slice(0, at))
  return isDomain && isLocal ? text : undefined
}

/** An object with these keys and no others; `later` are keys of the design that are still to be built. */
export function object<const Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  example: string,
  later: readonly string[] = [],
) {
  const keys = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey(key, keys, later)).join('\n')
      return notWhat(issue.input, { type: '', is: 'an object', write: example })
    },
  })
}

/** A list, bounded; `example` completes 'write'. */
export function list<Item extends z.ZodType>(item: Item, example: string, max = 1000) {
  const words = { type: '', is: 'a list', write: example }
  return z
    .array(item, { error: issue => notWhat(issue.input, words) })
    .max(max, { error: `has more than ${max} entries; write fewer` })
}

function unknownKey(key: string, keys: readonly string[], later: readonly string[]): string {
  if (later.includes(key)) return 'is not available in this version yet; leave it out'
  const nearest = keys
    .map(known => ({ known, far: distance(key.toLowerCase(), known.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0]
  return nearest !== undefined && nearest.far <= Math.max(1, Math.floor(key.length / 3))
    ? `is not known here; did you mean '${nearest.known}'?`
    : `is not known here; the keys are ${keys.join(', ')}`
}

/** Levenshtein distance of two keys; of long ones only the first 40 characters. */
function distance(a: string, b: string): number {
  const [left, right] = [a.slice(0, 40), b.slice(0, 40)]
  let row = Array.from({ length: right.length + 1 }, (_, i) => i)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[right.length] ?? 0
}

import type { Reply } from '../mail/reply.ts'

/** What a host said it can do: its EHLO (LHLO) reply, read once per connection. */
export interface Abilities {
  /** The name it gives itself; for logs, never for decisions. */
  readonly name: string
  /** RFC 2920 */
  readonly pipelining: boolean
  /** RFC 3030 */
  readonly chunking: boolean
  /** RFC 3030 */
  readonly binaryMime: boolean
  /** RFC 6152 */
  readonly eightBitMime: boolean
  /** RFC 6531 */
  readonly smtputf8: boolean
  /** RFC 3461 */
  readonly dsn: boolean
  /** RFC 3207 */
  readonly startTls: boolean
  /** RFC 1870 §4: bytes; 0: announced without a limit; undefined: SIZE was not announced. */
  readonly size: number | undefined
  /** RFC 4954 §3: SASL mechanisms in upper case. */
  readonly auth: readonly string[]
  readonly limits: Limits
}

/** RFC 9422 §4; Infinity where the host named none. */
export interface Limits {
  /** Transactions of one connection. */
  readonly mails: number
  /** Recipients of one transaction. */
  readonly recipients: number
  /** Different domains among them. */
  readonly domains: number
}

export const NO_LIMITS: Limits = { mails: Infinity, recipients: Infinity, domains: Infinity }

/** RFC 5321 §4.1.1.1: the first line is the name, each further one a keyword with its parameters. Unknown and malformed ones are passed over. */
export function parseAbilities(reply: Reply): Abilities {
  const [greeting, ...lines] = reply.text
  const found = new Map<string, string>()
  for (const line of lines) {
    // "AUTH=LOGIN" is an old spelling of "AUTH LOGIN" that some hosts still add.
    const [, keyword, parameters] = /^([A-Za-z0-9][A-Za-z0-9-]*)[ =]?(.*)$/.exec(line) ?? []
    if (keyword === undefined) continue
    const known = found.get(keyword.toUpperCase())
    found.set(keyword.toUpperCase(), known === undefined ? (parameters ?? '') : `${known} ${parameters}`)
  }
  return {
    name: greeting?.split(' ', 1)[0] ?? '',
    pipelining: found.has('PIPELINING'),
    chunking: found.has('CHUNKING'),
    binaryMime: found.has('BINARYMIME'),
    eightBitMime: found.has('8BITMIME'),
    smtputf8: found.has('SMTPUTF8'),
    dsn: found.has('DSN'),
    startTls: found.has('STARTTLS'),
    size: parseSize(found.get('SIZE')),
    auth: words(found.get('AUTH')?.toUpperCase()),
    limits: parseLimits(found.get('LIMITS')),
  }
}

/** RFC 5321 §4.1.4: a host that knows only HELO has no extensions. */
export function withoutExtensions(reply: Reply): Abilities {
  return parseAbilities({ ...reply, text: reply.text.slice(0, 1) })
}

function words(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(' ').filter(word => word !== '')
}

function parseSize(parameter: string | undefined): number | undefined {
  if (parameter === undefined) return undefined
  return /^\d{1,15}$/.test(parameter.trim()) ? Number(parameter) : 0
}

/** RFC 9422 §3: LIMITS SP limit-name "=" limit-value ...; §4: all three values are 1 to 6 digits, never 0. */
function parseLimits(parameters: string | undefined): Limits {
  const limits = { ...NO_LIMITS }
  for (const word of words(parameters)) {
    const [, name, value] = /^([A-Za-z0-9-]+)=([1-9]\d{0,5})$/.exec(word) ?? []
    if (name === undefined) continue
    if (name.toUpperCase() === 'MAILMAX') limits.mails = Number(value)
    if (name.toUpperCase() === 'RCPTMAX') limits.recipients = Number(value)
    if (name.toUpperCase() === 'RCPTDOMAINMAX') limits.domains = Number(value)
  }
  return limits
}

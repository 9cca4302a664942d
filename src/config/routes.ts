/** The routes of a configuration: what a user writes, checked, and turned into the rules of `settings.ts`. */
import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import type { Deliver } from './define.ts'
import { path, secretFile } from './files.ts'
import { isDeliver } from './functions.ts'
import type { Machine } from './machine.ts'
import type { Route, RouteRule } from './settings.ts'
import {
  account,
  choice,
  count,
  duration,
  host,
  known,
  leaf,
  list,
  object,
  pattern,
  port,
  rate,
  text,
} from './values.ts'

const DESTINATIONS = ['mailbox', 'mx', 'relay', 'lmtp', 'refuse', 'deliver'] as const

/** First match wins; `index` of a function route is its place in this list. */
export function routesSchema(machine: Machine) {
  return list(ruleSchema(machine), "a list like [{ to: '*', mx: true }]")
    .min(1, { error: "is empty; write for example [{ to: '*', mx: true }]" })
    .transform(rules => rules.map((rule, index): RouteRule => ({ to: [rule.to].flat(), route: routeOf(rule, index) })))
}

function ruleSchema(machine: Machine) {
  return object(
    {
      to: recipients(),
      mailbox: mailbox()
        .optional()
        .meta({ description: "`true`: each recipient's own mailbox; an account: all of it into that one." }),
      mx: mx()
        .optional()
        .meta({ type: 'true or object', description: "The mail exchangers of the recipient's domain." }),
      relay: relay(machine).optional().meta({ type: 'object', description: 'A smarthost.' }),
      lmtp: lmtp(machine)
        .optional()
        .meta({ type: 'object', description: 'LMTP (RFC 2033) to a host and port, or to a Unix socket.' }),
      refuse: refuse()
        .optional()
        .meta({ type: 'text or object', description: 'Refused, with 550 5.7.1 and this text, or with this reply.' }),
      deliver: deliver().optional().meta({ description: 'Your own async function; in `.ts` and `.mjs` files only.' }),
      lifetime: duration({ min: 10_000, max: 365 * 86_400_000 })
        .optional()
        .meta({ description: "Until an undelivered message is given up, instead of the queue's." }),
      concurrency: count({ min: 1, max: 1000 })
        .optional()
        .meta({ description: "Simultaneous deliveries to one destination, instead of the queue's." }),
      rate: rate()
        .optional()
        .meta({ description: 'Messages to one destination: a number per second, or text; without it no limit.' }),
    },
    "an object like { to: '*', mx: true }",
  ).refine(rule => destinationsOf(rule).length === 1, {
    when: ({ value }) => typeof value === 'object' && value !== null,
    error: issue => destinationTrouble(destinationsOf(issue.input)),
  })
}

type Rule = z.output<ReturnType<typeof ruleSchema>>

function destinationsOf(rule: unknown): string[] {
  if (typeof rule !== 'object' || rule === null) return []
  const given = new Map(Object.entries(rule))
  return DESTINATIONS.filter(key => given.get(key) !== undefined)
}

function destinationTrouble(given: readonly string[]): string {
  return given.length === 0
    ? `says not where to; write exactly one of ${DESTINATIONS.join(', ')}`
    : `goes to ${given.join(' and ')} at once; write exactly one of them`
}

function routeOf(rule: Rule, index: number): Route {
  const limits = { lifetime: rule.lifetime, concurrency: rule.concurrency, rate: rule.rate }
  if (rule.mailbox !== undefined)
    return { ...limits, via: 'mailbox', account: rule.mailbox === true ? undefined : rule.mailbox }
  if (rule.mx !== undefined) return { ...limits, via: 'mx', ...rule.mx }
  if (rule.relay !== undefined) return { ...limits, via: 'relay', ...rule.relay }
  if (rule.lmtp !== undefined) return { ...limits, via: 'lmtp', to: rule.lmtp }
  if (rule.refuse !== undefined) return { ...limits, via: 'refuse', ...rule.refuse }
  return { ...limits, via: 'function', index }
}

function recipients() {
  const several = list(pattern(), "a list like ['example.org', '*.example.org']").min(1, {
    error: "is empty; write for example '*'",
  })
  return z.union([several, pattern()]).meta({
    type: 'pattern or list',
    description: "Recipients: `'*'`, `'example.org'`, `'*.example.org'`, `'user@example.org'`.",
  })
}

function mailbox() {
  const words = { type: 'true or account', is: 'a mailbox', write: "true or an account like 'anna@example.org'" }
  return leaf<true | string, true | string>(words, input =>
    input === true ? { ok: true } : known(typeof input === 'string' ? account().safeParse(input).data : undefined),
  )
}

function mx() {
  const options = object(
    {
      tls: choice(['none', 'opportunistic', 'required'])
        .prefault('opportunistic')
        .meta({ description: '`opportunistic`: TLS without checking the certificate, plain text when there is none.' }),
      port: port().prefault(25).meta({ description: 'For test networks.' }),
    },
    'true or an object like { port: 25 }',
  )
  return z
    .union([z.literal(true), options], { error: 'write true or an object like { port: 25 }' })
    .transform(value => (value === true ? { tls: 'opportunistic' as const, port: 25 } : value))
}

function relay(machine: Machine) {
  return object(
    {
      host: host().meta({ description: 'Its name or address.' }),
      port: port().prefault(587).meta({ description: '587 is for submission with login (RFC 6409).' }),
      tls: choice(['none', 'opportunistic', 'required', 'implicit']).optional().meta({
        description: '`implicit`: TLS from the first byte.',
        standard: '`implicit` on port 465, otherwise `required`',
      }),
      auth: auth(machine).optional().meta({ type: 'object', description: 'How we log in there.' }),
    },
    "an object like { host: 'smtp.example.net', port: 587 }",
  )
    .transform(value => ({
      ...value,
      tls: value.tls ?? (value.port === 465 ? 'implicit' : 'required'),
      auth: value.auth,
    }))
    .refine(
      ({ auth, tls, host }) => auth === undefined || tls === 'required' || tls === 'implicit' || isLoopback(host),
      {
        path: ['tls'],
        error: "would let the password be read on its way; write 'required', or 'implicit' on port 465",
      },
    )
}

function auth(machine: Machine) {
  return object(
    {
      user: text('a user name', "text like 'anna'").meta({ description: 'Our name there.' }),
      pass: password().optional().meta({ description: 'The password.' }),
      passFile: secretFile(machine)
        .optional()
        .meta({ description: 'A file that holds the password, instead of `pass`.' }),
    },
    "an object like { user: 'anna', passFile: 'password.txt' }",
  ).transform(({ user, pass, passFile }, context) => {
    const secret = pass ?? passFile
    if (secret !== undefined && (pass === undefined || passFile === undefined)) return { user, pass: secret }
    context.issues.push({
      code: 'custom',
      message: 'needs either pass or passFile; write exactly one of them',
      input: user,
    })
    return z.NEVER
  })
}

/** The error does not show what was found: it goes into logs. */
function password() {
  const words = { type: 'text', is: 'a password', write: 'the password as text' }
  return leaf<string, string>(words, input =>
    typeof input === 'string' && input !== '' ? { ok: input } : { wrong: 'is not a password; write it as text' },
  )
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  return (
    host.toLowerCase() === 'localhost' || (isIP(host) > 0 && LOOPBACK.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6'))
  )
}

function lmtp(machine: Machine) {
  return object(
    {
      host: host().optional().meta({ description: 'Its name or address.' }),
      port: port().optional().meta({ description: 'Together with `host`.' }),
      path: path(machine, 'the path of a Unix socket', "text like '/run/lmtp.sock'")
        .optional()
        .meta({ description: 'A Unix socket.' }),
    },
    "an object like { host: '127.0.0.1', port: 24 } or { path: '/run/lmtp.sock' }",
  ).transform(({ host, port, path }, context) => {
    if (path !== undefined && host === undefined && port === undefined) return { path }
    if (path === undefined && host !== undefined && port !== undefined) return { host, port }
    context.issues.push({
      code: 'custom',
      message: 'needs either host and port or path; write one of them',
      input: path,
    })
    return z.NEVER
  })
}

function refuse() {
  const reply = object(
    {
      code: count({ min: 400, max: 599 }).prefault(550).meta({ description: 'RFC 5321 §4.2.' }),
      status: text('an enhanced status code', "text like '5.7.1'").prefault('5.7.1').meta({ description: 'RFC 3463.' }),
      text: text('the text of a reply', "text like 'We take no mail for this address'").meta({
        description: 'What the sender reads.',
      }),
    },
    "text or an object like { code: 550, status: '5.7.1', text: 'No' }",
  )
  return z
    .union([reply, z.string()], {
      error: "write the text of the reply or an object like { code: 550, status: '5.7.1', text: 'No' }",
    })
    .transform((value, context) => {
      const said = typeof value === 'string' ? { code: 550, status: '5.7.1', text: value } : value
      const trouble = replyTrouble(said)
      if (trouble === undefined) return said
      context.issues.push({ code: 'custom', message: trouble, input: value })
      return z.NEVER
    })
}

function replyTrouble({ code, status, text }: { code: number; status: string; text: string }): string | undefined {
  // RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets.
  if (!/^[\x20-\x7e]{1,400}$/.test(text))
    return 'has a text that no reply can carry; write 1 to 400 characters of printable ASCII'
  // RFC 3463 §2: status-code = class "." subject "." detail; RFC 2034 §4: the class agrees with the first digit of the code.
  if (!/^[45]\.\d{1,3}\.\d{1,3}$/.test(status))
    return `has ${JSON.stringify(status)} for status; write text like '5.7.1'`
  return status[0] === String(code)[0]
    ? undefined
    : `has code ${code} with status ${status}; both must begin with 4 or both with 5`
}

function deliver() {
  const words = {
    type: 'function',
    is: 'a function',
    write: "async message => ({ is: 'delivered' }) in a .ts or .mjs file",
  }
  return leaf<Deliver, Deliver>(words, input => known(isDeliver(input) ? input : undefined))
}

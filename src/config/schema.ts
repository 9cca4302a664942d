/**
 * The configuration as a user writes it, checked and turned into `Settings`: each section is one zod schema whose output is that part of
 * the settings. `define.ts` holds the same shape as types; `document.ts` prints it. Only the main thread loads this.
 * What two keys must be together is checked when each of them alone is right.
 */
import { z } from 'zod'
import type { LimitsConfig } from './define.ts'
import { explain, show } from './explain.ts'
import { certificateFile, keyFile, path } from './files.ts'
import type { Machine } from './machine.ts'
import { routesSchema } from './routes.ts'
import type { Limits, Listener, ListenerKind, Settings } from './settings.ts'
import {
  address,
  choice,
  count,
  duration,
  flag,
  isFullName,
  LONGEST_TIMER,
  leaf,
  list,
  network,
  object,
  port,
  resolver,
  size,
  text,
} from './values.ts'

const MB = 1024 * 1024
const SECOND = 1000
const YEAR = 365 * 86_400_000
const TIMER = { min: SECOND, max: LONGEST_TIMER }
const NETWORKS = "a list like ['10.1.2.0/24']"

/** What is not in the file: told by the one who starts us. */
export interface Circumstances {
  /** The configuration file, when it may hold functions. */
  readonly functionsFrom: string | undefined
  readonly dev: boolean
}

/** From what a user writes to `Settings`. */
export function settingsSchema(machine: Machine, { functionsFrom, dev }: Circumstances) {
  return configSchema(machine).transform((config): Settings => {
    const calls = config.routes.some(({ route }) => route.via === 'function')
    return { ...config, user: config.user, tls: config.tls, functionsFrom: calls ? functionsFrom : undefined, dev }
  })
}

export function configSchema(machine: Machine) {
  return object(
    {
      hostname: hostname(machine),
      data: path(machine, 'the name of a folder', "text like './data'")
        .prefault('./data')
        .meta({ description: 'The data folder, relative to the configuration file.' }),
      user: text('the name of a user', "text like 'staffetta'").optional().meta({
        description: 'The user whose rights remain after the ports are bound.',
        standard: 'the one who starts the server',
      }),
      threads: count({ min: 1, max: 15 }) // ids name the thread that gave them, in four bits; one is for what comes by the command line
        .prefault(Math.min(15, Math.max(1, machine.cores)))
        .meta({ description: 'Protocol threads.', standard: 'the processor cores, at most 15' }),
      relayFrom: networks('refused').meta({
        description: 'Addresses and networks that may relay without login. Without entries nobody may.',
      }),
      cleartextLoginFrom: networks('allowed').meta({
        description: 'Addresses and networks that may log in without TLS; for test rigs.',
      }),
      listeners: listeners(machine),
      tls: tls(machine)
        .optional()
        .meta({ description: 'Without this section a self-signed certificate is made in the data folder.' }),
      dns: object(
        {
          servers: list(resolver(), "a list like ['127.0.0.1:53']", 16).prefault([]).meta({
            type: 'list of addresses',
            description: "Resolvers: `'127.0.0.1'`, `'127.0.0.1:53'`, `'[::1]:53'`.",
            standard: "the system's",
          }),
        },
        "an object like { servers: ['127.0.0.1:53'] }",
      ).prefault({}),
      limits: limits(),
      queue: queue(),
      routes: routesSchema(machine)
        .prefault([{ to: '*', mx: true }])
        .meta({
          description:
            "Where mail goes. The first match wins; the own domains come before all routes, unless a route names them. Each route has `to` and exactly one of `mailbox`, `mx`, `relay`, `lmtp`, `refuse`, `deliver`. Default: `[{ to: '*', mx: true }]`.",
        }),
      timeline: object(
        {
          maxAge: duration({ min: SECOND, max: 10 * YEAR })
            .prefault('30 days')
            .meta({ description: 'How long the history of messages and refusals is kept.' }),
          maxSize: size({ min: MB, max: MB ** 2 })
            .prefault('1 GB')
            .meta({ description: 'How large it may become; then the oldest goes first.' }),
        },
        "an object like { maxAge: '30 days' }",
      ).prefault({}),
      log: object(
        {
          level: choice(['debug', 'info', 'warn', 'error', 'silent'])
            .prefault('info')
            .meta({ description: 'What is less important than this is not written.' }),
          file: path(machine, 'the name of a file', "text like 'staffetta.log'")
            .optional()
            .meta({ description: 'Where the log goes.', standard: 'standard output' }),
        },
        "an object like { level: 'info' }",
      )
        .transform(({ level, file }) => ({ level, file }))
        .prefault({}),
    },
    "an object like { hostname: 'mx1.example.org' }",
  )
}

function hostname(machine: Machine) {
  const write = "the name that others find this server by, for example 'mx1.example.org'"
  return leaf<string, string>({ type: 'domain name', is: 'a full name in DNS', write }, input => {
    if (typeof input === 'string' && isFullName(input)) return { ok: input.toLowerCase() }
    if (input !== machine.hostname) return undefined
    return { wrong: `this machine calls itself ${show(input)}, which is not a full name in DNS; write ${write}` }
  })
    .prefault(machine.hostname)
    .meta({
      description: 'Our name: the greeting, EHLO, Received, Message-ID and reports say it.',
      standard: "the machine's, when that is a full name",
    })
}

function networks(everyone: 'allowed' | 'refused') {
  return list(network(everyone), NETWORKS).prefault([]).meta({ type: 'list of networks' })
}

const KINDS = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s'] as const

function listeners(machine: Machine) {
  const one = (kind: ListenerKind) =>
    oneOrMany(listener(machine, kind)).optional().meta({ type: 'object or list', alike: true })
  return object(
    {
      smtp: one('smtp').meta({ description: 'From other mail servers, usually port 25.' }),
      submission: one('submission').meta({
        description: 'From mail clients and programs: STARTTLS and login, usually port 587.',
      }),
      submissions: one('submissions').meta({
        description: 'From mail clients and programs: TLS from the first byte and login, usually port 465.',
      }),
      lmtp: one('lmtp').meta({ description: 'LMTP (RFC 2033), from a program that hands over mail for mailboxes.' }),
      imap: one('imap').meta({
        description: 'IMAP: mailboxes for mail clients. STARTTLS and login, usually port 143.',
      }),
      imaps: one('imaps').meta({ description: 'IMAP: TLS from the first byte and login, usually port 993.' }),
      pop3: one('pop3').meta({
        description: 'POP3, for programs that fetch the mail of INBOX. STLS and login, usually port 110.',
      }),
      pop3s: one('pop3s').meta({ description: 'POP3: TLS from the first byte and login, usually port 995.' }),
    },
    'an object like { smtp: { port: 25 } }',
    ['http'],
  )
    .prefault({
      smtp: { port: 25 },
      submission: { port: 587 },
      submissions: { port: 465 },
      imap: { port: 143 },
      imaps: { port: 993 },
      pop3s: { port: 995 },
    })
    .meta({
      description:
        'Where we listen. Without this section: smtp on 25, submission on 587, submissions on 465, imap on 143, imaps on 993, pop3s on 995. Nobody can log in without TLS, but from `cleartextLoginFrom`.',
    })
    .transform((kinds, context): Listener[] => {
      const all = KINDS.flatMap(kind => [kinds[kind] ?? []].flat(2))
      const trouble = all.length === 0 ? 'is empty; write for example { smtp: { port: 25 } }' : twice(all)
      // A key that is not known has been complained of; then this would only confuse.
      if (trouble !== undefined && context.issues.length === 0) {
        context.issues.push({ code: 'custom', message: trouble, input: kinds })
      }
      return all
    })
}

function oneOrMany<T extends z.ZodType>(item: T) {
  const error = 'write an object like { port: 25 } or a list of such'
  return z.union([list(item, 'a list like [{ port: 25 }]', 100), item], { error })
}

function listener(machine: Machine, kind: ListenerKind) {
  const several = list(address(), "a list like ['127.0.0.1', '::1']", 100).min(1, {
    error: "is empty; write for example ['127.0.0.1']",
  })
  return object(
    {
      port: port().optional().meta({ description: 'Needed, unless there is a `path`.' }),
      host: z.union([several, address()]).optional().meta({
        type: 'address or list',
        description: 'Where to listen.',
        standard: "all, IPv4 and IPv6; for lmtp `'127.0.0.1'`",
      }),
      path: path(machine, 'the path of a Unix socket', "text like 'lmtp.sock'").optional().meta({
        description: 'A Unix socket, instead of `port`; lmtp only. The rights of its folder decide who may connect.',
      }),
      proxyFrom: networks('allowed').meta({
        description: 'Addresses and networks whose connections start with a PROXY protocol header.',
      }),
    },
    'an object like { port: 25 }',
  ).transform(({ port, host, path, proxyFrom }, context): Listener[] => {
    if (path !== undefined && port === undefined && host === undefined && kind === 'lmtp')
      return [{ kind, proxyFrom, on: 'unix', path }]
    if (path === undefined && port !== undefined) {
      return [host ?? everywhere(machine, kind)].flat().map(host => ({ kind, proxyFrom, on: 'tcp', host, port }))
    }
    const write = kind === 'lmtp' ? 'write either port (and host) or path' : 'write a port (a path is for lmtp only)'
    context.issues.push({ code: 'custom', message: `does not say where to listen; ${write}`, input: port })
    return z.NEVER
  })
}

/** LMTP knows no login, so it is not for everyone (RFC 2033 §5). */
function everywhere(machine: Machine, kind: ListenerKind): string[] {
  if (kind === 'lmtp') return ['127.0.0.1']
  return machine.ipv6 ? ['0.0.0.0', '::'] : ['0.0.0.0']
}

function twice(all: readonly Listener[]): string | undefined {
  const seen = new Map<string, string>()
  for (const one of all) {
    const place = one.on === 'unix' ? one.path : `${one.host}:${one.port}`
    const other = seen.get(place)
    if (other !== undefined) return `has ${place} twice, for ${other} and ${one.kind}; write different ports`
    seen.set(place, one.kind)
  }
  return undefined
}

function tls(machine: Machine) {
  return object(
    {
      cert: certificateFile(machine).meta({
        description: 'PEM: the certificate and those between it and its authority.',
      }),
      key: keyFile(machine).meta({ description: 'PEM: the private key.' }),
      minVersion: choice(['TLSv1.2', 'TLSv1.3'])
        .prefault('TLSv1.2')
        .meta({ description: 'Older versions are refused.' }),
    },
    "an object like { cert: 'fullchain.pem', key: 'key.pem' }",
    ['acme'],
  )
    .refine(({ cert, key }) => cert.certificate.checkPrivateKey(key.key), {
      path: ['key'],
      error: 'does not belong to the certificate in tls.cert',
    })
    .transform(({ cert, key, minVersion }) => ({ cert: cert.path, key: key.path, minVersion }))
}

/** For programs that use only the SMTP server. Throws a TypeError that says all that is wrong. */
export function checkLimits(config: LimitsConfig): Limits {
  const checked = limits().safeParse(config)
  if (checked.success) return checked.data
  const wrong = explain(checked.error.issues).map(({ path: key, text: what }) => `limits.${key.join('.')}: ${what}`)
  throw new TypeError(wrong.join('; '))
}

function limits() {
  return object(
    {
      messageSize: size({ min: 64 * 1024, max: 2 ** 31 - 1, source: 'RFC 5321 §4.5.3.1.7' })
        .prefault('50 MB')
        .meta({ description: 'One message, as announced by SIZE (RFC 1870).' }),
      recipients: count({ min: 100, max: 100_000, source: 'RFC 5321 §4.5.3.1.8' })
        .prefault(1000)
        .meta({ description: 'Recipients of one message; at least 100 (RFC 5321 §4.5.3.1.8).' }),
      connections: count({ min: 1, max: 1_000_000 })
        .prefault(10_000)
        .meta({ description: 'Sessions in all. An idle one costs little memory, so many clients may stay connected.' }),
      // Postfix allows 50; an office or a mobile carrier behind one IPv4 address, or a large provider's pool, needs more.
      connectionsPerSource: count({ min: 1, max: 1_000_000 }).prefault(100).meta({
        description:
          'Sessions of one source (an IPv4 address or an IPv6 /64): enough for an office behind one address, too few for one source to take all.',
      }),
      idleTimeout: duration(TIMER).prefault('5 min').meta({
        description:
          'Without a byte from the client while a command is awaited (RFC 5321 §4.5.3.2.7); on IMAP and POP3 before the login.',
      }),
      mailboxIdleTimeout: duration(TIMER).prefault('30 min').meta({
        description:
          'Without a byte from a client of IMAP or POP3 that is logged in (RFC 9051 §5.4: at least 30 minutes; RFC 1939 §3: at least 10).',
      }),
      // The largest message at the default size, over a line of half a megabit per second.
      messageTimeout: duration(TIMER).prefault('15 min').meta({ description: 'For a whole message content.' }),
      sessionTimeout: duration(TIMER).prefault('1 hour').meta({
        description: 'For a whole session of SMTP, submission or LMTP; for IMAP and POP3 until the login.',
      }),
      messagesPerSession: count({ min: 1, max: 1_000_000_000 })
        .prefault(10_000)
        .meta({ description: 'Messages in one session.' }),
      errors: count({ min: 1, max: 1_000_000 })
        .prefault(20)
        .meta({ description: 'Refusals in one session (4xx and 5xx replies, NO, BAD, -ERR) before we hang up.' }),
      idleCommands: count({ min: 1, max: 1_000_000 }).prefault(100).meta({
        description: 'Commands in one session that move no mail (NOOP, RSET, VRFY, repeated EHLO) before we hang up.',
      }),
      authFailures: count({ min: 1, max: 1_000_000 })
        .prefault(10)
        .meta({ description: 'Failed log-ins of one source in ten minutes before AUTH is refused for a while.' }),
      hops: count({ min: 100, max: 1000, source: 'RFC 5321 §6.3' }).prefault(100).meta({
        description: 'Received fields in a message before it is taken for a loop; at least 100 (RFC 5321 §6.3).',
      }),
      receiveMemory: size({ min: MB, max: MB ** 2 })
        .prefault('128 MB')
        .meta({ description: 'Memory for messages while they are being received, over all threads.' }),
    },
    "an object like { messageSize: '50 MB' }",
  ).prefault({})
}

function queue() {
  return object(
    {
      lifetime: duration({ min: 10 * SECOND, max: YEAR })
        .prefault('5 days')
        .meta({ description: 'Until an undelivered message is given up (RFC 5321 §4.5.4.1: at least 4 to 5 days).' }),
      delayNotice: duration({ min: 0, max: YEAR })
        .prefault('4 hours')
        .meta({ description: 'Until the sender hears of a delay; 0: never.' }),
      retryFirst: duration({ min: SECOND, max: YEAR })
        .prefault('5 min')
        .meta({ description: 'Until the first retry; then doubled up to the longest.' }),
      retryLongest: duration({ min: SECOND, max: YEAR })
        .prefault('4 hours')
        .meta({ description: 'The longest time between two retries.' }),
      hold: flag().prefault(false).meta({ description: 'Accept, but hold everything.' }),
      memory: size({ min: MB, max: MB ** 2 })
        .prefault('64 MB')
        .meta({ description: 'Memory for accepted messages that wait for delivery; the others wait on disk.' }),
      concurrency: count({ min: 1, max: 1000 })
        .prefault(20)
        .meta({ description: 'Simultaneous deliveries to one destination, unless its route says otherwise.' }),
    },
    "an object like { lifetime: '5 days' }",
  )
    .refine(({ retryFirst, retryLongest }) => retryFirst <= retryLongest, {
      path: ['retryFirst'],
      error: 'is longer than queue.retryLongest; write a shorter time',
    })
    .refine(({ retryFirst, lifetime }) => retryFirst < lifetime, {
      path: ['lifetime'],
      error: 'is over before the first retry; write a longer time than queue.retryFirst',
    })
    .prefault({})
}

/** `staffetta send`: a client that hands a message in and shows what was said. */
import type { Command } from 'commander'
import { randomInt } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { basename } from 'node:path'
import type { Route, TlsPolicy } from '../config/settings.ts'
import { createDelivery } from '../delivery/deliver.ts'
import { createResolver } from '../dns/client.ts'
import { type Address, formatAddress, isAsciiAddress, parseAddress, parseDomain } from '../mail/address.ts'
import type { Envelope, Notify, Recipient } from '../mail/envelope.ts'
import type { Outcome } from '../mail/outcome.ts'
import { hasNonAsciiHeader, needs } from '../mail/seven-bit.ts'
import { createNetwork } from '../net/dial.ts'
import { EXIT, usage } from './access.ts'
import { addressOf } from './addresses.ts'
import { compose } from './compose.ts'
import { type Line, listeningNetwork } from './dialogue.ts'
import { hostAndPort } from './host.ts'
import { readInput, readInputFile } from './input.ts'
import { askPassword, passwordFromStdin } from './password.ts'
import { replyText } from '../log/events.ts'
import { styled, type Terminal, terminal, widthOf, wrap } from './table.ts'
import { printJson } from './words.ts'

/** The smtp port of `staffetta dev`. */
const DEV = { host: 'localhost', port: 2525 } as const
/** Bytes of a message, and of a certificate. */
const MESSAGE_MOST = 256 * 1024 * 1024
const PEM_MOST = 1024 * 1024

interface SendOptions {
  readonly from?: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly subject?: string
  readonly body?: string
  readonly file?: string
  readonly raw?: true
  readonly html?: string
  readonly attach: readonly string[]
  readonly header: readonly string[]
  readonly server?: string
  readonly mx?: true
  readonly dns?: string
  readonly tls?: string
  readonly ca?: string
  readonly insecure?: true
  readonly user?: string
  readonly passwordStdin?: true
  readonly notify?: string
  readonly ehlo?: string
  readonly verbose?: true
  readonly quiet?: true
  readonly json?: true
}

const each = (value: string, all: readonly string[]): readonly string[] => [...all, value]

export function addSend(root: Command): void {
  root
    .command('send')
    .description('hand a message in, to the dev server on localhost:2525 or any other, and show what was said')
    .option('--to <address>', 'a recipient; may be repeated', each, [])
    .option('--cc <address>', 'a further one; may be repeated', each, [])
    .option('--bcc <address>', 'one that the others do not see; may be repeated', each, [])
    .option('--from <address>', "the sender; '' for none (default: --user, or you on this machine)")
    .option('--subject <text>', 'the subject')
    .option('--body <text>', 'the text (default: the standard input)')
    .option('--file <file>', 'a file that holds the text')
    .option('--html <file>', 'a file that holds the text as HTML')
    .option('--attach <file>', 'a file to go with it; may be repeated', each, [])
    .option("--header <'Name: value'>", 'a further field of the header; may be repeated', each, [])
    .option('--raw', 'the standard input, or --file, is the whole message with its header (RFC 5322)')
    .option('--server <host[:port]>', 'where to (default: localhost:2525, the dev server)')
    .option('--mx', "where to: the mail exchangers of the recipients' domains")
    .option('--dns <server>', 'whom to ask for names (default: as this machine does)')
    .option('--tls <how>', 'none, opportunistic, required or implicit (default: opportunistic; on port 465 implicit)')
    .option('--ca <file>', 'trusted roots in PEM, instead of the usual ones')
    .option('--insecure', 'any certificate will do')
    .option('--user <name>', 'log in; the password is asked for, or that of $STAFFETTA_PASSWORD')
    .option('--password-stdin', 'the password is the first line of the standard input')
    .option('--notify <when>', 'ask for reports: SUCCESS, FAILURE, DELAY with commas between them, or NEVER')
    .option('--ehlo <name>', 'the name we greet with (default: that of this machine)')
    .option('--verbose', 'show the content, too')
    .option('--quiet', 'show only what became of it')
    .option('--json', 'what became of it as one JSON document')
    .addHelpText(
      'after',
      `
Exit code: 0 all were accepted, 1 one was refused, 75 one should be tried again later.

  staffetta send --to anna@staffetta.test --subject Hello --body 'How are you?'
  staffetta send --to bob@example.org --mx --from anna@example.net < letter.txt
  staffetta send --to bob@example.org --server mail.example.net:465 --user anna@example.net --attach plan.pdf`,
    )
    .action(send)
}

async function send(options: SendOptions): Promise<void> {
  const to = [...options.to, ...options.cc, ...options.bcc]
  if (to.length === 0) throw usage('nobody to send it to; add --to ADDRESS')
  const recipients = to.map(
    (text): Recipient => ({
      address: addressOf(bare(text)),
      notify: notifyOf(options.notify),
      original: undefined,
    }),
  )
  const name = ehloName(options.ehlo)
  const from = options.from ?? options.user ?? `${userInfo().username}@${name.startsWith('[') ? 'localhost' : name}`
  const sender = bare(from) === '' ? '<>' : addressOf(bare(from))
  const route = await routeOf(options)
  const ca = options.ca === undefined ? undefined : (await readInputFile(options.ca, PEM_MOST)).toString()
  const bytes = await contentOf(options, from)
  const all = [...(sender === '<>' ? [] : [sender]), ...recipients.map(({ address }) => address)]
  const outcomes = await handIn(bytes, envelopeOf(bytes, sender, all), recipients, route, {
    name,
    ca,
    dns: options.dns,
    anyCertificate: options.insecure === true,
    content: options.verbose === true,
    say: options.quiet ? () => undefined : line => console.error(lineText(line, dialogueTerminal())),
  })
  if (options.json) printJson(outcomes.map((outcome, i) => outcomeJson(recipients[i], outcome)))
  else console.log(outcomesText(recipients, outcomes, terminal()))
  hint(options, outcomes)
  if (outcomes.some(({ is }) => is === 'bounced')) process.exitCode = EXIT.nothing
  else if (outcomes.some(({ is }) => is === 'deferred')) process.exitCode = EXIT.temporary
}

export interface HandIn {
  /** Our name in EHLO. */
  readonly name: string
  readonly ca: string | undefined
  readonly dns: string | undefined
  readonly anyCertificate: boolean
  readonly content: boolean
  readonly say: (line: Line) => void
}

/** One outcome for each recipient. Never rejects. */
export async function handIn(
  bytes: Uint8Array,
  envelope: Envelope,
  recipients: readonly Recipient[],
  route: Route,
  { name, ca, dns, ...dialogue }: HandIn,
): Promise<readonly Outcome[]> {
  const resolver = createResolver({
    servers: dns === undefined ? [] : [dns],
    random: below => randomInt(below),
    clock: { now: () => performance.now() },
  })
  const delivery = createDelivery({
    network: listeningNetwork(createNetwork(), dialogue),
    resolver,
    random: below => randomInt(below),
    clock: { now: () => performance.now() },
    hostname: name,
    concurrency: 1,
    ca,
    mailbox: async () => [],
    callFunction: async () => [],
  })
  const job = { id: 'send', envelope, content: { in: 'memory' as const, bytes }, recipients }
  const outcomes = await delivery.deliver(route, job)
  await delivery.close()
  resolver.close()
  return outcomes
}

/** What the bytes need is declared. */
export function envelopeOf(bytes: Uint8Array, returnPath: Envelope['returnPath'], all: readonly Address[]): Envelope {
  const body = ({ '7bit': '7BIT', '8bit': '8BITMIME', binary: 'BINARYMIME' } as const)[needs(bytes)]
  const smtputf8 = hasNonAsciiHeader(bytes) || !all.every(isAsciiAddress)
  return { returnPath, body, smtputf8, ret: undefined, envid: undefined, holdUntil: undefined }
}

/** 'anna@x' of 'Anna <anna@x>'. */
function bare(text: string): string {
  return (/<([^<>]*)>\s*$/.exec(text)?.[1] ?? text).trim()
}

/** RFC 5321 §4.1.1.1: a whole name, or an address literal. */
function ehloName(asked: string | undefined): string {
  if (asked !== undefined && parseDomain(asked) === undefined) throw usage(`"${asked}" is not a name to greet with`)
  return asked ?? parseDomain(hostname()) ?? '[127.0.0.1]'
}

/** RFC 3461 §4.1 */
function notifyOf(text: string | undefined): readonly Notify[] | undefined {
  if (text === undefined) return undefined
  const words = text.toUpperCase().split(',')
  const known = words.filter(word => word === 'SUCCESS' || word === 'FAILURE' || word === 'DELAY')
  if (text.toUpperCase() === 'NEVER') return []
  if (known.length === words.length) return [...new Set(known)]
  throw usage(`"${text}" says not when to report; write NEVER, or some of SUCCESS,FAILURE,DELAY`)
}

const POLICIES = ['none', 'opportunistic', 'required', 'implicit'] as const

function policyOf(text: string): TlsPolicy {
  const policy = POLICIES.find(each => each === text)
  if (policy === undefined) throw usage(`"${text}" is not a way to use TLS; there are ${POLICIES.join(', ')}`)
  return policy
}

async function routeOf(options: SendOptions): Promise<Route> {
  const { user, server } = options
  const limits = { lifetime: undefined, concurrency: undefined, rate: undefined }
  const tls = options.tls === undefined ? undefined : policyOf(options.tls)
  if (options.mx) {
    if (server !== undefined) throw usage('--mx and --server both say where to; give one of them')
    if (user !== undefined)
      throw usage('nobody logs in at the host of another domain; leave --user out, or name a --server')
    if (tls === 'implicit')
      throw usage('mail exchangers have no port for TLS from the first byte; write --tls required')
    return { via: 'mx', tls: tls ?? 'opportunistic', port: 25, ...limits }
  }
  const usual = tls === 'implicit' ? 465 : user === undefined ? 25 : 587
  const { host, port } = server === undefined ? DEV : hostAndPort(server, usual)
  const auth = user === undefined ? undefined : { user, pass: await passwordOf(user, options) }
  return { via: 'relay', host, port, tls: tls ?? (port === 465 ? 'implicit' : 'opportunistic'), auth, ...limits }
}

function passwordOf(user: string, { passwordStdin }: SendOptions): string | Promise<string> {
  if (passwordStdin) return passwordFromStdin()
  return process.env['STAFFETTA_PASSWORD'] ?? askPassword(`Password of ${user}: `)
}

async function contentOf(options: SendOptions, from: string): Promise<Uint8Array> {
  const { subject, body, file, html, attach } = options
  if (body !== undefined && file !== undefined) throw usage('--body and --file both give the text; give one of them')
  const given = body ?? (file === undefined ? await inputOf(options) : await readInputFile(file, MESSAGE_MOST))
  if (options.raw) return wholeMessage(Buffer.from(given ?? ''))
  return compose({
    from,
    to: options.to,
    cc: options.cc,
    subject,
    text: given?.toString() ?? (html === undefined ? '' : undefined),
    html: html === undefined ? undefined : (await readInputFile(html, MESSAGE_MOST)).toString(),
    attachments: await Promise.all(
      attach.map(async path => ({ filename: basename(path), content: await readInputFile(path, MESSAGE_MOST) })),
    ),
    headers: options.header.map(fieldOf),
  })
}

/** The standard input, unless it is the keyboard or holds the password. */
function inputOf({ passwordStdin, html }: SendOptions): Promise<Buffer> | undefined {
  return process.stdin.isTTY || passwordStdin || html !== undefined ? undefined : readInput(MESSAGE_MOST)
}

/** Files on disk end their lines as the system does; on the wire it is CRLF (RFC 5321 §2.3.8). */
function wholeMessage(bytes: Buffer): Uint8Array {
  if (!/^[!-9;-~]+[ \t]*:/.test(bytes.subarray(0, 1000).toString('latin1')))
    throw usage('with --raw the message begins with its header, for example "Subject: Hello"; this one does not')
  return Buffer.from(bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')
}

function fieldOf(text: string): { key: string; value: string } {
  const [, key, value] = /^([!-9;-~]+):\s*(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) throw usage(`"${text}" is not a field; write it like 'X-Test: yes'`)
  return { key, value }
}

/** The dialogue goes to the standard error, so that the standard output holds only what became of the message. */
function dialogueTerminal(): Terminal {
  const { isTTY, columns } = process.stderr
  return { width: isTTY ? columns : Number.POSITIVE_INFINITY, colours: isTTY && !process.env['NO_COLOR'] }
}

function lineText({ by, text }: Line, on: Terminal): string {
  const clean = wrap(text, on.width, '   ', 3)
  if (by === 'note') return styled(`*  ${clean}`, 'dim', on)
  return by === 'client' ? `C: ${clean}` : styled(`S: ${clean}`, /^[45]/.test(clean) ? 'red' : 'cyan', on)
}

const WORD = {
  delivered: { word: 'accepted', style: 'green' },
  deferred: { word: 'not now', style: 'yellow' },
  bounced: { word: 'refused', style: 'red' },
} as const

function outcomesText(recipients: readonly Recipient[], outcomes: readonly Outcome[], on: Terminal): string {
  const names = recipients.map(({ address }) => formatAddress(address))
  const widest = Math.min(40, Math.max(...names.map(widthOf)))
  return outcomes
    .map((outcome, i) => {
      const { word, style } = WORD[outcome.is]
      const name = names[i] ?? ''
      const start = `${name.padEnd(widest)}  ${word.padEnd(8)}  `
      const said = wrap(saidText(outcome), on.width, ' '.repeat(4), start.length)
      return `${name.padEnd(widest)}  ${styled(word.padEnd(8), style, on)}  ${said}`
    })
    .join('\n')
}

function saidText(outcome: Outcome): string {
  if (outcome.reply) return replyText(outcome.reply)
  return outcome.is === 'delivered' ? '' : `${outcome.status} ${outcome.reason}`
}

function outcomeJson(recipient: Recipient | undefined, outcome: Outcome): object {
  const { is, to = null, reply } = outcome
  const why = is === 'delivered' ? {} : { status: outcome.status, reason: outcome.reason }
  return {
    recipient: recipient && formatAddress(recipient.address),
    is: WORD[is].word,
    to,
    reply: reply === undefined ? null : replyText(reply),
    ...why,
  }
}

/** What to do about it, where that can be told. */
function hint({ server, mx }: SendOptions, outcomes: readonly Outcome[]): void {
  const reason = outcomes.flatMap(outcome => (outcome.is === 'deferred' ? [outcome.reason] : []))[0] ?? ''
  if (server === undefined && !mx && reason === 'connection refused')
    console.error('No dev server is running here: start one with npm start, or name another one with --server or --mx.')
  if (/certificate|self.signed|altname/i.test(reason))
    console.error('The certificate is not trusted: name its authority with --ca FILE, or add --insecure for a test.')
  if (reason === 'the password is not sent without TLS')
    console.error('The host offers no TLS: add --tls none if the password may go there in the clear.')
}

export function recipientsOf(texts: readonly string[]): Recipient[] {
  return texts.flatMap(text => {
    const address = parseAddress(text, { smtputf8: true })
    return address ? [{ address, notify: undefined, original: undefined }] : []
  })
}

/**
 * The client's side of SMTP (RFC 5321) and LMTP (RFC 2033): a state and an event give the next state and effects. It has no socket:
 * `delivery/session.ts` binds it to one.
 *
 * A connection goes greeting → hello → (starttls → handshake → hello) → (auth) → ready, and from there round and round through
 * envelope → (data) → content → (reset) → ready, until quit or over.
 */
import type { TlsPolicy } from '../config/settings.ts'
import { loginResponses } from '../sasl/login.ts'
import { plainResponse } from '../sasl/plain.ts'
import { type Abilities, parseAbilities, withoutExtensions } from './abilities.ts'
import * as transaction from './client-transaction.ts'
import type { Link, RecipientResult, Send, Sending, Trouble } from './client-transaction.ts'
import type { Reply } from '../mail/reply.ts'
import type { Transaction } from './transaction.ts'

export interface ClientSettings {
  readonly protocol: 'smtp' | 'lmtp'
  /** RFC 5321 §4.1.1.1: our name, or an address literal. */
  readonly name: string
  readonly tls: TlsPolicy
  readonly auth: Credentials | undefined
}

export interface Credentials {
  readonly user: string
  readonly pass: string
}

export type ClientState =
  | { readonly at: 'greeting'; readonly settings: ClientSettings; readonly secured: boolean }
  | {
      readonly at: 'hello'
      readonly settings: ClientSettings
      readonly secured: boolean
      readonly verb: 'EHLO' | 'LHLO' | 'HELO'
    }
  | { readonly at: 'starttls'; readonly settings: ClientSettings; readonly abilities: Abilities }
  | { readonly at: 'handshake'; readonly settings: ClientSettings }
  /** `responses`: what is still to be said after each 334. */
  | { readonly at: 'auth'; readonly link: Link; readonly responses: readonly string[] }
  | { readonly at: 'ready'; readonly link: Link }
  | Sending
  | { readonly at: 'reset'; readonly link: Link; readonly results: readonly RecipientResult[] }
  | { readonly at: 'quit' }
  | { readonly at: 'over'; readonly trouble: Trouble }

export type ClientEvent =
  | { readonly is: 'reply'; readonly reply: Reply }
  | { readonly is: 'secured' }
  /** Only when ready. `eager`: the content may go out before the recipients were answered. */
  | { readonly is: 'mail'; readonly mail: Transaction; readonly eager: boolean }
  | { readonly is: 'quit' }
  | { readonly is: 'lost'; readonly trouble: Trouble }

export type ClientEffect =
  | Send
  | { readonly do: 'startTls' }
  /** One result for each recipient of the transaction, in order. `ready` or `end` comes with it. */
  | { readonly do: 'done'; readonly results: readonly RecipientResult[] }
  | { readonly do: 'ready' }
  /** Close; the state `over` tells why. */
  | { readonly do: 'end' }

export interface Step {
  readonly next: ClientState
  readonly effects: readonly ClientEffect[]
}

const NONE: readonly ClientEffect[] = []
const READY: ClientEffect = { do: 'ready' }
const END: ClientEffect = { do: 'end' }
const QUIT = send('QUIT\r\n')
const MINUTE = 60_000

/** `secured`: TLS was there from the first byte. */
export function connected(settings: ClientSettings, secured: boolean): ClientState {
  return { at: 'greeting', settings, secured }
}

/** ms to wait for the host in this state (RFC 5321 §4.5.3.2); undefined: as long as the owner likes. */
export function patience(state: ClientState): number | undefined {
  switch (state.at) {
    case 'ready':
    case 'over':
      return undefined
    case 'data':
      return 2 * MINUTE // RFC 5321 §4.5.3.2.4
    case 'content':
      return 10 * MINUTE // RFC 5321 §4.5.3.2.6
    case 'handshake':
      return MINUTE
    case 'quit':
      return 10_000
    case 'greeting':
    case 'hello':
    case 'starttls':
    case 'auth':
    case 'envelope':
    case 'reset':
      return 5 * MINUTE // RFC 5321 §4.5.3.2.1 to §4.5.3.2.3
  }
}

/** Throws when the owner does what the state does not allow (`mail` and `secured` at the wrong time), never for what the host does. */
export function step(state: ClientState, event: ClientEvent): Step {
  switch (event.is) {
    case 'reply':
      // RFC 5321 §3.8: 421 may answer anything, and the host closes.
      return event.reply.code === 421 ? over(state, troubleWith('shutdown', event.reply)) : onReply(state, event.reply)
    case 'mail':
      if (state.at !== 'ready') throw new Error(`no transaction can begin at ${state.at}`)
      return proceed(state, state.link, transaction.beginTransaction(state.link, event.mail, event.eager))
    case 'secured':
      if (state.at !== 'handshake') throw new Error(`TLS cannot begin at ${state.at}`)
      return hello(state.settings, true) // RFC 3207 §4.2: what was known before is forgotten
    case 'quit':
      return state.at === 'ready' ? { next: { at: 'quit' }, effects: [QUIT] } : over(state, troubleWith('closed'))
    case 'lost':
      return over(state, event.trouble)
  }
}

function onReply(state: ClientState, reply: Reply): Step {
  switch (state.at) {
    case 'greeting':
      return reply.code === 220 ? hello(state.settings, state.secured) : leave(state, 'greeting', reply)
    case 'hello':
      return onHello(state, reply)
    case 'starttls':
      if (reply.code === 220)
        return { next: { at: 'handshake', settings: state.settings }, effects: [{ do: 'startTls' }] }
      return state.settings.tls === 'opportunistic'
        ? login(state.settings, state.abilities, false)
        : leave(state, 'tls', reply)
    case 'auth':
      return onAuth(state, reply)
    case 'envelope':
    case 'data':
    case 'content':
      return proceed(state, state.link, transaction.continueTransaction(state, reply), reply)
    case 'reset':
      if (!positive(reply)) return leave(state, 'protocol', reply) // RFC 5321 §4.1.1.5: 250 and nothing else
      return { next: { at: 'ready', link: state.link }, effects: [{ do: 'done', results: state.results }, READY] }
    case 'quit':
      return over(state, troubleWith('closed'))
    case 'handshake':
    case 'ready':
      return leave(state, 'protocol', reply) // nobody asked
    case 'over':
      return { next: state, effects: NONE }
  }
}

function hello(settings: ClientSettings, secured: boolean): Step {
  const verb = settings.protocol === 'lmtp' ? 'LHLO' : 'EHLO' // RFC 2033 §4.1
  return { next: { at: 'hello', settings, secured, verb }, effects: [send(`${verb} ${settings.name}\r\n`)] }
}

function onHello(state: ClientState & { at: 'hello' }, reply: Reply): Step {
  const { settings, verb, secured } = state
  if (positive(reply)) {
    const abilities = verb === 'HELO' ? withoutExtensions(reply) : parseAbilities(reply)
    return secured || settings.tls === 'none' ? login(settings, abilities, secured) : startTls(settings, abilities)
  }
  // RFC 5321 §3.2: a host that does not know EHLO is greeted with HELO.
  if (reply.code < 500 || verb !== 'EHLO') return leave(state, 'hello', reply)
  return { next: { ...state, verb: 'HELO' }, effects: [send(`HELO ${settings.name}\r\n`)] }
}

function startTls(settings: ClientSettings, abilities: Abilities): Step {
  if (abilities.startTls) return { next: { at: 'starttls', settings, abilities }, effects: [send('STARTTLS\r\n')] }
  return settings.tls === 'opportunistic' ? login(settings, abilities, false) : refuse('tls', 'STARTTLS is not offered')
}

function login(settings: ClientSettings, abilities: Abilities, secured: boolean): Step {
  const link: Link = { protocol: settings.protocol, abilities }
  if (settings.auth === undefined) return { next: { at: 'ready', link }, effects: [READY] }
  // RFC 4954 §4: a password goes in the clear only where the policy is `none`; whoever strips STARTTLS must not get it.
  if (!secured && settings.tls !== 'none') return refuse('auth', 'the password is not sent without TLS')
  const { user, pass } = settings.auth
  if (abilities.auth.includes('PLAIN')) {
    return { next: { at: 'auth', link, responses: [] }, effects: [send(`AUTH PLAIN ${plainResponse(user, pass)}\r\n`)] }
  }
  if (!abilities.auth.includes('LOGIN')) return refuse('auth', 'neither AUTH PLAIN nor AUTH LOGIN is offered')
  return { next: { at: 'auth', link, responses: loginResponses(user, pass) }, effects: [send('AUTH LOGIN\r\n')] }
}

/** RFC 4954 §4: 334 asks for the next response, 235 is the end. */
function onAuth(state: ClientState & { at: 'auth' }, reply: Reply): Step {
  const [response, ...responses] = state.responses
  if (reply.code === 235 && response === undefined) return { next: { at: 'ready', link: state.link }, effects: [READY] }
  if (reply.code !== 334 || response === undefined) return leave(state, 'auth', reply)
  return { next: { ...state, responses }, effects: [send(`${response}\r\n`)] }
}

function proceed(state: ClientState, link: Link, progress: transaction.Progress, reply?: Reply): Step {
  switch (progress.is) {
    case 'sending':
      return { next: progress.next, effects: progress.send === undefined ? NONE : [progress.send] }
    case 'done':
      if (progress.results.some(isAccepted)) {
        return { next: { at: 'ready', link }, effects: [{ do: 'done', results: progress.results }, READY] }
      }
      // RFC 3030 §2, RFC 5321 §4.1.1.5: clears what a failed transaction may have left behind.
      return { next: { at: 'reset', link, results: progress.results }, effects: [send('RSET\r\n')] }
    case 'unexpected':
      return over(state, troubleWith('protocol', reply)) // without QUIT, which might be taken for content
  }
}

function isAccepted(result: RecipientResult): boolean {
  return result.is === 'accepted'
}

function positive(reply: Reply): boolean {
  return reply.code < 300
}

function send(text: string): Send {
  return { do: 'send', text, content: 'none' }
}

const REASONS = {
  greeting: 'the greeting refuses service',
  hello: 'our greeting was refused',
  tls: 'STARTTLS was refused',
  auth: 'the log-in was refused',
  protocol: 'the reply fits nothing that was asked',
  shutdown: 'the host closes the connection',
  closed: 'we closed the connection',
}

function troubleWith(what: keyof typeof REASONS, reply?: Reply): Trouble {
  return { with: what === 'closed' ? 'connection' : what, reason: REASONS[what], reply }
}

/** The host answers, but not as we need it: say goodbye. */
function leave(state: ClientState, what: keyof typeof REASONS, reply: Reply | undefined): Step {
  const { next, effects } = over(state, troubleWith(what, reply))
  return { next, effects: [QUIT, ...effects] }
}

function refuse(what: Trouble['with'], reason: string): Step {
  return { next: { at: 'over', trouble: { with: what, reason, reply: undefined } }, effects: [QUIT, END] }
}

function over(state: ClientState, trouble: Trouble): Step {
  if (state.at === 'over') return { next: state, effects: NONE }
  const results = resultsWhenOver(state, trouble)
  return { next: { at: 'over', trouble }, effects: results === undefined ? [END] : [{ do: 'done', results }, END] }
}

/** undefined: no transaction is open. */
function resultsWhenOver(state: ClientState, trouble: Trouble): readonly RecipientResult[] | undefined {
  if (state.at === 'reset') return state.results
  const open = state.at === 'envelope' || state.at === 'data' || state.at === 'content'
  return open ? transaction.abandonTransaction(state, trouble) : undefined
}

/**
 * The server's side of POP3 (RFC 1939): a machine without sockets, clock or disk. An event comes in, the next session and what is to be
 * done go out; `session.ts` has the words for it.
 *
 *   connected -> greeting -> (STLS) -> USER, PASS or AUTH -> open -> STAT, LIST, UIDL, RETR, TOP, DELE ... -> QUIT -> update -> close
 *
 * A message that was marked goes only by way of QUIT: whoever vanishes before has removed nothing (RFC 1939 §6).
 */
import type { Line } from '../mail/line.ts'
import { decodeBase64, encodeBase64 } from '../sasl/base64.ts'
import { type Credentials, readName, readPassword } from '../sasl/credentials.ts'
import { begin, respond, type SaslStep } from '../sasl/mechanism.ts'
import { capabilities, mayLogIn } from './capabilities.ts'
import { type Command, parseCommand } from './command.ts'
import { isMarked, isThere, markedCount, markedUids, sizeOf, uniqueId } from './maildrop.ts'
import { follows, greeting, holds, pair, removed, type Reply, replies } from './replies.ts'
import type { Context, Effect, Event, Link, Session, Step } from './session.ts'

type At<Name extends Session['at']> = Extract<Session, { readonly at: Name }>
/** A session that awaits a command. */
type Idle = At<'authorization' | 'transaction'>

const CLOSED: Session = { at: 'closed' }
const NOTHING: readonly Effect[] = []
const EMPTY = Buffer.alloc(0)

/** Where every session starts. */
export const NEW_SESSION: Session = { at: 'new' }

/**
 * What follows from an event. Bad input of the client is answered; an event that cannot come in this session (a line while something is
 * awaited, an answer to no question) is a mistake of the loop, and thrown.
 */
export function step(session: Session, event: Event, context: Context): Step {
  if (session.at === 'closed') return { next: session, effects: NOTHING }
  switch (event.on) {
    case 'connected': {
      if (session.at !== 'new') break
      const link = { tls: event.tls, errors: 0 }
      return { next: { at: 'authorization', link, user: undefined }, effects: [say(greeting(context.hostname))] }
    }
    case 'line':
      if (session.at === 'sasl') return saslResponse(session, event.line, context)
      if (session.at === 'authorization') return authorize(session, commandOf(event.line), context)
      if (session.at === 'transaction') return transact(session, commandOf(event.line), context)
      break
    case 'opened': {
      if (session.at !== 'opening') break
      const { maildrop } = event
      const next: Session = { at: 'transaction', link: session.link, maildrop }
      return { next, effects: [say(holds(maildrop.count, maildrop.octets))] }
    }
    case 'not-opened':
      if (session.at !== 'opening') break
      return refuse({ at: 'authorization', link: session.link, user: undefined }, NOT_OPENED[event.why], context)
    case 'sent':
      if (session.at !== 'sending') break
      return sent(session)
    case 'not-sent':
      if (session.at !== 'sending') break
      return sent(session, event.why === 'gone' ? replies.gone : replies.unreadable)
    case 'updated':
      if (session.at !== 'updating') break
      return hangUp(event.removed ? removed(session.count) : replies.notRemoved)
    case 'secured':
      if (session.at !== 'securing') break
      // RFC 2595 §4: what was known from before is forgotten.
      return { next: { at: 'authorization', link: { ...session.link, tls: true }, user: undefined }, effects: NOTHING }
    case 'timeout':
      return hangUp() // RFC 1939 §3: no message is removed, and nothing is said
    case 'shutdown':
      return shutDown(session)
  }
  throw new Error(`${event.on} cannot happen in a session that is at ${session.at}`)
}

/** Whether the next line may be handed over; otherwise it waits until something else has happened. */
export function takesLine(session: Session): boolean {
  return session.at === 'authorization' || session.at === 'transaction' || session.at === 'sasl'
}

/** RFC 1939 §4: somebody is in. */
export function isLoggedIn(session: Session): boolean {
  return session.at === 'transaction' || session.at === 'sending' || session.at === 'updating'
}

const NOT_OPENED = {
  wrong: replies.authFailed,
  blocked: replies.authBlocked,
  busy: replies.authBusy,
  'in-use': replies.inUse,
  'no-maildrop': replies.noMaildrop,
} as const

function say(reply: Reply): Effect {
  return { do: 'reply', reply }
}

/** Says the last thing and closes. */
function hangUp(...last: readonly Reply[]): Step {
  return { next: CLOSED, effects: [...last.map(say), { do: 'close' }] }
}

function answer(next: Session, reply: Reply): Step {
  return { next, effects: [say(reply)] }
}

/** A refusal counts, and one too many is the last. */
function refuse(next: Idle, reply: Reply, { limits }: Context): Step {
  const link = { ...next.link, errors: next.link.errors + 1 }
  if (link.errors >= limits.errors) return hangUp(reply, replies.tooManyErrors)
  return answer({ ...next, link }, reply)
}

/** What goes out is finished, and what is being removed; anything else is left, and no message is removed. */
function shutDown(session: Session): Step {
  if (session.at === 'updating') return { next: session, effects: NOTHING }
  if (session.at === 'sending') return { next: { ...session, leaving: true }, effects: NOTHING }
  if (session.at === 'securing' || session.at === 'new') return hangUp() // the client awaits TLS, not text
  return hangUp(replies.shutdown)
}

function commandOf(line: Line): Command {
  if (line.is === 'line') return parseCommand(line.text)
  switch (line.why) {
    case 'overlong':
      return { verb: 'malformed', reply: replies.overlong }
    case 'bare-newline':
      return { verb: 'malformed', reply: replies.bareNewline }
    case 'not-utf8':
      return { verb: 'malformed', reply: replies.notUtf8 }
  }
}

/** RFC 1939 §4 */
function authorize(session: At<'authorization'>, command: Command, context: Context): Step {
  const { link } = session
  const barred = mayLogIn(context, link) ? undefined : refuse(session, whyNoLogin(context), context)
  switch (command.verb) {
    case 'QUIT':
      return hangUp(replies.goodbye)
    case 'CAPA':
      return tell(session, capabilities(context, link, 'authorization'))
    case 'STLS':
      return startTls(session, context)
    case 'UTF8':
      return barred ?? answer(session, replies.utf8)
    case 'USER':
      return barred ?? answer({ ...session, user: command.name }, replies.nameKnown)
    case 'PASS':
      return barred ?? pass(session, command.password, context)
    case 'AUTH':
      return barred ?? auth(session, command.mechanism, command.initial, context)
    case 'STAT':
    case 'LIST':
    case 'UIDL':
    case 'RETR':
    case 'TOP':
    case 'DELE':
    case 'NOOP':
    case 'RSET':
      return barred ?? refuse(session, replies.logInFirst, context)
    case 'malformed':
      return refuse(session, command.reply, context)
    case 'foreign':
      return hangUp(replies.notPop3)
  }
}

function whyNoLogin({ startTls }: Context): Reply {
  return startTls ? replies.tlsFirst : replies.tlsElsewhere
}

/** RFC 2595 §4: only in the AUTHORIZATION state. */
function startTls(session: At<'authorization'>, context: Context): Step {
  const { link } = session
  if (link.tls) return refuse(session, replies.tlsIsOn, context)
  if (!context.startTls) return refuse(session, replies.noTls, context)
  return { next: { at: 'securing', link }, effects: [say(replies.startTls), { do: 'start-tls' }] }
}

/** RFC 1939 §7. What no account can have as name or password is as wrong as any other. */
function pass(session: At<'authorization'>, secret: string, context: Context): Step {
  if (session.user === undefined) return refuse(session, replies.userFirst, context)
  const user = readName(Buffer.from(session.user))
  const password = readPassword(Buffer.from(secret))
  const wrong = user === undefined || password === undefined
  return open(session.link, wrong ? NOBODY : { user, password })
}

/** No account has an empty name: the attempt takes its time, and counts. */
const NOBODY: Credentials = { user: '', password: '' }

function open(link: Link, credentials: Credentials): Step {
  return { next: { at: 'opening', link }, effects: [{ do: 'open', credentials }] }
}

/** RFC 5034 §4. `initial`: as sent, in base64; '=' is an empty one. */
function auth(session: At<'authorization'>, mechanism: string, initial: string | undefined, context: Context): Step {
  const response = initial === '=' ? EMPTY : initial === undefined ? undefined : decodeBase64(initial)
  if (initial !== undefined && response === undefined) return refuse(session, replies.badBase64, context)
  const first = begin(mechanism, response)
  return first === undefined ? refuse(session, replies.noMechanism, context) : proceed(session.link, first, context)
}

/** A line of the exchange: a response in base64, or `*` (RFC 5034 §4). */
function saslResponse({ link, exchange }: At<'sasl'>, line: Line, context: Context): Step {
  const back: At<'authorization'> = { at: 'authorization', link, user: undefined }
  if (line.is === 'malformed') {
    return refuse(back, line.why === 'overlong' ? replies.overlong : replies.badBase64, context)
  }
  if (line.text === '*') return refuse(back, replies.authCancelled, context)
  const response = decodeBase64(line.text)
  return response === undefined
    ? refuse(back, replies.badBase64, context)
    : proceed(link, respond(exchange, response), context)
}

function proceed(link: Link, next: SaslStep, context: Context): Step {
  switch (next.is) {
    case 'challenge':
      return {
        next: { at: 'sasl', link, exchange: next.exchange },
        effects: [{ do: 'challenge', base64: encodeBase64(next.text) }],
      }
    case 'credentials':
      return open(link, next.credentials)
    case 'malformed':
      return refuse({ at: 'authorization', link, user: undefined }, replies.authFailed, context)
  }
}

/** RFC 1939 §5 */
function transact(session: At<'transaction'>, command: Command, context: Context): Step {
  const { link, maildrop } = session
  switch (command.verb) {
    case 'RETR':
      return send(session, command.n, undefined, follows(sizeOf(maildrop, command.n)))
    case 'TOP':
      return send(session, command.n, command.lines, replies.top)
    case 'DELE':
      if (isMarked(maildrop, command.n)) return answer(session, replies.markedAlready)
      if (!isThere(maildrop, command.n)) return answer(session, replies.noMessage)
      return { next: session, effects: [{ do: 'mark', n: command.n }, say(replies.marked)] }
    case 'STAT':
      return answer(session, pair(maildrop.count, maildrop.octets))
    case 'LIST':
    case 'UIDL':
      return list(session, command.verb, command.n)
    case 'NOOP':
      return answer(session, replies.noop)
    case 'RSET':
      return { next: session, effects: [{ do: 'unmark-all' }, say(holds(maildrop.uids.length, maildrop.allOctets))] }
    case 'QUIT':
      return quit(session)
    case 'CAPA':
      return tell(session, capabilities(context, link, 'transaction'))
    case 'malformed':
      return refuse(session, command.reply, context)
    case 'foreign':
      return hangUp(replies.notPop3)
    case 'STLS':
    case 'UTF8':
    case 'USER':
    case 'PASS':
    case 'AUTH':
      return refuse(session, replies.loggedInAlready, context)
  }
}

function send(session: At<'transaction'>, n: number, lines: number | undefined, reply: Reply): Step {
  if (!isThere(session.maildrop, n)) return answer(session, replies.noMessage)
  return sending(session, { do: 'send', n, lines, reply })
}

/** RFC 1939 §5, §7 */
function list(session: At<'transaction'>, what: 'LIST' | 'UIDL', n: number | undefined): Step {
  const { maildrop } = session
  if (n === undefined) {
    const first = what === 'LIST' ? holds(maildrop.count, maildrop.octets) : replies.uids
    return sending(session, say(first), { do: 'list', what })
  }
  if (!isThere(maildrop, n)) return answer(session, replies.noMessage)
  return answer(session, pair(n, what === 'LIST' ? sizeOf(maildrop, n) : uniqueId(maildrop, n)))
}

function sending({ link, maildrop }: At<'transaction'>, ...effects: readonly Effect[]): Step {
  return { next: { at: 'sending', link, maildrop, leaving: false }, effects }
}

/** `refusal`: said instead. A message that is gone is no mistake of the client. */
function sent({ link, maildrop, leaving }: At<'sending'>, ...refusal: readonly Reply[]): Step {
  if (leaving) return hangUp(...refusal, replies.shutdown)
  return { next: { at: 'transaction', link, maildrop }, effects: refusal.map(say) }
}

/** RFC 1939 §6 */
function quit({ maildrop }: At<'transaction'>): Step {
  const count = markedCount(maildrop)
  if (count === 0) return hangUp(replies.goodbye)
  return { next: { at: 'updating', count }, effects: [{ do: 'update', uids: markedUids(maildrop) }] }
}

/** RFC 2449 §5 */
function tell(session: Idle, lines: readonly string[]): Step {
  return { next: session, effects: [say(replies.capabilities), { do: 'lines', lines }] }
}

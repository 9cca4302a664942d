/**
 * The server's side of SMTP (RFC 5321), submission (RFC 6409) and LMTP (RFC 2033): one machine, without sockets, clock or
 * disk. An event comes in, the next session and what is to be done go out; `session.ts` has the words for it.
 *
 *   connected -> ask connect -> greeting -> hello -> (STARTTLS -> hello) -> (AUTH) -> MAIL -> RCPT ... -> DATA or BDAT
 *   -> receive -> submit -> reply -> MAIL ...
 *
 * Every command goes through `perform`, every answer of policy through `answered`.
 */
import { type Command, parseCommand } from './command.ts'
import { announce, offersStartTls } from './extensions.ts'
import type { Line } from '../mail/line.ts'
import { greeting, hello, type OwnReply, replies } from './replies.ts'
import type { Reply } from '../mail/reply.ts'
import { auth, authenticated, authResponse } from './server-auth.ts'
import {
  bdat,
  contentReceived,
  contentRefused,
  data,
  dataAnswered,
  mail,
  mailAnswered,
  rcpt,
  rcptAnswered,
  submitted,
} from './server-mail.ts'
import { abandoned, answer, answerIdle, hangUp, NOTHING, say } from './server-step.ts'
import type { Client, Context, Event, Idle, Session, Step } from './session.ts'
import type { Verdict } from './verdict.ts'

type At<Name extends Session['at']> = Extract<Session, { readonly at: Name }>

/** An answer of policy is awaited. */
type Asked = At<'connect-asked' | 'hello-asked' | 'auth-asked' | 'mail-asked' | 'rcpt-asked' | 'data-asked'>

const IDLE: ReadonlySet<Session['at']> = new Set<Idle['at']>([
  'unwelcome',
  'connected',
  'ready',
  'mail',
  'rcpt',
  'chunks',
  'spoiled',
])

/** RFC 3207 §4: what may be said before TLS where TLS is required. */
const BEFORE_TLS: ReadonlySet<Command['verb']> = new Set<Command['verb']>([
  'EHLO',
  'HELO',
  'LHLO',
  'NOOP',
  'STARTTLS',
  'QUIT',
  'foreign',
  'malformed',
])

/** Where every session starts. */
export const NEW_SESSION: Session = { at: 'new' }

/**
 * What follows from an event. Bad input of the client is answered; an event that cannot come in this session (a line
 * while an answer is awaited, an answer to no question) is a mistake of the loop, and thrown.
 */
export function step(session: Session, event: Event, context: Context): Step {
  if (session.at === 'closed') return { next: session, effects: NOTHING }
  switch (event.on) {
    case 'connected':
      if (session.at !== 'new') break
      return {
        next: { at: 'connect-asked', link: { tls: event.tls, errors: 0, idle: 0, messages: 0 } },
        effects: [{ do: 'ask', question: { about: 'connect' } }],
      }
    case 'line':
      if (session.at === 'auth') return authResponse(session, event.line, context)
      if (!isIdle(session)) break
      return perform(session, commandOf(event.line), context)
    case 'verdict':
      if (!isAsked(session)) break
      return answered(session, event.verdict, context)
    case 'authenticated':
      if (session.at !== 'auth-asked') break
      return authenticated(session, event.account, context)
    case 'secured':
      if (session.at !== 'securing') break
      // RFC 3207 §4.2: what was known from before is forgotten, the hello and a login too
      return { next: { at: 'connected', link: { ...session.link, tls: true } }, effects: NOTHING }
    case 'content':
      if (session.at !== 'data' && session.at !== 'chunk') break
      return contentReceived(session, event.size, context)
    case 'content-refused':
      if (session.at !== 'data' && session.at !== 'chunk') break
      return contentRefused(session, event.fault, context)
    case 'submitted':
      if (session.at !== 'submitting') break
      return submitted(session, event.replies, context)
    case 'timeout':
      return leave(session, replies.timeout)
    case 'shutdown':
      // What is coming in is taken, as long as its client does not tarry.
      if (isLastPart(session)) return { next: { ...session, leaving: replies.shutdown }, effects: NOTHING }
      return leave(session, replies.shutdown)
  }
  throw new Error(`${event.on} cannot happen in a session that is at ${session.at}`)
}

/** Whether the next line may be handed over; otherwise it waits until something else has happened. */
export function takesLine(session: Session): boolean {
  return session.at === 'auth' || isIdle(session)
}

function isIdle(session: Session): session is Idle {
  return IDLE.has(session.at)
}

/** RFC 5321 §3.8: 421, then closing; but a message on its way to disk gets its reply, lest it be sent twice (RFC 1047). */
function leave(session: Session, reply: OwnReply): Step {
  if (session.at === 'submitting') return { next: { ...session, leaving: reply }, effects: NOTHING }
  if (session.at === 'securing') return hangUp() // the client awaits TLS, not text
  return hangUp(reply)
}

/** The rest of a message is being received. */
function isLastPart(session: Session): session is At<'data'> | At<'chunk'> {
  return session.at === 'data' || (session.at === 'chunk' && session.chunk.last)
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

function perform(session: Idle, command: Command, context: Context): Step {
  const refusal = whyNotNow(session, command, context)
  if (refusal !== undefined) {
    const skipped = command.verb === 'BDAT' && command.chunk !== undefined ? command.chunk.size : 0
    return answer(session, refusal, context, skipped > 0 ? [{ do: 'discard', size: skipped }] : NOTHING)
  }
  switch (command.verb) {
    case 'MAIL':
      return mail(session, command, context)
    case 'RCPT':
      return rcpt(session, command, context)
    case 'DATA':
      return data(session, context)
    case 'BDAT':
      return bdat(session, command.chunk, context)
    case 'EHLO':
    case 'HELO':
    case 'LHLO':
      return greet(session, command.verb, command.name, context)
    case 'AUTH':
      return auth(session, command.mechanism, command.initial, context)
    case 'STARTTLS':
      return startTls(session, context)
    case 'QUIT':
      return hangUp(replies.goodbye)
    case 'RSET':
      return answerIdle(reset(session), replies.reset, context, abandoned(session))
    case 'NOOP':
      return answerIdle(session, replies.noop, context)
    case 'HELP':
      return answerIdle(session, replies.help, context)
    case 'VRFY':
      return answerIdle(session, replies.vrfy, context)
    case 'EXPN':
      return answer(session, replies.notHere, context)
    case 'foreign':
      return hangUp(replies.notSmtp)
    case 'malformed':
      return answer(session, command.reply, context)
  }
}

/** What keeps a whole class of commands from being heard at all. */
function whyNotNow(session: Idle, command: Command, context: Context): OwnReply | undefined {
  if (command.verb === 'QUIT' || command.verb === 'foreign') return undefined
  if (command.verb === 'BDAT' && command.chunk === undefined) return undefined // it is the end, see there
  if (session.at === 'unwelcome') return replies.unwelcome // RFC 5321 §3.1
  return context.tlsRequired && !session.link.tls && !BEFORE_TLS.has(command.verb) ? replies.tlsFirst : undefined
}

/** RFC 5321 §4.1.1.5: back to where the hello led. */
function reset(session: Idle): Idle {
  if (session.at === 'connected' || session.at === 'unwelcome') return session
  return { at: 'ready', link: session.link, client: session.client }
}

/** RFC 5321 §4.1.1.1, RFC 2033 §4.1 */
function greet(session: Idle, verb: 'EHLO' | 'HELO' | 'LHLO', name: string, context: Context): Step {
  const lmtp = context.kind === 'lmtp'
  if (lmtp !== (verb === 'LHLO')) return answer(session, lmtp ? replies.lhloOnly : replies.noLhlo, context)
  const login = session.at === 'connected' || session.at === 'unwelcome' ? undefined : session.client.login
  const client: Client = { protocol: lmtp ? 'LMTP' : verb === 'EHLO' ? 'ESMTP' : 'SMTP', name, login }
  return {
    next: { at: 'hello-asked', link: session.link, client, back: session },
    effects: [{ do: 'ask', question: { about: 'hello', client } }],
  }
}

function helloAnswered(session: At<'hello-asked'>, refusal: Reply | undefined, context: Context): Step {
  const { link, client, back } = session
  if (refusal !== undefined) return answer(back, refusal, context) // RFC 5321 §4.1.4: stays where it was
  const next: At<'ready'> = { at: 'ready', link, client }
  const extensions = client.protocol === 'SMTP' ? [] : announce({ context, tls: link.tls, login: client.login })
  const reply = hello(context.hostname, extensions)
  if (back.at === 'connected') return answer(next, reply, context)
  return answerIdle(next, reply, context, abandoned(back)) // RFC 5321 §4.1.4: another EHLO is a RSET
}

/** RFC 3207 §4 */
function startTls(session: Idle, context: Context): Step {
  const { link } = session
  if (link.tls) return answer(session, replies.tlsIsOn, context)
  if (!offersStartTls({ context, tls: false, login: undefined })) return answer(session, replies.notHere, context)
  if (session.at !== 'connected' && session.at !== 'ready') return answer(session, replies.nestedMail, context)
  return { next: { at: 'securing', link }, effects: [say(replies.startTls), { do: 'start-tls' }] }
}

function answered(session: Asked, verdict: Verdict, context: Context): Step {
  if (verdict.is === 'disconnect') return hangUp(verdict.reply)
  const refusal = verdict.is === 'accept' ? undefined : verdict.reply
  switch (session.at) {
    case 'connect-asked':
      return connectAnswered(session, refusal, context)
    case 'hello-asked':
      return helloAnswered(session, refusal, context)
    case 'auth-asked':
      if (refusal === undefined) throw new Error('a login is answered with the account')
      return answer({ at: 'ready', link: session.link, client: session.client }, refusal, context)
    case 'mail-asked':
      return mailAnswered(session, refusal, context)
    case 'rcpt-asked':
      return rcptAnswered(session, refusal, context)
    case 'data-asked':
      return dataAnswered(session, refusal, context)
  }
}

function isAsked(session: Session): session is Asked {
  return session.at.endsWith('-asked')
}

function connectAnswered(session: At<'connect-asked'>, refusal: Reply | undefined, context: Context): Step {
  if (refusal !== undefined) return answer({ at: 'unwelcome', link: session.link }, refusal, context)
  const kind = context.kind === 'lmtp' ? 'LMTP' : 'ESMTP'
  return answer({ at: 'connected', link: session.link }, greeting(context.hostname, kind), context)
}

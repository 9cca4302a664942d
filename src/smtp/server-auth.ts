/** AUTH (RFC 4954): the exchange in which a client proves who it is. The password is checked by whoever answers `ask`. */
import { decodeBase64, encodeBase64 } from '../sasl/base64.ts'
import { begin, respond, type SaslStep } from '../sasl/mechanism.ts'
import { isSubmission } from './extensions.ts'
import type { Line } from '../mail/line.ts'
import { challenge, type OwnReply, replies } from './replies.ts'
import { answer, helloFirst, say } from './server-step.ts'
import type { Client, Context, Idle, Link, Session, Step } from './session.ts'

type At<Name extends Session['at']> = Extract<Session, { readonly at: Name }>

const EMPTY = Buffer.alloc(0)

/** `initial`: as sent, in base64; '=' is an empty one (RFC 4954 §4). */
export function auth(session: Idle, mechanism: string, initial: string | undefined, context: Context): Step {
  const refusal = whyNoAuth(session, context)
  if (refusal !== undefined || session.at !== 'ready') return answer(session, refusal ?? replies.authInMail, context)
  const response = initial === '=' ? EMPTY : initial === undefined ? undefined : decodeBase64(initial)
  if (initial !== undefined && response === undefined) return answer(session, replies.badBase64, context)
  const step = begin(mechanism, response)
  return step === undefined ? answer(session, replies.noMechanism, context) : proceed(session, step, context)
}

function whyNoAuth(session: Idle, context: Context): OwnReply | undefined {
  if (!isSubmission(context)) return replies.authElsewhere
  if (session.at === 'connected') return helloFirst(context)
  if (session.at !== 'ready') return replies.authInMail // RFC 4954 §4
  if (session.client.login !== undefined) return replies.authTwice // RFC 4954 §4
  if (!session.link.tls && !context.clearLogin) return replies.authNeedsTls
  return undefined
}

/** A line of the exchange: a response in base64, or `*` (RFC 4954 §4). */
export function authResponse(session: At<'auth'>, line: Line, context: Context): Step {
  const { link, client, exchange } = session
  const refuse = (reply: OwnReply): Step => answer({ at: 'ready', link, client }, reply, context)
  if (line.is === 'malformed') return refuse(line.why === 'overlong' ? replies.authOverlong : replies.badBase64)
  if (line.text === '*') return refuse(replies.authCancelled)
  const response = decodeBase64(line.text)
  return response === undefined ? refuse(replies.badBase64) : proceed(session, respond(exchange, response), context)
}

function proceed(from: { readonly link: Link; readonly client: Client }, step: SaslStep, context: Context): Step {
  const { link, client } = from
  switch (step.is) {
    case 'challenge':
      return {
        next: { at: 'auth', link, client, exchange: step.exchange },
        effects: [say(challenge(encodeBase64(step.text)))],
      }
    case 'credentials':
      return {
        next: { at: 'auth-asked', link, client },
        effects: [{ do: 'ask', question: { about: 'auth', client, credentials: step.credentials } }],
      }
    case 'malformed':
      return answer({ at: 'ready', link, client }, replies.authFailed, context)
  }
}

/** `account`: undefined for a wrong user or password. */
export function authenticated(session: At<'auth-asked'>, account: string | undefined, context: Context): Step {
  const { link, client } = session
  if (account === undefined) return answer({ at: 'ready', link, client }, replies.authFailed, context)
  return answer({ at: 'ready', link, client: { ...client, login: account } }, replies.authenticated, context)
}

/**
 * The server's side of SASL (RFC 4422), as steps: `begin` with the client's AUTH or AUTHENTICATE, `respond` with each of
 * its responses, until there are credentials to be checked or the exchange has failed. The protocols differ only in how
 * they wrap a challenge; a mechanism is a row of `MECHANISMS`.
 */
import type { Credentials } from './credentials.ts'
import { readLoginPassword, readLoginUser } from './login.ts'
import { readPlain } from './plain.ts'

/** Where an exchange is, when a response of the client is awaited. */
export type Exchange =
  | { readonly mechanism: 'PLAIN' }
  | { readonly mechanism: 'LOGIN'; readonly awaits: 'user' }
  | { readonly mechanism: 'LOGIN'; readonly awaits: 'password'; readonly user: string }

export type SaslStep =
  /** Send `text` in base64 (an empty one too), then `respond`. */
  | { readonly is: 'challenge'; readonly text: string; readonly exchange: Exchange }
  | { readonly is: 'credentials'; readonly credentials: Credentials }
  /** The response does not follow the mechanism, or asks for what nobody may (another's identity). */
  | { readonly is: 'malformed' }

/** As announced, the best first. */
export const MECHANISMS = ['PLAIN', 'LOGIN'] as const

const MALFORMED: SaslStep = { is: 'malformed' }
const ASK_USER: SaslStep = {
  is: 'challenge',
  text: 'Username:',
  exchange: { mechanism: 'LOGIN', awaits: 'user' },
}
const ASK_PLAIN: SaslStep = { is: 'challenge', text: '', exchange: { mechanism: 'PLAIN' } } // RFC 4422 §5.1: empty challenge

/** `name` in any case; `initial`: the initial response, decoded. undefined: we have no such mechanism. */
export function begin(name: string, initial: Buffer | undefined): SaslStep | undefined {
  switch (name.toUpperCase()) {
    case 'PLAIN':
      return initial === undefined ? ASK_PLAIN : respond({ mechanism: 'PLAIN' }, initial)
    case 'LOGIN':
      return initial === undefined ? ASK_USER : respond({ mechanism: 'LOGIN', awaits: 'user' }, initial)
    default:
      return undefined
  }
}

/** `response`: what the client sent, decoded. */
export function respond(exchange: Exchange, response: Buffer): SaslStep {
  if (exchange.mechanism === 'PLAIN') return finish(readPlain(response))
  if (exchange.awaits === 'password') return finish(readLoginPassword(exchange.user, response))
  const user = readLoginUser(response)
  if (user === undefined) return MALFORMED
  return { is: 'challenge', text: 'Password:', exchange: { mechanism: 'LOGIN', awaits: 'password', user } }
}

function finish(credentials: Credentials | undefined): SaslStep {
  return credentials === undefined ? MALFORMED : { is: 'credentials', credentials }
}

/** LOGIN and AUTHENTICATE (RFC 9051 §6.2.2, §6.2.3), and UNAUTHENTICATE (RFC 8437). */
import { decodeBase64, encodeBase64 } from '../../sasl/base64.ts'
import { type Credentials, readName, readPassword } from '../../sasl/credentials.ts'
import { begin, respond, type SaslStep } from '../../sasl/mechanism.ts'
import { announced } from './capability.ts'
import type { Executor, ImapSession, Tagged } from './session.ts'

/** RFC 9051 §7.1: the client's next question is answered with the OK. */
const welcome = (session: ImapSession): Tagged => ({
  is: 'OK',
  code: `CAPABILITY ${announced(session)}`,
  text: 'Welcome',
})
// RFC 5530 §3
const WRONG: Tagged = {
  is: 'NO',
  code: 'AUTHENTICATIONFAILED',
  text: 'The user name (a whole address) or the password is wrong',
}
const BUSY: Tagged = { is: 'NO', code: 'UNAVAILABLE', text: 'Too many are logging in; please try again in a moment' }
const BLOCKED: Tagged = {
  is: 'NO',
  code: 'UNAVAILABLE',
  text: 'Too many wrong passwords came from your address; please try again later',
}
const NEEDS_TLS: Tagged = { is: 'NO', code: 'PRIVACYREQUIRED', text: 'A password is taken only over TLS' }
const CANCELLED: Tagged = { is: 'BAD', text: 'The log-in was cancelled' } // RFC 9051 §6.2.2

async function check(credentials: Credentials, session: ImapSession): Promise<Tagged> {
  const result = await session.services.logIn(credentials, session.origin)
  switch (result.is) {
    case 'wrong':
      return WRONG
    case 'busy':
      return BUSY
    case 'blocked':
      return BLOCKED
    case 'right':
      session.logIn(result.account)
      return welcome(session)
  }
}

export const login: Executor<'LOGIN'> = ({ user, password }, session) => {
  if (!session.mayLogIn) return NEEDS_TLS
  const [name, secret] = [readName(user), readPassword(password)]
  return name === undefined || secret === undefined ? WRONG : check({ user: name, password: secret }, session)
}

export const authenticate: Executor<'AUTHENTICATE'> = async ({ mechanism, initial }, session) => {
  if (!session.mayLogIn) return NEEDS_TLS
  let step: SaslStep | undefined = begin(mechanism, initial)
  if (step === undefined) return { is: 'NO', code: 'CANNOT', text: 'We do not have that mechanism' }
  while (step.is === 'challenge') {
    session.write(`+ ${encodeBase64(step.text)}\r\n`)
    const line = await session.line()
    if (line === undefined || line.toString('latin1') === '*') return CANCELLED
    const response = decodeBase64(line.toString('latin1'))
    if (response === undefined) return { is: 'BAD', text: 'Base64 is expected' }
    step = respond(step.exchange, response)
  }
  return step.is === 'malformed' ? WRONG : check(step.credentials, session)
}

export const unauthenticate: Executor<'UNAUTHENTICATE'> = (_, session) => {
  session.unauthenticate()
  return { is: 'OK', text: 'Nobody is logged in any more' }
}

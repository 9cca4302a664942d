import { decodeBase64 } from '../../sasl/base64.ts'
import type { Command } from '../command.ts'
import { astring, bad, type Cursor, expected, match, octetsOf, space, take } from '../parser.ts'

/** RFC 9051 §6.2.3: LOGIN SP userid SP password */
export function login(c: Cursor): Command {
  space(c)
  const user = octetsOf(astring(c, 'A user name'))
  space(c)
  const password = octetsOf(astring(c, 'A password'))
  return { name: 'LOGIN', user, password }
}

const MECHANISM = /[A-Za-z0-9_-]+/y // RFC 4422 §3.1
const BASE64 = /[A-Za-z0-9+/=]*/y

/** RFC 9051 §6.2.2: AUTHENTICATE SP auth-type [SP initial-resp] */
export function authenticate(c: Cursor): Command {
  space(c)
  const mechanism = match(c, MECHANISM).toUpperCase()
  if (mechanism === '') expected(c, 'A mechanism')
  if (!take(c, ' ')) return { name: 'AUTHENTICATE', mechanism, initial: undefined }
  const text = match(c, BASE64)
  const initial = text === '=' ? Buffer.alloc(0) : decodeBase64(text) // RFC 4959 §3: "=" is an empty response
  if (initial === undefined || text === '') bad(c, 'The initial response of AUTHENTICATE is not base64')
  return { name: 'AUTHENTICATE', mechanism, initial }
}

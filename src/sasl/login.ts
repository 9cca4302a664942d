/** draft-murchison-sasl-login-00: never a standard, but all that some clients and devices speak. */
import { encodeBase64 } from './base64.ts'
import { type Credentials, readName, readPassword } from './credentials.ts'

export function readLoginUser(response: Buffer): string | undefined {
  return readName(response)
}

export function readLoginPassword(user: string, response: Buffer): Credentials | undefined {
  const password = readPassword(response)
  return password === undefined ? undefined : { user, password }
}

/** The client's side: its two responses, in base64. Challenges are not looked at: servers word them in many ways. */
export function loginResponses(user: string, password: string): readonly [user: string, password: string] {
  return [encodeBase64(user), encodeBase64(password)]
}

import { encodeBase64 } from './base64.ts'
import { type Credentials, readName, readPassword } from './credentials.ts'

/**
 * RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd. undefined: not that, too long, or the authzid is
 * somebody else: nobody acts for others here.
 */
export function readPlain(message: Buffer): Credentials | undefined {
  const first = message.indexOf(0)
  const second = message.indexOf(0, first + 1)
  if (first === -1 || second === -1) return undefined
  const user = readName(message.subarray(first + 1, second))
  const password = readPassword(message.subarray(second + 1))
  if (user === undefined || password === undefined) return undefined
  if (first > 0 && readName(message.subarray(0, first)) !== user) return undefined
  return { user, password }
}

/** The client's side: the initial response, in base64. */
export function plainResponse(user: string, password: string): string {
  return encodeBase64(`\0${user}\0${password}`)
}

import { isUtf8 } from 'node:buffer'
import { prepare } from './prepare.ts'

/** A name and a password in their prepared form (RFC 4013), to be checked against the directory. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

const MAX_NAME = 255 // RFC 4616 §2: octets
const MAX_PASSWORD = 1024 // octets; far above what people and password managers use

/** A user name in UTF-8, prepared. undefined: empty, over 255 octets, NUL in it, not UTF-8, or prohibited (RFC 4013). */
export function readName(bytes: Buffer): string | undefined {
  return readText(bytes, MAX_NAME)
}

/** A password in UTF-8, prepared. undefined: empty, over 1024 octets, NUL in it, not UTF-8, or prohibited. */
export function readPassword(bytes: Buffer): string | undefined {
  return readText(bytes, MAX_PASSWORD)
}

function readText(bytes: Buffer, max: number): string | undefined {
  if (bytes.length === 0 || bytes.length > max || bytes.includes(0) || !isUtf8(bytes)) return undefined
  return prepare(bytes.toString())
}

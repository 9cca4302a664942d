import type { Directory } from '../directory/directory.ts'
import type { PasswordChecker } from '../directory/passwords.ts'
import type { Connection } from '../net/connection.ts'
import type { AuthFailures } from '../net/sources.ts'
import type { Credentials } from '../sasl/credentials.ts'

export interface LoginOptions {
  readonly directory: Pick<Directory, 'account'>
  readonly passwords: PasswordChecker
  readonly failures: AuthFailures
  readonly limits: { readonly authFailures: number }
}

/** `wrong`: the name or the password, nobody hears which. `blocked`: too many failures from there; nothing was checked. `busy`: too many wait. */
export type LoginResult =
  | { readonly is: 'right'; readonly account: Account }
  | { readonly is: 'wrong' }
  | { readonly is: 'blocked' }
  | { readonly is: 'busy' }

/** Who is logged in. */
export interface Account {
  readonly id: number
  readonly address: string
}

/** Where a log-in comes from. */
export interface Origin {
  /** The client's. */
  readonly address: string
  /** 'TLSv1.3'; undefined: plain text. */
  readonly tls: string | undefined
}

export function originOf({ peer, tls }: Pick<Connection, 'peer' | 'tls'>): Origin {
  return { address: peer.address, tls: tls?.protocol }
}

/** `address`: the client's. Takes as long for an account that does not exist as for a wrong password. */
export async function logIn(credentials: Credentials, address: string, options: LoginOptions): Promise<LoginResult> {
  const { directory, passwords, failures, limits } = options
  if (failures.count(address) >= limits.authFailures) return { is: 'blocked' }
  const account = directory.account(credentials.user)
  const right = await passwords.check(account?.hash, credentials.password)
  if (right === 'busy') return { is: 'busy' }
  // The account may have gone, or got another password, while this one was checked.
  const isStill = directory.account(credentials.user)?.hash === account?.hash
  if (right && account && isStill) return { is: 'right', account: { id: account.id, address: account.address } }
  failures.failed(address)
  return { is: 'wrong' }
}

/**
 * What we let happen at each step of a session: facts in, Verdict out. Nothing is trusted because of its address, and nothing is relayed
 * for strangers, however an address is spelled: a local part is never taken apart for another address inside.
 */
import type { Route } from '../config/settings.ts'
import type { Directory } from '../directory/directory.ts'
import type { Address } from '../mail/address.ts'
import type { ReversePath } from '../mail/envelope.ts'
import type { Reply } from '../mail/reply.ts'
import type { Quota, QuotaRoot } from '../storage/mail-reader.ts'
import { ACCEPT, type Verdict } from '../smtp/verdict.ts'

const reply = (code: number, status: string, ...text: string[]): Reply => ({ code, status, text })
const refuse = (of: Reply): Verdict => ({ is: 'refuse', reply: of })

/** What policy says of its own accord. */
export const REFUSALS = {
  unknownRecipient: reply(550, '5.1.1', 'There is no such mailbox here'), // RFC 5321 §3.3
  notRelaying: reply(
    550,
    '5.7.1',
    'Mail for that domain is not accepted from here; log in on port 587 or 465 to send it',
  ), // RFC 5321 §3.6.2
  noRoute: reply(550, '5.4.4', 'There is no way to that domain from here'),
  notYourAddress: reply(553, '5.7.1', 'This login may not send under that address'), // RFC 6409 §6.1
  tooManyFailures: reply(454, '4.7.0', 'Too many failed log-ins from there; please wait some minutes'), // RFC 4954 §6
  mailboxFull: reply(452, '4.2.2', 'That mailbox is full; please try again later'), // RFC 3463 §3.3
  busy: reply(454, '4.7.0', 'Too many log-ins at the moment; please try again'),
} as const

export interface Guest {
  /** The account that logged in. */
  readonly login: string | undefined
  /** The source may relay without login. */
  readonly trusted: boolean
}

/** RFC 6409 §6.1: a login sends under its own addresses only. */
export function mayBeSender(guest: Guest, returnPath: ReversePath, directory: Pick<Directory, 'maySendAs'>): Verdict {
  if (guest.login === undefined || returnPath === '<>' || directory.maySendAs(guest.login, returnPath)) return ACCEPT
  return refuse(REFUSALS.notYourAddress)
}

/** RFC 2505 §2.1: user%foreign@own, foreign!user@own, "user@foreign"@own. The host behind us trusts us, and may take it apart. */
const INNER_ADDRESS = /[@%!]/
const ELSEWHERE: ReadonlySet<Route['via']> = new Set(['mx', 'relay', 'lmtp'])

/** Own recipients from everybody, foreign ones only for those who may send. */
export function mayBeRecipient(
  guest: Guest,
  address: Address,
  directory: Pick<Directory, 'isOwnDomain' | 'meaning'>,
  route: (address: Address) => Route | undefined,
): Verdict {
  const own = directory.isOwnDomain(address.domain)
  const stranger = guest.login === undefined && !guest.trusted
  if (stranger && !own) return refuse(REFUSALS.notRelaying)
  const to = route(address)
  if (to === undefined) return refuse(REFUSALS.noRoute)
  if (stranger && ELSEWHERE.has(to.via) && INNER_ADDRESS.test(address.local)) return refuse(REFUSALS.notRelaying)
  if (to.via === 'refuse') return refuse(reply(to.code, to.status, to.text))
  if (to.via === 'mailbox' && to.account === undefined && directory.meaning(address).is === 'unknown') {
    return refuse(REFUSALS.unknownRecipient)
  }
  return ACCEPT
}

/** Whether a mailbox can take one more message of so many bytes (0: not known yet). What was accepted is kept, also when others came before it. */
export function mayHold({ account, domain }: Quota, size: number): Verdict {
  return hasRoom(account, size) && hasRoom(domain, size) ? ACCEPT : refuse(REFUSALS.mailboxFull)
}

function hasRoom({ usedBytes, usedMails, maxBytes, maxMails }: QuotaRoot, size: number): boolean {
  if (maxMails !== undefined && usedMails >= maxMails) return false
  return maxBytes === undefined || (size === 0 ? usedBytes < maxBytes : usedBytes + size <= maxBytes)
}

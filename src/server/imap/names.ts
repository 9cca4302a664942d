/**
 * Whose mailbox a name means, and what this session's account may do with it: its own by their names, those of others as
 * `user/anna@example.org/Projects` (RFC 2342), where `user/anna@example.org` is her INBOX.
 */
import type { MailboxRow } from '../../storage/mail-reader.ts'
import { canonicalName, INBOX, SEPARATOR } from '../../store/mailbox-name.ts'
import { ALL_RIGHTS, rightsOf } from '../../store/rights.ts'
import type { Account } from '../login.ts'
import { NONEXISTENT, no } from './answers.ts'
import type { ImapSession, Tagged } from './session.ts'

/** The namespace of others' mailboxes; nobody has an own mailbox of that name. */
export const OTHERS = 'user'

/** A mailbox that this account may know of. */
export interface Found {
  readonly row: MailboxRow
  /** RFC 4314, in the order of `store/rights.ts`; at least one. */
  readonly rights: string
}

/** Where a name leads: the account that has it or would have it, and its name there. */
export interface Place {
  readonly owner: Account
  readonly name: string
}

/** Who is logged in. Commands that need an account are not carried out without one. */
export function accountOf(session: ImapSession): Account {
  if (!session.account) throw new Error('a command for accounts was carried out before the log-in')
  return session.account
}

/** undefined: it means no account that exists. */
export function placeOf(session: ImapSession, text: string): Place | undefined {
  const name = canonicalName(text)
  if (!name.startsWith(OTHERS + SEPARATOR)) {
    return name === OTHERS ? undefined : { owner: accountOf(session), name }
  }
  // RFC 5321 §4.1.2: a local part may have the separator in it, a domain may not.
  const end = name.indexOf(SEPARATOR, Math.max(name.indexOf('@'), OTHERS.length + 1))
  const owner = session.services.accountNamed(name.slice(OTHERS.length + 1, end < 0 ? undefined : end))
  return owner && { owner, name: end < 0 ? INBOX : canonicalName(name.slice(end + 1)) }
}

/** undefined: there is none, or this account has no right in it: nobody finds out what exists. */
export function resolveMailbox(session: ImapSession, name: string): Found | undefined {
  const place = placeOf(session, name)
  const row = place && session.services.reader.mailboxNamed(place.owner.id, place.name)
  return row && withRights(session, row)
}

/**
 * `resolveMailbox` for what goes on to ask the storage, which says when the mailbox is gone: whoever appends a thousand messages names it a
 * thousand times. Of the row only what never changes is to be read.
 */
export function targetMailbox(session: ImapSession, name: string): Target | undefined {
  const { renewals } = session.services.views
  const account = accountOf(session).id
  const known = targets.get(session)
  if (known?.name === name && known.renewals === renewals && known.account === account) return known
  const found = resolveMailbox(session, name)
  if (found) targets.set(session, { ...found, name, renewals, account })
  return found
}

/** The last one that a session named. */
const targets = new WeakMap<ImapSession, Known>()

/** A mailbox that something is put into. */
export interface Target {
  readonly row: Pick<MailboxRow, 'id' | 'account' | 'uidValidity'>
  readonly rights: string
}

interface Known extends Target {
  readonly name: string
  readonly renewals: number
  readonly account: number
}

/** undefined: no right at all. */
export function withRights(session: ImapSession, row: MailboxRow): Found | undefined {
  const { id, address } = accountOf(session)
  const rights = row.account === id ? ALL_RIGHTS : rightsOf(session.services.reader.acl(row.id), address)
  return rights === '' ? undefined : { row, rights }
}

/** RFC 4314 §4: the mailbox, where one of these rights is there; otherwise what is answered. */
export function mailboxFor(session: ImapSession, name: string, rights: string): Found | Tagged {
  const found = resolveMailbox(session, name)
  if (found && Array.from(rights).some(right => found.rights.includes(right))) return found
  return found ? noRight(found) : NONEXISTENT
}

/** RFC 4314 §6: who may not even see it hears what is said of mailboxes that are not there. */
export function noRight({ rights }: Pick<Found, 'rights'>): Tagged {
  return rights.includes('l') ? no('NOPERM', 'You may not do that with this mailbox') : NONEXISTENT
}

/** The name under which this account sees a mailbox. */
export function shownName(session: ImapSession, { account, owner, name }: MailboxRow): string {
  if (account === accountOf(session).id) return name
  return OTHERS + SEPARATOR + owner + (name === INBOX ? '' : SEPARATOR + name)
}

/** The same name whichever way it was written, for what needs no mailbox behind it (subscriptions). */
export function nameAsShown(session: ImapSession, text: string): string {
  const place = placeOf(session, text)
  if (!place) return canonicalName(text)
  if (place.owner.id === accountOf(session).id) return place.name
  return OTHERS + SEPARATOR + place.owner.address + (place.name === INBOX ? '' : SEPARATOR + place.name)
}

/** All that LIST may show (RFC 4314 §4: the right l), by the names under which this account sees them. */
export function visibleMailboxes(session: ImapSession): Map<string, Found> {
  const { reader } = session.services
  const { id, address } = accountOf(session)
  const visible = new Map<string, Found>()
  for (const row of reader.mailboxes(id)) visible.set(row.name, { row, rights: ALL_RIGHTS })
  for (const row of reader.shared(id, address)) {
    const found = withRights(session, row)
    if (found?.rights.includes('l')) visible.set(shownName(session, row), found)
  }
  return visible
}

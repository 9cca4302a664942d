/** RFC 4314. The owner has every right, always; to others rights are given by address, to all as `anyone` or `authuser`, and taken with a `-` before it. */
import { astring, mailboxName } from '../../imap/response.ts'
import type { MailboxRow } from '../../storage/mail-reader.ts'
import { addRights, ALL_RIGHTS, formatRights, parseRights, removeRights } from '../../store/rights.ts'
import { bad, change, no, ok } from './answers.ts'
import { type Found, mailboxFor } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** Identifiers of one mailbox. */
const MAX_ENTRIES = 100

interface Given {
  readonly mailbox: string
  readonly identifier: string
  readonly how: 'set' | 'add' | 'remove'
  readonly rights: string
}

export async function setAcl({ mailbox, identifier, how, rights }: Given, session: ImapSession): Promise<Tagged> {
  const given = parseRights(rights)
  if (given === undefined) return bad('There is no such right') // RFC 4314 §3.1
  const found = mailboxFor(session, mailbox, 'a')
  if ('is' in found) return found
  const name = canonicalIdentifier(session, found.row, identifier)
  if (typeof name === 'object') return name
  const acl = session.services.reader.acl(found.row.id)
  const before = acl.find(entry => entry.identifier === name)?.rights
  if (before === undefined && acl.length >= MAX_ENTRIES) return no('LIMIT', 'Too many have rights here')
  return setRights(session, found.row, name, combine(how, before ?? '', given))
}

export async function deleteAcl(
  { mailbox, identifier }: { readonly mailbox: string; readonly identifier: string },
  session: ImapSession,
): Promise<Tagged> {
  const found = mailboxFor(session, mailbox, 'a')
  if ('is' in found) return found
  // Rights of accounts that are gone can be removed, too.
  const acl = session.services.reader.acl(found.row.id)
  const entry = acl.find(known => known.identifier.toLowerCase() === identifier.toLowerCase())
  return entry ? setRights(session, found.row, entry.identifier, '') : ok('There were none')
}

async function setRights(
  session: ImapSession,
  { id }: MailboxRow,
  identifier: string,
  rights: string,
): Promise<Tagged> {
  const done = await change(session, { is: 'acl', mailbox: id, identifier, rights })
  return typeof done === 'object' ? done : ok('Done')
}

function combine(how: Given['how'], before: string, given: string): string {
  if (how === 'set') return given
  return how === 'add' ? addRights(before, given) : removeRights(before, given)
}

/** As it is kept, or why it cannot be given rights. */
function canonicalIdentifier(session: ImapSession, row: MailboxRow, text: string): string | Tagged {
  const negative = text.startsWith('-')
  const who = negative ? text.slice(1) : text
  const account = session.services.accountNamed(who)
  if (account?.id === row.account) return no('CANNOT', 'The owner has every right')
  const name = account?.address ?? ['anyone', 'authuser'].find(group => group === who.toLowerCase())
  return name === undefined ? no('CANNOT', 'There is no such account') : `${negative ? '-' : ''}${name}`
}

export function getAcl({ mailbox }: { readonly mailbox: string }, session: ImapSession): Tagged {
  const found = mailboxFor(session, mailbox, 'a')
  if ('is' in found) return found
  const { id, owner } = found.row
  const entries = [{ identifier: owner, rights: ALL_RIGHTS }, ...session.services.reader.acl(id)]
  const texts = entries.map(entry => ` ${astring(entry.identifier, session.utf8)} ${formatRights(entry.rights)}`)
  session.write(`* ACL ${mailboxName(mailbox, session.utf8)}${texts.join('')}\r\n`)
  return ok('Done')
}

/** RFC 4314 §3.4: what somebody always has, then what may be given, each right alone. */
export function listRights(
  { mailbox, identifier }: { readonly mailbox: string; readonly identifier: string },
  session: ImapSession,
): Tagged {
  const found = mailboxFor(session, mailbox, 'a')
  if ('is' in found) return found
  const isOwner = session.services.accountNamed(identifier)?.id === found.row.account
  const rights = isOwner ? formatRights(ALL_RIGHTS) : `"" ${Array.from(formatRights(ALL_RIGHTS)).join(' ')}`
  const name = mailboxName(mailbox, session.utf8)
  session.write(`* LISTRIGHTS ${name} ${astring(identifier, session.utf8)} ${rights}\r\n`)
  return ok('Done')
}

export function myRights({ mailbox }: { readonly mailbox: string }, session: ImapSession): Tagged {
  const found = mailboxFor(session, mailbox, 'lrikxa') // RFC 4314 §4
  if ('is' in found) return found
  session.write(myRightsResponse(session, mailbox, found))
  return ok('Done')
}

export function myRightsResponse(session: ImapSession, name: string, { rights }: Found): string {
  return `* MYRIGHTS ${mailboxName(name, session.utf8)} ${formatRights(rights)}\r\n`
}

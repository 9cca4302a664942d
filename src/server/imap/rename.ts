import { INBOX, isBelow, parentsOf, parseMailboxName } from '../../store/mailbox-name.ts'
import { change, no, ok } from './answers.ts'
import { inheritRights, newPlace } from './create.ts'
import { accountOf, mailboxFor } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** RFC 9051 §6.3.6. RFC 4314 §4: the right x on what is renamed, k above its new name. */
export async function rename(
  { from, to }: { readonly from: string; readonly to: string },
  session: ImapSession,
): Promise<Tagged> {
  const found = mailboxFor(session, from, 'x')
  if ('is' in found) return found
  const place = newPlace(session, to)
  if ('is' in place) return place
  const { row } = found
  if (row.account !== place.owner.id) return no('CANNOT', 'A mailbox stays with its account')
  if (row.name === INBOX && row.account !== accountOf(session).id) return no('CANNOT', 'That INBOX is not yours')
  // RFC 9051 §6.3.6: INBOX itself stays where it is.
  if (row.name !== INBOX && isBelow(place.name, row.name)) return no('CANNOT', 'A mailbox cannot go below itself')
  const { reader } = session.services
  const tooDeep = row.name !== INBOX && !childrenFit(reader.mailboxes(row.account), row.name, place.name)
  if (tooDeep) return no('CANNOT', 'The names of mailboxes below it would be too long')
  const missing = parentsOf(place.name).filter(level => !reader.mailboxNamed(row.account, level))
  const done = await change(session, { is: 'rename', mailbox: row.id, name: place.name })
  if (typeof done === 'object') return done
  await inheritRights(session, row.account, missing)
  return ok('Renamed')
}

function childrenFit(mailboxes: readonly { readonly name: string }[], from: string, to: string): boolean {
  return mailboxes
    .filter(({ name }) => isBelow(name, from))
    .every(({ name }) => parseMailboxName(to + name.slice(from.length)) !== undefined)
}

import { mailboxId } from '../../imap/object-id.ts'
import type { SpecialUse } from '../../storage/mail-operations.ts'
import { INBOX, parentOf, parentsOf, parseMailboxName, SEPARATOR } from '../../store/mailbox-name.ts'
import { change, NONEXISTENT, no, ok } from './answers.ts'
import { accountOf, type Found, noRight, OTHERS, type Place, placeOf, resolveMailbox, withRights } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

const SPECIAL_USES: readonly SpecialUse[] = ['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash']

/** RFC 9051 §6.3.4, RFC 6154 §3 */
export async function create(
  { mailbox, specialUse }: { readonly mailbox: string; readonly specialUse: readonly string[] },
  session: ImapSession,
): Promise<Tagged> {
  const place = newPlace(session, mailbox)
  if ('is' in place) return place
  const uses = SPECIAL_USES.filter(use => specialUse.some(given => given.toLowerCase() === use.toLowerCase()))
  // RFC 6154 §3: no other uses, and only one's own mailboxes have any.
  const own = place.owner.id === accountOf(session).id
  if (uses.length !== specialUse.length || (uses.length > 0 && !own)) return NO_SUCH_USE
  const { owner, name } = place
  const missing = [name, ...parentsOf(name)].filter(level => !session.services.reader.mailboxNamed(owner.id, level))
  const made = await change(session, { is: 'create', account: owner.id, name, specialUse: uses })
  if (typeof made === 'object') return made.code === 'CANNOT' && uses.length > 0 ? NO_SUCH_USE : made
  await inheritRights(session, owner.id, missing)
  return ok('Created', `MAILBOXID (${mailboxId(made)})`) // RFC 8474 §4.1
}

const NO_SUCH_USE = no('USEATTR', 'That use is not possible here, or another mailbox has it')

/** Where a mailbox of this name may be made (RFC 4314 §4: the right k above it), or why not. */
export function newPlace(session: ImapSession, mailbox: string): Place | Tagged {
  // RFC 9051 §6.3.4: a separator at the end says that there will be more below it, which we need not know.
  const place = placeOf(session, mailbox.endsWith(SEPARATOR) ? mailbox.slice(0, -1) : mailbox)
  const name = place && parseMailboxName(place.name)
  if (!place || name === undefined) return mailbox.startsWith(OTHERS + SEPARATOR) ? NONEXISTENT : ILLEGAL
  const own = place.owner.id === accountOf(session).id
  // Of others only who sees it hears of it: nobody finds out whose addresses there are.
  if (name === INBOX && (own || resolveMailbox(session, mailbox)?.rights.includes('l'))) return ALWAYS_THERE
  if (own) return { owner: place.owner, name }
  const above = nearest(session, place.owner.id, name)
  if (!above) return NONEXISTENT
  return above.rights.includes('k') ? { owner: place.owner, name } : noRight(above)
}

const ALWAYS_THERE = no('ALREADYEXISTS', 'There is always an INBOX')
const ILLEGAL = no('CANNOT', 'A mailbox cannot have that name')

/** The mailbox above this name; undefined: none that the account may know of. */
function nearest(session: ImapSession, owner: number, name: string): Found | undefined {
  for (const parent of parentsOf(name)) {
    const row = session.services.reader.mailboxNamed(owner, parent)
    if (row) return withRights(session, row)
  }
  return undefined
}

/** RFC 4314 §4 leaves it to us: who may see the mailbox above may see the new one. `levels`: what is new, the deepest first. */
export async function inheritRights(session: ImapSession, account: number, levels: readonly string[]): Promise<void> {
  const { reader } = session.services
  const top = levels.at(-1)
  const above = top === undefined ? undefined : parentOf(top)
  const parent = above === undefined ? undefined : reader.mailboxNamed(account, above)
  const acl = parent ? reader.acl(parent.id) : []
  if (acl.length === 0) return
  const rows = levels.flatMap(level => reader.mailboxNamed(account, level) ?? [])
  await Promise.all(rows.flatMap(({ id }) => acl.map(entry => change(session, { is: 'acl', mailbox: id, ...entry }))))
}

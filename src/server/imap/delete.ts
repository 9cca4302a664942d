import { INBOX } from '../../store/mailbox-name.ts'
import { change, no, ok } from './answers.ts'
import { mailboxFor } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** RFC 9051 §6.3.5. Whoever has it selected, we included, is told that it has no mail any more. */
export async function deleteMailbox({ mailbox }: { readonly mailbox: string }, session: ImapSession): Promise<Tagged> {
  const found = mailboxFor(session, mailbox, 'x') // RFC 4314 §4
  if ('is' in found) return found
  if (found.row.name === INBOX) return no('CANNOT', 'INBOX cannot be deleted')
  const done = await change(session, { is: 'delete', mailbox: found.row.id })
  return typeof done === 'object' ? done : ok('Deleted')
}

import { change, NONEXISTENT, ok } from './answers.ts'
import { accountOf, nameAsShown, resolveMailbox } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** RFC 9051 §6.3.7, §6.3.8: to what is there; from anything, also from what is gone. */
export async function subscribe(
  { name, mailbox }: { readonly name: string; readonly mailbox: string },
  session: ImapSession,
): Promise<Tagged> {
  const on = name === 'SUBSCRIBE'
  if (on && !resolveMailbox(session, mailbox)?.rights.includes('l')) return NONEXISTENT // RFC 4314 §4
  const done = await change(session, {
    is: 'subscribe',
    account: accountOf(session).id,
    name: nameAsShown(session, mailbox),
    on,
  })
  return typeof done === 'object' ? done : ok(on ? 'Subscribed' : 'Unsubscribed')
}

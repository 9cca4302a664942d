import { compilePattern } from '../../imap/pattern.ts'
import { mailboxName } from '../../imap/response.ts'
import { canonicalName, inOrder, parentsOf } from '../../store/mailbox-name.ts'
import { no, ok } from './answers.ts'
import { accountOf } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** RFC 3501 §6.3.9: names that are subscribed, whether or not there are mailboxes. */
export async function lsub(
  { reference, pattern }: { readonly reference: string; readonly pattern: string },
  session: ImapSession,
): Promise<Tagged> {
  const matches = compilePattern(canonicalName(reference + pattern))
  if (!matches) return no('LIMIT', 'There are too many wildcards in that pattern')
  const subscribed = new Set(session.services.reader.subscriptions(accountOf(session).id))
  const names = new Set(subscribed)
  // "A special situation": foo/bar is subscribed, foo is not, and % asks for foo.
  if (pattern.endsWith('%')) for (const name of subscribed) for (const parent of parentsOf(name)) names.add(parent)
  for (const name of inOrder(names)) {
    if (session.gone) break
    if (matches(name)) {
      session.write(`* LSUB (${subscribed.has(name) ? '' : '\\Noselect'}) "/" ${mailboxName(name, session.utf8)}\r\n`)
    }
    const room = session.room()
    if (room) await room
  }
  return ok('Done')
}

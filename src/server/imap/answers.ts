import type { Impossible, MailboxChange } from '../../storage/mail-operations.ts'
import type { StorageFailure } from '../../storage/operations.ts'
import type { ImapSession, Tagged } from './session.ts'

export const ok = (text: string, code?: string): Tagged =>
  code === undefined ? { is: 'OK', text } : { is: 'OK', code, text }

export const no = (code: string, text: string): Tagged => ({ is: 'NO', code, text })

export const bad = (text: string): Tagged => ({ is: 'BAD', text })

/** RFC 4314 §6: the same for what isn't there and for what nobody may know of. */
export const NONEXISTENT = no('NONEXISTENT', 'There is no such mailbox')

/** RFC 5530 §3 */
const IMPOSSIBLE: Readonly<Record<Impossible['is'], Tagged>> = {
  missing: NONEXISTENT,
  exists: no('ALREADYEXISTS', 'There is a mailbox of that name'),
  'over-quota': no('OVERQUOTA', 'That is more than the quota allows'),
  limit: no('LIMIT', 'There are too many already'),
  'has-children': no('HASCHILDREN', 'There are mailboxes below it'),
  cannot: no('CANNOT', 'That cannot be done with this mailbox'),
}

export function impossible({ is }: Impossible): Tagged {
  return IMPOSSIBLE[is]
}

export function failed({ why }: StorageFailure): Tagged {
  return no(
    'UNAVAILABLE',
    why === 'full' ? 'There is no room on the disk' : 'That could not be written; please try again',
  )
}

/** Answers the number of the mailbox that was made or changed, or else what is said of it. */
export async function change(session: ImapSession, wanted: MailboxChange): Promise<number | Tagged> {
  const result = await session.services.storage.ask('mailbox', wanted)
  if ('failed' in result) return failed(result.failed)
  return result.ok.is === 'done' ? result.ok.mailbox : impossible(result.ok)
}

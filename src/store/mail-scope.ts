import type { Content } from '../mail/content.ts'
import type { Description } from '../mail/description.ts'
import type { Id } from '../mail/id.ts'
import type { UidRange } from '../mail/sequence-set.ts'
import type { MailReader, MailRow } from '../storage/mail-reader.ts'
import { describeContent } from './describe-content.ts'
import { intersection } from './uids.ts'

/** Where searching, sorting and threading read: one mailbox. */
export interface MailScope {
  readonly mailbox: number
  readonly reader: Pick<
    MailReader,
    'mail' | 'description' | 'envelope' | 'copies' | 'undescribedUids' | 'sortKeys' | 'column' | 'where'
  >
  /** undefined: there is no such message. */
  readonly content: (message: Id) => Content | undefined
  /** Asked every few milliseconds of work: undefined: go on; otherwise others get their turn. May reject to end the work. */
  readonly breathe: () => Promise<void> | undefined
}

/** Of a mail that may have arrived a moment ago: described now if nobody did it before. undefined: it is gone. */
export async function describedMail(
  uid: number,
  scope: MailScope,
): Promise<{ readonly row: MailRow; readonly description: Description } | undefined> {
  const row = scope.reader.mail(scope.mailbox, uid)
  if (!row) return undefined
  const description = scope.reader.description(row.message) ?? (await describeNow(row.message, scope))
  return description && { row, description }
}

async function describeNow(message: Id, { content }: MailScope): Promise<Description | undefined> {
  const found = content(message)
  if (!found) return undefined
  try {
    return await describeContent(found)
  } catch (error) {
    // Somebody removed the message, and its file, since we looked.
    if (!content(message)) return undefined
    throw error
  }
}

/** Of these mails, those that wait for their description. */
export function undescribed(uids: Uint32Array, { reader, mailbox }: MailScope): Uint32Array {
  const first = uids[0]
  if (first === undefined) return uids
  const range: UidRange = [first, uids[uids.length - 1] ?? first]
  return intersection(uids, reader.undescribedUids(mailbox, range))
}

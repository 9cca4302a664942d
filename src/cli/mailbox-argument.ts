import { type MailboxName, parseMailboxName } from '../store/mailbox-name.ts'
import { usage } from './access.ts'

/** What a person writes as the name of a mailbox. Throws CommandError. */
export function mailboxName(text: string): MailboxName {
  const name = parseMailboxName(text)
  if (name !== undefined) return name
  throw usage(`"${text}" is not the name of a mailbox; write it like Archive or Lists/news`)
}

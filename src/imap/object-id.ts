/** RFC 8474: ids that stay what they are when a mail is copied or a mailbox renamed. The letter keeps those of mails and mailboxes apart. */
import { formatId, type Id, parseId } from '../mail/id.ts'

/** RFC 8474 §5.1: the same for every copy of a message. */
export function emailId(message: Id): string {
  return `M${formatId(message)}`
}

/** undefined: not one of ours. RFC 8474 §7: case means something. */
export function parseEmailId(text: string): Id | undefined {
  const message = parseId(text.slice(1))
  return message !== undefined && emailId(message) === text ? message : undefined
}

/** RFC 8474 §4: of a mailbox, by its number in the storage. */
export function mailboxId(mailbox: number): string {
  return `F${mailbox}`
}

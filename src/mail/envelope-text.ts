/** RFC 9051 §7.5.2: ENVELOPE, as it is sent. Values are those of the header: unfolded, encoded words as they are. */
import { type ListedAddress, parseAddressList } from './address-list.ts'
import { type EntityFields, lastField } from './entity-fields.ts'
import { imapHumanString, imapNstring } from './imap-string.ts'

/** What IMAP and SORT read of a message's header. */
export interface MessageEnvelope {
  readonly date: string | undefined
  readonly subject: string | undefined
  readonly from: readonly ListedAddress[]
  readonly sender: readonly ListedAddress[]
  readonly replyTo: readonly ListedAddress[]
  readonly to: readonly ListedAddress[]
  readonly cc: readonly ListedAddress[]
  readonly bcc: readonly ListedAddress[]
  readonly inReplyTo: string | undefined
  readonly messageId: string | undefined
}

/** Addresses that may still be read, of one message with all that is in it. */
export interface AddressBudget {
  left: number
}

export const MAX_ADDRESSES = 10_000

export function envelopeOf(fields: EntityFields, budget: AddressBudget): MessageEnvelope {
  return {
    date: lastField(fields, 'date'),
    subject: lastField(fields, 'subject'),
    from: addresses(fields, 'from', budget),
    sender: addresses(fields, 'sender', budget),
    replyTo: addresses(fields, 'reply-to', budget),
    to: addresses(fields, 'to', budget),
    cc: addresses(fields, 'cc', budget),
    bcc: addresses(fields, 'bcc', budget),
    inReplyTo: lastField(fields, 'in-reply-to'),
    messageId: lastField(fields, 'message-id'),
  }
}

/** Of several fields together: nobody is shown one From and sorted by another. */
function addresses(fields: EntityFields, name: string, budget: AddressBudget): readonly ListedAddress[] {
  const values = fields.get(name)
  if (!values) return NOBODY
  const all: ListedAddress[] = []
  for (const value of values) {
    const some = parseAddressList(value, budget.left)
    budget.left = Math.max(0, budget.left - some.length)
    all.push(...some)
  }
  return all
}

const NOBODY: readonly ListedAddress[] = []

/** As bytes in Latin-1 characters. */
export function envelopeText(envelope: MessageEnvelope): string {
  const { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = envelope
  const author = addressesText(from)
  // RFC 9051 §7.5.2: without Sender or Reply-To the addresses of From stand there.
  const texts = [
    imapNstring(date),
    subject === undefined ? 'NIL' : imapHumanString(subject),
    author,
    sender.length > 0 ? addressesText(sender) : author,
    replyTo.length > 0 ? addressesText(replyTo) : author,
    addressesText(to),
    addressesText(cc),
    addressesText(bcc),
    imapNstring(inReplyTo),
    imapNstring(messageId),
  ]
  return `(${texts.join(' ')})`
}

function addressesText(addresses: readonly ListedAddress[]): string {
  if (addresses.length === 0) return 'NIL'
  let text = '('
  for (const { name, route, mailbox, domain } of addresses) {
    // RFC 9051 §7.5.2: NIL would be a group. The words are those that users of IMAP know.
    const local = mailbox === '' && domain !== undefined ? 'MISSING_MAILBOX' : mailbox
    const host = domain === '' ? 'MISSING_DOMAIN' : domain
    const human = name === undefined ? 'NIL' : imapHumanString(name)
    text += `(${human} ${imapNstring(route)} ${imapNstring(local)} ${imapNstring(host)})`
  }
  return `${text})`
}

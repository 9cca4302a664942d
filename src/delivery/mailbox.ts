/** Into the mailboxes of own accounts: decided here, done by the storage in the transaction that ends the entry. */
import type { Route } from '../config/settings.ts'
import type { Directory } from '../directory/directory.ts'
import { type Address, formatAddress, parseAddress } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Outcome } from '../mail/outcome.ts'

export type Stored = {
  readonly is: 'stored'
  readonly account: number
  readonly address: string
  readonly head: string
}

/** One result per recipient. `route`: rules may have changed since the entry was made. */
export function deliverToMailbox(
  { sender }: { readonly sender: string },
  recipients: readonly Recipient[],
  route: (address: Address) => Route | undefined,
  directory: Pick<Directory, 'meaning' | 'account'>,
): (Outcome | Stored)[] {
  return recipients.map(({ address }) => {
    const to = route(address)
    const named = to?.via === 'mailbox' ? to.account : undefined
    const reader = named === undefined ? directory.meaning(address) : accountOf(named, directory)
    switch (reader.is) {
      case 'account':
        return { is: 'stored', account: reader.id, address: reader.address, head: headOf(sender, address) }
      case 'unread':
        return deferred('nobody reads the mail for postmaster yet; add an account')
      case 'alias': // it became one after the message was accepted
        return deferred('the address has become an alias')
      case 'unknown':
        return {
          is: 'bounced',
          status: '5.1.1',
          reason: 'there is no such mailbox here',
          reply: undefined,
          to: undefined,
        }
    }
  })
}

function accountOf(text: string, directory: Pick<Directory, 'meaning'>): ReturnType<Directory['meaning']> {
  const address = parseAddress(text, { smtputf8: true })
  return address ? directory.meaning(address) : { is: 'unknown' }
}

function deferred(reason: string): Outcome {
  return { is: 'deferred', of: 'recipient', status: '4.2.1', reason, reply: undefined, to: undefined }
}

/** RFC 5321 §4.4: the final delivery puts the return path on top; Delivered-To says which address it was. */
function headOf(sender: string, address: Address): string {
  return `Return-Path: <${sender}>\r\nDelivered-To: ${formatAddress(address)}\r\n`
}

import type { Address } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Meaning } from '../directory/directory.ts'

/** What the queue needs to know of where things go; `delivery/route` and the settings stand behind it. */
export interface Routing {
  /** The grouping key of the recipient's next hop. */
  destination(address: Address): string
  /** ms until it is given up, ms until the sender hears of a delay (0: never). */
  times(destination: string, address: Address): { readonly lifetime: number; readonly delayNotice: number }
  /** Simultaneous deliveries that this thread may make to it (0: another thread does it), and its messages per second. */
  share(destination: string): { readonly concurrency: number; readonly rate: number | undefined }
}

export interface Expansion {
  readonly recipients: readonly Recipient[]
  /** Aliases that became several (RFC 3461 §5.2.7.3): their SUCCESS report is due now. */
  readonly expanded: readonly { readonly recipient: Recipient; readonly to: readonly Address[] }[]
}

/**
 * The recipients after aliases, each address once. RFC 3461 §5.2.7: an alias of one keeps NOTIFY and ORCPT; one of several keeps all but
 * SUCCESS. Reports about its members go to the sender of the message.
 */
export function expand(
  recipients: readonly Recipient[],
  directory: { isOwnDomain(name: string): boolean; meaning(address: Address): Meaning },
): Expansion {
  const ends = new Map<string, Recipient>()
  const expanded: { recipient: Recipient; to: readonly Address[] }[] = []
  const add = (recipient: Recipient): void => {
    const { local, domain } = recipient.address
    // In our own mailboxes the case of a local part makes no difference; elsewhere it may (RFC 5321 §2.4).
    const key = `${directory.isOwnDomain(domain) ? local.toLowerCase() : local}@${domain}`
    if (!ends.has(key)) ends.set(key, recipient)
  }
  for (const recipient of recipients) {
    const { address, notify, original } = recipient
    const meaning = directory.isOwnDomain(address.domain) ? directory.meaning(address) : undefined
    if (meaning?.is !== 'alias') {
      add(recipient)
      continue
    }
    const several = meaning.targets.length > 1
    if (several) expanded.push({ recipient, to: meaning.targets })
    for (const target of meaning.targets) {
      add({ address: target, notify: several ? notify?.filter(word => word !== 'SUCCESS') : notify, original })
    }
  }
  return { recipients: [...ends.values()], expanded }
}

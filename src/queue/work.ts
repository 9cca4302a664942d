import type { Content } from '../mail/content.ts'
import type { Envelope, Notify, OriginalRecipient, Recipient } from '../mail/envelope.ts'
import { parseAddress } from '../mail/address.ts'
import type { Id } from '../mail/id.ts'
import type { ClaimedWork, Entry } from '../storage/operations.ts'

/** Entries of one message to one destination, leased to this thread: what one attempt works on. */
export interface Work extends ClaimedWork {
  readonly destination: string
  /** undefined: still on disk, read when its turn comes. */
  readonly content: Content | undefined
}

/** A message as reports and events speak of it. */
export interface QueuedMessage {
  readonly id: Id
  readonly at: number
  readonly envelope: Envelope
  readonly sender: string
}

/** Whether an entry of an attempt can be understood; a damaged row can't. */
export function recipientOf(entry: Entry): Recipient | undefined {
  const address = parseAddress(entry.recipient, { smtputf8: true })
  const dsn = entry.dsn === undefined ? NO_DSN : readDsn(entry.dsn)
  return address && dsn && { address, notify: dsn.notify, original: dsn.original }
}

interface Dsn {
  readonly notify: readonly Notify[] | undefined
  readonly original: OriginalRecipient | undefined
}

const NO_DSN: Dsn = { notify: undefined, original: undefined }

/** NOTIFY and ORCPT as an entry keeps them; undefined: the client gave neither. */
export function writeDsn({ notify, original }: Recipient): string | undefined {
  return notify === undefined && original === undefined ? undefined : JSON.stringify({ notify, original })
}

function readDsn(text: string): Dsn | undefined {
  try {
    const { notify, original }: Dsn = JSON.parse(text)
    return { notify, original }
  } catch {
    return undefined
  }
}

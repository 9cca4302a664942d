import type { Address } from './address.ts'

/** RFC 5321 §4.1.2: Reverse-path = Path / "<>" */
export type ReversePath = Address | '<>'

/** RFC 6152, RFC 3030: what the client says the content is. */
export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME'

/** RFC 3461 §4.1. An empty list is NOTIFY=NEVER. */
export type Notify = 'SUCCESS' | 'FAILURE' | 'DELAY'

/** RFC 3461 §4.2: the address as its author wrote it, xtext decoded. */
export interface OriginalRecipient {
  readonly type: string
  readonly address: string
}

export interface Recipient {
  readonly address: Address
  /** undefined: the client said nothing, which means FAILURE and DELAY (RFC 3461 §4.1). */
  readonly notify: readonly Notify[] | undefined
  readonly original: OriginalRecipient | undefined
}

/** What RFC 5321 §2.3.1 calls the envelope, but for the recipients. */
export interface Envelope {
  readonly returnPath: ReversePath
  readonly body: BodyType
  /** RFC 6531: the client asked for SMTPUTF8. */
  readonly smtputf8: boolean
  /** RFC 3461 §4.3 */
  readonly ret: 'FULL' | 'HDRS' | undefined
  /** RFC 3461 §4.4, xtext decoded. */
  readonly envid: string | undefined
  /** RFC 4865: not to be delivered before, in ms since 1970. */
  readonly holdUntil: number | undefined
}

import { formatAddress } from '../mail/address.ts'
import type { BodyType, Envelope, OriginalRecipient, Recipient } from '../mail/envelope.ts'
import { encodeUtf8AddrUnitext, encodeUtf8AddrXtext, encodeXtext } from '../mail/xtext.ts'
import type { Abilities } from './abilities.ts'

/** RFC 5321 §3.3: one mail transaction as the client sees it, but for the bytes of the content. */
export interface Transaction {
  readonly envelope: Envelope
  /** What the content is when it leaves here; a converted one is less than `envelope.body`. */
  readonly body: BodyType
  /** At least one. */
  readonly recipients: readonly Recipient[]
  /** Bytes of the content. */
  readonly size: number
}

/** RFC 5321 §4.1.1.2, each parameter only where its extension was offered (§2.2.1). */
export function mailCommand(mail: Transaction, abilities: Abilities): string {
  const { returnPath, smtputf8, ret, envid } = mail.envelope
  let command = `MAIL FROM:<${returnPath === '<>' ? '' : formatAddress(returnPath)}>`
  if (abilities.size !== undefined) command += ` SIZE=${mail.size}`
  // RFC 6152 §3, RFC 3030 §3: BODY=7BIT is what its absence means.
  if (mail.body === '8BITMIME' && abilities.eightBitMime) command += ' BODY=8BITMIME'
  if (mail.body === 'BINARYMIME' && abilities.binaryMime) command += ' BODY=BINARYMIME'
  if (smtputf8 && abilities.smtputf8) command += ' SMTPUTF8'
  if (abilities.dsn && ret !== undefined) command += ` RET=${ret}`
  const xtext = envid === undefined ? undefined : encodeXtext(envid)
  if (abilities.dsn && xtext !== undefined) command += ` ENVID=${xtext}`
  return `${command}\r\n`
}

/** RFC 5321 §4.1.1.3; RFC 3461 §5.2.1: NOTIFY and ORCPT go on unchanged to a host that offers DSN. */
export function rcptCommand(recipient: Recipient, smtputf8: boolean, abilities: Abilities): string {
  let command = `RCPT TO:<${formatAddress(recipient.address)}>`
  if (abilities.dsn) {
    const { notify, original } = recipient
    if (notify !== undefined) command += ` NOTIFY=${notify.length === 0 ? 'NEVER' : notify.join(',')}`
    const encoded = original === undefined ? undefined : encodeOriginal(original, smtputf8)
    if (encoded !== undefined) command += ` ORCPT=${encoded}`
  }
  return `${command}\r\n`
}

/** RFC 3461 §4.2; RFC 6533 §3: the type utf-8 has encodings of its own. undefined: it can't be written. */
function encodeOriginal({ type, address }: OriginalRecipient, smtputf8: boolean): string | undefined {
  const encode = type.toLowerCase() !== 'utf-8' ? encodeXtext : smtputf8 ? encodeUtf8AddrUnitext : encodeUtf8AddrXtext
  const encoded = encode(address)
  return encoded === undefined ? undefined : `${type};${encoded}`
}

/** How many of the recipients, from the first on, the host takes in one transaction (RFC 9422 §4.2, §4.3). At least one. */
export function recipientsAtOnce(recipients: readonly Recipient[], abilities: Abilities): number {
  const { limits } = abilities
  const most = Math.min(recipients.length, limits.recipients)
  if (limits.domains === Infinity) return most
  const domains = new Set<string>()
  for (let count = 0; count < most; count++) {
    domains.add(recipients[count]?.address.domain ?? '')
    if (domains.size > limits.domains) return count
  }
  return most
}

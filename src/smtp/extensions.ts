/** What we announce in the reply to EHLO and LHLO. An extension is a row of the table. */
import { MECHANISMS } from '../sasl/mechanism.ts'
import type { Context } from './session.ts'

/** What decides what is on offer at this moment. */
export interface Offer {
  readonly context: Context
  readonly tls: boolean
  readonly login: string | undefined
}

/** The line of the extension; undefined: not now, or not here. In the order in which they are announced. */
const EXTENSIONS: readonly ((offer: Offer) => string | undefined)[] = [
  () => 'PIPELINING', // RFC 2920
  ({ context }) => `SIZE ${context.limits.messageSize}`, // RFC 1870 §3
  () => '8BITMIME', // RFC 6152
  () => 'ENHANCEDSTATUSCODES', // RFC 2034
  offer => (offersStartTls(offer) ? 'STARTTLS' : undefined), // RFC 3207 §4.2: not once TLS is on
  offer => (offersAuth(offer) ? `AUTH ${MECHANISMS.join(' ')}` : undefined), // RFC 4954 §3
  () => 'SMTPUTF8', // RFC 6531 §3.1
  () => 'DSN', // RFC 3461 §3
  () => 'CHUNKING', // RFC 3030 §2
  () => 'BINARYMIME', // RFC 3030 §3
  ({ context }) => limitsLine(context), // RFC 9422
  ({ context }) => (offersHold(context) ? holdLine(context) : undefined), // RFC 4865
  () => 'HELP', // RFC 5321 §4.1.1.8
]

/** One line for each extension on offer, without the host name that goes before them. */
export function announce(offer: Offer): string[] {
  return EXTENSIONS.map(line => line(offer)).filter(line => line !== undefined)
}

export function offersStartTls({ context, tls }: Offer): boolean {
  return context.startTls && !tls
}

/** Users log in where mail is submitted (RFC 6409 §4.3), and only where nobody can listen. */
export function offersAuth({ context, tls, login }: Offer): boolean {
  return isSubmission(context) && login === undefined && (tls || context.clearLogin)
}

export function offersHold(context: Context): boolean {
  return isSubmission(context) && context.longestHold > 0
}

export function isSubmission({ kind }: Context): boolean {
  return kind === 'submission' || kind === 'submissions'
}

/** RFC 9422 */
function limitsLine({ limits }: Context): string {
  return `LIMITS RCPTMAX=${limits.recipients} MAILMAX=${limits.messagesPerSession}`
}

/** RFC 4865: the longest interval in seconds, and the last date and time of a release. */
function holdLine({ longestHold, now }: Context): string {
  const until = new Date(now() + longestHold).toISOString().replace(/\.\d+Z$/, 'Z')
  return `FUTURERELEASE ${Math.floor(longestHold / 1000)} ${until}`
}

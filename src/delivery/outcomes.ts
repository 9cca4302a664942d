import type { Reply } from '../mail/reply.ts'
import type { RecipientResult, Trouble } from '../smtp/client-transaction.ts'
import type { Unfit } from './fit.ts'
import type { Outcome } from '../mail/outcome.ts'

/** What a result of a transaction means for the recipient. `to`: the host; `reports`: it announced DSN. */
export function outcomeOf(result: Exclude<RecipientResult, { is: 'untried' }>, to: string, reports: boolean): Outcome {
  switch (result.is) {
    case 'accepted':
      return { is: 'delivered', to, reply: result.reply, reports }
    case 'refused':
      return refusalOf(result.reply, result.by, to)
    case 'lost':
      return troubleOutcome(result.trouble, to)
  }
}

/** RFC 5321 §4.2.1: 5yz is for ever, 4yz for now. */
function refusalOf(reply: Reply, by: 'MAIL' | 'RCPT' | 'DATA', to: string): Outcome {
  const reason = `the host refused ${by}`
  const status = reply.status ?? `${reply.code < 500 ? 4 : 5}.0.0`
  if (reply.code >= 500) return { is: 'bounced', status, reason, reply, to }
  return { is: 'deferred', of: 'recipient', status, reason, reply, to }
}

/** RFC 3463: what we say of a trouble for which the host has given no status. */
const STATUS: Readonly<Record<Trouble['with'], string>> = {
  dial: '4.4.1',
  connection: '4.4.2',
  greeting: '4.3.2',
  hello: '4.5.0',
  tls: '4.7.5', // RFC 5248 §2.4 and the register: TLS could not be established as asked
  auth: '4.7.8',
  protocol: '4.5.0',
  shutdown: '4.3.2',
  content: '4.3.0',
}

/**
 * Trouble with a connection is never for ever: another host, or the same one later, may take the message, even where this one's greeting
 * was a 554 or our password was wrong.
 */
export function troubleOutcome(trouble: Trouble, to: string | undefined): Outcome {
  const { reply, reason } = trouble
  const status = reply?.status === undefined ? STATUS[trouble.with] : `4${reply.status.slice(1)}`
  const of = trouble.with === 'content' ? 'recipient' : 'destination'
  return { is: 'deferred', of, status, reason, reply, to }
}

export function unfitOutcome({ status, reason }: Unfit, to: string): Outcome {
  if (status.startsWith('5')) return { is: 'bounced', status, reason, reply: undefined, to }
  return { is: 'deferred', of: 'recipient', status, reason, reply: undefined, to }
}

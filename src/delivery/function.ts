/** A function of the configuration as the next hop. */
import { createReadStream } from 'node:fs'
import type { Deliver, DeliverResult } from '../config/define.ts'
import { formatAddress } from '../mail/address.ts'
import { type Content, contentSize } from '../mail/content.ts'
import type { Job } from './attempt.ts'
import type { Outcome } from '../mail/outcome.ts'

/** ms that a function may take: what hangs must not hold its place for ever. It is not stopped, and what it says later is not heard. */
const PATIENCE = 300_000

/** One outcome per recipient. What the function throws, and an answer that is none, is tried again later. */
export async function callFunction(
  deliver: Deliver | undefined,
  job: Job,
  patience = PATIENCE,
): Promise<readonly Outcome[]> {
  const { envelope, recipients, content } = job
  if (!deliver) return recipients.map(() => deferred('the configuration has no function for this route any more'))
  try {
    const answer = await within(
      patience,
      deliver({
        id: job.id,
        returnPath: envelope.returnPath === '<>' ? '' : formatAddress(envelope.returnPath),
        recipients: recipients.map(recipient => formatAddress(recipient.address)),
        size: contentSize(content),
        content: () => chunks(content),
      }),
    )
    return recipients.map((_, i) => outcomeOf('is' in answer ? answer : answer[i]))
  } catch (error) {
    return recipients.map(() =>
      deferred(`the function failed: ${error instanceof Error ? error.message : String(error)}`),
    )
  }
}

function outcomeOf(result: DeliverResult | undefined): Outcome {
  switch (result?.is) {
    case 'delivered':
      return { is: 'delivered', to: 'function', reply: undefined, reports: false }
    case 'deferred':
      return deferred(result.reason, result.status)
    case 'bounced':
      return {
        is: 'bounced',
        status: result.status ?? '5.0.0',
        reason: result.reason,
        reply: undefined,
        to: 'function',
      }
    case undefined:
      return deferred('the function gave no result for this recipient')
  }
}

function deferred(reason: string, status = '4.3.0'): Outcome {
  return { is: 'deferred', of: 'recipient', status, reason, reply: undefined, to: 'function' }
}

/** Rejects when it takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

async function* chunks(content: Content): AsyncGenerator<Uint8Array, void> {
  if (content.in === 'memory') {
    yield content.bytes
    return
  }
  yield content.head
  for await (const chunk of createReadStream(content.path)) if (chunk instanceof Uint8Array) yield chunk
}

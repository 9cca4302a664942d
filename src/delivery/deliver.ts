/** One attempt at delivery, whatever the route. `mx`, `relay` and `lmtp` are made here; mailboxes and functions are handed in. */
import type { Route } from '../config/settings.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Network } from '../net/network.ts'
import { attempt, type Job, type Means } from './attempt.ts'
import { newRoom } from './fit.ts'
import type { Surroundings } from './hosts.ts'
import { lmtpTarget } from './lmtp.ts'
import { mxTarget } from './mx.ts'
import type { Outcome } from '../mail/outcome.ts'
import { createPool } from './pool.ts'
import { relayTarget } from './relay.ts'

export type { Job } from './attempt.ts'

export interface DeliveryOptions {
  readonly network: Network
  readonly resolver: Resolver
  /** An integer from 0 up to, but without, `below` (`crypto.randomInt`); for hosts of equal preference. */
  readonly random: (below: number) => number
  /** ms; only differences count. */
  readonly clock: { now(): number }
  /** For EHLO, and to know ourselves among the hosts of a domain. */
  readonly hostname: string
  /** On which we take mail: a host with one of them is us. */
  readonly ownAddresses?: readonly string[] | undefined
  /** Sessions at once with one destination, unless its route says otherwise. */
  readonly concurrency: number
  /** ms for a connection; default 30 s. */
  readonly connectTimeout?: number | undefined
  /** ms that an open session waits for the next message; default 5 s, less than hosts usually wait. */
  readonly idle?: number | undefined
  /** Trusted roots in PEM; undefined: those that Node brings. */
  readonly ca?: string | undefined
  readonly mailbox: Deliver<'mailbox'>
  readonly callFunction: Deliver<'function'>
}

/** One outcome for each recipient, in order. */
export type Deliver<Via extends Route['via'] = Route['via']> = (
  route: Route & { via: Via },
  job: Job,
) => Promise<readonly Outcome[]>

export interface Delivery {
  /** One outcome for each recipient, in order. Never rejects. */
  readonly deliver: Deliver
  /** Says QUIT where nothing is under way; what is under way ends with its message, and then it resolves. */
  readonly close: () => Promise<void>
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { network, resolver, random, clock, connectTimeout = 30_000, idle = 5_000, ca } = options
  const pool = createPool()
  const hostname = options.hostname.toLowerCase()
  const own = { hostname, addresses: new Set(options.ownAddresses) }
  const around: Surroundings = { resolver, random, own }
  const means: Means = { network, pool, now: () => clock.now(), idle, connectTimeout, room: newRoom(), ca }

  function dispatch(route: Route, job: Job): Promise<readonly Outcome[]> {
    const concurrency = route.concurrency ?? options.concurrency
    switch (route.via) {
      case 'mx':
        return byDomain(job, (domain, part) =>
          attempt(means, mxTarget(domain, route, options.hostname, concurrency, around), part),
        )
      case 'relay':
        return attempt(means, relayTarget(route, options.hostname, concurrency, around), job)
      case 'lmtp':
        return attempt(means, lmtpTarget(route.to, options.hostname, concurrency, around), job)
      case 'refuse':
        return Promise.resolve(job.recipients.map(() => refusal(route)))
      case 'mailbox':
        return options.mailbox(route, job)
      case 'function':
        return options.callFunction(route, job)
    }
  }

  return {
    async deliver(route, job) {
      try {
        return await dispatch(route, job)
      } catch (error) {
        const reason = `delivery failed: ${error instanceof Error ? error.message : String(error)}`
        return job.recipients.map(() => ({
          is: 'deferred',
          of: 'recipient',
          status: '4.3.0',
          reason,
          reply: undefined,
          to: undefined,
        }))
      }
    },
    close: () => pool.close(),
  }
}

function refusal({ code, status, text }: Route & { via: 'refuse' }): Outcome {
  const reply = { code, status, text: [text] }
  const about = { status, reason: text, reply, to: undefined }
  return code < 500 ? { is: 'deferred', of: 'recipient', ...about } : { is: 'bounced', ...about }
}

/** A session is with the hosts of one domain; the queue brings them so, others are told apart here. */
async function byDomain(
  job: Job,
  deliver: (domain: string, part: Job) => Promise<readonly Outcome[]>,
): Promise<readonly Outcome[]> {
  const first = job.recipients[0]?.address.domain ?? ''
  if (job.recipients.every(({ address }) => address.domain === first)) return deliver(first, job)
  const domains = Map.groupBy(job.recipients, ({ address }) => address.domain)
  const outcomes = new Map<unknown, Outcome | undefined>()
  for (const [domain, recipients] of domains) {
    const part = await deliver(domain, { ...job, recipients })
    recipients.forEach((recipient, i) => outcomes.set(recipient, part[i]))
  }
  return job.recipients.map(recipient => outcomes.get(recipient) ?? MISSING)
}

const MISSING: Outcome = {
  is: 'deferred',
  of: 'recipient',
  status: '4.3.0',
  reason: 'no outcome',
  reply: undefined,
  to: undefined,
}

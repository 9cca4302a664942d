/**
 * One attempt to hand a message to a destination:
 *
 * 1. an idle session to it, if there is one; what died while idle costs nothing, a new connection is tried at once;
 * 2. otherwise its hosts, best first, until one says something of its own about every recipient;
 * 3. on a session: content and host are made to fit, then as many transactions as the host's limits ask for.
 *
 * A message whose content went out without an answer is never sent again in the same attempt: the host may have it.
 */
import { type Content, contentSize } from '../mail/content.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { Network } from '../net/network.ts'
import type { Abilities } from '../smtp/abilities.ts'
import type { ClientSettings } from '../smtp/client.ts'
import type { RecipientResult, Trouble } from '../smtp/client-transaction.ts'
import { type Fit, fit, type Room, unreachable } from './fit.ts'
import type { Hosts } from './hosts.ts'
import type { Outcome } from '../mail/outcome.ts'
import { outcomeOf, troubleOutcome, unfitOutcome } from './outcomes.ts'
import type { Pool } from './pool.ts'
import { type Opened, openSession, type Session, type Where } from './session.ts'

export interface Job {
  /** The message's, for logs. */
  readonly id: string
  readonly envelope: Envelope
  readonly content: Content
  /** At least one. */
  readonly recipients: readonly Recipient[]
}

/** Where an attempt goes. Sessions of the same `key` may be used for each other's messages. */
export interface Target {
  readonly key: string
  readonly settings: ClientSettings
  /** Sessions at once. */
  readonly concurrency: number
  /** Asked only when a session must be opened. */
  readonly doors: () => Promise<Doors>
}

/** The hosts of a target, ready to be dialled. */
export type Doors = { readonly is: 'found'; readonly doors: readonly Door[] } | Exclude<Hosts, { is: 'found' }>

export interface Door {
  readonly where: Where
  /** The name for SNI and the certificate. */
  readonly name: string
  /** For people: 'mx1.example.org [192.0.2.1]:25'. */
  readonly to: string
}

export interface Means {
  readonly network: Network
  readonly pool: Pool
  /** ms, monotonic. */
  readonly now: () => number
  /** ms that a session may wait for the next message. */
  readonly idle: number
  /** ms for one connection. */
  readonly connectTimeout: number
  readonly room: Room
  /** Trusted roots in PEM; undefined: those that Node brings. */
  readonly ca: string | undefined
}

/** One outcome for each recipient, in order; undefined: not settled yet. */
type Ledger = (Outcome | undefined)[]

/** One outcome for each recipient, in order. Rejects for our own mistakes only. */
export async function attempt(means: Means, target: Target, job: Job): Promise<readonly Outcome[]> {
  const ledger: Ledger = job.recipients.map(() => undefined)
  const taken = means.pool.take(target.key, target.concurrency)
  const lease = taken instanceof Promise ? await taken : taken
  try {
    if (lease !== 'open' && (await use(means, lease, job, ledger)) === 'settled') {
      means.pool.give(target.key, lease)
      return settle(ledger, NOWHERE)
    }
    // What is left of the lease is the right to open another one.
    if (lease !== 'open') lease.quit()
    const opened = await knock(means, target, job, ledger)
    if (opened.session === undefined) means.pool.drop(target.key)
    else means.pool.give(target.key, opened.session)
    return settle(ledger, opened.otherwise)
  } catch (mistake) {
    if (lease !== 'open') lease.quit()
    means.pool.drop(target.key)
    throw mistake
  }
}

const NOWHERE = troubleOutcome({ with: 'dial', reason: 'there was no host to try', reply: undefined }, undefined)

function settle(ledger: Ledger, otherwise: Outcome): readonly Outcome[] {
  return ledger.map(outcome => outcome ?? otherwise)
}

interface Knocked {
  /** The one that can be used for more. */
  readonly session: Session | undefined
  /** For the recipients that no host said anything about. */
  readonly otherwise: Outcome
}

/** RFC 5321 §5.1: each host in order until one of them settles it. */
async function knock(means: Means, target: Target, job: Job, ledger: Ledger): Promise<Knocked> {
  const found = await target.doors()
  if (found.is !== 'found') return { session: undefined, otherwise: notFound(found) }
  let otherwise = NOWHERE
  for (let i = 0; i < found.doors.length; ) {
    const door = found.doors[i]
    if (door === undefined) break
    const opened = await openDoor(means, target.settings, door)
    if (opened.is === 'failed') {
      otherwise = troubleOutcome(opened.trouble, door.to)
      i++
      continue
    }
    const end = await use(means, opened.session, job, ledger)
    if (end === 'settled') return { session: opened.session, otherwise }
    opened.session.quit()
    if (end === 'more') continue // each time at least one recipient is settled
    otherwise = end
    i++
  }
  return { session: undefined, otherwise }
}

function notFound(found: Exclude<Hosts, { is: 'found' }>): Outcome {
  const { status, reason } = found
  if (found.is === 'bounced') return { is: 'bounced', status, reason, reply: undefined, to: undefined }
  return { is: 'deferred', of: 'destination', status, reason, reply: undefined, to: undefined }
}

async function openDoor(means: Means, settings: ClientSettings, door: Door): Promise<Opened> {
  const opened = await openWith(means, settings, door)
  // RFC 7435 §3: no encryption is better than no mail. Never for a password: the handshake may have been broken on purpose.
  const plain = opened.is === 'failed' && opened.trouble.with === 'tls' && settings.tls === 'opportunistic'
  return plain && settings.auth === undefined ? openWith(means, { ...settings, tls: 'none' }, door) : opened
}

function openWith(means: Means, settings: ClientSettings, door: Door): Promise<Opened> {
  const { network, now, idle, connectTimeout, ca } = means
  const verify = settings.tls === 'required' || settings.tls === 'implicit'
  const tls = { servername: door.name, verify, ca }
  return openSession({ network, now, idle, connectTimeout, settings, destination: door.where, to: door.to, tls })
}

/**
 * Sends to all recipients that are not settled. `more`: some are left only because the host takes no more on this connection. An Outcome
 * is for those that another host may still take.
 */
async function use({ room }: Means, session: Session, job: Job, ledger: Ledger): Promise<'settled' | 'more' | Outcome> {
  if (session.abilities === undefined) throw new Error('the session is not open')
  const fitting = fit(job.envelope, job.content, session.abilities, room)
  const fitted = fitting instanceof Promise ? await fitting : fitting
  try {
    return await transact(session, session.abilities, job, ledger, fitted)
  } finally {
    if (fitted.is === 'fits') room.held -= fitted.held
  }
}

async function transact(
  session: Session,
  abilities: Abilities,
  job: Job,
  ledger: Ledger,
  fitted: Fit,
): Promise<'settled' | 'more' | Outcome> {
  const { to } = session
  for (let i = 0; i < ledger.length; i++) {
    const recipient = job.recipients[i]
    if (ledger[i] !== undefined || recipient === undefined) continue
    const unfit = fitted.is === 'unfit' ? fitted : unreachable(recipient, job.envelope, abilities)
    if (unfit !== undefined) ledger[i] = unfitOutcome(unfit, to)
  }
  const { body, content } = fitted.is === 'unfit' ? { body: job.envelope.body, content: job.content } : fitted
  const size = contentSize(content)
  for (;;) {
    const recipients = unsettled(job.recipients, ledger)
    if (recipients.length === 0) return 'settled'
    const { results, doubtful } = await session.send({ envelope: job.envelope, body, recipients, size }, content)
    const left = record(results, doubtful, ledger, session)
    if (left !== undefined) return left
    if (!session.ready && ledger.includes(undefined)) return 'more'
  }
}

function unsettled(recipients: readonly Recipient[], ledger: Ledger): readonly Recipient[] {
  if (!ledger.some(outcome => outcome !== undefined)) return recipients
  return recipients.filter((_, i) => ledger[i] === undefined)
}

/** Writes the results into the places that are not settled yet. What another host may do better is returned instead. */
function record(
  results: readonly RecipientResult[],
  doubtful: boolean,
  ledger: Ledger,
  session: Session,
): Outcome | undefined {
  const reports = session.abilities?.dsn === true
  let left: Outcome | undefined
  let nth = 0
  for (let i = 0; i < ledger.length; i++) {
    if (ledger[i] !== undefined) continue
    const result = results[nth++]
    if (result === undefined || result.is === 'untried') continue
    const outcome = outcomeOf(result, session.peer, reports)
    if (isForAnother(result, doubtful)) left = outcome
    else ledger[i] = outcome
  }
  return left
}

function isForAnother(result: RecipientResult, doubtful: boolean): boolean {
  if (result.is === 'refused') return result.by === 'MAIL' && result.reply.code < 500
  return result.is === 'lost' && !doubtful && !isOurs(result.trouble)
}

function isOurs(trouble: Trouble): boolean {
  return trouble.with === 'content'
}

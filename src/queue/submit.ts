/**
 * The door of the queue: aliases become what they mean, every recipient becomes an entry with its destination, and one durable commit makes
 * the message ours. Only after that may anybody be told 250.
 */
import type { Directory } from '../directory/directory.ts'
import { type Event, eventLine } from '../log/events.ts'
import { formatAddress } from '../mail/address.ts'
import { type Content, contentSize } from '../mail/content.ts'
import type { Description } from '../mail/description.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { reportsDue } from '../mail/report.ts'
import type { Id } from '../mail/id.ts'
import type { Entry, NewEntry, StorageFailure, StoredCopy, Submission } from '../storage/operations.ts'
import type { Storage } from '../storage/storage.ts'
import { makeReport, type Reporter } from './report.ts'
import { type Expansion, expand, type Routing } from './routing.ts'
import type { Runner } from './runner.ts'
import { type Work, writeDsn } from './work.ts'

export interface Arrival {
  readonly id: Id
  /** ms since 1970 */
  readonly at: number
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
  readonly content: Content
  /** undefined: no mailbox of ours is among the recipients, or it is worked out later. */
  readonly description: Description | undefined
  /** Who it is counted to in the queue's turns: the login; undefined: the return path. */
  readonly login: string | undefined
  readonly events: readonly Event[]
}

export interface SubmitOptions {
  readonly owner: number
  readonly storage: Storage
  readonly directory: Pick<Directory, 'isOwnDomain' | 'meaning'>
  readonly routing: Routing
  readonly runner: Pick<Runner, 'reserve' | 'accept' | 'drop'>
  readonly reporter: Reporter
  /** The mailbox of ours that takes a message for this recipient; undefined: none does, or not now. `sender`: '' is `<>`. */
  readonly mailboxOf: (sender: string, recipient: Recipient) => MailboxCopy | undefined
  /** Accept, but hold everything. */
  readonly hold: boolean
}

/** A copy for an account of ours; `address`: its log-in. */
export interface MailboxCopy extends StoredCopy {
  readonly address: string
}

/** undefined: it is on disk. */
export type Submit = (arrival: Arrival) => Promise<StorageFailure | undefined>

export function createSubmit(options: SubmitOptions): Submit {
  const { storage, directory, routing, runner } = options

  function entriesOf(arrival: Arrival, recipients: readonly Recipient[]): NewEntry[] {
    const { at, envelope } = arrival
    return recipients.map((recipient, n) => {
      const destination = routing.destination(recipient.address)
      const { lifetime, delayNotice } = routing.times(destination, recipient.address)
      const due = envelope.holdUntil ?? at
      return {
        n,
        recipient: formatAddress(recipient.address),
        dsn: writeDsn(recipient),
        destination,
        state: options.hold ? 'held' : due > at ? 'waiting' : 'ready',
        due,
        expires: due + lifetime,
        notice: delayNotice > 0 && envelope.returnPath !== '<>' ? due + delayNotice : 0,
      }
    })
  }

  /** What is for mailboxes of ours goes there in the transaction that takes it in, unless the sender is to hear of it. */
  function copiesOf(
    arrival: Arrival,
    sender: string,
    entries: readonly NewEntry[],
    recipients: readonly Recipient[],
  ): Copies {
    const copies: Copies = new Map()
    for (const entry of entries) {
      const recipient = recipients[entry.n]
      if (!recipient || entry.destination !== 'mailbox' || entry.state !== 'ready') continue
      if (reportsDue(recipient, 'delivered', arrival.envelope.returnPath)) continue
      const copy = options.mailboxOf(sender, recipient)
      if (copy) copies.set(entry, copy)
    }
    return copies
  }

  return async arrival => {
    const expansion = expand(arrival.recipients, directory)
    const { recipients } = expansion
    const sender = arrival.envelope.returnPath === '<>' ? '' : formatAddress(arrival.envelope.returnPath)
    const all = entriesOf(arrival, recipients)
    const copies = copiesOf(arrival, sender, all, recipients)
    let failure = await enter(arrival, sender, all, copies, expansion)
    // An account went in this moment: the queue finds out what becomes of its mail.
    if (failure?.why === 'conflict' && copies.size > 0)
      failure = await enter(arrival, sender, all, new Map(), expansion)
    if (failure === undefined) void reportExpansions(arrival, expansion, options)
    return failure
  }

  async function enter(
    arrival: Arrival,
    sender: string,
    all: readonly NewEntry[],
    copies: Copies,
    expansion: Expansion,
  ): Promise<StorageFailure | undefined> {
    const { id, at, envelope, content, description } = arrival
    const source = arrival.login ?? (sender === '' ? '<>' : sender) // never empty: turns begin after ''
    const queued = all.filter(entry => !copies.has(entry))
    const ready = new Set(queued.filter(entry => entry.state === 'ready').map(entry => entry.destination))
    const { leased, hold } = runner.reserve([...ready], source, content)
    const entries = queued.map(entry =>
      leased.has(entry.destination) && entry.state === 'ready' ? { ...entry, state: 'leased' as const } : entry,
    )
    const events = [...arrival.events, ...expansionEvents(id, expansion), ...deliveryEvents(id, copies)]
    const submission: Submission = {
      id,
      at,
      envelope,
      content,
      description,
      sender,
      source,
      owner: options.owner,
      entries,
      stored: [...copies.values()].map(({ account, head }) => ({ account, head })),
      events: events.map(event => eventLine(at, event)),
    }
    const answer = await storage.ask('submit', submission)
    if ('failed' in answer) {
      runner.drop(hold)
      return answer.failed
    }
    runner.accept(worksOf(submission, leased), hold)
    return undefined
  }
}

/** Entries that need not be queued, and the copies that stand for them. */
type Copies = Map<NewEntry, MailboxCopy>

function deliveryEvents(message: Id, copies: Copies): Event[] {
  return [...copies].map(([{ recipient }, { address }]) => ({
    event: 'delivered',
    message,
    recipient,
    to: `mailbox ${address}`,
    reply: undefined,
    attempts: 1,
  }))
}

function worksOf(
  { id, at, envelope, sender, source, content, entries }: Submission,
  leased: ReadonlySet<string>,
): Work[] {
  const size = contentSize(content)
  return [...leased].map(destination => ({
    message: id,
    at,
    envelope,
    sender,
    source,
    size,
    content,
    destination,
    entries: entries.filter(entry => entry.destination === destination).map(entry => entryOf(id, entry)),
  }))
}

function entryOf(message: Id, { n, recipient, dsn, destination, due, expires, notice }: NewEntry): Entry {
  return {
    message,
    n,
    recipient,
    dsn,
    destination,
    due,
    expires,
    notice,
    attempts: 0,
    reply: undefined,
    order: undefined,
  }
}

function expansionEvents(message: Id, { expanded }: Expansion): Event[] {
  return expanded.map(({ recipient, to }) => ({
    event: 'expanded',
    message,
    recipient: formatAddress(recipient.address),
    to: to.map(formatAddress),
  }))
}

/** RFC 3461 §5.2.7.3: who asked for SUCCESS hears that an alias became several. */
async function reportExpansions(
  arrival: Arrival,
  { expanded }: Expansion,
  { reporter, storage }: SubmitOptions,
): Promise<void> {
  const notices = expanded
    .filter(({ recipient }) => reportsDue(recipient, 'expanded', arrival.envelope.returnPath))
    .map(({ recipient }) => ({
      action: 'expanded' as const,
      recipient,
      status: '2.1.5',
      reason: 'It was handed on to the members of this address.',
      reply: undefined,
      remote: undefined,
      lastAttempt: undefined,
    }))
  if (notices.length === 0) return
  const { report, event } = await makeReport({ ...arrival, message: arrival.id }, notices, reporter)
  if (report) await storage.ask('submit', report)
  storage.record([{ subject: arrival.id, event: eventLine(reporter.now(), event) }])
}

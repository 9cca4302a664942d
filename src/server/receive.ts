/**
 * The message is here; what now? A list of stages: the header is read, a loop is refused, what a submission lacks is added, our trace goes on
 * top, and the queue makes it durable. Only then does anybody hear 250.
 */
import { isAscii } from 'node:buffer'
import type { ClientFacts, Event } from '../log/events.ts'
import { formatAddress } from '../mail/address.ts'
import type { Content } from '../mail/content.ts'
import { contentSize } from '../mail/content.ts'
import { formatDate } from '../mail/date.ts'
import type { Description } from '../mail/description.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { scanHeader } from '../mail/header.ts'
import { formatMessageId } from '../mail/message-id.ts'
import { formatReceived, protocolName } from '../mail/received.ts'
import type { Submit } from '../queue/submit.ts'
import { queued, queuedFor, replies } from '../smtp/replies.ts'
import type { Reply } from '../mail/reply.ts'
import type { Client } from '../smtp/session.ts'
import { formatId, type Id } from '../mail/id.ts'
import type { StorageFailure } from '../storage/operations.ts'
import type { TlsState } from '../net/connection.ts'
import { describeContent } from '../store/describe-content.ts'
import type { MessageCollector } from './collector.ts'

export interface ReceiveOptions {
  readonly hostname: string
  /** Received fields before a message is taken for a loop. */
  readonly hops: number
  /** An address of a domain of ours: what it gets is likely read here. */
  readonly isOwnDomain: (domain: string) => boolean
  readonly submit: Submit
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
}

/** A content that was received in full, and all that is known of how it came. */
export interface Received {
  readonly session: Id
  readonly client: Client
  readonly facts: ClientFacts
  readonly address: string
  readonly tls: TlsState | undefined
  /** It was handed in by a user or a program of ours (RFC 6409): what it lacks may be added. */
  readonly submission: boolean
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
  readonly content: MessageCollector
}

/** One reply; on LMTP one per recipient (RFC 2033 §4.2). Never rejects. */
export async function receive(received: Received, options: ReceiveOptions): Promise<readonly Reply[]> {
  const { content, client, recipients } = received
  const all = (reply: Reply): readonly Reply[] => (client.protocol === 'LMTP' ? recipients.map(() => reply) : [reply])
  const header = scanHeader(content.head(), ['date', 'message-id'])
  if (header.received >= options.hops) {
    content.discard()
    return all(LOOP)
  }
  const at = options.now()
  const stamp = Buffer.from(trace(received, at, options) + additions(received, header.counts, at, options))
  const whole = await content.finish(stamp)
  if (whole === undefined) return all(replies.noRoom)
  // A content that goes elsewhere is not looked into.
  const stays = recipients.some(recipient => options.isOwnDomain(recipient.address.domain))
  const failure = await options.submit({
    id: content.id,
    at,
    envelope: labelled(received.envelope, whole),
    recipients,
    content: whole,
    description: stays ? await described(whole) : undefined,
    login: client.login,
    events: [acceptedEvent(received, header.messageId, contentSize(whole))],
  })
  if (failure) {
    content.discard()
    return all(failureReply(failure))
  }
  const id = formatId(content.id)
  if (client.protocol !== 'LMTP') return [queued(id)]
  return recipients.map(recipient => queuedFor(id, formatAddress(recipient.address)))
}

/** undefined: the disk fails; it is described later, or whoever reads it hears of the disk. */
function described(content: Content): Description | Promise<Description | undefined> {
  const description = describeContent(content)
  return description instanceof Promise ? description.catch(() => undefined) : description
}

/** RFC 5321 §6.3 */
const LOOP: Reply = {
  code: 554,
  status: '5.4.6',
  text: ['This message has passed through too many hosts; it goes in circles'],
}

/** RFC 5321 §4.4: what every host puts on top. */
function trace(received: Received, at: number, { hostname }: ReceiveOptions): string {
  const { client, envelope, recipients, tls } = received
  const [only] = recipients
  return formatReceived({
    from: { helo: client.name, address: received.address },
    by: hostname,
    with: protocolName({
      greeting: client.protocol === 'LMTP' ? 'LHLO' : client.protocol === 'SMTP' ? 'HELO' : 'EHLO',
      tls: tls !== undefined,
      authenticated: client.login !== undefined,
      smtputf8: envelope.smtputf8,
    }),
    id: formatId(received.content.id),
    for: recipients.length === 1 && only ? only.address : undefined,
    tls,
    date: at,
  })
}

/** RFC 6409 §8.2, §8.3 */
function additions(received: Received, counts: readonly number[], at: number, options: ReceiveOptions): string {
  if (!received.submission) return ''
  const [dates = 0, ids = 0] = counts
  const date = dates === 0 ? `Date: ${formatDate(at)}\r\n` : ''
  const messageId = ids === 0 ? `Message-ID: ${formatMessageId(options.random(16), options.hostname)}\r\n` : ''
  return date + messageId
}

/** A client that sends 8-bit content without saying so is common; onward it is called what it is. */
function labelled(envelope: Envelope, content: Content): Envelope {
  if (envelope.body !== '7BIT' || content.in === 'file' || isAscii(content.bytes)) return envelope
  return { ...envelope, body: '8BITMIME' }
}

function acceptedEvent(received: Received, messageId: string | undefined, size: number): Event {
  const { returnPath } = received.envelope
  return {
    event: 'accepted',
    message: received.content.id,
    session: received.session,
    from: returnPath === '<>' ? '' : formatAddress(returnPath),
    to: received.recipients.map(recipient => formatAddress(recipient.address)),
    size,
    messageId: messageId?.slice(0, 998),
    client: received.facts,
  }
}

function failureReply(failure: StorageFailure): Reply {
  return failure.why === 'full' ? replies.noRoom : replies.localError
}

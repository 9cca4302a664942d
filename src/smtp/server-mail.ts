/** The mail transaction (RFC 5321 §3.3): MAIL, RCPT, then DATA or BDAT, and what became of them. */
import { type Address, parseDomain } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { Command } from './command.ts'
import type { ContentFault } from './data.ts'
import { offersHold } from './extensions.ts'
import type { Hold } from './parameters.ts'
import { chunkReceived, type OwnReply, replies } from './replies.ts'
import type { Reply } from '../mail/reply.ts'
import { abandoned, answer, answerEach, answerIdle, FORGET, hangUp, helloFirst, say } from './server-step.ts'
import type { Chunk, Context, Effect, Idle, Session, Step } from './session.ts'

type At<Name extends Session['at']> = Extract<Session, { readonly at: Name }>
type CommandOf<Verb extends Command['verb']> = Extract<Command, { readonly verb: Verb }>

const FAULTS: Record<ContentFault, OwnReply> = {
  'too-big': replies.tooBig,
  'bare-newline': replies.bareNewlineInContent,
  'no-room': replies.noRoom,
}

/** RFC 5321 §4.1.1.2 */
export function mail(session: Idle, command: CommandOf<'MAIL'>, context: Context): Step {
  const refuse = (reply: OwnReply): Step => answer(session, reply, context)
  if (session.at === 'connected') return refuse(helloFirst(context))
  if (session.at === 'spoiled') return refuse(replies.spoiled)
  if (session.at !== 'ready') return refuse(replies.nestedMail) // RFC 5321 §4.1.4
  const { link, client } = session
  if (context.loginRequired && client.login === undefined) {
    return refuse(link.tls || context.clearLogin ? replies.authFirst : replies.tlsFirst) // RFC 4954 §6
  }
  if (link.messages >= context.limits.messagesPerSession) return hangUp(replies.enoughMessages)
  const { size, body, smtputf8, ret, envid, hold } = command.parameters
  // RFC 1870 §6.1: as early as possible
  if (size !== undefined && size > context.limits.messageSize) return refuse(replies.declaredTooBig)
  if (hold !== undefined && !offersHold(context)) return refuse(replies.unknownParameter)
  const holdUntil = hold === undefined ? undefined : releaseTime(hold, context)
  if (holdUntil === 'too-long') return refuse(replies.holdTooLong)
  const envelope: Envelope = { returnPath: command.returnPath, body, smtputf8, ret, envid, holdUntil }
  return {
    next: { at: 'mail-asked', link, client, envelope },
    effects: [{ do: 'ask', question: { about: 'mail', client, envelope, size } }],
  }
}

/** RFC 4865: ms since 1970; what lies in the past is not held at all. */
function releaseTime(hold: Hold, context: Context): number | undefined | 'too-long' {
  const now = context.now()
  const until = 'for' in hold ? now + hold.for : hold.until
  if (until > now + context.longestHold) return 'too-long'
  return until > now ? until : undefined
}

export function mailAnswered(session: At<'mail-asked'>, refusal: Reply | undefined, context: Context): Step {
  const { link, client, envelope } = session
  if (refusal !== undefined) return answer({ at: 'ready', link, client }, refusal, context)
  return answer({ at: 'mail', link, client, envelope, refused: false }, replies.mail, context)
}

/** RFC 5321 §4.1.1.3 */
export function rcpt(session: Idle, command: CommandOf<'RCPT'>, context: Context): Step {
  const refuse = (reply: OwnReply): Step => answer(session, reply, context)
  if (session.at === 'spoiled') return refuse(replies.spoiled)
  if (session.at === 'chunks') return refuse(replies.chunksBegun)
  if (session.at === 'connected') return refuse(helloFirst(context))
  if (session.at !== 'mail' && session.at !== 'rcpt') return refuse(replies.mailFirst)
  const { link, client } = session
  const { envelope, recipients } = transactionOf(session)
  if (!command.ascii && !envelope.smtputf8) return refuse(replies.recipientNeedsUtf8)
  // RFC 5321 §4.5.3.1.10: 452, so that the client sends to the others in another transaction
  if (recipients.length >= context.limits.recipients) return refuse(replies.tooManyRecipients)
  const address = command.path === 'postmaster' ? ourPostmaster(context) : command.path
  if (address === undefined) return refuse(replies.badRecipient)
  const candidate: Recipient = { address, ...command.parameters }
  return {
    next: { at: 'rcpt-asked', link, client, envelope, recipients, candidate },
    effects: [{ do: 'ask', question: { about: 'rcpt', client, envelope, recipient: candidate, recipients } }],
  }
}

function transactionOf(session: At<'mail'> | At<'rcpt'>): {
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
} {
  return session.at === 'rcpt' ? session.transaction : { envelope: session.envelope, recipients: [] }
}

/** RFC 5321 §4.5.1: whoever runs a host is reached there as postmaster, without a domain. */
function ourPostmaster(context: Context): Address | undefined {
  const domain = parseDomain(context.hostname)
  return domain === undefined ? undefined : { local: 'postmaster', domain }
}

export function rcptAnswered(session: At<'rcpt-asked'>, refusal: Reply | undefined, context: Context): Step {
  const { link, client, envelope, recipients, candidate } = session
  if (refusal === undefined) {
    const transaction = { envelope, recipients: [...recipients, candidate] }
    return answer({ at: 'rcpt', link, client, transaction }, replies.recipient, context)
  }
  if (recipients.length > 0) {
    return answer({ at: 'rcpt', link, client, transaction: { envelope, recipients } }, refusal, context)
  }
  return answer({ at: 'mail', link, client, envelope, refused: true }, refusal, context)
}

/** RFC 5321 §4.1.1.4 */
export function data(session: Idle, context: Context): Step {
  if (session.at !== 'rcpt') return answer(session, noContentNow(session, context), context)
  const { link, client, transaction } = session
  // RFC 3030 §3: binary content has no lines, so no dot could end it
  if (transaction.envelope.body === 'BINARYMIME') return answer(session, replies.binaryNeedsBdat, context)
  return askData({ link, client, transaction }, undefined)
}

/** RFC 3030 §2: the bytes of a chunk come, whatever the reply; so a refused chunk is skipped. */
export function bdat(session: Idle, chunk: Chunk | undefined, context: Context): Step {
  if (chunk === undefined) return hangUp(replies.badChunk)
  const skip: Effect = { do: 'discard', size: chunk.size }
  if (session.at === 'spoiled') {
    const { link, client } = session
    return answer(chunk.last ? { at: 'ready', link, client } : session, replies.spoiled, context, [skip])
  }
  if (session.at !== 'rcpt' && session.at !== 'chunks') {
    return answer(session, noContentNow(session, context), context, [skip])
  }
  const received = session.at === 'chunks' ? session.received : 0
  const { link, client, transaction } = session
  if (received + chunk.size > context.limits.messageSize) {
    return refuseContent(session, chunk.last, replies.tooBig, context, [skip, ...abandoned(session)])
  }
  if (session.at === 'rcpt') return askData({ link, client, transaction }, chunk)
  return receiveChunk(session, chunk, received, context)
}

/** Why neither DATA nor the first BDAT is right here. */
function noContentNow(session: Idle, context: Context): OwnReply {
  switch (session.at) {
    case 'unwelcome':
      return replies.unwelcome
    case 'connected':
      return helloFirst(context)
    case 'ready':
      return replies.mailFirst
    case 'mail':
      return session.refused ? replies.noRecipients : replies.recipientFirst // RFC 5321 §3.3
    case 'chunks':
      return replies.chunksBegun // RFC 3030 §2
    case 'spoiled':
      return replies.spoiled
    case 'rcpt':
      return replies.recipientFirst
  }
}

type Open = Pick<At<'rcpt'>, 'link' | 'client' | 'transaction'>

function askData(open: Open, chunk: Chunk | undefined): Step {
  const { link, client, transaction } = open
  const { envelope, recipients } = transaction
  return {
    next: { at: 'data-asked', link, client, transaction, chunk },
    effects: [{ do: 'ask', question: { about: 'data', client, envelope, recipients } }],
  }
}

/** A refusal ends the transaction: the client may start the next one without RSET. */
export function dataAnswered(session: At<'data-asked'>, refusal: Reply | undefined, context: Context): Step {
  const { link, client, transaction, chunk } = session
  if (chunk !== undefined) {
    if (refusal === undefined) return receiveChunk(session, chunk, 0, context)
    return refuseContent(session, chunk.last, refusal, context, [{ do: 'discard', size: chunk.size }])
  }
  if (refusal !== undefined) return answer({ at: 'ready', link, client }, refusal, context)
  return {
    next: { at: 'data', link, client, transaction, leaving: undefined },
    effects: [say(replies.data), { do: 'receive', how: 'data', limit: context.limits.messageSize }],
  }
}

function receiveChunk(open: Open, chunk: Chunk, received: number, context: Context): Step {
  const { link, client, transaction } = open
  const body = transaction.envelope.body
  return {
    next: { at: 'chunk', link, client, transaction, received, chunk, leaving: undefined },
    effects: [{ do: 'receive', how: 'chunk', chunk, body, limit: context.limits.messageSize }],
  }
}

/** All that was asked for by `receive` is here. `size`: bytes of the content, or of this chunk. */
export function contentReceived(session: At<'data'> | At<'chunk'>, size: number, context: Context): Step {
  const { link, client, transaction, leaving } = session
  if (session.at === 'chunk' && !session.chunk.last) {
    const next: At<'chunks'> = { at: 'chunks', link, client, transaction, received: session.received + size }
    const reply = chunkReceived(size)
    return size === 0 ? answerIdle(next, reply, context) : answer(next, reply, context)
  }
  const { envelope, recipients } = transaction
  return {
    next: { at: 'submitting', link, client, transaction, leaving },
    effects: [{ do: 'submit', client, tls: link.tls, envelope, recipients }],
  }
}

export function contentRefused(session: At<'data'> | At<'chunk'>, fault: ContentFault, context: Context): Step {
  const ended = session.at === 'data' || session.chunk.last
  if (session.leaving === undefined) return refuseContent(session, ended, FAULTS[fault], context, [FORGET])
  return hangUp(...forEach(session, FAULTS[fault]), session.leaving)
}

/** RFC 2033 §4.2: LMTP wants a reply for each recipient. */
function forEach({ client, transaction }: Open, reply: Reply): readonly Reply[] {
  return client.protocol === 'LMTP' ? transaction.recipients.map(() => reply) : [reply]
}

/** `ended`: there is no more of it. */
function refuseContent(open: Open, ended: boolean, reply: Reply, context: Context, before: readonly Effect[]): Step {
  const { link, client } = open
  if (!ended) return answer({ at: 'spoiled', link, client }, reply, context, before)
  return answerEach({ at: 'ready', link, client }, forEach(open, reply), context, before)
}

/** RFC 5321 §4.1.1.4: the transaction is over, whatever became of it. */
export function submitted(session: At<'submitting'>, all: readonly Reply[], context: Context): Step {
  const { link, client, transaction, leaving } = session
  const expected = client.protocol === 'LMTP' ? transaction.recipients.length : 1
  if (all.length !== expected) throw new Error(`${all.length} replies to a message that wants ${expected}`)
  if (leaving !== undefined) return hangUp(...all, leaving)
  const accepted = all.some(reply => reply.code < 400)
  const moved = accepted ? { ...link, idle: 0, messages: link.messages + 1 } : link
  return answerEach({ at: 'ready', link: moved, client }, all, context)
}

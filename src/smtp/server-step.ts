/** The small pieces of which every step of the server machine is made. */
import { type OwnReply, replies } from './replies.ts'
import type { Reply } from '../mail/reply.ts'
import type { Context, Effect, Session, Step } from './session.ts'

/** A session in which something may still be said. */
export type Live = Exclude<Session, { readonly at: 'new' | 'closed' }>

export const CLOSED: Session = { at: 'closed' }
export const CLOSE: Effect = { do: 'close' }
export const FORGET: Effect = { do: 'forget' }
export const NOTHING: readonly Effect[] = []

export function say(reply: Reply): Effect {
  return { do: 'reply', reply }
}

/** Says the last thing and closes. */
export function hangUp(...last: readonly Reply[]): Step {
  return { next: CLOSED, effects: [...last.map(say), CLOSE] }
}

/** Goes on to `next` with a reply, after the effects `before`. A refusal counts, and one too many is the last. */
export function answer(next: Live, reply: Reply, context: Context, before: readonly Effect[] = NOTHING): Step {
  if (reply.code < 400) return { next, effects: before === NOTHING ? [say(reply)] : [...before, say(reply)] }
  const link = { ...next.link, errors: next.link.errors + 1 }
  if (link.errors < context.limits.errors) return { next: { ...next, link }, effects: [...before, say(reply)] }
  return { next: CLOSED, effects: [...before, say(reply), say(replies.tooManyErrors), CLOSE] }
}

/** The same with a reply for each recipient (RFC 2033 §4.2). */
export function answerEach(
  next: Live,
  all: readonly Reply[],
  context: Context,
  before: readonly Effect[] = NOTHING,
): Step {
  const refused = all.filter(reply => reply.code >= 400).length
  const link = refused === 0 ? next.link : { ...next.link, errors: next.link.errors + refused }
  const effects = [...before, ...all.map(say)]
  if (refused === 0 || link.errors < context.limits.errors) return { next: { ...next, link }, effects }
  return { next: CLOSED, effects: [...effects, say(replies.tooManyErrors), CLOSE] }
}

/** A command that moves no mail was answered; too many of them without a message in between are the end. */
export function answerIdle(next: Live, reply: OwnReply, context: Context, before: readonly Effect[] = NOTHING): Step {
  const link = { ...next.link, idle: next.link.idle + 1 }
  if (link.idle < context.limits.idleCommands) return answer({ ...next, link }, reply, context, before)
  return { next: CLOSED, effects: [...before, say(reply), say(replies.tooIdle), CLOSE] }
}

/** What is to be thrown away when the transaction of this session ends without a message. */
export function abandoned(session: Session): readonly Effect[] {
  return session.at === 'chunks' ? [FORGET] : NOTHING
}

/** RFC 5321 §4.1.4, RFC 2033 §4.1 */
export function helloFirst(context: Context): OwnReply {
  return context.kind === 'lmtp' ? replies.lhloFirst : replies.helloFirst
}

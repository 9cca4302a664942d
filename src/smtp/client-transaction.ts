import type { Abilities } from './abilities.ts'
import type { Reply } from '../mail/reply.ts'
import { mailCommand, rcptCommand, recipientsAtOnce, type Transaction } from './transaction.ts'

/** One mail transaction of the client machine: envelope → (data) → content → done. `client.ts` embeds its states. */
export type Sending = EnvelopeSent | DataSent | ContentSent

/** What is known of an opened connection. */
export interface Link {
  readonly protocol: 'smtp' | 'lmtp'
  readonly abilities: Abilities
}

interface Under {
  readonly link: Link
  readonly mail: Transaction
  /** RFC 9422: how many of the recipients take part. */
  readonly count: number
  /** To MAIL and each RCPT, in order. The transaction has one owner, so this list grows in place. */
  readonly answers: Reply[]
}

/** `sent`: everything is on its way up to the RCPTs, DATA, or the content itself; `step`: one command at a time. */
interface EnvelopeSent extends Under {
  readonly at: 'envelope'
  readonly sent: 'step' | 'rcpt' | 'data' | 'content'
}

interface DataSent extends Under {
  readonly at: 'data'
}

interface ContentSent extends Under {
  readonly at: 'content'
  /** RFC 2033 §4.2: in LMTP one for each accepted recipient. Grows in place. */
  readonly finals: Reply[]
  readonly awaited: number
}

/** Why a connection is of no use (any more). `reply` is what the host said about it. */
export interface Trouble {
  /** `dial`: there never was one; `connection`: it broke. */
  readonly with: 'dial' | 'connection' | 'greeting' | 'hello' | 'tls' | 'auth' | 'protocol' | 'shutdown' | 'content'
  readonly reason: string
  readonly reply: Reply | undefined
}

/** What became of one recipient in one transaction. */
export type RecipientResult =
  | { readonly is: 'accepted'; readonly reply: Reply }
  /** 4xx or 5xx, to the command named (DATA stands for BDAT and the content too). */
  | { readonly is: 'refused'; readonly reply: Reply; readonly by: 'MAIL' | 'RCPT' | 'DATA' }
  /** Over the host's limit of recipients, so it belongs into the next transaction. Never all of them. */
  | { readonly is: 'untried' }
  | { readonly is: 'lost'; readonly trouble: Trouble }

/** `content`: what follows the text: nothing, the bytes as they are (BDAT), or dot-stuffed with the final dot (DATA). */
export interface Send {
  readonly do: 'send'
  readonly text: string
  readonly content: 'none' | 'bytes' | 'dots'
}

export type Progress =
  | { readonly is: 'sending'; readonly next: Sending; readonly send: Send | undefined }
  | { readonly is: 'done'; readonly results: readonly RecipientResult[] }
  /** The host does not keep to the protocol. */
  | { readonly is: 'unexpected' }

const UNEXPECTED: Progress = { is: 'unexpected' }

/** `eager`: the content may go out before the recipients were answered. */
export function beginTransaction(link: Link, mail: Transaction, eager: boolean): Progress {
  const { abilities } = link
  const count = recipientsAtOnce(mail.recipients, abilities)
  let text = mailCommand(mail, abilities)
  let sent: EnvelopeSent['sent'] = 'step'
  if (abilities.pipelining) {
    // RFC 2920 §3.1: MAIL and the RCPTs are one group; DATA ends it. RFC 3030 §4.2: BDAT and its chunk may follow at once.
    for (let i = 0; i < count; i++) text += rcptAt(mail, i, abilities)
    sent = !byChunks(link, mail) ? 'data' : eager && link.protocol === 'smtp' ? 'content' : 'rcpt'
    if (sent === 'data') text += 'DATA\r\n'
    if (sent === 'content') text += lastChunk(mail)
  }
  const next: EnvelopeSent = { at: 'envelope', link, mail, count, answers: [], sent }
  return { is: 'sending', next, send: { do: 'send', text, content: sent === 'content' ? 'bytes' : 'none' } }
}

export function continueTransaction(state: Sending, reply: Reply): Progress {
  switch (state.at) {
    case 'envelope':
      return onEnvelope(state, reply)
    case 'data':
      return onData(state, reply)
    case 'content':
      return onContent(state, reply)
  }
}

/** What is known when the connection is lost: answers that were given stand. */
export function abandonTransaction(state: Sending, trouble: Trouble): readonly RecipientResult[] {
  return resultsOf(state, undefined, { is: 'lost', trouble })
}

function onEnvelope(state: EnvelopeSent, reply: Reply): Progress {
  const { answers, count, mail, link, sent } = state
  if (reply.code >= 300 && reply.code < 400) return UNEXPECTED
  answers.push(reply)
  if (answers.length <= count) {
    if (sent !== 'step') return sending(state)
    return positive(answers[0]) ? sending(state, rcptAt(mail, answers.length - 1, link.abilities)) : done(state)
  }
  if (sent === 'data') return sending(dataSent(state))
  if (sent === 'content') return sending(contentSent(state))
  if (accepted(state) === 0) return done(state)
  return byChunks(link, mail)
    ? sending(contentSent(state), lastChunk(mail), 'bytes')
    : sending(dataSent(state), 'DATA\r\n')
}

function onData(state: DataSent, reply: Reply): Progress {
  if (reply.code !== 354) return reply.code < 400 ? UNEXPECTED : done(state, reply)
  if (accepted(state) > 0) return sending(contentSent(state), '', 'dots')
  // RFC 2033 §4.2: an LMTP host must have refused, and nothing tells how many replies would follow.
  if (state.link.protocol === 'lmtp') return UNEXPECTED
  // RFC 2920 §3.1: 354 without a recipient is answered with the lone dot; the reply to it means nothing.
  return sending(contentSent(state), '.\r\n')
}

function onContent(state: ContentSent, reply: Reply): Progress {
  if (reply.code >= 300 && reply.code < 400) return UNEXPECTED
  state.finals.push(reply)
  return state.finals.length < state.awaited ? sending(state) : done(state)
}

function sending(next: Sending, text?: string, content: Send['content'] = 'none'): Progress {
  return { is: 'sending', next, send: text === undefined ? undefined : { do: 'send', text, content } }
}

function done(state: Sending, dataRefused?: Reply): Progress {
  return { is: 'done', results: resultsOf(state, dataRefused, NO_REPLY) }
}

function dataSent({ link, mail, count, answers }: Under): DataSent {
  return { at: 'data', link, mail, count, answers }
}

function contentSent(under: Under): ContentSent {
  const { link, mail, count, answers } = under
  return {
    at: 'content',
    link,
    mail,
    count,
    answers,
    finals: [],
    awaited: link.protocol === 'lmtp' ? accepted(under) : 1,
  }
}

function rcptAt(mail: Transaction, index: number, abilities: Abilities): string {
  const recipient = mail.recipients[index]
  if (recipient === undefined) throw new Error('a transaction has at least one recipient')
  return rcptCommand(recipient, mail.envelope.smtputf8, abilities)
}

/** RFC 3030 §2: BDAT chunk-size SP LAST. The whole content is one chunk. */
function lastChunk(mail: Transaction): string {
  return `BDAT ${mail.size} LAST\r\n`
}

/** RFC 2033 knows DATA only, so LMTP uses it wherever it can. */
function byChunks(link: Link, mail: Transaction): boolean {
  return link.abilities.chunking && (link.protocol === 'smtp' || mail.body === 'BINARYMIME')
}

function accepted(under: Under): number {
  if (!positive(under.answers[0])) return 0
  let count = 0
  for (let i = 1; i <= under.count; i++) if (positive(under.answers[i])) count++
  return count
}

const UNTRIED: RecipientResult = { is: 'untried' }
const NO_REPLY: RecipientResult = {
  is: 'lost',
  trouble: { with: 'protocol', reason: 'there was no reply', reply: undefined },
}

function resultsOf(state: Sending, dataRefused: Reply | undefined, otherwise: RecipientResult): RecipientResult[] {
  const { answers, count, mail } = state
  const finals = state.at === 'content' ? state.finals : dataRefused === undefined ? [] : [dataRefused]
  const each = state.at === 'content' && state.link.protocol === 'lmtp'
  const some = accepted(state) > 0
  const results: RecipientResult[] = []
  let nth = 0
  for (let i = 0; i < mail.recipients.length; i++) {
    if (i >= count) {
      results.push(UNTRIED)
      continue
    }
    results.push(resultOf(answers[0], answers[i + 1], some, finals[nth]) ?? otherwise)
    if (each && positive(answers[i + 1])) nth++
  }
  return results
}

/** undefined: it has no result yet. */
function resultOf(
  mail: Reply | undefined,
  rcpt: Reply | undefined,
  others: boolean,
  final: Reply | undefined,
): RecipientResult | undefined {
  if (mail !== undefined && !positive(mail)) return { is: 'refused', reply: mail, by: 'MAIL' }
  if (rcpt === undefined) return undefined
  if (!positive(rcpt)) return others && tooMany(rcpt) ? UNTRIED : { is: 'refused', reply: rcpt, by: 'RCPT' }
  if (final === undefined) return undefined
  return positive(final) ? { is: 'accepted', reply: final } : { is: 'refused', reply: final, by: 'DATA' }
}

/** RFC 5321 §4.5.3.1.10: 452, or the 552 of old, sends the rest into another transaction; a full mailbox has another status. */
function tooMany(reply: Reply): boolean {
  return reply.status === undefined ? reply.code === 452 || reply.code === 552 : /^[45]\.5\.3$/.test(reply.status)
}

function positive(reply: Reply | undefined): boolean {
  return reply !== undefined && reply.code < 300
}

/** The product's own answers to an SMTP session: policy for its questions, the queue for its messages, an event for every refusal. */
import type { Limits, Listener, Route } from '../config/settings.ts'
import type { Directory } from '../directory/directory.ts'
import type { PasswordChecker } from '../directory/passwords.ts'
import { type ClientFacts, eventLine } from '../log/events.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import type { Connection } from '../net/connection.ts'
import type { AuthFailures } from '../net/sources.ts'
import { type Guest, mayBeRecipient, mayBeSender, REFUSALS } from '../policy/rules.ts'
import type { Submit } from '../queue/submit.ts'
import type { Reply } from '../mail/reply.ts'
import type { Client, Context, Event, Question, Session } from '../smtp/session.ts'
import { ACCEPT } from '../smtp/verdict.ts'
import type { Id } from '../mail/id.ts'
import type { Storage } from '../storage/storage.ts'
import { collectMessage, type MessageCollector, type ReceiveBudget } from './collector.ts'
import { receive } from './receive.ts'
import type { SmtpService, SubmitEffect, Visit } from './smtp.ts'

export interface ReceptionOptions {
  readonly hostname: string
  readonly data: string
  readonly limits: Limits
  readonly tlsPossible: boolean
  readonly mayRelay: (address: string) => boolean
  readonly mayLoginInClear: (address: string) => boolean
  readonly route: (address: Address) => Route | undefined
  readonly directory: Directory
  readonly passwords: PasswordChecker
  readonly failures: AuthFailures
  readonly storage: Storage
  readonly submit: Submit
  readonly budget: ReceiveBudget
  readonly nextId: () => Id
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
}

/** RFC 4865: how far ahead a message may be held, in ms. */
const LONGEST_HOLD = 30 * 24 * 3_600_000

const ACCEPTED: Event = { on: 'verdict', verdict: ACCEPT }

/** The contexts of one kind of listener: they differ only by what the source may do, so a few objects serve all sessions. */
export function createReception(listener: Listener, options: ReceptionOptions) {
  const contexts = new Map<string, Context>()
  const submission = listener.kind === 'submission' || listener.kind === 'submissions'

  function contextFor(connection: Connection): Context {
    const trusted = options.mayRelay(connection.peer.address)
    const clear = options.mayLoginInClear(connection.peer.address)
    const key = `${trusted} ${clear}`
    const known = contexts.get(key)
    if (known) return known
    const context: Context = {
      kind: listener.kind,
      hostname: options.hostname,
      limits: options.limits,
      startTls: options.tlsPossible && listener.kind !== 'submissions',
      tlsRequired: false,
      clearLogin: clear,
      loginRequired: submission && !trusted,
      longestHold: LONGEST_HOLD,
      now: options.now,
    }
    contexts.set(key, context)
    return context
  }

  return (connection: Connection): SmtpService<MessageCollector> => {
    const { address } = connection.peer
    const trusted = options.mayRelay(address)
    let session: Id | undefined
    const sessionId = (): Id => (session ??= options.nextId())
    const facts = (client: Client | undefined): ClientFacts => ({
      address,
      helo: client?.name,
      login: client?.login,
      tls: connection.tls?.protocol,
      via: listener.kind,
    })

    return {
      context: contextFor(connection),
      times: {
        idle: options.limits.idleTimeout,
        message: options.limits.messageTimeout,
        session: options.limits.sessionTimeout,
      },
      answer: question => answer(question, { login: undefined, trusted }, sessionId, facts),
      collect: () => collectMessage(options.nextId(), options.data, options.budget),
      submit: (effect, content, visit) => accept(effect, content, visit, sessionId(), facts(effect.client)),
      refused(reply, at, _visit) {
        const client = 'client' in at ? at.client : undefined
        const line = eventLine(options.now(), {
          event: 'refused',
          session: sessionId(),
          at: at.at,
          reply,
          client: facts(client),
          detail: detailOf(at),
        })
        options.storage.record([{ subject: sessionId(), event: line }])
      },
      closed() {},
    }

    function accept(
      effect: SubmitEffect,
      content: MessageCollector,
      visit: Visit,
      id: Id,
      of: ClientFacts,
    ): Promise<readonly Reply[]> {
      const { client, envelope, recipients } = effect
      return receive(
        {
          session: id,
          client,
          facts: of,
          address,
          tls: visit.connection.tls,
          submission: submission || client.login !== undefined,
          envelope,
          recipients,
          content,
        },
        {
          hostname: options.hostname,
          hops: options.limits.hops,
          submit: options.submit,
          now: options.now,
          random: options.random,
        },
      )
    }
  }

  function answer(
    question: Question,
    stranger: Guest,
    sessionId: () => Id,
    facts: (client: Client) => ClientFacts,
  ): Event | Promise<Event> {
    switch (question.about) {
      case 'connect':
      case 'hello':
      case 'data':
        return ACCEPTED
      case 'auth':
        return logIn(question, sessionId, facts)
      case 'mail':
        return {
          on: 'verdict',
          verdict: mayBeSender(
            { ...stranger, login: question.client.login },
            question.envelope.returnPath,
            options.directory,
          ),
        }
      case 'rcpt':
        return {
          on: 'verdict',
          verdict: mayBeRecipient(
            { ...stranger, login: question.client.login },
            question.recipient.address,
            options.directory,
            options.route,
          ),
        }
    }
  }

  async function logIn(
    question: Extract<Question, { about: 'auth' }>,
    sessionId: () => Id,
    facts: (client: Client) => ClientFacts,
  ): Promise<Event> {
    const { client, credentials } = question
    const { address } = facts(client)
    if (options.failures.count(address) >= options.limits.authFailures) {
      return { on: 'verdict', verdict: { is: 'refuse', reply: REFUSALS.tooManyFailures } }
    }
    const account = options.directory.account(credentials.user)
    const right = await options.passwords.check(account?.hash, credentials.password)
    if (right === 'busy') return { on: 'verdict', verdict: { is: 'refuse', reply: REFUSALS.busy } }
    if (!right || !account) {
      options.failures.failed(address)
      return { on: 'authenticated', account: undefined }
    }
    const login = account.address
    const line = eventLine(options.now(), { event: 'logged-in', session: sessionId(), login, client: facts(client) })
    options.storage.record([{ subject: sessionId(), event: line }])
    return { on: 'authenticated', account: login }
  }
}

function detailOf(session: Session): { from?: string; to?: string } {
  const envelope =
    'transaction' in session ? session.transaction.envelope : 'envelope' in session ? session.envelope : undefined
  const from =
    envelope === undefined ? {} : { from: envelope.returnPath === '<>' ? '' : formatAddress(envelope.returnPath) }
  return 'candidate' in session ? { ...from, to: formatAddress(session.candidate.address) } : from
}

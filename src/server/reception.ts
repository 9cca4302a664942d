/** The product's own answers to an SMTP session: policy for its questions, the queue for its messages, an event for every refusal. */
import type { Limits, Listener, Route, SmtpKind } from '../config/settings.ts'
import type { Directory } from '../directory/directory.ts'
import type { PasswordChecker } from '../directory/passwords.ts'
import { type ClientFacts, eventLine } from '../log/events.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import type { Connection } from '../net/connection.ts'
import type { AuthFailures } from '../net/sources.ts'
import { type Guest, mayBeRecipient, mayBeSender, mayHold, REFUSALS } from '../policy/rules.ts'
import type { Submit } from '../queue/submit.ts'
import type { Reply } from '../mail/reply.ts'
import type { Client, Context, Event, Question, Session } from '../smtp/session.ts'
import { ACCEPT, type Verdict } from '../smtp/verdict.ts'
import type { Id } from '../mail/id.ts'
import type { Quota } from '../storage/mail-reader.ts'
import type { Storage } from '../storage/storage.ts'
import { collectMessage, type MessageCollector, type ReceiveBudget } from './collector.ts'
import { logIn } from './login.ts'
import { receive } from './receive.ts'
import type { SessionTimes, SmtpService, SubmitEffect } from './smtp.ts'

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
  /** Of an account. */
  readonly quota: (account: number) => Quota
  readonly submit: Submit
  readonly budget: ReceiveBudget
  readonly nextId: () => Id
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
}

/** RFC 4865: how far ahead a message may be held, in ms. */
const LONGEST_HOLD = 30 * 24 * 3_600_000

const ACCEPTED: Event = { on: 'verdict', verdict: ACCEPT }

/** What the sessions of one listener have in common. Their contexts differ only by what the source may do, so a few objects serve them all. */
export class Reception {
  readonly kind: SmtpKind
  readonly options: ReceptionOptions
  readonly times: SessionTimes
  /** It takes mail from users and programs of ours (RFC 6409). */
  readonly submission: boolean
  readonly #contexts = new Map<string, Context>()

  constructor(listener: Listener<SmtpKind>, options: ReceptionOptions) {
    const { idleTimeout, messageTimeout, sessionTimeout } = options.limits
    this.kind = listener.kind
    this.options = options
    this.times = { idle: idleTimeout, message: messageTimeout, session: sessionTimeout }
    this.submission = listener.kind === 'submission' || listener.kind === 'submissions'
  }

  welcome(connection: Connection): SmtpService<MessageCollector> {
    const { address } = connection.peer
    const trusted = this.options.mayRelay(address)
    return new Visitor(this, connection, trusted, this.#context(trusted, this.options.mayLoginInClear(address)))
  }

  #context(trusted: boolean, clearLogin: boolean): Context {
    const key = `${trusted} ${clearLogin}`
    const known = this.#contexts.get(key)
    if (known) return known
    const { hostname, limits, tlsPossible, now } = this.options
    const context: Context = {
      kind: this.kind,
      hostname,
      limits,
      startTls: tlsPossible && this.kind !== 'submissions',
      tlsRequired: false,
      clearLogin,
      loginRequired: this.submission && !trusted,
      longestHold: LONGEST_HOLD,
      now,
    }
    this.#contexts.set(key, context)
    return context
  }
}

/** One session. A class, because thousands of idle ones are to cost little: methods are shared, closures are not. */
class Visitor implements SmtpService<MessageCollector> {
  readonly context: Context
  readonly #reception: Reception
  readonly #connection: Connection
  readonly #trusted: boolean
  #session: Id | undefined
  /** Bytes of the message, as declared (RFC 1870); 0: not. */
  #size = 0

  constructor(reception: Reception, connection: Connection, trusted: boolean, context: Context) {
    this.#reception = reception
    this.#connection = connection
    this.#trusted = trusted
    this.context = context
  }

  get times(): SessionTimes {
    return this.#reception.times
  }

  answer(question: Question): Event | Promise<Event> {
    const { directory } = this.#reception.options
    switch (question.about) {
      case 'connect':
      case 'hello':
      case 'data':
        return ACCEPTED
      case 'auth':
        return this.#logIn(question)
      case 'mail':
        this.#size = question.size ?? 0
        return judged(mayBeSender(this.#guest(question.client), question.envelope.returnPath, directory))
      case 'rcpt':
        return judged(this.#mayBeRecipient(question))
    }
  }

  #mayBeRecipient({ client, recipient }: Extract<Question, { about: 'rcpt' }>): Verdict {
    const { directory, route, quota } = this.#reception.options
    const verdict = mayBeRecipient(this.#guest(client), recipient.address, directory, route)
    if (verdict.is !== 'accept' || !directory.isOwnDomain(recipient.address.domain)) return verdict
    const meaning = directory.meaning(recipient.address)
    return meaning.is === 'account' ? mayHold(quota(meaning.id), this.#size) : verdict
  }

  collect(): MessageCollector {
    const { nextId, data, budget } = this.#reception.options
    return collectMessage(nextId(), data, budget)
  }

  submit({ client, envelope, recipients }: SubmitEffect, content: MessageCollector): Promise<readonly Reply[]> {
    const { hostname, limits, submit, now, random, directory } = this.#reception.options
    return receive(
      {
        session: this.#id(),
        client,
        facts: this.#facts(client),
        address: this.#connection.peer.address,
        tls: this.#connection.tls,
        submission: this.#reception.submission || client.login !== undefined,
        envelope,
        recipients,
        content,
      },
      { hostname, hops: limits.hops, isOwnDomain: directory.isOwnDomain, submit, now, random },
    )
  }

  refused(reply: Reply, at: Session): void {
    const client = this.#facts('client' in at ? at.client : undefined)
    this.#note({ event: 'refused', session: this.#id(), at: at.at, reply, client, detail: detailOf(at) })
  }

  closed(): void {}

  async #logIn({ client, credentials }: Extract<Question, { about: 'auth' }>): Promise<Event> {
    const result = await logIn(credentials, this.#connection.peer.address, this.#reception.options)
    if (result.is === 'blocked') return refusal(REFUSALS.tooManyFailures)
    if (result.is === 'busy') return refusal(REFUSALS.busy)
    if (result.is === 'wrong') return { on: 'authenticated', account: undefined }
    const login = result.account.address
    this.#note({ event: 'logged-in', session: this.#id(), login, client: this.#facts(client) })
    return { on: 'authenticated', account: login }
  }

  #guest({ login }: Client): Guest {
    return { login, trusted: this.#trusted }
  }

  /** Given when it is needed: most sessions have nothing to tell. */
  #id(): Id {
    return (this.#session ??= this.#reception.options.nextId())
  }

  #facts(client: Client | undefined): ClientFacts {
    return {
      address: this.#connection.peer.address,
      helo: client?.name,
      login: client?.login,
      tls: this.#connection.tls?.protocol,
      via: this.#reception.kind,
    }
  }

  #note(event: Noted): void {
    const { storage, now } = this.#reception.options
    storage.record([{ subject: this.#id(), event: eventLine(now(), event) }])
  }
}

type Noted = Parameters<typeof eventLine>[1]

const judged = (verdict: Verdict): Event => ({ on: 'verdict', verdict })
const refusal = (reply: Reply): Event => judged({ is: 'refuse', reply })

function detailOf(session: Session): { from?: string; to?: string } {
  const envelope =
    'transaction' in session ? session.transaction.envelope : 'envelope' in session ? session.envelope : undefined
  const from =
    envelope === undefined ? {} : { from: envelope.returnPath === '<>' ? '' : formatAddress(envelope.returnPath) }
  return 'candidate' in session ? { ...from, to: formatAddress(session.candidate.address) } : from
}

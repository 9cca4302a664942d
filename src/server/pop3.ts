/**
 * The loop of POP3: it binds the machine (`pop3/server`) to a connection, to the log-in and to the mailbox. Input becomes events, one line at
 * a time; effects are performed in their order; what has to be waited for (a password, a large message, a commit) leaves further input
 * unread until it is done. The maildrop is the account's INBOX as it was at the login; sessions don't shut each other out
 * (docs/decisions/030-pop3-access.md).
 */
import type { Content } from '../mail/content.ts'
import type { Id } from '../mail/id.ts'
import { cutLine, newLineCutter } from '../mail/line.ts'
import type { UidRange } from '../mail/sequence-set.ts'
import { type Connection, type ConnectionHandler, HIGH_WATER, type TlsState } from '../net/connection.ts'
import { listing, mark, unmarkAll } from '../pop3/maildrop.ts'
import { encodeReply } from '../pop3/replies.ts'
import { isLoggedIn, NEW_SESSION, step, takesLine } from '../pop3/server.ts'
import type { Context, Effect, Event, Session } from '../pop3/session.ts'
import type { Storage } from '../storage/storage.ts'
import { type Account, originOf } from './login.ts'
import { createMaildrops, type MaildropOptions, type Maildrops, type OpenMaildrop } from './pop3-maildrop.ts'
import { sendFile, sendMemory } from './pop3-sender.ts'

/** What a thread offers to all its sessions. */
export interface Pop3Options extends MaildropOptions {
  readonly hostname: string
  readonly storage: Pick<Storage, 'ask'>
  /** undefined: there is no such message. */
  readonly content: (message: Id) => Content | undefined
  /** May change while we run. */
  readonly limits: Pop3Limits
  /** ms since 1970 */
  readonly now: () => number
  readonly tlsPossible: () => boolean
  /** Whether a client of this address may log in without TLS. */
  readonly mayLogInInClear: (address: string) => boolean
  /** A mistake of ours, or of the disk, that a person should see; the session ends, the others go on. */
  readonly complain: (error: unknown) => void
}

/** Times in ms. */
export interface Pop3Limits {
  readonly errors: number
  /** Before the login: of silence, and in all. */
  readonly idleTimeout: number
  readonly sessionTimeout: number
  /** Of silence, after the login. */
  readonly mailboxIdleTimeout: number
}

export interface Pop3Session extends ConnectionHandler {
  /** undefined: nobody is logged in. */
  readonly account: Account | undefined
  /** The greeting. To be called when the connection calls this handler. */
  start(): void
  /** We stop: says so when nothing is under way, or as soon as that is done. */
  shutdown(): void
  /** Ends the session in the same way. */
  leave(): void
}

export interface Pop3 {
  /** `gone`: it has ended. */
  serve(connection: Connection, gone?: (session: Pop3Session) => void): Pop3Session
}

export function createPop3(options: Pop3Options): Pop3 {
  const maildrops = createMaildrops(options)
  return { serve: (connection, gone) => new Pop3Loop(connection, options, maildrops, gone) }
}

/** Bytes of input that may wait for an answer before we stop reading. */
const WAITING_INPUT = 64 * 1024
/** Lines of a list between two looks at what the client has taken. */
const LIST_SLICE = 2000
/** ms that a log-in or a commit may take; then there is nobody to hear the answer. */
const ANSWER = 10 * 60_000
const NOTHING = Buffer.alloc(0)
const SENT: Event = { on: 'sent' }
const GONE: Event = { on: 'not-sent', why: 'gone' }

type OpenEffect = Extract<Effect, { readonly do: 'open' }>
type SendEffect = Extract<Effect, { readonly do: 'send' }>

class Pop3Loop implements Pop3Session {
  readonly #connection: Connection
  readonly #options: Pop3Options
  readonly #maildrops: Maildrops
  readonly #onGone: ((session: Pop3Session) => void) | undefined
  readonly #context: Context
  readonly #since: number
  readonly #cutter = newLineCutter()
  #session: Session = NEW_SESSION
  #opened: OpenMaildrop | undefined
  /** Input that was not used yet, from `#at` on. */
  #input: Buffer = NOTHING
  #at = 0
  /** Something is being waited for; no input is used. */
  #waits = false
  /** Whoever writes much waits for the client to take it. */
  #wake: ((isThere: boolean) => void) | undefined
  #paused = false
  #closed = false
  #running = false

  constructor(
    connection: Connection,
    options: Pop3Options,
    maildrops: Maildrops,
    onGone: ((session: Pop3Session) => void) | undefined,
  ) {
    this.#connection = connection
    this.#options = options
    this.#maildrops = maildrops
    this.#onGone = onGone
    this.#since = options.now()
    this.#context = {
      hostname: options.hostname,
      limits: { errors: options.limits.errors },
      startTls: options.tlsPossible(),
      clearLogin: options.mayLogInInClear(connection.peer.address),
    }
  }

  start(): void {
    this.#happen({ on: 'connected', tls: this.#connection.tls !== undefined })
    this.#awaitInput()
  }

  get account(): Account | undefined {
    return this.#opened?.account
  }

  shutdown(): void {
    if (!this.#closed) this.#happen({ on: 'shutdown' })
  }

  leave(): void {
    this.shutdown()
  }

  data(chunk: Buffer): void {
    if (this.#closed) return
    this.#input = this.#at < this.#input.length ? Buffer.concat([this.#input.subarray(this.#at), chunk]) : chunk
    this.#at = 0
    this.#use()
  }

  drained(): void {
    this.#wakeUp(true)
    this.#use()
  }

  secured(_tls: TlsState): void {
    this.#waits = false
    this.#happen({ on: 'secured' })
    this.#use()
  }

  deadline(): void {
    this.#happen({ on: 'timeout' })
  }

  closed(): void {
    if (this.#closed) return
    this.#closed = true
    this.#gone()
  }

  /** Uses as much of the input as may be used now. */
  #use(): void {
    if (this.#running) return
    this.#running = true
    try {
      while (!this.#closed && !this.#waits && this.#connection.unsent < HIGH_WATER && this.#useLine());
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = false
    }
    if (this.#closed) return
    if (this.#at >= this.#input.length) {
      this.#input = NOTHING
      this.#at = 0
    }
    this.#regulate()
    if (!this.#waits) this.#awaitInput()
  }

  /** false: there is no whole line, or none may come now. */
  #useLine(): boolean {
    if (this.#at >= this.#input.length || !takesLine(this.#session)) return false
    const cut = cutLine(this.#cutter, this.#input, this.#at)
    this.#at = cut?.end ?? this.#input.length
    if (!cut) return false
    this.#happen({ on: 'line', line: cut.line })
    return true
  }

  /** One event, its effects, and the events that follow from those at once. */
  #happen(event: Event): void {
    let next: Event | undefined = event
    while (next && !this.#closed) {
      const { next: session, effects } = step(this.#session, next, this.#context)
      this.#session = session
      next = undefined
      for (const effect of effects) next = this.#perform(effect) ?? next
    }
  }

  /** Answers the event that follows at once, if one does. */
  #perform(effect: Effect): Event | undefined {
    switch (effect.do) {
      case 'reply':
        this.#connection.write(encodeReply(effect.reply))
        return undefined
      case 'challenge':
        this.#connection.write(`+ ${effect.base64}\r\n`)
        return undefined
      case 'lines':
        this.#connection.write(`${effect.lines.join('\r\n')}\r\n.\r\n`)
        return undefined
      case 'open':
        this.#await(this.#open(effect.credentials))
        return undefined
      case 'mark':
        mark(this.#box().maildrop, effect.n)
        return undefined
      case 'unmark-all':
        unmarkAll(this.#box().maildrop)
        return undefined
      case 'list':
        return this.#list(effect.what)
      case 'send':
        return this.#send(effect)
      case 'update':
        this.#await(this.#update(effect.uids))
        return undefined
      case 'start-tls':
        // RFC 2595 §4: what came behind the command in plain text is not heard.
        this.#input = NOTHING
        this.#at = 0
        this.#waits = true
        this.#connection.startTls()
        return undefined
      case 'close':
        this.#close()
        return undefined
    }
  }

  #await(answer: Promise<Event>): void {
    this.#waits = true
    this.#connection.deadline(ANSWER)
    void answer
      .then(event => {
        this.#waits = false
        if (this.#closed) return
        this.#happen(event)
        this.#use()
      })
      .catch((error: unknown) => this.#fail(error))
  }

  /** Cut off without a word: it may be in the middle of a message. */
  #fail(error: unknown): void {
    this.#options.complain(error)
    if (this.#closed) return
    this.#connection.destroy()
    this.closed()
  }

  async #open(credentials: OpenEffect['credentials']): Promise<Event> {
    const opened = await this.#maildrops.open(credentials, originOf(this.#connection))
    if (typeof opened === 'string') return { on: 'not-opened', why: opened }
    if (this.#closed) opened.close()
    else this.#opened = opened
    return { on: 'opened', maildrop: opened.maildrop }
  }

  #box(): OpenMaildrop {
    if (!this.#opened) throw new Error('no maildrop is open')
    return this.#opened
  }

  #list(what: 'LIST' | 'UIDL'): Event | undefined {
    const { maildrop } = this.#box()
    let { text, next } = listing(maildrop, what, 1, LIST_SLICE)
    this.#connection.write(text)
    if (next === undefined) return SENT
    const rest = async (): Promise<Event> => {
      while (next !== undefined) {
        if (this.#connection.unsent > HIGH_WATER && !(await this.#drained())) break
        ;({ text, next } = listing(maildrop, what, next, LIST_SLICE))
        this.#connection.write(text)
      }
      return SENT
    }
    this.#await(rest())
    return undefined
  }

  #send({ n, lines, reply }: SendEffect): Event | undefined {
    const mail = this.#box().messages.read(n)
    if (!mail) return GONE
    const sending = { connection: this.#connection, first: `${encodeReply(reply)}${mail.head}`, lines }
    if (mail.content) {
      sendMemory(sending, mail.content)
      return SENT
    }
    const content = this.#options.content(mail.message)
    if (content?.in !== 'file') return GONE
    const sent = sendFile(sending, content, () => this.#drained())
    this.#await(sent.then((how): Event => this.#afterFile(how)))
    return undefined
  }

  #afterFile(how: Awaited<ReturnType<typeof sendFile>>): Event {
    if (how === 'unreadable') return { on: 'not-sent', why: 'unreadable' }
    // A client must not take the half of a message for the whole, nor remove it after that.
    if (how === 'broken') {
      this.#connection.destroy()
      this.closed()
    }
    return SENT
  }

  /** RFC 1939 §6: what another session has removed already is as gone as what we remove. */
  async #update(uids: readonly UidRange[]): Promise<Event> {
    const { mailbox } = this.#box()
    const result = await this.#options.storage.ask('expunge', { mailbox, uids, which: 'all' })
    return { on: 'updated', removed: 'ok' in result }
  }

  /** Whether the client is there and has taken what was written. */
  #drained(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    this.#connection.deadline(this.#options.limits.mailboxIdleTimeout)
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #wakeUp(isThere: boolean): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.(isThere)
  }

  #close(): void {
    this.#closed = true
    this.#connection.end()
    this.#gone()
  }

  #gone(): void {
    this.#wakeUp(false)
    this.#opened?.close()
    this.#opened = undefined
    this.#input = NOTHING
    this.#onGone?.(this)
  }

  /** Input that can't be used yet is read only up to a bound. */
  #regulate(): void {
    const full = this.#input.length - this.#at > WAITING_INPUT || this.#connection.unsent >= HIGH_WATER
    // While we work the peer's end may not overtake our answer: it is not noticed while paused.
    const stop = full || this.#waits
    if (stop === this.#paused) return
    this.#paused = stop
    if (stop) this.#connection.pause()
    else this.#connection.resume()
  }

  /** How long the client may be silent now. */
  #awaitInput(): void {
    const { idleTimeout, sessionTimeout, mailboxIdleTimeout } = this.#options.limits
    if (isLoggedIn(this.#session)) {
      this.#connection.deadline(mailboxIdleTimeout) // RFC 1939 §3: at least 10 minutes
      return
    }
    const left = this.#since + sessionTimeout - this.#options.now()
    // Not left to the connection, which tells it late: who sends byte by byte would put it off each time.
    if (left <= 0) this.#happen({ on: 'timeout' })
    else this.#connection.deadline(Math.min(idleTimeout, left))
  }
}

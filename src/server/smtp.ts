/**
 * The loop of SMTP, submission and LMTP: it binds the machine (`smtp/server`) to a connection and to a service, which answers the machine's
 * questions. Input becomes events, one line at a time; effects are performed in their order; what has to be waited for (a password, a commit)
 * leaves further input unread until its answer is here. It knows nothing of policy, queue or disk.
 */
import { type Connection, type ConnectionHandler, HIGH_WATER, type TlsState } from '../net/connection.ts'
import { ChunkScanner } from '../smtp/chunk.ts'
import { type ContentFault, DataScanner } from '../smtp/data.ts'
import { cutLine, newLineCutter } from '../mail/line.ts'
import { encodeReply } from '../smtp/replies.ts'
import type { Reply } from '../mail/reply.ts'
import { NEW_SESSION, step, takesLine } from '../smtp/server.ts'
import type { Context, Effect, Event, Question, Session } from '../smtp/session.ts'
import type { Collector } from './collector.ts'

/** Who answers what the machine asks: the product's own (`server/reception`), or the handlers of a library user. */
export interface SmtpService<Content extends Collector = Collector> {
  readonly context: Context
  readonly times: SessionTimes
  /** One event: `verdict`, or for a login `authenticated`. At once where possible: promises cost a turn. */
  answer(question: Question, visit: Visit): Event | Promise<Event>
  /** A content begins. */
  collect(visit: Visit): Content
  /** The content is here as a whole. One reply, or one per recipient on LMTP. Never rejects; a 250 means that it is safe. */
  submit(submission: SubmitEffect, content: Content, visit: Visit): Promise<readonly Reply[]>
  /** We said 4xx or 5xx; `session`: as it was when that was decided, so a refused recipient is still in it. */
  refused(reply: Reply, session: Session, visit: Visit): void
  closed(visit: Visit): void
}

export type SubmitEffect = Extract<Effect, { readonly do: 'submit' }>

/** ms */
export interface SessionTimes {
  readonly idle: number
  readonly message: number
  readonly session: number
}

/** One connection, as a service sees it. */
export interface Visit {
  readonly connection: Connection
  /** ms since 1970 */
  readonly since: number
}

/** Bytes of input that may wait for an answer before we stop reading. */
const WAITING_INPUT = 64 * 1024
const NOTHING = Buffer.alloc(0)
/** ms that an answer may take; RFC 5321 §4.5.3.2.6: so long a client waits, and then there is nobody to hear it. */
const ANSWER = 10 * 60_000

/** `now`: ms since 1970. Sessions that are open: see `SmtpLoop.shutdown`. */
export class SmtpLoop<Content extends Collector> implements ConnectionHandler, Visit {
  readonly connection: Connection
  readonly since: number
  readonly #service: SmtpService<Content>
  readonly #onClosed: ((loop: SmtpLoop<Content>) => void) | undefined
  readonly #now: () => number
  readonly #cutter = newLineCutter()
  #session: Session = NEW_SESSION
  /** Input that was not used yet, from `#at` on. */
  #input: Buffer = NOTHING
  #at = 0
  #content: Content | undefined
  #scanner: DataScanner | ChunkScanner | undefined
  #contentSince = 0
  /** Bytes of a refused chunk still to be skipped. */
  #skip = 0
  /** Something is being waited for; no input is used. */
  #waits = false
  #paused = false
  #closed = false
  #running = false

  constructor(
    connection: Connection,
    service: SmtpService<Content>,
    now: () => number,
    onClosed?: (loop: SmtpLoop<Content>) => void,
  ) {
    this.connection = connection
    this.since = now()
    this.#service = service
    this.#now = now
    this.#onClosed = onClosed
  }

  /** The first event. To be called when the connection calls this handler. */
  start(): void {
    this.#happen({ on: 'connected', tls: this.connection.tls !== undefined })
    this.#awaitInput()
  }

  /** We stop: says so when nothing is under way, or as soon as that is done. */
  shutdown(): void {
    if (!this.#closed) this.#happen({ on: 'shutdown' })
  }

  data(chunk: Buffer): void {
    if (this.#closed) return
    this.#input = this.#at < this.#input.length ? Buffer.concat([this.#input.subarray(this.#at), chunk]) : chunk
    this.#at = 0
    this.#use()
  }

  drained(): void {
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
    this.#drop()
    this.#gone()
  }

  /** Uses as much of the input as may be used now. */
  #use(): void {
    if (this.#running) return
    this.#running = true
    while (!this.#closed && !this.#waits && this.connection.unsent < HIGH_WATER && this.#useNext());
    this.#running = false
    if (this.#closed) return
    if (this.#at >= this.#input.length) {
      this.#input = NOTHING
      this.#at = 0
    }
    this.#regulate()
    if (!this.#waits) this.#awaitInput()
  }

  /** false: there is nothing that could be used. */
  #useNext(): boolean {
    if (this.#skip > 0) return this.#skipInput()
    if (this.#scanner) return this.#scan(this.#scanner)
    if (this.#at >= this.#input.length || !takesLine(this.#session)) return false
    const cut = cutLine(this.#cutter, this.#input, this.#at)
    this.#at = cut?.end ?? this.#input.length
    if (!cut) return false
    this.#happen({ on: 'line', line: cut.line })
    return true
  }

  #skipInput(): boolean {
    const skipped = Math.min(this.#skip, this.#input.length - this.#at)
    this.#skip -= skipped
    this.#at += skipped
    return this.#skip === 0
  }

  #scan(scanner: DataScanner | ChunkScanner): boolean {
    const chunk = this.#at === 0 ? this.#input : this.#input.subarray(this.#at)
    const end = chunk.length === 0 && scanner instanceof DataScanner ? -1 : scanner.feed(chunk)
    this.#at = end === -1 ? this.#input.length : this.#at + end
    if (end === -1) {
      this.#press()
      return false
    }
    this.#scanner = undefined
    if (scanner.fault === undefined) this.#happen({ on: 'content', size: scanner.size })
    else this.#refuseContent(scanner.fault)
    return true
  }

  #refuseContent(fault: ContentFault): void {
    this.#drop()
    this.#happen({ on: 'content-refused', fault })
  }

  /** The disk is slower than the peer: the peer waits. */
  #press(): void {
    const pressure = this.#content?.pressure()
    if (!pressure) return
    this.#waits = true
    void pressure.then(() => this.#resume())
  }

  #resume(): void {
    this.#waits = false
    this.#use()
  }

  /** One event, its effects, and the events that follow from those at once. */
  #happen(event: Event): void {
    let next: Event | undefined = event
    while (next && !this.#closed) {
      const before = this.#session
      const { next: session, effects } = step(before, next, this.#service.context)
      this.#session = session
      next = undefined
      for (const effect of effects) next = this.#perform(effect, before) ?? next
    }
  }

  /** Answers the event that follows at once, if one does. */
  #perform(effect: Effect, before: Session): Event | undefined {
    switch (effect.do) {
      case 'reply':
        if (effect.reply.code >= 400) this.#service.refused(effect.reply, before, this)
        this.connection.write(encodeReply(effect.reply))
        return undefined
      case 'ask':
        return this.#ask(effect.question)
      case 'receive':
        this.#receive(effect)
        return undefined
      case 'discard':
        this.#skip = effect.size
        return undefined
      case 'forget':
        this.#drop()
        return undefined
      case 'submit':
        this.#submit(effect)
        return undefined
      case 'start-tls':
        // RFC 3207 §4.2: what came behind the command in plain text is not heard.
        this.#input = NOTHING
        this.#at = 0
        this.#waits = true
        this.connection.startTls()
        return undefined
      case 'close':
        this.#close()
        return undefined
    }
  }

  #ask(question: Question): Event | undefined {
    const answer = this.#service.answer(question, this)
    if (!(answer instanceof Promise)) return answer
    this.#await(answer)
    return undefined
  }

  #await(answer: Promise<Event>): void {
    this.#waits = true
    this.connection.deadline(ANSWER)
    void answer.then(event => {
      this.#waits = false
      if (this.#closed) return
      this.#happen(event)
      this.#use()
    })
  }

  #receive(effect: Extract<Effect, { readonly do: 'receive' }>): void {
    if (effect.how === 'data') {
      const content = this.#begin()
      this.#scanner = new DataScanner(effect.limit, part => content.take(part))
      return
    }
    if (!this.#chunks) {
      const content = this.#begin()
      this.#chunks = new ChunkScanner(effect.limit, effect.body, part => content.take(part))
    }
    this.#chunks.begin(effect.chunk.size, effect.chunk.last)
    this.#scanner = this.#chunks
  }

  /** Lives from the first chunk of a content to the last. */
  #chunks: ChunkScanner | undefined

  #begin(): Content {
    this.#drop()
    this.#contentSince = this.#now()
    this.#content = this.#service.collect(this)
    return this.#content
  }

  #submit(effect: SubmitEffect): void {
    const content = this.#content
    if (!content) throw new Error('there is no content to submit')
    this.#content = undefined
    this.#chunks = undefined
    this.#await(this.#service.submit(effect, content, this).then(replies => ({ on: 'submitted', replies })))
  }

  #drop(): void {
    this.#content?.discard()
    this.#content = undefined
    this.#chunks = undefined
    this.#scanner = undefined
  }

  #close(): void {
    this.#drop()
    this.#closed = true
    this.connection.end()
    this.#gone()
  }

  #gone(): void {
    this.#service.closed(this)
    this.#onClosed?.(this)
  }

  /** Input that can't be used yet is read only up to a bound. */
  #regulate(): void {
    const full = this.#input.length - this.#at > WAITING_INPUT || this.connection.unsent >= HIGH_WATER
    // While we work the peer's end may not overtake our answer: it is not noticed while paused.
    const stop = full || this.#waits
    if (stop === this.#paused) return
    this.#paused = stop
    if (stop) this.connection.pause()
    else this.connection.resume()
  }

  /** How long the peer may be silent now; never longer than what is left of the message and of the session. */
  #awaitInput(): void {
    const { idle, message, session } = this.#service.times
    const now = this.#now()
    const ends = this.since + session - now
    const left = this.#scanner ? Math.min(ends, this.#contentSince + message - now) : ends
    // Not left to the connection, which tells it late: who sends byte by byte would put it off each time.
    if (left <= 0) this.#happen({ on: 'timeout' })
    else this.connection.deadline(Math.min(idle, left))
  }
}

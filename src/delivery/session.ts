/**
 * Binds the client machine (`smtp/client.ts`) to a connection: one session with one host, opened once, used for one message after another.
 * Small contents leave in one write with their commands; files are streamed no faster than the peer takes them.
 */
import type { Content } from '../mail/content.ts'
import type { ClientTls, ClosedBy, Connection, ConnectionHandler } from '../net/connection.ts'
import type { Destination, Network } from '../net/network.ts'
import type { Abilities } from '../smtp/abilities.ts'
import {
  type ClientEffect,
  type ClientEvent,
  type ClientSettings,
  type ClientState,
  connected,
  patience,
  step,
} from '../smtp/client.ts'
import type { RecipientResult, Trouble } from '../smtp/client-transaction.ts'
import { NO_REPLIES, parseReplies } from '../smtp/reply-parser.ts'
import type { Transaction } from '../smtp/transaction.ts'
import { type Framing, type OpenContent, openContent, streamFile, writeMemory } from './content-writer.ts'

export interface SessionOptions {
  readonly network: Network
  /** ms, monotonic; tells how long the session had nothing to do. */
  readonly now: () => number
  readonly settings: ClientSettings
  readonly destination: Where
  /** Who it is, for people: 'mx1.example.org [192.0.2.1]:25'. */
  readonly to: string
  /** ms that it may wait for the next message before it says QUIT. */
  readonly idle: number
  /** ms for the connection. */
  readonly connectTimeout: number
  /** For STARTTLS and TLS from the first byte. */
  readonly tls: ClientTls
}

export type Where = { readonly address: string; readonly port: number } | { readonly path: string }

export type Opened =
  | { readonly is: 'open'; readonly session: Session }
  | { readonly is: 'failed'; readonly trouble: Trouble }

export interface Sent {
  /** One for each recipient, in order. */
  readonly results: readonly RecipientResult[]
  /** All of the content went out and was not answered: whoever sends it again may double it. */
  readonly doubtful: boolean
}

/** ms without a message after which the content waits until the recipients are answered: the host may have gone, and content sent into the void must not be sent again. */
const FRESH = 1000
/** Bytes that are sent before it is known whether a recipient is accepted. */
const EAGER_MAX = 64 * 1024

/** Connects, greets, secures, logs in. Never rejects. */
export async function openSession(options: SessionOptions): Promise<Opened> {
  const { destination, settings, network, connectTimeout } = options
  const secure = settings.tls === 'implicit' ? options.tls : undefined
  const to: Destination = { ...destination, timeout: connectTimeout, secure }
  let session: Session | undefined
  const dialled = await network.connect(to, connection => (session = new Session(connection, options)))
  if (dialled.is === 'failed' || session === undefined) {
    const reason = dialled.is === 'failed' ? dialled.reason : 'no connection'
    const about = dialled.is === 'failed' && dialled.code === 'ETLS' ? 'tls' : 'dial'
    return { is: 'failed', trouble: { with: about, reason, reply: undefined } }
  }
  const trouble = await session.opened
  return trouble === undefined ? { is: 'open', session } : { is: 'failed', trouble }
}

const TOO_EARLY: Trouble = {
  with: 'protocol',
  reason: 'the host answered before the end of the content',
  reply: undefined,
}

/** What waits for the end of a transaction. */
interface Job {
  readonly content: Content
  readonly file: OpenContent | undefined
  readonly resolve: (sent: Sent) => void
}

/** A class because there is one for each connection and its handler's methods are the hot path. */
export class Session implements ConnectionHandler {
  readonly to: string
  readonly opened: Promise<Trouble | undefined>
  /** Messages begun. */
  messages = 0
  /** Called once when it can't be used any more. */
  whenOver: (() => void) | undefined
  readonly #connection: Connection
  readonly #options: SessionOptions
  #state: ClientState
  #replies = NO_REPLIES
  #abilities: Abilities | undefined
  #open: (trouble: Trouble | undefined) => void = () => {}
  #job: Job | undefined
  #lastUse: number
  /** Of the transaction under way. */
  #content: 'unsent' | 'streaming' | 'sent' = 'unsent'
  #wakeWriter: ((taken: boolean) => void) | undefined

  constructor(connection: Connection, options: SessionOptions) {
    this.#connection = connection
    this.#options = options
    this.to = options.to
    this.#lastUse = options.now()
    this.#state = connected(options.settings, connection.tls !== undefined)
    this.opened = new Promise(resolve => {
      this.#open = resolve
    })
    connection.deadline(patience(this.#state))
  }

  /** The host, and how the way to it was secured: 'mx1.example.org [192.0.2.1]:25 TLSv1.3'. */
  get peer(): string {
    const { tls } = this.#connection
    return tls === undefined ? this.to : `${this.to} ${tls.protocol}`
  }

  /** undefined until it is open. */
  get abilities(): Abilities | undefined {
    return this.#abilities
  }

  /** Whether it takes a message now. */
  get ready(): boolean {
    // RFC 9422 §4.1
    return (
      this.#state.at === 'ready' && this.#job === undefined && this.messages < this.#state.link.abilities.limits.mails
    )
  }

  /** One transaction, when `ready`. Never rejects. */
  send(mail: Transaction, content: Content): Promise<Sent> {
    return new Promise(resolve => {
      if (content.in === 'memory') {
        const fresh = this.#options.now() - this.#lastUse < FRESH
        this.#begin(mail, { content, file: undefined, resolve }, fresh && mail.size <= EAGER_MAX)
        return
      }
      this.#connection.deadline(undefined) // no longer idle
      void openContent(content).then(file => {
        const trouble: Trouble = { with: 'content', reason: 'the stored content cannot be read', reply: undefined }
        if (file !== undefined) this.#begin(mail, { content, file, resolve }, false)
        else resolve({ results: mail.recipients.map(() => ({ is: 'lost', trouble })), doubtful: false })
      })
    })
  }

  /** Says QUIT and closes. Only when nothing is being sent. */
  quit(): void {
    this.#happen({ is: 'quit' })
    this.#wait()
  }

  #begin(mail: Transaction, job: Job, eager: boolean): void {
    this.#job = job
    this.messages++
    this.#content = 'unsent'
    if (this.#state.at === 'ready') this.#happen({ is: 'mail', mail, eager })
    else if (this.#state.at === 'over') this.#done(mail.recipients.map(() => this.#lost()))
    else throw new Error(`the session is not ready but ${this.#state.at}`)
    this.#wait()
  }

  #lost(): RecipientResult {
    const trouble: Trouble = { with: 'connection', reason: 'the host closed the connection', reply: undefined }
    return { is: 'lost', trouble: this.#state.at === 'over' ? this.#state.trouble : trouble }
  }

  data(chunk: Buffer): void {
    const { next, replies, malformed } = parseReplies(this.#replies, chunk)
    this.#replies = next
    for (let i = 0; i < replies.length; i++) {
      const reply = replies[i]
      if (reply === undefined) break
      this.#happen({ is: 'reply', reply })
      // RFC 3207 §4.2: what follows the reply to STARTTLS in plain text was put there by somebody else.
      if (this.#state.at === 'handshake' && (i + 1 < replies.length || next !== NO_REPLIES)) {
        this.#lose({ with: 'tls', reason: 'plain text after STARTTLS', reply: undefined })
      }
    }
    if (malformed !== undefined) this.#lose({ with: 'protocol', reason: malformed, reply: undefined })
    // Only a whole reply is an answer: a host that sends byte by byte would hold us for years.
    if (replies.length > 0) this.#wait()
  }

  secured(): void {
    if (this.#state.at === 'handshake') this.#happen({ is: 'secured' })
    this.#wait()
  }

  drained(): void {
    this.#wake(true)
  }

  deadline(): void {
    if (this.#state.at === 'ready') this.#happen({ is: 'quit' })
    else this.#lose({ with: 'connection', reason: `no answer in time (${this.#state.at})`, reply: undefined })
    this.#wait()
  }

  closed(why: ClosedBy, detail?: string): void {
    const reason = detail ?? (why === 'us' ? 'we closed the connection' : 'the host closed the connection')
    this.#lose({ with: why === 'tls' ? 'tls' : 'connection', reason, reply: undefined })
    this.#wake(false)
  }

  #lose(trouble: Trouble): void {
    this.#happen({ is: 'lost', trouble })
  }

  #wake(taken: boolean): void {
    const wake = this.#wakeWriter
    this.#wakeWriter = undefined
    wake?.(taken)
  }

  /** Sets how long the host may take from here. While a file goes out its writer does. */
  #wait(): void {
    if (this.#content === 'streaming' || this.#state.at === 'over') return
    this.#connection.deadline(this.#state.at === 'ready' ? this.#options.idle : patience(this.#state))
  }

  #happen(event: ClientEvent): void {
    const { next, effects } = step(this.#state, event)
    this.#state = next
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: ClientEffect): void {
    switch (effect.do) {
      case 'send':
        // The content is on its way: whatever we say now would be taken for a part of it.
        if (this.#content === 'streaming') {
          this.#lose(TOO_EARLY)
          return
        }
        if (effect.text !== '') this.#connection.write(effect.text)
        if (effect.content !== 'none') this.#writeContent(effect.content)
        return
      case 'startTls':
        this.#connection.startTls(this.#options.tls)
        return
      case 'done':
        this.#done(effect.results)
        return
      case 'ready':
        this.#lastUse = this.#options.now()
        if (this.#abilities === undefined && this.#state.at === 'ready') {
          this.#abilities = this.#state.link.abilities
          this.#open(undefined)
        }
        return
      case 'end':
        this.#end()
    }
  }

  #end(): void {
    // Half a content must not look like a whole one.
    if (this.#content === 'streaming') this.#connection.destroy()
    else this.#connection.end()
    this.#wake(false)
    if (this.#state.at === 'over') this.#open(this.#state.trouble)
    const { whenOver } = this
    this.whenOver = undefined
    whenOver?.()
  }

  #done(results: readonly RecipientResult[]): void {
    const job = this.#job
    if (job === undefined) return
    this.#job = undefined
    const over = this.#state.at === 'over' ? this.#state.trouble : undefined
    // An answer before the end of the content: the rest of it can't be taken back.
    if (this.#content === 'streaming' && over === undefined) {
      this.#lose(TOO_EARLY)
    }
    // RFC 5321 §3.8: a host that says 421 has not taken it.
    const doubtful = over !== undefined && over.with !== 'shutdown' && this.#content === 'sent'
    void job.file?.file.close()
    job.resolve({ results, doubtful })
  }

  #writeContent(framing: Framing): void {
    const job = this.#job
    if (job === undefined) throw new Error('no content to send')
    if (job.file === undefined) {
      if (job.content.in === 'memory') writeMemory(this.#connection, job.content.bytes, framing)
      this.#content = 'sent'
      return
    }
    this.#content = 'streaming'
    const drained = (): Promise<boolean> =>
      new Promise(resolve => {
        if (this.#state.at === 'over') resolve(false)
        else this.#wakeWriter = resolve
      })
    void streamFile(this.#connection, job.file, framing, drained).then(end => {
      if (this.#job !== job || end === 'gone') return
      if (end === 'short')
        this.#lose({ with: 'content', reason: 'the stored content cannot be read', reply: undefined })
      else this.#content = 'sent'
      this.#wait()
    })
  }
}

/**
 * The loop of IMAP: binds the language (`imap/`) to a connection and to what carries commands out (`executors.ts`). One command is carried
 * out after the other; while one is waited for, further input is left unread. Before each tagged response the client hears what changed.
 */
import type { Command } from '../../imap/command.ts'
import { InputReader, type Input } from '../../imap/input.ts'
import { messageLiteral, parseCommand } from '../../imap/parse.ts'
import { mayExpunge, notNow, type State } from '../../imap/states.ts'
import type { Content } from '../../mail/content.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import { type Connection, type ConnectionHandler, HIGH_WATER } from '../../net/connection.ts'
import type { MessageCollector } from '../collector.ts'
import type { Account } from '../login.ts'
import { announced } from './capability.ts'
import { type Compression, createCompression } from './compress.ts'
import { execute } from './executors.ts'
import { SelectedMailbox } from './selected.ts'
import type { Enabled, ImapServices, ImapSession, NotifyState, Selecting, Tagged } from './session.ts'
import type { View } from '../../store/view.ts'

/** ms of work after which others get their turn. */
const SLICE = 8
/** Characters of text that are put together before the connection gets them. */
const TEXT = 16_384
/** Commands without sense, in one session. */
const MAX_BAD = 50
/** Before a log-in nobody needs much. Bytes. */
const BEFORE_LOGIN = { line: 8192, literals: 4096 }
const AFTER_LOGIN = { line: 64 * 1024, literals: 256 * 1024 }
/** ms: an idle client hears of us, so that nothing on the way forgets the connection. */
const STILL_HERE = 2 * 60_000

/** What happens after a tagged response. */
type Afterwards = 'starttls' | 'compress' | 'close'

export class ImapLoop implements ConnectionHandler, ImapSession {
  readonly services: ImapServices
  readonly connection: Connection
  readonly enabled = new Set<Enabled>()
  account: Account | undefined
  selected: SelectedMailbox | undefined
  savedResult: readonly UidRange[] = []
  notify: NotifyState | undefined
  tag = ''
  gone = false
  readonly #onGone: (loop: ImapLoop) => void
  readonly #mayLogInInClear: boolean
  readonly #reader = new InputReader(BEFORE_LOGIN)
  #compression: Compression | undefined
  /** Contents of the command that comes in, by the number of their literal. */
  #contents: Map<number, Content | undefined> | undefined
  #collector: MessageCollector | undefined
  /** Who waits for a line that is no command: a response of SASL, DONE. */
  #awaitsLine: ((line: Buffer | undefined) => void) | undefined
  #idling = false
  #text = ''
  #waits = false
  #paused = false
  #using = false
  #executing = false
  #bad = 0
  /** When this turn's work began, in ms; 0: others had their turn since. */
  #sliceSince = 0
  #roomWaiters: (() => void)[] = []
  #afterwards: Afterwards | undefined
  #heard: number

  constructor(
    connection: Connection,
    services: ImapServices,
    mayLogInInClear: boolean,
    onGone: (loop: ImapLoop) => void,
  ) {
    this.connection = connection
    this.services = services
    this.#mayLogInInClear = mayLogInInClear
    this.#onGone = onGone
    this.#heard = services.now()
  }

  get tls(): boolean {
    return this.connection.tls !== undefined
  }

  get address(): string {
    return this.connection.peer.address
  }

  get utf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4REV2')
  }

  get mayLogIn(): boolean {
    return this.tls || this.#mayLogInInClear
  }

  get compressed(): boolean {
    return this.#compression !== undefined
  }

  /** The greeting. To be called when the connection calls this handler. */
  start(): void {
    this.write(`* OK [CAPABILITY ${announced(this)}] ${this.services.hostname} is ready\r\n`)
    this.#flush()
    this.#awaitInput()
  }

  /** We stop. */
  shutdown(): void {
    this.#sayBye('The server is being stopped; please connect again')
  }

  // ---- the connection calls

  data(chunk: Buffer): void {
    if (this.gone) return
    this.#heard = this.services.now()
    if (this.#compression) this.#compression.feed(chunk)
    else this.#take(chunk)
  }

  drained(): void {
    this.#wake()
    this.#use()
  }

  secured(): void {
    this.#waits = false
    this.#use()
  }

  deadline(): void {
    const { idle, idleBeforeLogin } = this.services.limits
    const left = this.#heard + (this.account ? idle : idleBeforeLogin) - this.services.now()
    if (left <= 0) {
      this.#sayBye('You were silent for too long')
      return
    }
    if (this.#idling) this.write('* OK Still here\r\n')
    this.#flush()
    this.#awaitInput()
  }

  closed(): void {
    if (!this.gone) this.#leave()
  }

  // ---- what comes in

  #take(chunk: Buffer): void {
    this.#reader.feed(chunk)
    this.#use()
  }

  #use(): void {
    if (this.#using) return
    this.#using = true
    while (!this.gone && !this.#waits && this.#unsent() < HIGH_WATER) {
      const input = this.#reader.next(this.#awaitsLine ? 'line' : 'command')
      if (!input) break
      this.#handle(input)
    }
    this.#using = false
    if (this.gone) return
    this.#flush()
    this.#regulate()
    this.#awaitInput()
  }

  #handle(input: Input): void {
    switch (input.is) {
      case 'line': {
        const waiting = this.#awaitsLine
        this.#awaitsLine = undefined
        waiting?.(input.bytes)
        return
      }
      case 'literal':
        this.#beginLiteral(input)
        return
      case 'content':
        this.#collector?.take(input.bytes)
        this.#await(this.#collector?.pressure(), () => undefined)
        return
      case 'content-end':
        this.#endContent(input.number)
        return
      case 'malformed':
        this.#complainOf(input.tag ?? '*', MALFORMED[input.why])
        return
      case 'command':
        this.#command(input)
        return
    }
  }

  #beginLiteral({ size, sync, before }: Extract<Input, { is: 'literal' }>): void {
    const isMessage = this.account !== undefined && messageLiteral(before)
    if (isMessage && size > this.services.limits.messageSize) {
      this.#reader.accept('refuse')
      this.#dropContents()
      // RFC 7889 §4
      this.write(`${tagOf(before)} NO [TOOBIG] A message may have ${this.services.limits.messageSize} octets\r\n`)
      return
    }
    this.#reader.accept(isMessage ? 'stream' : 'memory')
    if (isMessage) this.#collector = this.services.collect()
    if (sync) this.write('+ Go on\r\n')
  }

  #endContent(number: number): void {
    const collector = this.#collector
    this.#collector = undefined
    if (!collector) return
    const content = collector.finish(Buffer.alloc(0))
    const keep = (whole: Content | undefined): void => {
      if (this.gone) collector.discard()
      else (this.#contents ??= new Map()).set(number, whole)
    }
    if (content instanceof Promise) this.#await(content, keep)
    else keep(content)
  }

  #command({ command: raw }: Extract<Input, { is: 'command' }>): void {
    const parsed = parseCommand(raw, { utf8: this.utf8 })
    if (parsed.is === 'bad') this.#complainOf(parsed.tag, parsed.text)
    else if (parsed.is === 'no') this.#answer(parsed.tag, { is: 'NO', code: parsed.code, text: parsed.text })
    else this.#execute(parsed.tag, parsed.command)
  }

  #complainOf(tag: string, text: string): void {
    this.#dropContents()
    this.write(`${tag} BAD ${text}\r\n`)
    if (++this.#bad >= MAX_BAD) this.#sayBye('Too much of this makes no sense')
  }

  // ---- commands

  get #state(): State {
    if (this.selected) return 'selected'
    return this.account ? 'authenticated' : 'not-authenticated'
  }

  #execute(tag: string, command: Command): void {
    const refusal = notNow(command.name, this.#state)
    if (refusal !== undefined) {
      this.#complainOf(tag, refusal)
      return
    }
    this.tag = tag
    this.#sliceSince = 0
    this.#executing = true
    const done = (answer: Tagged): void => this.#finish(tag, command, answer)
    const answer = execute(command, this)
    if (answer instanceof Promise) this.#await(answer, done)
    else done(answer)
  }

  #finish(tag: string, command: Command, answer: Tagged): void {
    this.#executing = false
    if (answer.is === 'OK') this.#contents = undefined
    else this.#dropContents()
    if (this.gone) return
    if (answer.is === 'BAD') this.#bad++
    const told = this.#tell(mayExpunge(command))
    if (told) this.#await(told, () => this.#answer(tag, answer))
    else this.#answer(tag, answer)
  }

  #answer(tag: string, { is, code, text }: Tagged): void {
    if (this.gone) return
    this.write(`${tag} ${is} ${code === undefined ? '' : `[${code}] `}${text}\r\n`)
    const then = this.#afterwards
    this.#afterwards = undefined
    if (then === 'close') this.#end()
    else if (then === 'starttls') this.#startTls()
    else if (then === 'compress') this.#compress()
  }

  /** Input is used again when it is settled. */
  #await<Value>(promise: Promise<Value> | undefined, then: (value: Value) => void): void {
    if (!promise) return
    this.#waits = this.#awaitsLine === undefined
    void promise
      .then(value => {
        this.#waits = false
        then(value)
      })
      .catch((error: unknown) => {
        this.services.complain(error)
        this.#sayBye('[SERVERBUG] Something went wrong here')
      })
      .finally(() => this.#use())
  }

  #startTls(): void {
    // RFC 9051 §6.2.1: what came behind the command in plain text is not heard.
    this.#flush()
    this.#reader.clear()
    this.#waits = true
    this.connection.startTls()
  }

  #compress(): void {
    this.#flush()
    this.#compression = createCompression(this.connection, {
      data: chunk => this.#take(chunk),
      drained: () => this.drained(),
      broken: () => this.#sayBye('That is not compressed as was agreed'),
    })
    // It was the connection that waited until now; from here on it is the inflating.
    if (this.#paused) this.connection.resume()
    this.#paused = false
    // RFC 4978 §3: what came behind the command is compressed already.
    const rest = this.#reader.clear()
    if (rest.length > 0) this.#compression.feed(rest)
  }

  #dropContents(): void {
    this.#collector?.discard()
    this.#collector = undefined
    for (const content of this.#contents?.values() ?? []) if (content) this.services.discard(content)
    this.#contents = undefined
  }

  // ---- what executors may do: see `ImapSession`

  write(part: string | Uint8Array): void {
    if (this.gone) return
    if (typeof part === 'string') {
      this.#text += part
      if (this.#text.length > TEXT) this.#flush()
      return
    }
    this.#flush()
    this.#send(part)
  }

  room(): Promise<void> | undefined {
    if (this.gone) return undefined
    if (this.#unsent() >= HIGH_WATER) {
      this.#flush()
      this.#sliceSince = 0
      return new Promise(resolve => this.#roomWaiters.push(resolve))
    }
    const now = performance.now()
    if (this.#sliceSince === 0) this.#sliceSince = now
    if (now - this.#sliceSince < SLICE) return undefined
    this.#flush()
    this.#sliceSince = 0
    return new Promise(resolve => setImmediate(resolve))
  }

  /** The next line of the client, without its line end; undefined: it is gone. */
  line(): Promise<Buffer | undefined> {
    this.#flush()
    return new Promise(resolve => {
      this.#awaitsLine = line => {
        this.#waits = true
        resolve(line)
      }
      this.#waits = false
      // The loop may be the one that is calling: it looks again when that is done.
      queueMicrotask(() => this.#use())
    })
  }

  /** While it is on, changes are told as they come (RFC 9051 §6.3.13). */
  idle(on: boolean): void {
    this.#idling = on
    this.#awaitInput()
  }

  /** Tells what changed, unasked. */
  tellNow(): void {
    // While a command is carried out it is told at its end.
    if (this.gone || (this.#waits && !this.#idling)) return
    const selected = this.#idling ? 'at-once' : (this.notify?.selected ?? 'never')
    const told = this.#tell(selected === 'at-once', selected !== 'never')
    this.#flush()
    this.#await(told, () => this.#flush())
  }

  logIn(account: Account): void {
    this.account = account
    this.#reader.limits = AFTER_LOGIN
    this.#bad = 0
  }

  unauthenticate(): void {
    this.unselect()
    this.notify?.end()
    this.notify = undefined
    this.account = undefined
    this.enabled.clear()
    this.savedResult = []
    this.#reader.limits = BEFORE_LOGIN
  }

  enable(what: Enabled): void {
    this.enabled.add(what)
  }

  select(view: View, how: Selecting): SelectedMailbox {
    this.unselect()
    const condstore = this.enabled.has('CONDSTORE') || this.enabled.has('QRESYNC')
    const selected = new SelectedMailbox(view, how, condstore, () => !this.enabled.has('IMAP4REV2'))
    this.selected = selected
    return selected
  }

  unselect(): void {
    const { selected } = this
    if (!selected) return
    this.selected = undefined
    this.savedResult = [] // RFC 5182 §2.1
    const { view, readOnly, recentFrom, version } = selected
    const seen = selected.uidOf(version.exists)
    if (!readOnly && seen >= recentFrom) {
      void this.services.storage.ask('mailbox', { is: 'recent', mailbox: view.mailbox, uid: seen })
    }
    this.services.views.close(view.mailbox)
  }

  afterwards(what: Afterwards): void {
    this.#afterwards = what
  }

  literal(n: number): Content | undefined {
    return this.#contents?.get(n)
  }

  // ---- what goes out

  /** Of the selected mailbox, and what NOTIFY asked for. A promise: nothing else may be written before. */
  #tell(expunge: boolean, selected = true): Promise<void> | undefined {
    const gone =
      selected &&
      this.selected?.tell({
        write: text => this.write(text),
        expunge,
        qresync: this.enabled.has('QRESYNC'),
        recent: !this.enabled.has('IMAP4REV2'),
      })
    if (gone) this.unselect()
    return this.notify?.tell()
  }

  #flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#send(text)
  }

  #send(part: string | Uint8Array): void {
    if (this.#compression) this.#compression.write(part)
    else this.connection.write(part)
  }

  #unsent(): number {
    return this.connection.unsent + (this.#compression?.waiting ?? 0)
  }

  #wake(): void {
    if (this.#roomWaiters.length === 0 || this.#unsent() >= HIGH_WATER) return
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const wake of waiters) wake()
  }

  #regulate(): void {
    // Otherwise all input is used already: what the reader holds of an unfinished line or literal it has bounded itself.
    const stop = this.#waits || this.#unsent() >= HIGH_WATER
    if (stop === this.#paused) return
    this.#paused = stop
    const from = this.#compression ?? this.connection
    if (stop) from.pause()
    else from.resume()
  }

  #awaitInput(): void {
    if (this.gone) return
    const { idle, idleBeforeLogin } = this.services.limits
    const left = this.#heard + (this.account ? idle : idleBeforeLogin) - this.services.now()
    this.connection.deadline(Math.max(1, this.#idling ? Math.min(left, STILL_HERE) : left))
  }

  #sayBye(text: string): void {
    if (this.gone) return
    this.write(`* BYE ${text}\r\n`)
    this.#end()
  }

  /** What was written still leaves. */
  #end(): void {
    this.#flush()
    const compression = this.#compression
    this.#leave()
    if (compression) void compression.end().then(() => this.connection.end())
    else this.connection.end()
  }

  #leave(): void {
    this.gone = true
    if (!this.#executing) this.#dropContents() // or they may be stored in this moment: its answer will tell
    this.unselect()
    this.notify?.end()
    this.notify = undefined
    const [waiters, line] = [this.#roomWaiters, this.#awaitsLine]
    this.#roomWaiters = []
    this.#awaitsLine = undefined
    for (const wake of waiters) wake()
    line?.(undefined)
    this.#onGone(this)
  }
}

const MALFORMED = {
  overlong: 'That line is too long',
  'too-many-literals': 'There are too many literals in one command',
  'literal-too-large': 'That literal is too large',
  'bad-literal': 'The size of a literal is expected between { and }',
} as const satisfies Record<Extract<Input, { is: 'malformed' }>['why'], string>

/** The tag of a command that is not there as a whole yet. */
function tagOf(before: Buffer): string {
  return /^[^\s(){%*"\\\]+\u0080-\uffff]+/.exec(before.subarray(0, 200).toString('latin1'))?.[0] ?? '*'
}

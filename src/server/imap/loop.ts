/**
 * The loop of IMAP: binds the language (`imap/`) to a connection and to what carries commands out (`executors.ts`). One command is carried
 * out after the other; while one is waited for, further input is left unread. Before each tagged response the client hears what changed.
 */
import type { Command } from '../../imap/command.ts'
import { InputReader, type Input } from '../../imap/input.ts'
import { messageLiteral, parseCommand } from '../../imap/parse.ts'
import { readTag } from '../../imap/raw-command.ts'
import { mayExpunge, notNow, type State } from '../../imap/states.ts'
import type { Content } from '../../mail/content.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import { type Connection, type ConnectionHandler, HIGH_WATER } from '../../net/connection.ts'
import type { View } from '../../store/view.ts'
import type { Account } from '../login.ts'
import { announced } from './capability.ts'
import { createCompression } from './compress.ts'
import { Contents } from './contents.ts'
import { execute } from './executors.ts'
import { withRights } from './names.ts'
import { Output } from './output.ts'
import { SelectedMailbox } from './selected.ts'
import type { Enabled, ImapServices, ImapSession, NotifyState, Selecting, Tagged } from './session.ts'

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
  readonly #out: Output
  readonly #contents: Contents
  /** Who waits for a line that is no command: a response of SASL, DONE. */
  #awaitsLine: ((line: Buffer | undefined) => void) | undefined
  #idling = false
  /** Promises that are waited for. */
  #pending = 0
  /** What NOTIFY tells unasked is on its way: nothing else may be written. */
  #telling: Promise<void> | undefined
  /** Something changed meanwhile. */
  #tellsAgain = false
  #paused = false
  #using = false
  #executing = false
  #bad = 0
  #afterwards: Afterwards | undefined
  /** Why the session ends when the command that is carried out has been answered. */
  #leaving: string | undefined
  /** ms since 1970: when the client last said something, or took what it waits for. */
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
    this.#out = new Output(connection)
    this.#contents = new Contents(services)
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
    return this.#out.compression !== undefined
  }

  /** The greeting. To be called when the connection calls this handler. */
  start(): void {
    this.write(`* OK [CAPABILITY ${announced(this)}] ${this.services.hostname} is ready\r\n`)
    this.#out.flush()
    this.#awaitInput()
  }

  /** We stop. */
  shutdown(): void {
    this.leave('The server is being stopped; please connect again')
  }

  /** Says why and ends; what is under way is answered before. */
  leave(why: string): void {
    if (this.#isAtWork) this.#leaving = why
    else this.#sayBye(why)
  }

  // ---- the connection calls

  data(chunk: Buffer): void {
    if (this.gone) return
    this.#heard = this.services.now()
    if (this.#out.compression) this.#out.compression.feed(chunk)
    else this.#take(chunk)
  }

  drained(): void {
    if (this.#out.drained()) this.#heard = this.services.now()
    this.#use()
  }

  secured(): void {
    this.#pending--
    this.#use()
  }

  deadline(): void {
    if (this.#left > 0) {
      if (this.#idling && !this.#telling) this.write('* OK Still here\r\n')
      this.#out.flush()
      this.#awaitInput()
    } else if (!this.#isAtWork) {
      this.#sayBye('You were silent for too long')
    } else if (this.#out.unsent === 0) {
      this.#heard = this.services.now() // it is we who take long
      this.#awaitInput()
    } else {
      this.#leave() // in the middle of an answer, where a word of ours would be taken for part of it
      this.connection.destroy()
    }
  }

  closed(): void {
    if (this.gone) return
    this.#out.compression?.destroy()
    this.#leave()
  }

  // ---- what comes in

  /** No input is used, but for a line that is waited for. */
  get #waits(): boolean {
    return this.#pending > 0 && this.#awaitsLine === undefined
  }

  /** Something is being said that nothing may come in between. */
  get #isAtWork(): boolean {
    return (this.#executing && this.#awaitsLine === undefined) || this.#telling !== undefined
  }

  #take(chunk: Buffer): void {
    this.#reader.feed(chunk)
    this.#use()
  }

  #use(): void {
    if (this.#using) return
    this.#using = true
    try {
      while (!this.gone && !this.#waits && this.#out.unsent < HIGH_WATER) {
        const input = this.#reader.next(this.#awaitsLine ? 'line' : 'command')
        if (!input) break
        this.#handle(input)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#using = false
    }
    if (this.gone) return
    this.#out.flush()
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
        this.#await(this.#contents.take(input.bytes), () => undefined)
        return
      case 'content-end':
        this.#await(
          this.#contents.end(input.number, () => !this.gone),
          () => undefined,
        )
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
      this.#contents.drop()
      const tag = readTag(before.toString('latin1')) ?? '*'
      // RFC 7889 §4
      this.write(`${tag} NO [TOOBIG] A message may have ${this.services.limits.messageSize} octets\r\n`)
      return
    }
    this.#reader.accept(isMessage ? 'stream' : 'memory')
    if (isMessage) this.#contents.begin()
    if (sync) this.write('+ Go on\r\n')
  }

  #command({ command: raw }: Extract<Input, { is: 'command' }>): void {
    const parsed = parseCommand(raw, { utf8: this.utf8 })
    if (parsed.is === 'bad') this.#complainOf(parsed.tag, parsed.text)
    else if (parsed.is === 'no') this.#answer(parsed.tag, { is: 'NO', code: parsed.code, text: parsed.text })
    else this.#execute(parsed.tag, parsed.command)
  }

  #complainOf(tag: string, text: string): void {
    this.#contents.drop()
    this.write(`${tag} BAD ${text}\r\n`)
    if (++this.#bad >= MAX_BAD) this.#sayBye('Too much of this makes no sense')
  }

  // ---- commands

  get #state(): State {
    if (this.selected) return 'selected'
    return this.account ? 'authenticated' : 'not-authenticated'
  }

  #execute(tag: string, command: Command): void {
    if (!this.#mayStay()) return
    const refusal = notNow(command.name, this.#state)
    if (refusal !== undefined) {
      this.#complainOf(tag, refusal)
      return
    }
    this.tag = tag
    this.#out.beginSlice()
    this.#executing = true
    const done = (answer: Tagged): void => this.#finish(tag, command, answer)
    const answer = execute(command, this)
    if (answer instanceof Promise) this.#await(answer, done)
    else done(answer)
  }

  #finish(tag: string, command: Command, answer: Tagged): void {
    if (answer.is === 'OK') this.#contents.stored()
    else this.#contents.drop()
    if (answer.is === 'BAD') this.#bad++
    this.#tellAndAnswer(tag, command, answer)
  }

  #tellAndAnswer(tag: string, command: Command, answer: Tagged): void {
    if (this.#telling) {
      this.#await(this.#telling, () => this.#tellAndAnswer(tag, command, answer))
      return
    }
    const told = this.#tell(mayExpunge(command))
    if (told) this.#await(told, () => this.#answer(tag, answer))
    else this.#answer(tag, answer)
  }

  #answer(tag: string, { is, code, text }: Tagged): void {
    this.#executing = false
    if (this.gone) return
    this.write(`${tag} ${is} ${code === undefined ? '' : `[${code}] `}${text}\r\n`)
    const then = this.#afterwards
    this.#afterwards = undefined
    if (then === 'close') this.#end()
    else if (this.#leaving !== undefined) this.#sayBye(this.#leaving)
    else if (then === 'starttls') this.#startTls()
    else if (then === 'compress') this.#compress()
  }

  /** Input is used again when it is settled. */
  #await<Value>(promise: Promise<Value> | undefined, then: (value: Value) => void): void {
    if (!promise) return
    this.#pending++
    void promise
      .then(
        value => {
          this.#pending--
          then(value)
        },
        (error: unknown) => {
          this.#pending--
          throw error
        },
      )
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#use())
  }

  /** A mistake of ours. */
  #fail(error: unknown): void {
    this.#executing = false
    this.services.complain(error)
    this.#sayBye('[SERVERBUG] Something went wrong here')
  }

  #startTls(): void {
    // RFC 9051 §6.2.1: what came behind the command in plain text is not heard.
    this.#out.flush()
    this.#reader.clear()
    this.#pending++
    this.connection.startTls()
  }

  #compress(): void {
    this.#out.flush()
    const compression = createCompression(this.connection, {
      data: chunk => this.#take(chunk),
      drained: () => this.drained(),
      broken: () => this.#sayBye('That is not compressed as was agreed'),
    })
    this.#out.compression = compression
    // It was the connection that waited until now; from here on it is the inflating.
    if (this.#paused) this.connection.resume()
    this.#paused = false
    // RFC 4978 §3: what came behind the command is compressed already.
    const rest = this.#reader.clear()
    if (rest.length > 0) compression.feed(rest)
  }

  // ---- what executors may do: see `ImapSession`

  write(part: string | Uint8Array): void {
    if (!this.gone) this.#out.write(part)
  }

  room(): Promise<void> | undefined {
    return this.gone ? undefined : this.#out.room()
  }

  line(): Promise<Buffer | undefined> {
    if (this.gone) return Promise.resolve(undefined)
    this.#out.flush()
    return new Promise(resolve => {
      this.#awaitsLine = resolve
      // The loop may be the one that is calling: it looks again when that is done.
      queueMicrotask(() => this.#use())
    })
  }

  /** While it is on, changes are told as they come (RFC 9051 §6.3.13). */
  idle(on: boolean): void {
    this.#idling = on
    this.#awaitInput()
  }

  tellNow(): void {
    // While a command is carried out it is told at its end.
    if (this.gone || this.#waits) return
    if (this.#telling) {
      this.#tellsAgain = true
      return
    }
    try {
      const selected = this.#idling ? 'at-once' : (this.notify?.selected ?? 'never')
      this.#telling = this.#tell(selected === 'at-once', selected !== 'never')
      this.#out.flush()
      this.#await(this.#telling, () => this.#told())
    } catch (error) {
      this.#fail(error)
    }
  }

  #told(): void {
    this.#telling = undefined
    this.#out.flush()
    const again = this.#tellsAgain
    this.#tellsAgain = false
    if (this.#leaving !== undefined && !this.#isAtWork) this.#sayBye(this.#leaving)
    else if (again) this.tellNow()
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
    return this.#contents.get(n)
  }

  // ---- what goes out

  /** Of the selected mailbox, and what NOTIFY asked for. A promise: nothing else may be written before. */
  #tell(expunge: boolean, selected = true): Promise<void> | undefined {
    if (!this.#mayStay()) return undefined
    const gone =
      selected &&
      this.selected?.tell({
        write: text => this.write(text),
        expunge,
        qresync: this.enabled.has('QRESYNC'),
        recent: !this.enabled.has('IMAP4REV2'),
      })
    if (gone) {
      this.unselect()
      this.write('* OK [CLOSED] The mailbox was deleted\r\n')
    }
    return this.notify?.tell()
  }

  /** RFC 4314: of a mailbox of others, what may be done there may have become less since it was selected. */
  #mayStay(): boolean {
    const { selected, account } = this
    if (!selected || selected.view.row.account === account?.id || selected.view.gone) return true
    selected.rights = withRights(this, selected.view.row)?.rights ?? ''
    if (selected.rights.includes('r')) return true
    this.#sayBye('You may not read this mailbox any more')
    return false
  }

  #regulate(): void {
    // Otherwise all input is used already: what the reader holds of an unfinished line or literal it has bounded itself.
    const stop = this.#waits || this.#out.unsent >= HIGH_WATER
    if (stop === this.#paused) return
    this.#paused = stop
    const from = this.#out.compression ?? this.connection
    if (stop) from.pause()
    else from.resume()
  }

  /** ms that the client may still be silent. */
  get #left(): number {
    const { idle, idleBeforeLogin } = this.services.limits
    return this.#heard + (this.account ? idle : idleBeforeLogin) - this.services.now()
  }

  #awaitInput(): void {
    if (this.gone) return
    this.connection.deadline(Math.max(1, this.#idling ? Math.min(this.#left, STILL_HERE) : this.#left))
  }

  #sayBye(text: string): void {
    if (this.gone) return
    this.write(`* BYE ${text}\r\n`)
    this.#end()
  }

  /** What was written still leaves. */
  #end(): void {
    this.#out.flush()
    const { compression } = this.#out
    this.#leave()
    if (compression) void compression.end().then(() => this.connection.end())
    else this.connection.end()
  }

  #leave(): void {
    this.gone = true
    if (!this.#executing) this.#contents.drop() // or they may be stored in this moment: its answer will tell
    this.unselect()
    this.notify?.end()
    this.notify = undefined
    const line = this.#awaitsLine
    this.#awaitsLine = undefined
    this.#out.wake()
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

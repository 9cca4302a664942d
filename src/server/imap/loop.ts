/**
 * The loop of IMAP: binds the language (`imap/`) to a connection and to what carries commands out (`executors.ts`). One command is carried
 * out after the other; while one is waited for, further input is left unread. Before each tagged response the client hears what changed.
 */
import type { Command } from '../../imap/command.ts'
import { InputReader, type Input } from '../../imap/input.ts'
import { messageLiteral, parseCommand } from '../../imap/parse.ts'
import { readTag } from '../../imap/raw-command.ts'
import { mayExpunge, notNow, type State } from '../../imap/states.ts'
import { type Connection, type ConnectionHandler, HIGH_WATER } from '../../net/connection.ts'
import type { Account } from '../login.ts'
import { announced } from './capability.ts'
import { createCompression } from './compress.ts'
import { execute } from './executors.ts'
import { type Conversation, LiveSession } from './live-session.ts'
import type { ImapServices, Tagged } from './session.ts'

/** Commands without sense, in one session. */
const MAX_BAD = 50
/** Before a log-in nobody needs much. Bytes. */
const BEFORE_LOGIN = { line: 8192, literals: 4096 }
const AFTER_LOGIN = { line: 64 * 1024, literals: 256 * 1024 }
/** ms: an idle client hears of us, so that nothing on the way forgets the connection. */
const STILL_HERE = 2 * 60_000

export class ImapLoop implements ConnectionHandler, Conversation {
  readonly #connection: Connection
  readonly session: LiveSession
  readonly #onGone: (loop: ImapLoop) => void
  readonly #reader = new InputReader(BEFORE_LOGIN)
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
    this.#connection = connection
    this.session = new LiveSession(connection, services, mayLogInInClear, this)
    this.#onGone = onGone
    this.#heard = services.now()
  }

  get gone(): boolean {
    return this.session.gone
  }

  get account(): Account | undefined {
    return this.session.account
  }

  get compressed(): boolean {
    return this.session.compressed
  }

  /** The greeting. To be called when the connection calls this handler. */
  start(): void {
    this.session.write(`* OK [CAPABILITY ${announced(this.session)}] ${this.session.services.hostname} is ready\r\n`)
    this.session.out.flush()
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
    this.#heard = this.session.services.now()
    if (this.session.out.compression) this.session.out.compression.feed(chunk)
    else this.#take(chunk)
  }

  drained(): void {
    if (this.session.out.drained()) this.#heard = this.session.services.now()
    this.#use()
  }

  secured(): void {
    this.#pending--
    this.#use()
  }

  deadline(): void {
    if (this.#left > 0) {
      if (this.#idling && !this.#telling) this.session.write('* OK Still here\r\n')
      this.session.out.flush()
      this.#awaitInput()
    } else if (!this.#isAtWork) {
      this.#sayBye('You were silent for too long')
    } else if (this.session.out.unsent === 0) {
      this.#heard = this.session.services.now() // it is we who take long
      this.#awaitInput()
    } else {
      this.session.out.compression?.destroy()
      this.#leave() // in the middle of an answer, where a word of ours would be taken for part of it
      this.#connection.destroy()
    }
  }

  closed(): void {
    if (this.gone) return
    this.session.out.compression?.destroy()
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
      while (!this.gone && !this.#waits && this.session.out.unsent < HIGH_WATER) {
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
    this.session.out.flush()
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
        this.#await(this.session.contents.take(input.bytes), () => undefined)
        return
      case 'content-end':
        this.#await(
          this.session.contents.end(input.number, () => !this.gone),
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
    const isMessage = this.session.account !== undefined && messageLiteral(before)
    if (isMessage && size > this.session.services.limits.messageSize) {
      this.#reader.accept('refuse')
      this.session.contents.drop()
      const tag = readTag(before.toString('latin1')) ?? '*'
      // RFC 7889 §4
      this.session.write(`${tag} NO [TOOBIG] A message may have ${this.session.services.limits.messageSize} octets\r\n`)
      return
    }
    this.#reader.accept(isMessage ? 'stream' : 'memory')
    if (isMessage) this.session.contents.begin()
    if (sync) this.session.write('+ Go on\r\n')
  }

  #command({ command: raw }: Extract<Input, { is: 'command' }>): void {
    const parsed = parseCommand(raw, { utf8: this.session.utf8 })
    if (parsed.is === 'bad') this.#complainOf(parsed.tag, parsed.text)
    else if (parsed.is === 'no') this.#answer(parsed.tag, { is: 'NO', code: parsed.code, text: parsed.text })
    else this.#execute(parsed.tag, parsed.command)
  }

  #complainOf(tag: string, text: string): void {
    this.session.contents.drop()
    this.session.write(`${tag} BAD ${text}\r\n`)
    if (++this.#bad >= MAX_BAD) this.#sayBye('Too much of this makes no sense')
  }

  // ---- commands

  get #state(): State {
    if (this.session.selected) return 'selected'
    return this.session.account ? 'authenticated' : 'not-authenticated'
  }

  #execute(tag: string, command: Command): void {
    if (!this.#mayStay()) return
    const refusal = notNow(command.name, this.#state)
    if (refusal !== undefined) {
      this.#complainOf(tag, refusal)
      return
    }
    this.session.tag = tag
    this.session.out.beginSlice()
    this.#executing = true
    const done = (answer: Tagged): void => this.#finish(tag, command, answer)
    const answer = execute(command, this.session)
    if (answer instanceof Promise) this.#await(answer, done)
    else done(answer)
  }

  #finish(tag: string, command: Command, answer: Tagged): void {
    if (answer.is === 'OK') this.session.contents.stored()
    else this.session.contents.drop()
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
    this.session.write(`${tag} ${is} ${code === undefined ? '' : `[${code}] `}${text}\r\n`)
    const then = this.session.takeAfterwards()
    if (then === 'close') this.#end()
    else if (this.#leaving !== undefined) this.#sayBye(this.#leaving)
    else if (then === 'starttls') this.#startTls()
    else if (then === 'compress') this.#compress()
  }

  /** Input is used again when it is settled. */
  #await<Value>(promise: Promise<Value> | undefined, then: (value: Value) => void): void {
    if (!promise) return
    this.#pending++
    // One promise, not a chain of them: idle sessions wait in it by the thousand.
    void promise.then(
      value => this.#settled(() => then(value)),
      (error: unknown) => this.#settled(() => this.#fail(error)),
    )
  }

  #settled(goOn: () => void): void {
    this.#pending--
    try {
      goOn()
    } catch (error) {
      this.#fail(error)
    }
    this.#use()
  }

  /** A mistake of ours. */
  #fail(error: unknown): void {
    this.#executing = false
    this.session.services.complain(error)
    this.#sayBye('[SERVERBUG] Something went wrong here')
  }

  #startTls(): void {
    // RFC 9051 §6.2.1: what came behind the command in plain text is not heard.
    this.session.out.flush()
    this.#reader.clear()
    this.#pending++
    this.#connection.startTls()
  }

  #compress(): void {
    this.session.out.flush()
    const compression = createCompression(this.#connection, {
      data: chunk => this.#take(chunk),
      drained: () => this.drained(),
      broken: () => this.#sayBye('That is not compressed as was agreed'),
    })
    this.session.out.compression = compression
    // It was the connection that waited until now; from here on it is the inflating.
    if (this.#paused) this.#connection.resume()
    this.#paused = false
    // RFC 4978 §3: what came behind the command is compressed already.
    const rest = this.#reader.clear()
    if (rest.length > 0) compression.feed(rest)
  }

  // ---- what the session asks for: see `ImapSession`

  line(): Promise<Buffer | undefined> {
    this.session.out.flush()
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
      const selected = this.#idling ? 'at-once' : (this.session.notify?.selected ?? 'never')
      this.#telling = this.#tell(selected === 'at-once', selected !== 'never')
      this.session.out.flush()
      this.#await(this.#telling, () => this.#told())
    } catch (error) {
      this.#fail(error)
    }
  }

  #told(): void {
    this.#telling = undefined
    this.session.out.flush()
    const again = this.#tellsAgain
    this.#tellsAgain = false
    if (this.#leaving !== undefined && !this.#isAtWork) this.#sayBye(this.#leaving)
    else if (again) this.tellNow()
  }

  loggedIn(is: boolean): void {
    this.#reader.limits = is ? AFTER_LOGIN : BEFORE_LOGIN
    if (is) this.#bad = 0
  }

  // ---- how it goes on

  /** false: it may not, and has ended. */
  #mayStay(): boolean {
    if (this.session.mayStay()) return true
    this.#sayBye('You may not read this mailbox any more')
    return false
  }

  #tell(expunge: boolean, selected = true): Promise<void> | undefined {
    return this.#mayStay() ? this.session.tell(expunge, selected) : undefined
  }

  #regulate(): void {
    // Otherwise all input is used already: what the reader holds of an unfinished line or literal it has bounded itself.
    const stop = this.#waits || this.session.out.unsent >= HIGH_WATER
    if (stop === this.#paused) return
    this.#paused = stop
    const from = this.session.out.compression ?? this.#connection
    if (stop) from.pause()
    else from.resume()
  }

  /** ms that the client may still be silent. */
  get #left(): number {
    const { idle, idleBeforeLogin } = this.session.services.limits
    return this.#heard + (this.session.account ? idle : idleBeforeLogin) - this.session.services.now()
  }

  #awaitInput(): void {
    if (this.gone) return
    this.#connection.deadline(Math.max(1, this.#idling ? Math.min(this.#left, STILL_HERE) : this.#left))
  }

  #sayBye(text: string): void {
    if (this.gone) return
    this.session.write(`* BYE ${text}\r\n`)
    this.#end()
  }

  /** What was written still leaves. */
  #end(): void {
    this.session.out.flush()
    const { compression } = this.session.out
    this.#leave()
    if (compression) void compression.end().then(() => this.#connection.end())
    else this.#connection.end()
  }

  #leave(): void {
    // Or they may be stored in this moment: its answer will tell.
    if (!this.#executing) this.session.contents.drop()
    const line = this.#awaitsLine
    this.#awaitsLine = undefined
    this.session.end()
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

/**
 * The first thing that IMAP does with bytes: RFC 9051 §2.2.1 lines, and the literals between them. Each chunk is scanned once; what is held
 * of an unfinished line or literal is bounded. What cannot be held is reported once and then skipped, its literals included, so that the
 * next command is found and nothing of a message is ever taken for one.
 */
import { type Announcement, findAnnouncement } from './announcement.ts'
import { EMPTY, Held } from './held.ts'
import { messageLiteral } from './parse.ts'
import { type Piece, type RawCommand, readTag } from './raw-command.ts'

/** Octets of all lines of one command. */
export const MAX_LINE = 64 * 1024
/** Literals of one command that are kept in memory, and their octets. */
export const MAX_LITERALS = 64
export const MAX_LITERAL_OCTETS = 256 * 1024
/** RFC 9051 §9: a literal's size is a number of 32 bits. */
export const MAX_LITERAL_SIZE = 2 ** 32
/** Octets of `before`. */
const MAX_BEFORE = 4096
/** Octets from the end of a line that is skipped, in which a literal may be announced. */
const TAIL = 64

const LF = 0x0a
const CR = 0x0d

export interface InputLimits {
  /** Octets of all lines of one command. */
  readonly line: number
  /** Octets of all its literals in memory. */
  readonly literals: number
}

export type Input =
  | { readonly is: 'command'; readonly command: RawCommand }
  /** Without its line end. */
  | { readonly is: 'line'; readonly bytes: Buffer }
  | {
      readonly is: 'literal'
      readonly number: number
      readonly size: number
      /** RFC 9051 §4.3: the client waits to be told to go on. */
      readonly sync: boolean
      readonly kind: 'plain' | 'literal8' | 'utf8'
      /** What the command said so far, at most 4096 octets; earlier literals stand in it as `{size}`. */
      readonly before: Buffer
    }
  /** Part of a literal that is streamed. */
  | { readonly is: 'content'; readonly number: number; readonly bytes: Buffer }
  | { readonly is: 'content-end'; readonly number: number }
  /** The rest of the command was skipped, or will be: `next` goes on with the command after it. */
  | {
      readonly is: 'malformed'
      readonly tag: string | undefined
      readonly why: 'overlong' | 'too-many-literals' | 'literal-too-large' | 'bad-literal'
    }

type Why = Extract<Input, { is: 'malformed' }>['why']

interface Coming {
  readonly number: number
  readonly announced: Announcement
}

type At =
  | { readonly is: 'text' }
  /** `accept` is awaited. */
  | { readonly is: 'announced'; readonly literal: Coming }
  | { readonly is: 'memory'; readonly literal: Coming }
  | { readonly is: 'stream'; readonly literal: Coming; left: number }
  | { readonly is: 'skip-text' }
  | { readonly is: 'skip-literal'; left: number }

const TEXT: At = { is: 'text' }
const SKIP_TEXT: At = { is: 'skip-text' }
/** Nothing to say yet: the next step. */
const ON = 'on'
/** Chunks that are used up before their places in the list are given back. */
const MAX_USED = 1000

export class InputReader {
  limits: InputLimits
  #chunks: Buffer[] = []
  /** The first chunk that is not used up, and where in it. */
  #first = 0
  #offset = 0
  readonly #held = new Held()
  #at: At = TEXT
  #pieces: Piece[] | undefined
  /** Of the command: octets of its lines, literals, literals in memory and their octets, and what `before` is made of. */
  #octets = 0
  #literals = 0
  #inMemory = 0
  #octetsInMemory = 0
  #said = ''
  #complaint: Input | undefined

  constructor(limits: InputLimits = { line: MAX_LINE, literals: MAX_LITERAL_OCTETS }) {
    this.limits = limits
  }

  /** The chunk is kept as it is until it is used. */
  feed(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  /** Bytes that were fed and not used. */
  get buffered(): number {
    let bytes = this.#held.length - this.#offset
    for (let n = this.#first; n < this.#chunks.length; n++) bytes += this.#chunks[n]?.length ?? 0
    return bytes
  }

  /** Forgets the bytes that were fed and not used, and answers them. */
  clear(): Buffer {
    const parts = [this.#held.take()]
    for (let chunk = this.#chunk(); chunk; chunk = this.#chunk()) parts.push(this.#use(chunk, chunk.length))
    this.#reset()
    return Buffer.concat(parts)
  }

  /** What comes next; undefined: more bytes are needed. `line` while something is awaited that is no command: a response of SASL, DONE. */
  next(mode: 'command' | 'line'): Input | undefined {
    for (;;) {
      const input = this.#step(mode)
      if (input !== ON) return input
    }
  }

  /**
   * What becomes of the literal that was just announced; before the next `next`. `memory`: for what is not the content of a message; where
   * it does not fit it is thrown away as it comes and reported. `refuse`: a synchronizing literal never comes and the command is over; one
   * that comes nevertheless is skipped with the rest of the command.
   */
  accept(how: 'memory' | 'stream' | 'refuse'): void {
    if (this.#at.is !== 'announced') throw new Error('no literal was announced')
    const { literal } = this.#at
    const { size, sync } = literal.announced
    if (how === 'stream') this.#at = { is: 'stream', literal, left: size }
    else if (how === 'refuse') this.#skip(sync ? 0 : size, sync)
    else if (this.#unfit(size) !== undefined) {
      this.#complaint = this.#malformed(this.#unfit(size) ?? 'literal-too-large')
      this.#skip(size, false) // the client was told to go on
    } else {
      this.#inMemory++
      this.#octetsInMemory += size
      this.#at = { is: 'memory', literal }
    }
  }

  #step(mode: 'command' | 'line'): Input | undefined | typeof ON {
    if (this.#complaint) {
      const complaint = this.#complaint
      this.#complaint = undefined
      return complaint
    }
    switch (this.#at.is) {
      case 'text':
        return this.#text(mode)
      case 'announced':
        throw new Error('the literal was not accepted')
      case 'memory':
        return this.#memory(this.#at.literal)
      case 'stream':
        return this.#stream(this.#at)
      case 'skip-text':
        return this.#skipText()
      case 'skip-literal':
        return this.#skipLiteral(this.#at)
    }
  }

  #text(mode: 'command' | 'line'): Input | undefined | typeof ON {
    const line = this.#line(mode)
    if (line === undefined || 'is' in line) return line
    if (mode === 'line' && !this.#pieces) return { is: 'line', bytes: line }
    const announced = findAnnouncement(line)
    const text = line.toString('latin1', 0, announced?.start ?? line.length)
    this.#push(text, text)
    this.#octets += line.length
    if (announced) return this.#announce(announced)
    const command: RawCommand = { pieces: this.#pieces ?? [] }
    this.#reset()
    return { is: 'command', command }
  }

  /** RFC 9051 §2.2: CRLF ends a line; LF alone is accepted. A line that becomes too long is skipped from here on. */
  #line(mode: 'command' | 'line'): Buffer | undefined | Input {
    for (let chunk = this.#chunk(); chunk; chunk = this.#chunk()) {
      const lf = chunk.indexOf(LF, this.#offset)
      const length = (lf === -1 ? chunk.length : lf) - this.#offset
      if (this.#octets + this.#held.length + length > this.limits.line) return this.#overlong(mode, chunk)
      const part = this.#use(chunk, length)
      if (lf !== -1) {
        this.#use(chunk, 1)
        if (this.#held.length === 0) return withoutCr(part)
      }
      this.#held.add(part)
      if (lf !== -1) return withoutCr(this.#held.take())
    }
    return undefined
  }

  #overlong(mode: 'command' | 'line', chunk: Buffer): Input {
    const held = this.#held.take()
    if (!this.#pieces && mode === 'command') {
      this.#said = held.toString('latin1', 0, MAX_BEFORE) + chunk.toString('latin1', this.#offset, this.#offset + 300)
    }
    const malformed = this.#malformed('overlong')
    this.#skip(0, false)
    this.#held.add(held.subarray(-TAIL))
    return malformed
  }

  #announce(announced: Announcement): Input {
    const { size, sync, kind } = announced
    const before = Buffer.from(this.#said, 'latin1')
    const literal: Coming = { number: this.#literals, announced }
    const why =
      size > MAX_LITERAL_SIZE ? 'bad-literal' : messageLiteral(before) ? undefined : this.#unfit(announced.size)
    if (why !== undefined) {
      const malformed = this.#malformed(why)
      this.#skip(sync ? 0 : size, sync)
      return malformed
    }
    this.#at = { is: 'announced', literal }
    return { is: 'literal', number: literal.number, size, sync, kind, before }
  }

  #unfit(size: number): Why | undefined {
    if (this.#inMemory >= MAX_LITERALS) return 'too-many-literals'
    return this.#octetsInMemory + size > this.limits.literals ? 'literal-too-large' : undefined
  }

  #memory(literal: Coming): undefined | typeof ON {
    const { size } = literal.announced
    for (let chunk = this.#chunk(); this.#held.length < size; chunk = this.#chunk()) {
      if (!chunk) return undefined
      const part = this.#use(chunk, Math.min(size - this.#held.length, chunk.length - this.#offset))
      if (part.length === size) return this.#finish(literal, part)
      this.#held.add(part)
    }
    return this.#finish(literal, this.#held.take())
  }

  #stream(at: Extract<At, { is: 'stream' }>): Input | undefined {
    const { number } = at.literal
    if (at.left === 0) {
      this.#finish(at.literal, undefined)
      return { is: 'content-end', number }
    }
    const chunk = this.#chunk()
    if (!chunk) return undefined
    const bytes = this.#use(chunk, Math.min(at.left, chunk.length - this.#offset))
    at.left -= bytes.length
    return { is: 'content', number, bytes }
  }

  #finish({ number, announced: { size, kind } }: Coming, bytes: Buffer | undefined): typeof ON {
    this.#push({ number, size, kind, bytes }, `{${size}}`)
    this.#literals++
    this.#at = TEXT
    return ON
  }

  /** A synchronizing literal that was not accepted is never sent: nothing is left of the command. */
  #skip(octets: number, over: boolean): void {
    this.#reset()
    if (!over) this.#at = octets > 0 ? { is: 'skip-literal', left: octets } : SKIP_TEXT
  }

  #skipText(): undefined | typeof ON {
    for (let chunk = this.#chunk(); chunk; chunk = this.#chunk()) {
      const lf = chunk.indexOf(LF, this.#offset)
      const part = this.#use(chunk, (lf === -1 ? chunk.length : lf) - this.#offset)
      const tail = Buffer.concat([this.#held.take(), part.subarray(-TAIL)]).subarray(-TAIL)
      if (lf === -1) {
        this.#held.add(tail)
        continue
      }
      this.#use(chunk, 1)
      const announced = findAnnouncement(withoutCr(tail))
      this.#skip(announced?.size ?? 0, announced?.sync ?? true)
      return ON
    }
    return undefined
  }

  #skipLiteral(at: Extract<At, { is: 'skip-literal' }>): undefined | typeof ON {
    for (let chunk = this.#chunk(); at.left > 0; chunk = this.#chunk()) {
      if (!chunk) return undefined
      at.left -= this.#use(chunk, Math.min(at.left, chunk.length - this.#offset)).length
    }
    this.#at = SKIP_TEXT
    return ON
  }

  #malformed(why: Why): Input {
    return { is: 'malformed', tag: readTag(this.#said), why }
  }

  #push(piece: Piece, said: string): void {
    if (this.#pieces) this.#pieces.push(piece)
    else this.#pieces = [piece]
    if (this.#said.length < MAX_BEFORE) this.#said = (this.#said + said).slice(0, MAX_BEFORE)
  }

  #reset(): void {
    this.#at = TEXT
    this.#pieces = undefined
    this.#octets = 0
    this.#literals = 0
    this.#inMemory = 0
    this.#octetsInMemory = 0
    this.#said = ''
  }

  /** The chunk that is to be used next. */
  #chunk(): Buffer | undefined {
    return this.#chunks[this.#first]
  }

  /** So many bytes of that chunk. */
  #use(chunk: Buffer, length: number): Buffer {
    const part = chunk.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    if (this.#offset >= chunk.length) {
      this.#chunks[this.#first++] = EMPTY
      this.#offset = 0
      if (this.#first === this.#chunks.length || this.#first > MAX_USED) {
        this.#chunks = this.#chunks.slice(this.#first)
        this.#first = 0
      }
    }
    return part
  }
}

function withoutCr(line: Buffer): Buffer {
  return line.at(-1) === CR ? line.subarray(0, -1) : line
}

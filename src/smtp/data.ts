/**
 * The content of a message on its way in (RFC 5321 §4.1.1.4), and the one place that decides what a line is in it: CRLF
 * ends a line, nothing else does. A CR or LF alone is neither a line end nor let through: what some hosts take for the
 * end of the message others do not, which is how mail is smuggled. So the whole content is refused, after its true end.
 *
 * NUL and lines longer than RFC 5322 §2.1.1 allows to be sent are accepted: §4 there asks receivers to take the one, and
 * RFC 5321 §4.5.3.1.6 to take more of the other than they must. The size limit bounds both.
 */
import { findBareNewline } from './newline.ts'

/** Takes the content piece by piece: views of the chunks, which it must copy or be done with before it returns. */
export type Sink = (part: Buffer) => void

/** Why a content must not be used. */
export type ContentFault =
  /** Over the limit. */
  | 'too-big'
  /** A CR or LF that is not part of a CRLF. */
  | 'bare-newline'
  /** No room for it, in memory or on disk; said by the loop. */
  | 'no-room'

const [LF, CR, DOT] = [0x0a, 0x0d, 0x2e]
const CR_BYTES = Buffer.from('\r')
const CRLF_DOT = '\r\n.'

/** What the last byte was, as far as the next one depends on it. */
type After = 'crlf' | 'other' | 'cr' | 'dot' | 'dot-cr'

/** Finds the end of one message of DATA, takes the dots away that were stuffed in (RFC 5321 §4.5.2), counts and checks. */
export class DataScanner {
  /** Bytes of content so far, without stuffed dots. */
  size = 0
  /** The first fault found; from then on the sink gets nothing more. */
  fault: ContentFault | undefined = undefined
  readonly #limit: number
  readonly #sink: Sink
  // RFC 5321 §4.1.1.4: the CRLF of the DATA line counts, so the very first line may be the dot.
  #after: After = 'crlf'
  #last = LF

  /** `limit`: bytes. */
  constructor(limit: number, sink: Sink) {
    this.#limit = limit
    this.#sink = sink
  }

  /** Takes a chunk. -1: the content goes on; otherwise the offset in the chunk after CRLF.CRLF. */
  feed(chunk: Buffer): number {
    const end = this.#scan(chunk)
    this.#checkNewlines(chunk, end === -1 ? chunk.length : end)
    return end
  }

  #scan(chunk: Buffer): number {
    let at = 0
    // Where the content starts that is not handed over yet.
    let from = 0
    for (; this.#after !== 'other' && at < chunk.length; ) {
      const byte = chunk[at]
      switch (this.#after) {
        case 'cr':
          this.#after = byte === LF ? 'crlf' : 'other'
          if (byte === LF) at++
          break
        case 'crlf':
          this.#after = byte === DOT ? 'dot' : 'other'
          if (byte !== DOT) break
          this.#emit(chunk, from, at)
          from = ++at
          break
        case 'dot':
          this.#after = byte === CR ? 'dot-cr' : 'other'
          if (byte === CR) from = ++at
          break
        case 'dot-cr':
          if (byte === LF) return at + 1
          this.#after = 'other'
          this.#emit(CR_BYTES, 0, 1)
          break
      }
    }
    return at < chunk.length ? this.#scanLines(chunk, at, from) : this.#stop(chunk, from)
  }

  /** From the middle of a line on: jumps from one line that starts with a dot to the next. */
  #scanLines(chunk: Buffer, start: number, contentStart: number): number {
    let from = contentStart
    for (let at = chunk.indexOf(CRLF_DOT, start, 'latin1'); at !== -1; at = chunk.indexOf(CRLF_DOT, from, 'latin1')) {
      this.#emit(chunk, from, at + 2)
      from = at + 3
      if (chunk[from] === CR) {
        if (chunk[from + 1] === LF) return from + 2
        if (from + 1 === chunk.length) return this.#pause('dot-cr')
      } else if (from === chunk.length) {
        return this.#pause('dot')
      }
    }
    const last = chunk[chunk.length - 1]
    this.#after = last === CR ? 'cr' : last === LF && chunk[chunk.length - 2] === CR ? 'crlf' : 'other'
    return this.#stop(chunk, from)
  }

  #pause(after: After): number {
    this.#after = after
    return -1
  }

  #stop(chunk: Buffer, from: number): number {
    this.#emit(chunk, from, chunk.length)
    return -1
  }

  #emit(chunk: Buffer, from: number, to: number): void {
    if (from >= to) return
    this.size += to - from
    if (this.size > this.#limit) this.fault ??= 'too-big'
    if (this.fault === undefined) this.#sink(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
  }

  #checkNewlines(chunk: Buffer, end: number): void {
    if (end === 0) return
    if (this.fault === undefined && findBareNewline(chunk, end, this.#last) !== -1) this.fault = 'bare-newline'
    this.#last = chunk[end - 1] ?? LF
  }
}

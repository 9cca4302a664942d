import { findBareNewline } from './newline.ts'
import type { BodyType } from '../mail/envelope.ts'
import type { ContentFault, Sink } from './data.ts'

const CR = 0x0d

/**
 * The content of one message that comes in BDAT chunks (RFC 3030 §2): as many bytes as were announced, dots as they are.
 * But for BINARYMIME its lines are held to the same law as those of DATA (RFC 3030 §2: CRLF, see `data.ts`).
 * For each chunk `begin`, then `feed` until it says that the chunk has ended.
 */
export class ChunkScanner {
  /** Bytes of all chunks so far. */
  size = 0
  /** The first fault found; from then on the sink gets nothing more. */
  fault: ContentFault | undefined = undefined
  readonly #limit: number
  readonly #binary: boolean
  readonly #sink: Sink
  #remaining = 0
  #endsContent = false
  // Any byte but CR.
  #last = 0

  /** `limit`: bytes of all chunks. */
  constructor(limit: number, body: BodyType, sink: Sink) {
    this.#limit = limit
    this.#binary = body === 'BINARYMIME'
    this.#sink = sink
  }

  /** A chunk of `size` bytes follows. One of 0 bytes has ended as soon as `feed` is called, with an empty buffer if need be. */
  begin(size: number, last: boolean): void {
    this.#remaining = size
    this.#endsContent = last
    if (this.size + size > this.#limit) this.fault ??= 'too-big'
  }

  /** Takes input. -1: the chunk goes on; otherwise the offset after it. */
  feed(input: Buffer): number {
    const end = Math.min(this.#remaining, input.length)
    this.#remaining -= end
    if (end > 0) this.#take(input.subarray(0, end))
    if (this.#remaining > 0) return -1
    if (this.#endsContent && this.#last === CR && !this.#binary) this.fault ??= 'bare-newline'
    return end
  }

  #take(part: Buffer): void {
    this.size += part.length
    if (!this.#binary && this.fault === undefined && findBareNewline(part, part.length, this.#last) !== -1) {
      this.fault = 'bare-newline'
    }
    this.#last = part[part.length - 1] ?? 0
    if (this.fault === undefined) this.#sink(part)
  }
}

export const EMPTY: Buffer = Buffer.alloc(0)

const SMALLEST = 256

/** Bytes that are put together piece by piece; holds no memory while it is empty. Who adds sees to the bound. */
export class Held {
  length = 0
  #bytes = EMPTY

  add(part: Buffer): void {
    const length = this.length + part.length
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, length, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    part.copy(this.#bytes, this.length)
    this.length = length
  }

  /** All of it, and it is empty again. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length)
    this.#bytes = EMPTY
    this.length = 0
    return taken
  }
}

export interface HeldBytes {
  /** What is held, and the chunk behind it. Valid until the next call. */
  with(chunk: Buffer): Buffer
  /** Of what `with` gave, from there on. */
  keep(data: Buffer, from: number): void
}

const NOTHING = Buffer.alloc(0)

/** What is left of the chunks that came, in a memory that grows by doubling: chunks of a byte cost no more than large ones. */
export function heldBytes(): HeldBytes {
  let memory: Buffer = NOTHING
  let used = 0
  return {
    with(chunk) {
      if (used === 0) return chunk
      const length = used + chunk.length
      if (length > memory.length) {
        const larger = Buffer.allocUnsafe(2 * length)
        memory.copy(larger, 0, 0, used)
        memory = larger
      }
      chunk.copy(memory, used)
      return memory.subarray(0, length)
    },
    keep(data, from) {
      used = data.length - from
      if (used === 0) return
      if (used > memory.length) memory = Buffer.allocUnsafe(2 * used)
      data.copy(memory, 0, from)
    },
  }
}

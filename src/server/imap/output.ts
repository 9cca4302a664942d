/** What goes out of a session: text is put together, large parts pass as they are, and who writes much waits for the client to take it. */
import { type Connection, HIGH_WATER } from '../../net/connection.ts'
import type { Compression } from './compress.ts'

/** Characters of text that are put together before the connection gets them. */
const TEXT = 16_384
/** ms of work after which others get their turn. */
const SLICE = 8

const NOBODY: readonly (() => void)[] = []

export class Output {
  compression: Compression | undefined
  readonly #connection: Connection
  #text = ''
  /** When this turn's work began, in ms; 0: others had their turn since. */
  #sliceSince = 0
  #waiting = NOBODY

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Bytes that the client did not take yet. */
  get unsent(): number {
    return this.#connection.unsent + (this.compression?.waiting ?? 0)
  }

  write(part: string | Uint8Array): void {
    if (typeof part === 'string') {
      this.#text += part
      if (this.#text.length > TEXT) this.flush()
      return
    }
    this.flush()
    this.#send(part)
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#send(text)
  }

  #send(part: string | Uint8Array): void {
    if (this.compression) this.compression.write(part)
    else this.#connection.write(part)
  }

  /** A command begins. */
  beginSlice(): void {
    this.#sliceSince = 0
  }

  /** See `ImapSession.room`. */
  room(): Promise<void> | undefined {
    if (this.unsent >= HIGH_WATER) {
      this.flush()
      this.#sliceSince = 0
      return new Promise(resolve => {
        this.#waiting = [...this.#waiting, resolve]
      })
    }
    const now = performance.now()
    if (this.#sliceSince === 0) this.#sliceSince = now
    if (now - this.#sliceSince < SLICE) return undefined
    this.flush()
    this.#sliceSince = 0
    return new Promise(resolve => setImmediate(resolve))
  }

  /** Who waits goes on, if the client took enough. Answers whether somebody did. */
  drained(): boolean {
    return this.unsent < HIGH_WATER && this.wake()
  }

  /** Who waits goes on. */
  wake(): boolean {
    const waiting = this.#waiting
    this.#waiting = NOBODY
    for (const go of waiting) go()
    return waiting.length > 0
  }
}

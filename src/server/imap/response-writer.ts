import type { ImapSession } from './session.ts'

/**
 * Untagged responses as bytes, put together in chunks instead of one string per item. A chunk is handed to the connection in pieces and
 * never written over; what is large is handed over as it is.
 */
export interface ResponseWriter extends Pace {
  /** ASCII. */
  readonly text: (text: string) => undefined
  /** 0 to 2^53 - 1 */
  readonly number: (value: number) => undefined
  /** They must stay as they are. */
  readonly bytes: (bytes: Uint8Array) => undefined
  /** What was put together so far leaves. */
  readonly flush: () => void
}

/** How far one may go before others, or the client, have their turn. */
export interface Pace {
  /** Counts work that leaves few bytes behind: so many were looked at. */
  readonly worked: (bytes: number) => void
  /** To be asked after each item: undefined: go on; otherwise wait (see `ImapSession.room`). */
  readonly room: () => Promise<void> | undefined
  /** Nobody reads it any more. */
  readonly gone: boolean
}

/** Bytes that are made or looked at before the session is asked whether there is room. */
const SLICE = 64 * 1024
const FIRST_CHUNK = 2048
const CHUNK = 64 * 1024
/** Bytes that are copied into the chunk; longer ones go out by themselves. */
const COPIED = 2048
/** Bytes that are copied faster one by one. */
const SHORT = 24

export function responseWriter(session: Pick<ImapSession, 'write' | 'room' | 'gone'>): ResponseWriter {
  let chunk = Buffer.alloc(0)
  let size = FIRST_CHUNK / 4
  /** [start, at) of the chunk has not left yet. */
  let start = 0
  let at = 0
  let made = 0

  function flush(): void {
    if (at > start) session.write(chunk.subarray(start, at))
    start = at
  }

  function reserve(bytes: number): void {
    made += bytes
    if (at + bytes <= chunk.length) return
    flush()
    size = Math.min(size * 4, CHUNK)
    chunk = Buffer.allocUnsafeSlow(Math.max(size, bytes))
    start = 0
    at = 0
  }

  return {
    text(text) {
      const { length } = text
      reserve(length)
      if (length > SHORT) {
        chunk.write(text, at, length, 'latin1')
        at += length
        return
      }
      const into = chunk
      const from = at
      for (let i = 0; i < length; i++) into[from + i] = text.charCodeAt(i)
      at = from + length
    },
    number(value) {
      let digits = 1
      for (let limit = 10; digits < 16 && limit <= value; limit *= 10) digits++
      reserve(digits)
      const into = chunk
      const from = at
      let rest = value
      for (let place = from + digits - 1; place >= from; place--) {
        const shorter = Math.floor(rest / 10)
        into[place] = 0x30 + (rest - shorter * 10)
        rest = shorter
      }
      at = from + digits
    },
    bytes(bytes) {
      const { length } = bytes
      if (length > COPIED) {
        flush()
        made += length
        session.write(bytes)
        return
      }
      reserve(length)
      const into = chunk
      const from = at
      if (length > SHORT) into.set(bytes, from)
      else for (let i = 0; i < length; i++) into[from + i] = bytes[i] ?? 0
      at = from + length
    },
    worked(bytes) {
      made += bytes
    },
    room() {
      if (made < SLICE) return undefined
      flush()
      made = 0
      return session.room()
    },
    get gone() {
      return session.gone
    },
    flush,
  }
}

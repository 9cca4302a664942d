/** RFC 4978: both directions are deflated from here on. */
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import type { Connection } from '../../net/connection.ts'

export interface Compression {
  /** What came from the client. */
  feed(chunk: Buffer): void
  write(part: string | Uint8Array): void
  /** No `data` until `resume`. */
  pause(): void
  resume(): void
  /** Bytes that were written and did not reach the connection yet. */
  readonly waiting: number
  /** Resolves when all that was written has reached the connection. */
  end(): Promise<void>
  /** The client is gone: what it sent is not inflated any further. */
  destroy(): void
}

export interface Inflated {
  data(chunk: Buffer): void
  drained(): void
  /** What came cannot be inflated. */
  broken(): void
}

/** Little memory a session: 16 KB to deflate, 4 KB to inflate what we made ourselves; the client's window is its own choice. */
const OURS = { level: 5, windowBits: 12, memLevel: 5 }
/** Bytes that wait to be deflated before the session waits. */
const ENOUGH = 256 * 1024

export function createCompression(connection: Connection, session: Inflated): Compression {
  const deflate = createDeflateRaw(OURS)
  const inflate = createInflateRaw()
  let flushing = false
  let ended = false

  deflate.on('data', (chunk: Buffer) => connection.write(chunk))
  deflate.on('drain', () => session.drained())
  deflate.on('error', () => connection.destroy())
  // A little can become a thousand times as much: it is inflated piece by piece, and the client is not read on before that is used.
  inflate.on('data', (chunk: Buffer) => session.data(chunk))
  inflate.on('drain', () => connection.resume())
  const broken = (): void => {
    if (!ended) session.broken()
  }
  inflate.on('error', broken)
  inflate.on('end', broken) // of the stream, though not of the session: what comes behind it would never be heard

  /** RFC 4978 §4: a flush after each turn, so that the client can read all of it. */
  function flush(): void {
    flushing = false
    if (!ended) deflate.flush(constants.Z_SYNC_FLUSH, () => session.drained())
  }

  return {
    feed(chunk) {
      if (!ended && !inflate.write(chunk)) connection.pause()
    },
    pause: () => void inflate.pause(),
    resume: () => void inflate.resume(),
    write(part) {
      if (ended) return
      deflate.write(part)
      if (flushing) return
      flushing = true
      setImmediate(flush)
    },
    get waiting() {
      return deflate.writableLength > ENOUGH ? deflate.writableLength : 0
    },
    end() {
      if (ended) return Promise.resolve()
      ended = true
      inflate.destroy()
      return new Promise(resolve => {
        deflate.once('close', resolve) // by itself, behind the last of its data
        deflate.end()
      })
    },
    destroy() {
      ended = true
      inflate.destroy()
      deflate.destroy()
    },
  }
}

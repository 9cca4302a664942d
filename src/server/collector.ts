import { type BodyFile, createBody } from '../storage/bodies.ts'
import type { Content } from '../mail/content.ts'
import type { Id } from '../mail/id.ts'

/** Takes the content of one message as it comes in. */
export interface Collector {
  /** A part of the content; a view, which may be kept. */
  take(part: Buffer): void
  /** What has to happen before more input is read; undefined: go on. Never rejects. */
  pressure(): Promise<void> | undefined
  /** Throws everything away, also what is finished already: the queue did not take it. */
  discard(): void
}

/** Bytes up to which a content stays in memory and becomes a row; above it is a file (DESIGN: 256 KB). */
export const SMALL = 256 * 1024
/** Bytes of a content that wait for the disk before the peer has to wait. */
const UNWRITTEN = 1024 * 1024
/** Bytes below which a part is copied together with others, CRUMBS at a time. */
const CRUMB = 256
const CRUMBS = 64
const HEADER_END = '\r\n\r\n'

/** Bytes of all contents being received by this thread, so that many slow ones together stay within memory. */
export interface ReceiveBudget {
  readonly limit: number
  used: number
}

export interface MessageCollector extends Collector {
  readonly id: Id
  /** The first bytes: the header, up to SMALL. */
  head(): Buffer
  /** The whole content with `stamp` before it, synced when it is a file. undefined: the disk has no room or failed. */
  finish(stamp: Buffer): Promise<Content | undefined> | Content
  /** What is finished stays in memory for a while: it counts among what is being received until what is answered is called. */
  hold(): () => void
}

/**
 * Small contents are kept as views of the chunks they came in and copied once, at the end. A content that grows large, or that finds the
 * budget used up, moves to its file and is written as it comes.
 */
export function collectMessage(id: Id, data: string, budget: ReceiveBudget): MessageCollector {
  let parts: Buffer[] = []
  let kept = 0
  let size = 0
  let header: Buffer | undefined
  let file: Promise<BodyFile> | undefined
  let writing: Promise<void> | undefined
  let failed = false
  /** Nothing more is taken: it is finished, or discarded. */
  let gone = false
  let discarded = false
  /** The last parts that are small ones. */
  let crumbs = 0

  function forget(): void {
    budget.used -= kept
    kept = 0
    parts = []
    crumbs = 0
  }

  /** A peer that sends byte by byte would cost a hundred times what the budget counts. */
  function sweepCrumbs(): void {
    parts.push(Buffer.concat(parts.splice(-crumbs)))
    crumbs = 0
  }

  function write(): void {
    if (writing || kept === 0 || failed) return
    const chunk = parts
    keepHeader()
    forget()
    file ??= createBody(data, id)
    writing = file
      .then(body => body.write(chunk))
      .catch(() => {
        failed = true
      })
      .then(() => {
        writing = undefined
        if (!gone) write()
      })
  }

  /** What goes to the file is still needed as long as the header goes on; a copy, so that the chunks it came in may go. */
  function keepHeader(): void {
    if (header !== undefined && (header.length >= SMALL || header.includes(HEADER_END))) return
    const [first] = parts
    const end = header === undefined ? (first?.indexOf(HEADER_END) ?? -1) : -1
    header = end >= 0 && first ? Buffer.from(first.subarray(0, end + HEADER_END.length)) : headerWith(parts)
  }

  function headerWith(more: readonly Buffer[]): Buffer {
    const all = header === undefined ? more : [header, ...more]
    const start = Buffer.concat(
      all,
      Math.min(
        SMALL,
        all.reduce((sum, part) => sum + part.length, 0),
      ),
    )
    const end = start.indexOf(HEADER_END)
    return end < 0 ? start : Buffer.from(start.subarray(0, end + HEADER_END.length))
  }

  return {
    id,
    take(part) {
      if (failed || gone) return
      parts.push(part)
      crumbs = part.length < CRUMB ? crumbs + 1 : 0
      if (crumbs === CRUMBS) sweepCrumbs()
      kept += part.length
      size += part.length
      budget.used += part.length
      if (file !== undefined || size > SMALL || budget.used > budget.limit) write()
    },
    pressure() {
      return kept > UNWRITTEN && writing ? writing : undefined
    },
    discard() {
      if (discarded) return
      discarded = true
      gone = true
      forget()
      if (file)
        void Promise.allSettled([file, writing]).then(() => file?.then(body => body.discard()).catch(() => undefined))
    },
    head() {
      if (header !== undefined) return header.includes(HEADER_END) ? header : headerWith(parts)
      return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts, Math.min(kept, SMALL))
    },
    finish(stamp) {
      if (file === undefined) {
        // Memory of its own: a view of the pool would drag the whole pool along to the storage thread.
        const bytes = Buffer.allocUnsafeSlow(stamp.length + size)
        bytes.set(stamp)
        let at = stamp.length
        for (const part of parts) {
          bytes.set(part, at)
          at += part.length
        }
        forget()
        gone = true
        return { in: 'memory', bytes }
      }
      return finishFile(stamp)
    },
    hold() {
      const bytes = file === undefined ? size : 0
      budget.used += bytes
      return () => {
        budget.used -= bytes
      }
    },
  }

  async function written(): Promise<void> {
    for (let part = writing; part; part = writing) await part
  }

  async function finishFile(stamp: Buffer): Promise<Content | undefined> {
    await written()
    write()
    await written()
    try {
      const body = await file
      if (body === undefined || failed) throw new Error('not written')
      await body.finish()
      gone = true
      return { in: 'file', path: body.path, head: new Uint8Array(stamp), size: stamp.length + size }
    } catch {
      gone = true
      forget()
      await file?.then(body => body.discard()).catch(() => undefined)
      return undefined
    }
  }
}

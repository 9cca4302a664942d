/**
 * RFC 2045, RFC 2046: the structure of a message, found while its bytes pass by, in chunks cut anywhere. Entities are ranges; only the header
 * that is being read is ever held in memory (HEADER_MAX at most), and of bodies not more than the beginning of a line that could be a
 * delimiter. A bare LF ends a line as CRLF does, because what came by APPEND may have it; offsets are those of the bytes.
 *
 * Headers are read to their empty line, bodies from one line that may be a delimiter to the next; `entity-stack.ts` knows what is open.
 */
import { type Boundary, isHyphens, matchingBoundary, MAX_DELIMITER } from './delimiter.ts'
import { view } from './entity.ts'
import { type Entity, entityStack } from './entity-stack.ts'
import { HEADER_MAX } from './header.ts'
import { heldBytes } from './held-bytes.ts'

export interface Indexer {
  /** The bytes are not kept. */
  add(chunk: Uint8Array): void
  /** The message. The indexer is used up. */
  done(): Entity
}

const [LF, CR, HYPHEN] = [0x0a, 0x0d, 0x2d]
const LF_HYPHENS = Buffer.from('\n--', 'latin1')
const NOTHING = Buffer.alloc(0)

/** It cannot be told before more bytes are there. */
const MORE = -1

export function indexer(): Indexer {
  const held = heldBytes()
  const stack = entityStack()
  let state: 'header' | 'body' | 'delimiter' = 'header'
  /** The offset of data[0] in the message, and what is done of it. */
  let base = 0
  let data: Buffer = NOTHING
  let at = 0
  let last = false
  /** Of a header: the offset of the line that is looked at; it has no end before data[searched]. */
  let line = 0
  let searched = 0
  /** Of a body: `at` is the beginning of a line, before which so many bytes are its line end. */
  let fresh = false
  let lineEnd = 0
  /** Of a delimiter. */
  let closes = false

  /** This and the other readers: false: more bytes are needed. */
  function readHeader(): boolean {
    for (;;) {
      const from = line - base
      const lf = data.indexOf(LF, Math.max(from, searched))
      const end = lf === -1 ? data.length : lf + 1
      if (base + end - stack.start > HEADER_MAX) return endHeader(from)
      if (lf === -1 && !last) {
        searched = data.length
        return false
      }
      const boundary = data[from] === HYPHEN ? boundaryAt(from) : undefined
      if (boundary && boundary !== MORE) {
        // The end of the header is missing.
        endHeader(from)
        return delimit(boundary, from)
      }
      if (lf === -1) return endHeader(end)
      stack.countLine()
      if (lf === from || (lf === from + 1 && data[from] === CR)) return endHeader(end)
      line = base + end
    }
  }

  function beginHeader(start: number): void {
    state = 'header'
    at = start
    line = base + start
    searched = start
  }

  function endHeader(end: number): true {
    const header = data.subarray(stack.start - base, end)
    if (stack.endHeader(header, base + end)) beginHeader(end)
    else beginBody(end, 0)
    return true
  }

  function beginBody(start: number, before: number): void {
    state = 'body'
    at = start
    fresh = true
    lineEnd = before
  }

  function readBody(): boolean {
    const { countsLines } = stack
    const delimited = stack.boundaries.length > 0
    for (;;) {
      const boundary = fresh && delimited ? boundaryAt(at) : undefined
      if (boundary === MORE) return false
      if (boundary) return delimit(boundary, at)
      fresh = false
      const lf = countsLines ? data.indexOf(LF, at) : delimited ? candidate() : -1
      if (lf === -1) return leave()
      stack.countLine()
      at = lf + 1
      fresh = true
      lineEnd = lineEndAt(lf)
    }
  }

  /** Where nobody counts lines, the end of the next one before two hyphens, or before what may be two at the end of the chunk. */
  function candidate(): number {
    const found = data.indexOf(LF_HYPHENS, at)
    return found === -1 ? data.indexOf(LF, Math.max(at, data.length - 2)) : found
  }

  function lineEndAt(lf: number): number {
    return lf > 0 && data[lf - 1] === CR ? 2 : 1
  }

  /** There is no line end. A CR at the end may be the first half of one. */
  function leave(): false {
    const half = !last && at < data.length && data[data.length - 1] === CR
    at = half ? data.length - 1 : data.length
    return false
  }

  /** The boundary whose delimiter begins at `from`, which is the beginning of a line. undefined: none. */
  function boundaryAt(from: number): Boundary | undefined | typeof MORE {
    const known = data.length - from
    if (known > 0 && data[from] !== HYPHEN) return undefined
    if (known > 1 && data[from + 1] !== HYPHEN) return undefined
    if (stack.full) return undefined
    const lf = known > 2 ? data.indexOf(LF, from) : -1
    if (lf === -1 && known < MAX_DELIMITER && !last) return MORE
    const end = Math.min(lf === -1 ? data.length : lf, from + MAX_DELIMITER)
    return matchingBoundary(stack.boundaries, data, from + 2, end > from && data[end - 1] === CR ? end - 1 : end)
  }

  function delimit(boundary: Boundary, from: number): true {
    const after = from + 2 + boundary.text.length
    closes = isHyphens(data, after)
    stack.delimit(boundary, closes, base + from, lineEnd)
    state = 'delimiter'
    at = after
    return true
  }

  /** What stands behind the boundary in its line means nothing. */
  function readDelimiter(): boolean {
    const lf = data.indexOf(LF, at)
    if (lf === -1) return leave()
    stack.countLine()
    if (closes) beginBody(lf + 1, lineEndAt(lf))
    else {
      stack.openPart(base + lf + 1)
      beginHeader(lf + 1)
    }
    return true
  }

  function read(): void {
    for (;;) {
      const more = state === 'header' ? readHeader() : state === 'body' ? readBody() : readDelimiter()
      if (!more) return
    }
  }

  return {
    add(chunk) {
      data = held.with(view(chunk))
      read()
      const done = state === 'header' ? stack.start - base : at
      held.keep(data, done)
      base += done
      searched = Math.max(0, searched - done)
      at -= done
    },
    done() {
      data = held.with(NOTHING)
      last = true
      read()
      stack.closeAll(base + data.length)
      return stack.root
    },
  }
}

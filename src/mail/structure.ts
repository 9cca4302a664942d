/**
 * RFC 2045, RFC 2046: the structure of a message, found while its bytes pass by, in chunks cut anywhere. Entities are ranges; only the header
 * that is being read is ever held in memory (HEADER_MAX at most), and of bodies not more than the beginning of a line that could be a
 * delimiter. A bare LF ends a line as CRLF does, because what came by APPEND may have it; offsets are those of the bytes.
 *
 * The entities that are open at a place are a stack: a multipart and its part, a message/rfc822 and the message in it. A delimiter closes all
 * that is above its multipart.
 */
import { view } from './entity.ts'
import { firstField, MAX_FIELD_TEXT, readEntityFields, type EntityFields, type FieldBudget } from './entity-fields.ts'
import { type MediaType, parameterOf, parseMediaType } from './content-fields.ts'
import { HEADER_MAX } from './header.ts'

/** RFC 2045 §2.4: header and body, as ranges of the content. */
export interface Entity {
  readonly fields: EntityFields
  /** undefined: none given, or nonsense: text/plain, or in a multipart/digest message/rfc822. */
  readonly media: MediaType | undefined
  /** `deep`: it has parts, but lies too deep to be taken apart. */
  readonly kind: 'text' | 'multipart' | 'message' | 'other' | 'deep'
  readonly start: number
  readonly body: number
  readonly end: number
  /** Lines of the body of a text or a message; 0 for others. */
  readonly lines: number
  /** Of a multipart; of kind `message`: the message in it. */
  readonly parts: readonly Entity[]
}

export interface Indexer {
  /** The bytes are not kept. */
  add(chunk: Uint8Array): void
  /** The message. The indexer is used up. */
  done(): Entity
}

/** Multiparts and messages within each other. */
export const MAX_NESTING = 50
export const MAX_PARTS = 10_000
/** Characters of a boundary that are compared. RFC 2046 §5.1.1: at most 70. */
const MAX_BOUNDARY = 1000
/** Bytes of a line that tell whether it is a delimiter: two hyphens before the boundary, two after it, the line end. */
const DELIMITER = MAX_BOUNDARY + 6

const [LF, CR, HYPHEN] = [0x0a, 0x0d, 0x2d]
const LF_HYPHENS = Buffer.from('\n--', 'latin1')
const NOTHING = Buffer.alloc(0)

type Kind = Entity['kind']

interface OpenEntity {
  fields: EntityFields
  media: MediaType | undefined
  kind: Kind
  /** It has the header of a message. */
  readonly message: boolean
  readonly start: number
  body: number
  end: number
  /** While it is open: those before its body. */
  lines: number
  readonly parts: OpenEntity[]
}

/** Of an open multipart: `at` is its place in the stack. */
interface Boundary {
  readonly text: Buffer
  readonly at: number
}

/** The head of a line of which it is not known yet what it is. */
const MORE = -1

export function indexer(): Indexer {
  const held = holder()
  const budget: FieldBudget = { left: MAX_FIELD_TEXT }
  const root = opened(0, true)
  const open: OpenEntity[] = [root]
  let boundaries: Boundary[] = []
  let entities = 1
  /** Messages within messages that are open: all their lines are counted. */
  let messages = 0
  let lines = 0

  let state: 'header' | 'body' | 'delimiter' = 'header'
  /** The offset of data[0] in the content, and what is done of it. */
  let base = 0
  let data: Buffer = NOTHING
  let at = 0
  let last = false
  /** Of a header: the line that is looked at begins here, and has no end before `searched`. */
  let line = 0
  let searched = 0
  /** Of a body: `at` is the beginning of a line, and so many bytes are the line end before it. */
  let fresh = false
  let lineEnd = 0
  /** Of a delimiter. */
  let closes = false

  const top = (): OpenEntity => open.at(-1) ?? root

  function openEntity(start: number, message: boolean): void {
    const entity = opened(start, message)
    entity.lines = lines
    top().parts.push(entity)
    open.push(entity)
    entities++
    state = 'header'
    at = start - base
    line = start
    searched = at
  }

  /** Closes what is above `keep` entities; `before`: bytes of the line end before the offset, which belong to the delimiter. */
  function closeAbove(keep: number, offset: number, before: number): void {
    for (let entity = open.pop(); entity; entity = open.pop()) {
      if (open.length < keep) {
        open.push(entity)
        return
      }
      // Its body may be nothing at all, and then the line end is its header's.
      const empty = offset - before < entity.body
      entity.end = empty ? entity.body : offset - before
      const counted = entity.kind === 'text' || entity.kind === 'message'
      entity.lines = counted ? lines - entity.lines - (empty || before === 0 ? 0 : 1) : 0
      if (entity.kind === 'message') messages--
    }
  }

  /** false: more bytes are needed. */
  function readHeader(): boolean {
    const { start } = top()
    for (;;) {
      const from = line - base
      const lf = data.indexOf(LF, Math.max(from, searched))
      const end = lf === -1 ? data.length : lf + 1
      if (base + end - start > HEADER_MAX) return endHeader(from)
      if (lf === -1 && !last) {
        searched = data.length
        return false
      }
      if (lf === from || (lf === from + 1 && data[from] === CR)) {
        lines++
        return endHeader(end)
      }
      if (data[from] === HYPHEN && data[from + 1] === HYPHEN) {
        const boundary = boundaryAt(from)
        if (boundary && boundary !== MORE) {
          endHeader(from)
          return delimit(boundary, from)
        }
      }
      if (lf === -1) return endHeader(end)
      lines++
      line = base + end
    }
  }

  function endHeader(end: number): true {
    const entity = top()
    entity.body = base + end
    entity.fields = readEntityFields(data.subarray(entity.start - base, end), entity.message, budget)
    entity.media = mediaOf(entity.fields)
    entity.kind = open.length > MAX_NESTING ? tooDeep(kindOf(entity)) : kindOf(entity)
    entity.lines = lines
    at = end
    state = 'body'
    fresh = true
    lineEnd = 0
    if (entity.kind === 'message') {
      messages++
      openEntity(entity.body, true)
    }
    if (entity.kind === 'multipart') openBoundary(entity)
    return true
  }

  function kindOf(entity: OpenEntity): Kind {
    if (entity.media) return kindOfMedia(entity.media)
    // RFC 2046 §5.1.5: in a multipart/digest
    return open.at(-2)?.media?.subtype.toLowerCase() === 'digest' && open.at(-2)?.kind === 'multipart'
      ? 'message'
      : 'text'
  }

  function openBoundary(entity: OpenEntity): void {
    const text = parameterOf(entity.media?.parameters ?? [], 'boundary')
    if (text === undefined) return
    boundaries.push({ text: Buffer.from(text.slice(0, MAX_BOUNDARY), 'latin1'), at: open.length - 1 })
  }

  function readBody(): boolean {
    for (;;) {
      if (fresh && boundaries.length > 0) {
        const boundary = boundaryAt(at)
        if (boundary === MORE) return false
        if (boundary) return delimit(boundary, at)
      }
      fresh = false
      const lf = nextLineEnd()
      if (lf === -1) {
        // A CR at the end may be the first half of a line end.
        at =
          !last && boundaries.length > 0 && at < data.length && data[data.length - 1] === CR
            ? data.length - 1
            : data.length
        return false
      }
      lines++
      lineEnd = lf > 0 && data[lf - 1] === CR ? 2 : 1
      fresh = true
      at = lf + 1
    }
  }

  /** Where nobody counts lines, only those before two hyphens, and what may be one at the end of the chunk. */
  function nextLineEnd(): number {
    if (messages > 0 || top().kind === 'text') return data.indexOf(LF, at)
    if (boundaries.length === 0) return -1
    const found = data.indexOf(LF_HYPHENS, at)
    return found === -1 ? data.indexOf(LF, Math.max(at, data.length - 2)) : found
  }

  /** The boundary whose delimiter begins at `from`, which is the beginning of a line. undefined: none. */
  function boundaryAt(from: number): Boundary | undefined | typeof MORE {
    const known = data.length - from
    if (known > 0 && data[from] !== HYPHEN) return undefined
    if (known > 1 && data[from + 1] !== HYPHEN) return undefined
    if (entities >= MAX_PARTS) return undefined
    const lf = known > 2 ? data.indexOf(LF, from) : -1
    if (lf === -1 && known < DELIMITER && !last) return MORE
    const end = Math.min(lf === -1 ? data.length : lf, from + DELIMITER)
    return matching(from + 2, end > from && data[end - 1] === CR ? end - 1 : end)
  }

  /**
   * RFC 2046 §5.1.1: the line only has to begin with the boundary; where several boundaries fit the longest does, the innermost first. A line
   * that ends with two hyphens may close one boundary or open another that has them in its name.
   */
  function matching(from: number, end: number): Boundary | undefined {
    let best: Boundary | undefined
    for (let place = boundaries.length - 1; place >= 0; place--) {
      const boundary = boundaries[place]
      if (!boundary || boundary.text.length > end - from) continue
      const { text } = boundary
      if (best && best.text.length >= text.length) continue
      if (text.compare(data, from, from + text.length) !== 0) continue
      best = boundary
      const rest = end - from - text.length
      if (rest === 0 || (rest === 2 && data[end - 1] === HYPHEN && data[end - 2] === HYPHEN)) break
    }
    return best
  }

  function delimit(boundary: Boundary, from: number): true {
    const after = from + 2 + boundary.text.length
    closes = data[after] === HYPHEN && data[after + 1] === HYPHEN
    closeAbove(boundary.at + 1, base + from, lineEnd)
    // A boundary that was closed is not looked for any more, nor are those within it.
    boundaries = boundaries.filter(({ at }) => (closes ? at < boundary.at : at <= boundary.at))
    state = 'delimiter'
    at = Math.min(after, data.length)
    return true
  }

  function readDelimiter(): boolean {
    const lf = data.indexOf(LF, at)
    if (lf === -1) {
      at = !last && at < data.length && data[data.length - 1] === CR ? data.length - 1 : data.length
      return false
    }
    lines++
    if (closes) {
      state = 'body'
      fresh = true
      lineEnd = lf > 0 && data[lf - 1] === CR ? 2 : 1
      at = lf + 1
    } else openEntity(base + lf + 1, false)
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
      const done = state === 'header' ? top().start - base : at
      held.keep(data, done)
      base += done
      searched = Math.max(0, searched - done)
      at -= done
    },
    done() {
      data = held.with(NOTHING)
      last = true
      read()
      closeAbove(0, base + data.length, 0)
      return root
    },
  }
}

/** What is left of the chunks that came, in a memory that grows by doubling: chunks of a byte cost no more than large ones. */
function holder(): { with(chunk: Buffer): Buffer; keep(data: Buffer, from: number): void } {
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

function opened(start: number, message: boolean): OpenEntity {
  const fields: EntityFields = new Map()
  return { fields, media: undefined, kind: 'text', message, start, body: start, end: start, lines: 0, parts: [] }
}

function mediaOf(fields: EntityFields): MediaType | undefined {
  const value = firstField(fields, 'content-type')
  return value === undefined ? undefined : parseMediaType(value)
}

function kindOfMedia({ type, subtype }: MediaType): Kind {
  switch (type.toLowerCase()) {
    case 'text':
      return 'text'
    case 'multipart':
      return 'multipart'
    case 'message': // RFC 6532 §3.7: message/global
      return /^(?:rfc822|global)$/i.test(subtype) ? 'message' : 'other'
    default:
      return 'other'
  }
}

function tooDeep(kind: Kind): Kind {
  return kind === 'multipart' || kind === 'message' ? 'deep' : kind
}

/**
 * The entities that are open at a place of a message: a stack of multiparts and their parts, of a message/rfc822 and the message in it. It
 * counts their lines, and bounds how deep and how many they are.
 */
import { type MediaType, parameterOf, parseMediaType } from './content-fields.ts'
import { type Boundary, boundaryOf } from './delimiter.ts'
import { type EntityFields, type FieldBudget, firstField, MAX_FIELD_TEXT, readEntityFields } from './entity-fields.ts'

/** RFC 2045 §2.4: header and body, as ranges of the content. */
export interface Entity {
  readonly fields: EntityFields
  /** undefined: none given, or nonsense: text/plain, or in a multipart/digest message/rfc822. */
  readonly media: MediaType | undefined
  readonly kind: EntityKind
  readonly start: number
  readonly body: number
  readonly end: number
  /** Lines of the body of a text or a message; 0 for others. */
  readonly lines: number
  /** Of a multipart; of kind `message`: the message in it. */
  readonly parts: readonly Entity[]
}

/** `deep`: it has parts, but lies too deep to be taken apart. */
export type EntityKind = 'text' | 'multipart' | 'message' | 'other' | 'deep'

export interface EntityStack {
  readonly root: Entity
  /** The innermost entity begins here. */
  readonly start: number
  /** Of open multiparts, the innermost last. */
  readonly boundaries: readonly Boundary[]
  /** Each line counts, for the innermost entity or one around it. */
  readonly countsLines: boolean
  /** MAX_PARTS are there. */
  readonly full: boolean
  /** A line end was passed. Where lines do not count, it need not be told. */
  countLine(): void
  /** A part of the innermost entity begins. */
  openPart(start: number): void
  /** The innermost entity's header, whose body begins at `body`. When it is a message, that one is open now: true. */
  endHeader(header: Buffer, body: number): boolean
  /** A delimiter: all within its multipart ends at `offset`, `lineEnd` bytes before which belong to the delimiter. */
  delimit(boundary: Boundary, closes: boolean, offset: number, lineEnd: number): void
  /** The end of the message. */
  closeAll(offset: number): void
}

/** Multiparts and messages within each other. */
export const MAX_NESTING = 50
export const MAX_PARTS = 10_000

interface OpenEntity {
  fields: EntityFields
  media: MediaType | undefined
  kind: EntityKind
  /** It has the header of a message. */
  readonly message: boolean
  readonly start: number
  body: number
  end: number
  /** While it is open: those before its body. */
  lines: number
  readonly parts: OpenEntity[]
}

export function entityStack(): EntityStack {
  const budget: FieldBudget = { left: MAX_FIELD_TEXT }
  const root = opened(0, 0, true)
  const open: OpenEntity[] = [root]
  let top = root
  let boundaries: readonly Boundary[] = []
  let entities = 1
  /** Messages within messages that are open. */
  let messages = 0
  let lines = 0

  function push(start: number, message: boolean): void {
    const entity = opened(start, lines, message)
    top.parts.push(entity)
    open.push(entity)
    top = entity
    entities++
  }

  function close(entity: OpenEntity, offset: number, lineEnd: number): void {
    // Its body may be nothing at all, and then the line end is its header's.
    const empty = offset - lineEnd < entity.body
    entity.end = empty ? entity.body : offset - lineEnd
    const counts = entity.kind === 'text' || entity.kind === 'message'
    entity.lines = counts ? lines - entity.lines - (empty || lineEnd === 0 ? 0 : 1) : 0
    if (entity.kind === 'message') messages--
  }

  function kindOf({ media }: OpenEntity): EntityKind {
    if (media) return kindOfMedia(media)
    // RFC 2046 §5.1.5: the default in a multipart/digest
    const parent = open.at(-2)
    return parent?.kind === 'multipart' && parent.media?.subtype.toLowerCase() === 'digest' ? 'message' : 'text'
  }

  return {
    root,
    get start() {
      return top.start
    },
    get boundaries() {
      return boundaries
    },
    get countsLines() {
      return messages > 0 || top.kind === 'text'
    },
    get full() {
      return entities >= MAX_PARTS
    },
    countLine() {
      lines++
    },
    openPart: start => push(start, false),
    endHeader(header, body) {
      const entity = top
      entity.body = body
      entity.lines = lines
      entity.fields = readEntityFields(header, entity.message, budget)
      entity.media = mediaOf(entity.fields)
      const kind = kindOf(entity)
      entity.kind = open.length > MAX_NESTING && isNest(kind) ? 'deep' : kind
      if (entity.kind === 'multipart') {
        const boundary = parameterOf(entity.media?.parameters ?? [], 'boundary')
        if (boundary !== undefined) boundaries = [...boundaries, boundaryOf(boundary, open.length - 1)]
      }
      if (entity.kind !== 'message') return false
      messages++
      push(body, true)
      return true
    },
    delimit(boundary, closes, offset, lineEnd) {
      for (const entity of open.splice(boundary.at + 1)) close(entity, offset, lineEnd)
      top = open.at(-1) ?? root
      // A boundary that was closed is not looked for any more, nor are those within it.
      boundaries = boundaries.filter(({ at }) => (closes ? at < boundary.at : at <= boundary.at))
    },
    closeAll(offset) {
      for (const entity of open) close(entity, offset, 0)
    },
  }
}

function opened(start: number, lines: number, message: boolean): OpenEntity {
  const fields: EntityFields = new Map()
  return { fields, media: undefined, kind: 'text', message, start, body: start, end: start, lines, parts: [] }
}

function mediaOf(fields: EntityFields): MediaType | undefined {
  const value = firstField(fields, 'content-type')
  return value === undefined ? undefined : parseMediaType(value)
}

function kindOfMedia({ type, subtype }: MediaType): EntityKind {
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

function isNest(kind: EntityKind): boolean {
  return kind === 'multipart' || kind === 'message'
}

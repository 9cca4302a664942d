/**
 * How mbox files keep flags: as header fields of the message (Status, X-Status, X-Keywords; Thunderbird's X-Mozilla-Status). They are not of the
 * message; what a program wrote at the end of the header is taken out again.
 */
import { ANSWERED, DELETED, DRAFT, type Flags, FLAGGED, NO_FLAGS, SEEN } from '../mail/flags.ts'
import { type Field, fieldName, fieldText, headerEnd, headerFields, isNamed } from '../mail/header.ts'

/** Those that we write, all of them, in this order: so what we took in with such fields comes out with them. */
const WRITTEN = ['status', 'x-status', 'x-keywords', 'x-uid'] as const
/** What mail programs change in a file without a change of the message: it is left out where messages are compared. */
const VOLATILE = [
  ...WRITTEN,
  'x-imap',
  'x-imapbase',
  'x-mozilla-status',
  'x-mozilla-status2',
  'x-mozilla-keys',
  'content-length',
  'lines',
]

export interface StatusFields {
  /** The header without what was written at its end. */
  readonly header: Buffer
  /** The header without anything that changes with the flags. */
  readonly lasting: Buffer
  /** undefined: nothing is said of them. */
  readonly flags: Flags | undefined
}

/** `header`: a whole message's beginning with CRLF, with its empty line where it has one. */
export function readStatusFields(header: Buffer): StatusFields {
  const end = headerEnd(header)
  const fields = [...headerFields(header)]
  const volatile = fields.filter(field => VOLATILE.some(name => isNamed(header, field, name)))
  if (volatile.length === 0) return { header, lasting: header, flags: undefined }
  return {
    header: without(header, writtenAtEnd(header, fields, end)),
    lasting: without(header, volatile),
    flags: flagsIn(header, volatile),
  }
}

/** The last fields before the empty line, as long as they are ours and each is there once. */
function writtenAtEnd(header: Buffer, fields: readonly Field[], end: number): Field[] {
  if (!hasEmptyLine(header, end)) return []
  const found: Field[] = []
  const names = new Set<string>()
  let next = end - 2
  for (const field of fields.toReversed()) {
    const name = WRITTEN.find(one => isNamed(header, field, one))
    if (name === undefined || names.has(name) || field.end !== next) break
    names.add(name)
    found.unshift(field)
    next = field.start
  }
  return found
}

/** `end`: of the header, as `headerEnd` says. Without an empty line what is added to a header could run into the body. */
export function hasEmptyLine(header: Buffer, end: number): boolean {
  return end >= 2 && header[end - 2] === CR && header[end - 1] === LF && (end === 2 || header[end - 3] === LF)
}

const [LF, CR] = [0x0a, 0x0d]

function without(header: Buffer, fields: readonly Field[]): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (const { start, end } of fields) {
    parts.push(header.subarray(from, start))
    from = end
  }
  return Buffer.concat([...parts, header.subarray(from)])
}

const STATUS_LETTERS: Readonly<Record<string, number>> = { R: SEEN, A: ANSWERED, F: FLAGGED, D: DELETED, T: DRAFT }
/** Mozilla's bits; 8 is what was deleted and is still in the file. */
const MOZILLA: readonly (readonly [theirs: number, ours: number])[] = [
  [1, SEEN],
  [2, ANSWERED],
  [4, FLAGGED],
  [8, DELETED],
]

function flagsIn(header: Buffer, fields: readonly Field[]): Flags | undefined {
  let said: Flags | undefined
  const add = (system: number, keywords: readonly string[] = []): void => {
    const { system: before, keywords: named } = said ?? NO_FLAGS
    said = { system: before | system, keywords: [...new Set([...named, ...keywords])] }
  }
  // From the last: what a program wrote stands there, and each name counts once.
  const seen = new Set<string>()
  for (const field of fields.toReversed()) {
    const name = fieldName(header, field)
    if (seen.has(name)) continue
    seen.add(name)
    const value = fieldText(header, field)
    if (name === 'status' || name === 'x-status') add(lettersOf(value))
    else if (name === 'x-keywords' || name === 'x-mozilla-keys')
      add(
        0,
        value.split(/\s+/).filter(one => one !== ''),
      )
    else if (name === 'x-mozilla-status') add(mozillaOf(value))
  }
  return said
}

function lettersOf(value: string): number {
  let system = 0
  for (const letter of value) system |= STATUS_LETTERS[letter] ?? 0
  return system
}

function mozillaOf(value: string): number {
  const bits = /^[0-9a-f]{1,8}$/i.test(value) ? Number.parseInt(value, 16) : 0
  return MOZILLA.reduce((system, [theirs, ours]) => ((bits & theirs) !== 0 ? system | ours : system), 0)
}

/** The fields for a message, to stand at the end of its header. */
export function formatStatusFields({ system, keywords }: Flags, uid: number, lineEnd: '\n' | '\r\n'): string {
  const letters = (names: string): string =>
    Array.from(names)
      .filter(letter => (system & (STATUS_LETTERS[letter] ?? 0)) !== 0)
      .join('')
  const lines = [
    `Status: ${letters('R')}O`,
    `X-Status: ${letters('AFDT')}`,
    `X-Keywords: ${keywords.join(' ')}`,
    `X-UID: ${uid}`,
  ]
  return lines.map(line => line + lineEnd).join('')
}

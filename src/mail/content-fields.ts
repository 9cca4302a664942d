/** RFC 2045 §5, RFC 2183, RFC 3282: the values of the Content fields, as BODYSTRUCTURE has them: as they were written, but for quoting and comments. */
import { cursorOf, type Cursor, peek, readAtom, readQuoted, readToken, skipCfws } from './structured-field.ts'

export type Parameters = readonly (readonly [name: string, value: string])[]

/** As written; compare in lower case. */
export interface MediaType {
  readonly type: string
  readonly subtype: string
  readonly parameters: Parameters
}

export interface Disposition {
  readonly kind: string
  readonly parameters: Parameters
}

/** Of one field. */
const MAX_PARAMETERS = 100
const MAX_LANGUAGES = 100

/** undefined: not a type, so that the entity counts as one that says nothing of itself (RFC 2045 §5.2). */
export function parseMediaType(value: string): MediaType | undefined {
  const cursor = cursorOf(value)
  if (!skipCfws(cursor)) return undefined
  const type = readToken(cursor)
  if (type === '' || !skipCfws(cursor) || peek(cursor) !== '/') return undefined
  cursor.at++
  skipCfws(cursor)
  const subtype = readToken(cursor)
  if (subtype === '' || !skipCfws(cursor) || !';'.includes(peek(cursor))) return undefined
  return { type, subtype, parameters: readParameters(cursor) }
}

/** RFC 2183 §2. undefined: not a disposition. */
export function parseDisposition(value: string): Disposition | undefined {
  const cursor = cursorOf(value)
  skipCfws(cursor)
  const kind = readToken(cursor)
  return kind !== '' && skipCfws(cursor) ? { kind, parameters: readParameters(cursor) } : undefined
}

/** RFC 2045 §6.1: mechanism, as written. undefined: not one. */
export function parseMechanism(value: string): string | undefined {
  const cursor = cursorOf(value)
  skipCfws(cursor)
  const mechanism = readToken(cursor)
  return mechanism !== '' && skipCfws(cursor) && cursor.at === value.length ? mechanism : undefined
}

/** RFC 3282 §2: Language-List. */
export function parseLanguages(value: string): string[] {
  const cursor = cursorOf(value)
  const languages: string[] = []
  skipCfws(cursor)
  for (let tag = readAtom(cursor); tag !== '' && languages.length < MAX_LANGUAGES; tag = readAtom(cursor)) {
    languages.push(tag)
    skipCfws(cursor)
    if (peek(cursor) !== ',') break
    cursor.at++
    skipCfws(cursor)
  }
  return languages
}

/** The value of a parameter (name in lower case); the first of several. */
export function parameterOf(parameters: Parameters, name: string): string | undefined {
  return parameters.find(parameter => parameter[0].toLowerCase() === name)?.[1]
}

function readParameters(cursor: Cursor): Parameters {
  const parameters: (readonly [string, string])[] = []
  let extended = false
  for (let count = 0; count < MAX_PARAMETERS; count++) {
    const next = cursor.text.indexOf(';', cursor.at)
    if (next === -1) break
    cursor.at = next + 1
    const parameter = readParameter(cursor)
    if (parameter === undefined) continue
    parameters.push(parameter)
    extended ||= parameter[0].includes('*')
  }
  return extended ? joinContinuations(parameters) : parameters
}

/** RFC 2045 §5.1: parameter = attribute "=" value. undefined: not one. */
function readParameter(cursor: Cursor): readonly [string, string] | undefined {
  skipCfws(cursor)
  const name = readToken(cursor)
  if (name === '' || !skipCfws(cursor) || peek(cursor) !== '=') return undefined
  cursor.at++
  skipCfws(cursor)
  const next = peek(cursor)
  if (next === '') return undefined
  const value = next === '"' ? readQuoted(cursor) : next === '=' ? readBare(cursor) : readToken(cursor)
  return value === undefined ? undefined : [name, value]
}

/** An encoded word where RFC 2047 §5 forbids it: `name==?utf-8?q?x?=`. */
function readBare(cursor: Cursor): string {
  const start = cursor.at
  while (!' \t\r\n;'.includes(peek(cursor))) cursor.at++
  return cursor.text.slice(start, cursor.at)
}

interface Piece {
  /** In lower case. */
  readonly key: string
  readonly index: number
  readonly extended: boolean
  readonly parameter: readonly [name: string, value: string]
}

/**
 * RFC 9051 §7.5.2: continuations (RFC 2231 §3) are sent as one parameter: `name`, or `name*` with its charset where a piece has one (§4.1).
 * They come after the others, by name. Where a piece is missing they stay as they are.
 */
function joinContinuations(parameters: Parameters): Parameters {
  const plain: (readonly [string, string])[] = []
  const pieces: Piece[] = []
  for (const parameter of parameters) {
    const match = /^([^*]+)\*(\d{1,3})?(\*?)$/.exec(parameter[0])
    if (!match || (match[2] === undefined && match[3] === '*')) plain.push(parameter)
    else {
      const extended = match[3] === '*' || match[2] === undefined
      pieces.push({ key: (match[1] ?? '').toLowerCase(), index: Number(match[2] ?? 0), extended, parameter })
    }
  }
  pieces.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index))
  for (let from = 0; from < pieces.length; ) {
    const key = pieces[from]?.key
    let to = from
    while (pieces[to]?.key === key && to < pieces.length) to++
    plain.push(...joined(pieces.slice(from, to)))
    from = to
  }
  return plain
}

function joined(pieces: readonly Piece[]): Parameters {
  const [first] = pieces
  if (!first || pieces.some(({ index }, place) => index !== place)) return pieces.map(({ parameter }) => parameter)
  const name = first.parameter[0].slice(0, first.key.length)
  if (!pieces.some(({ extended }) => extended)) return [[name, pieces.map(({ parameter }) => parameter[1]).join('')]]
  const values = pieces.map(({ extended, parameter: [, value] }) => (extended ? value : percentEncoded(value)))
  return [[`${name}*`, `${first.extended ? '' : "''"}${values.join('')}`]]
}

/** RFC 2231 §7: attribute-char stays, and spaces, which a quoted string can have. */
function percentEncoded(text: string): string {
  return text.replace(
    /[^A-Za-z0-9!#$&+.^_`{|}~ -]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

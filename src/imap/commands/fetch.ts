import { modSequence, partialRange, sequenceSet } from '../arguments.ts'
import type { Fetch } from '../command.ts'
import type { FetchItem, FetchModifiers, Partial } from '../fetch-item.ts'
import { bad, type Cursor, expected, list, match, number64, oneOf, peek, space, take, word } from '../parser.ts'
import { binaryPart, section } from '../section.ts'

/** Items of one FETCH: each may be a whole message. */
const MAX_ITEMS = 1000

const SIMPLE = [
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'RFC822.SIZE',
  'RFC822',
  'RFC822.HEADER', // RFC 3501 §6.4.5
  'RFC822.TEXT',
  'UID',
  'BODYSTRUCTURE',
  'MODSEQ', // RFC 7162 §3.1.4.1
  'EMAILID', // RFC 8474 §5.3
  'THREADID',
  'SAVEDATE', // RFC 8514 §4.2
] as const

const FAST: readonly FetchItem[] = [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }]
/** RFC 9051 §6.4.5: a macro stands alone. */
const MACROS = new Map<string, readonly FetchItem[]>([
  ['FAST', FAST],
  ['ALL', [...FAST, { item: 'ENVELOPE' }]],
  ['FULL', [...FAST, { item: 'ENVELOPE' }, { item: 'BODY' }]],
])

/** RFC 9051 §6.4.5: FETCH SP sequence-set SP (macro / fetch-att / "(" fetch-att … ")") [SP "(" fetch-modifier … ")"] */
export function fetch(uid: boolean): (c: Cursor) => Fetch {
  return c => {
    space(c)
    const set = sequenceSet(c)
    space(c)
    const items = peek(c) === '(' ? fetchItems(c) : macroOrItem(c)
    const modifiers = take(c, ' ') ? fetchModifiers(c, uid) : NO_MODIFIERS
    return { name: 'FETCH', uid, set, items, modifiers }
  }
}

/** "(" fetch-att *(SP fetch-att) ")" */
export function fetchItems(c: Cursor): readonly FetchItem[] {
  const items = list(c, () => fetchItem(c), 'some')
  if (items.length > MAX_ITEMS) bad(c, `${c.name} may have ${MAX_ITEMS} items`)
  return items
}

function macroOrItem(c: Cursor): readonly FetchItem[] {
  const macro = match(c, /(?:FAST|ALL|FULL)(?= |$)/iy).toUpperCase()
  return MACROS.get(macro) ?? [fetchItem(c)]
}

function fetchItem(c: Cursor): FetchItem {
  const before = c.at
  const name = word(c, 'A data item')
  const simple = SIMPLE.find(item => item === name)
  if (simple !== undefined) return { item: simple }
  const peeks = name.endsWith('.PEEK')
  switch (name) {
    case 'BODY':
      if (peek(c) !== '[') return { item: 'BODY' }
      return { item: 'BODY[]', section: section(c), peek: false, partial: partial(c) }
    case 'BODY.PEEK':
      return { item: 'BODY[]', section: section(c), peek: peeks, partial: partial(c) }
    case 'BINARY': // RFC 3516 §4.2
    case 'BINARY.PEEK':
      return { item: 'BINARY[]', part: binaryPart(c), peek: peeks, partial: partial(c) }
    case 'BINARY.SIZE':
      return { item: 'BINARY.SIZE[]', part: binaryPart(c) }
    case 'PREVIEW': // RFC 8970 §3.1
      return { item: 'PREVIEW', lazy: take(c, ' (LAZY)') }
    default:
      c.at = before
      expected(c, 'A data item')
      return { item: 'UID' }
  }
}

/** RFC 9051 §9: partial = "<" number64 "." nz-number64 ">" */
function partial(c: Cursor): Partial | undefined {
  if (!take(c, '<')) return undefined
  const origin = number64(c, 'The first octet')
  if (!take(c, '.')) expected(c, 'A dot')
  const octets = number64(c, 'A number of octets')
  if (octets === 0) expected(c, 'A number of octets')
  if (!take(c, '>')) expected(c, 'A closing angle bracket')
  return { origin, octets }
}

const NO_MODIFIERS: FetchModifiers = { changedSince: undefined, vanished: false, partial: undefined }

function fetchModifiers(c: Cursor, uid: boolean): FetchModifiers {
  let modifiers = NO_MODIFIERS
  const modifier = (): void => {
    const which = oneOf(c, ['CHANGEDSINCE', 'VANISHED', 'PARTIAL'], 'A modifier')
    if (which === 'VANISHED') {
      modifiers = { ...modifiers, vanished: true }
      return
    }
    space(c)
    if (which === 'CHANGEDSINCE') modifiers = { ...modifiers, changedSince: modSequence(c) }
    else modifiers = { ...modifiers, partial: partialRange(c) }
  }
  list(c, modifier, 'some')
  // RFC 7162 §3.2.6: only with UID FETCH, and only together with CHANGEDSINCE
  if (modifiers.vanished && !(uid && modifiers.changedSince !== undefined))
    bad(c, 'VANISHED needs UID and CHANGEDSINCE')
  // RFC 9394 §3.3: of UID FETCH
  if (modifiers.partial && !uid) bad(c, 'PARTIAL needs UID')
  return modifiers
}

import type { Section } from './fetch-item.ts'
import { astring, bad, type Cursor, expected, list, nzNumber, oneOf, space, take } from './parser.ts'

/** Numbers of one part: as deep as a message is looked into. */
const MAX_DEPTH = 100

const TEXTS = ['HEADER.FIELDS.NOT', 'HEADER.FIELDS', 'HEADER', 'TEXT', 'MIME'] as const

/** RFC 9051 §9: section = "[" [section-spec] "]" */
export function section(c: Cursor): Section {
  openBracket(c)
  const { part, dot } = partNumbers(c)
  const text = part.length > 0 && !dot ? ALL : sectionText(c, part, dot)
  closeBracket(c)
  return { part, text }
}

/** RFC 3516 §7: section-binary = "[" [section-part] "]" */
export function binaryPart(c: Cursor): readonly number[] {
  openBracket(c)
  const { part, dot } = partNumbers(c)
  if (dot) expected(c, 'A part number')
  closeBracket(c)
  return part
}

const ALL: Section['text'] = { is: 'all' }

function openBracket(c: Cursor): void {
  if (!take(c, '[')) expected(c, 'A section in brackets')
}

function closeBracket(c: Cursor): void {
  if (!take(c, ']')) expected(c, 'A section, and a closing bracket')
}

/** `dot`: what follows a dot is no number. */
function partNumbers(c: Cursor): { readonly part: readonly number[]; readonly dot: boolean } {
  const part: number[] = []
  let dot = false
  while (/\d/.test(c.text.charAt(c.at))) {
    part.push(nzNumber(c, 'A part number'))
    dot = take(c, '.')
    if (!dot) break
  }
  if (part.length > MAX_DEPTH) bad(c, 'A part is nested too deeply')
  return { part, dot }
}

/** RFC 9051 §9: section-text = section-msgtext / "MIME" */
function sectionText(c: Cursor, part: readonly number[], dot: boolean): Section['text'] {
  if (!dot && c.text.charAt(c.at) === ']') return ALL
  const is = oneOf(c, TEXTS, 'HEADER, HEADER.FIELDS, TEXT or MIME')
  if (is === 'MIME' && part.length === 0) bad(c, 'MIME needs a part number') // RFC 9051 §6.4.5.1
  if (is !== 'HEADER.FIELDS' && is !== 'HEADER.FIELDS.NOT') return { is }
  space(c)
  return { is, fields: list(c, () => astring(c, 'A header field name'), 'some') }
}

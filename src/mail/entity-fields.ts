/**
 * The fields of an entity's header that its description is made of. The header is scanned once, and only their values become strings: unfolded,
 * bytes as Latin-1 characters. A bare LF ends a line as CRLF does: what came by APPEND may have it.
 */
export type EntityFields = ReadonlyMap<string, readonly string[]>

/** Characters of field values that may still be kept, of one message in all; fields that do not fit count as absent. */
export interface FieldBudget {
  left: number
}

/** Fields of one name in one header. */
const MAX_REPEATED = 100
export const MAX_FIELD_TEXT = 1024 * 1024

const [TAB, LF, CR, SPACE, COLON] = [0x09, 0x0a, 0x0d, 0x20, 0x3a]

const CONTENT = ['type', 'transfer-encoding', 'id', 'description', 'disposition', 'language', 'location', 'md5']
const MESSAGE = ['date', 'subject', 'from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'in-reply-to', 'message-id']
const OF_PART = new Set(CONTENT.map(name => `content-${name}`))
const OF_MESSAGE = new Set([...OF_PART, ...MESSAGE, 'references'])
const FOLDED = /[\r\n]/
const LONGEST = 'content-transfer-encoding'.length
const INITIALS = initials()

function initials(): Uint8Array {
  const initials = new Uint8Array(256)
  for (const name of OF_MESSAGE) {
    initials[name.charCodeAt(0)] = 1
    initials[name.toUpperCase().charCodeAt(0)] = 1
  }
  return initials
}

/** `message`: with the fields of a message, not only those of MIME. */
export function readEntityFields(header: Buffer, message: boolean, budget: FieldBudget): EntityFields {
  const fields = new Map<string, string[]>()
  const wanted = message ? OF_MESSAGE : OF_PART
  for (let line = 0; line < header.length; ) {
    const end = fieldEnd(header, line)
    const colon = INITIALS[header[line] ?? 0] === 1 ? colonOf(header, line, end) : -1
    if (colon !== -1) {
      const name = header.toString('latin1', line, colon).trimEnd().toLowerCase()
      if (wanted.has(name)) keep(fields, name, valueText(header, colon + 1, end), budget)
    }
    line = end
  }
  return fields
}

function keep(fields: Map<string, string[]>, name: string, value: string, budget: FieldBudget): void {
  const values = fields.get(name)
  if (value.length > budget.left || (values && values.length >= MAX_REPEATED)) return
  budget.left -= value.length
  if (values) values.push(value)
  else fields.set(name, [value])
}

/** -1: no colon where the names that we look for can have it. */
function colonOf(header: Buffer, line: number, end: number): number {
  let colon = line + 1
  const last = Math.min(end, line + LONGEST)
  while (colon < last && header[colon] !== COLON && header[colon] !== SPACE && header[colon] !== TAB) colon++
  // RFC 5322 §4.5: white space before the colon is obsolete, but there.
  while (colon < end && (header[colon] === SPACE || header[colon] === TAB)) colon++
  return header[colon] === COLON && colon < end ? colon : -1
}

/** After the line end of the field at `line`, with the lines folded onto it. */
function fieldEnd(header: Buffer, line: number): number {
  for (let lf = header.indexOf(LF, line); lf !== -1; lf = header.indexOf(LF, lf + 1)) {
    if (header[lf + 1] !== SPACE && header[lf + 1] !== TAB) return lf + 1
  }
  return header.length
}

/** RFC 5322 §2.2.3: unfolded: line ends go, white space stays, but for that before the value. */
function valueText(header: Buffer, start: number, end: number): string {
  let from = start
  while (from < end && (header[from] === SPACE || header[from] === TAB)) from++
  let to = end
  while (to > from && (header[to - 1] === LF || header[to - 1] === CR)) to--
  const text = header.toString('latin1', from, to)
  return FOLDED.test(text) ? text.replace(/[\r\n]+/g, '') : text
}

export function firstField(fields: EntityFields, name: string): string | undefined {
  return fields.get(name)?.[0]
}

/** RFC 5322 §3.6 allows one of each; where there are more of a text field, the last is the one that counts. */
export function lastField(fields: EntityFields, name: string): string | undefined {
  return fields.get(name)?.at(-1)
}

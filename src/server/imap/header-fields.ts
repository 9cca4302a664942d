import { view } from '../../mail/entity.ts'

const [TAB, LF, CR, SPACE, COLON] = [0x09, 0x0a, 0x0d, 0x20, 0x3a]
const END = Buffer.from('\r\n')

/**
 * RFC 9051 §6.4.5.1 HEADER.FIELDS (`keep`), HEADER.FIELDS.NOT: the fields with or without these names (in lower case), in the order of the
 * message, and the empty line. LF alone ends a line too, as it does for everybody who gets such a message to see.
 */
export function headerFields(header: Uint8Array, names: ReadonlySet<string>, how: 'keep' | 'drop'): Buffer {
  const bytes = view(header)
  const kept: Buffer[] = []
  let from = -1
  let at = 0
  for (let end = 0; at < bytes.length && !isEmptyLine(bytes, at); at = end) {
    end = fieldEnd(bytes, at)
    if (names.has(nameAt(bytes, at, end)) === (how === 'keep')) {
      if (from < 0) from = at
    } else if (from >= 0) {
      kept.push(bytes.subarray(from, at))
      from = -1
    }
  }
  if (from >= 0) kept.push(bytes.subarray(from, at))
  // RFC 9051 §6.4.5.1: the empty line is always there.
  return Buffer.concat([...kept, END])
}

function isEmptyLine(bytes: Buffer, at: number): boolean {
  return bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)
}

/** After the line at `at` and those that are folded onto it. */
function fieldEnd(bytes: Buffer, at: number): number {
  let end = at
  do {
    const lf = bytes.indexOf(LF, end)
    if (lf < 0) return bytes.length
    end = lf + 1
  } while (bytes[end] === SPACE || bytes[end] === TAB)
  return end
}

/** '': a line that is no field. */
function nameAt(bytes: Buffer, at: number, end: number): string {
  const colon = bytes.indexOf(COLON, at)
  if (colon < 0 || colon >= end) return ''
  let nameEnd = colon
  while (nameEnd > at && (bytes[nameEnd - 1] === SPACE || bytes[nameEnd - 1] === TAB)) nameEnd--
  return bytes.toString('latin1', at, nameEnd).toLowerCase()
}

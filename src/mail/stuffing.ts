/**
 * RFC 5321 §4.5.2, RFC 1939 §3: a line that begins with a dot gets another one. The bytes are not copied: the parts between the dots are handed on.
 */

/** What the content so far ends in. It begins at the start of a line. */
export type LineEnd = 'within' | 'cr' | 'crlf'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const CRLF_DOT = Buffer.from('\r\n.')
const ONE_DOT = Buffer.from('.')

/** Hands the chunk to `write` with the dots added; `before` is what the previous chunk returned ('crlf' at the start). */
export function stuffDots(chunk: Buffer, before: LineEnd, write: (part: Uint8Array) => void): LineEnd {
  if (chunk.length === 0) return before
  let from = 0
  if (before === 'crlf' && chunk[0] === DOT) {
    write(ONE_DOT)
  } else if (before === 'cr' && chunk[0] === LF && chunk[1] === DOT) {
    write(chunk.subarray(0, 1))
    write(ONE_DOT)
    from = 1
  }
  for (let at = chunk.indexOf(CRLF_DOT, from); at >= 0; at = chunk.indexOf(CRLF_DOT, at + 2)) {
    write(chunk.subarray(from, at + 2))
    write(ONE_DOT)
    from = at + 2
  }
  write(from === 0 ? chunk : chunk.subarray(from))
  return endOf(chunk, before)
}

function endOf(chunk: Buffer, before: LineEnd): LineEnd {
  const last = chunk[chunk.length - 1]
  if (last === CR) return 'cr'
  if (last !== LF) return 'within'
  const ended = chunk.length > 1 ? chunk[chunk.length - 2] === CR : before === 'cr'
  return ended ? 'crlf' : 'within'
}

/** RFC 5321 §4.1.1.4: the end of the content; the CRLF before the dot belongs to the content, so one is added only where it lacks. */
export function endOfData(end: LineEnd): string {
  return end === 'crlf' ? '.\r\n' : '\r\n.\r\n'
}

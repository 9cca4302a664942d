/** RFC 1939 §7: TOP sends the header, the empty line, and so many lines of the body. Where that ends, in a content that comes in chunks. */

export interface TopScan {
  /** Lines of the body that are still to be sent; the empty line that ends the header is not one of them. */
  left: number
  inHeader: boolean
  /** Of the line that is not at its end: its bytes so far, without a CR in the first place. */
  length: number
}

const LF = 0x0a
const CR = 0x0d

export function newTopScan(lines: number): TopScan {
  return { left: lines, inHeader: true, length: 0 }
}

/** How many bytes of this chunk belong to the top; -1: all of it, and there may be more. Not to be called again after another answer. */
export function scanTop(scan: TopScan, chunk: Buffer): number {
  let start = 0
  for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, start)) {
    const isEmpty = lengthUpTo(scan, chunk, start, lf) === 0
    scan.length = 0
    start = lf + 1
    if (scan.inHeader) scan.inHeader = !isEmpty
    else scan.left--
    if (!scan.inHeader && scan.left <= 0) return start
  }
  scan.length = lengthUpTo(scan, chunk, start, chunk.length)
  return -1
}

/** Bytes of the line up to here; a CR counts only where it isn't the first, so that CRLF is an empty line. */
function lengthUpTo(scan: TopScan, chunk: Buffer, start: number, end: number): number {
  const bytes = end - start
  if (scan.length > 0 || bytes === 0) return scan.length + bytes
  return bytes - (chunk[start] === CR ? 1 : 0)
}

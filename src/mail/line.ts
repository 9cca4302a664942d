import { isUtf8 } from 'node:buffer'

/** One command line of SMTP or POP3, without its CRLF; or what is wrong with it. */
export type Line =
  | { readonly is: 'line'; readonly text: string }
  | { readonly is: 'malformed'; readonly why: 'overlong' | 'bare-newline' | 'not-utf8' }

/** What is left of the input between two chunks: at most one unfinished line. One for each connection, changed by `cutLine`. */
export interface LineCutter {
  /** The start of a line that has no end yet. */
  held: Buffer
  /** The rest of the line is thrown away: too much of it came. */
  swallowing: boolean
}

export interface Cut {
  readonly line: Line
  /** The offset in the chunk after the line. */
  readonly end: number
}

/** RFC 5321 §4.5.3.1.4 asks for 512 octets, extensions add to it; a line of AUTH may have most (RFC 4954 §4, RFC 5034 §4). With CRLF. */
export const MAX_LINE = 12288

const [LF, CR] = [0x0a, 0x0d]
const NOTHING = Buffer.alloc(0)
const NON_ASCII = /[^\0-\x7f]/
const NEWLINE = /[\r\n]/
const OVERLONG: Line = { is: 'malformed', why: 'overlong' }
const BARE_NEWLINE: Line = { is: 'malformed', why: 'bare-newline' }
const NOT_UTF8: Line = { is: 'malformed', why: 'not-utf8' }

export function newLineCutter(): LineCutter {
  return { held: NOTHING, swallowing: false }
}

/**
 * The first line of `chunk` from the offset `at`. undefined: it has no end yet, and the rest of the chunk is remembered,
 * at most 12288 octets of it. A line longer than that is thrown away up to its end and reported there, once.
 */
export function cutLine(cutter: LineCutter, chunk: Buffer, at: number): Cut | undefined {
  const end = lineEnd(cutter, chunk, at)
  if (end === -1) {
    hold(cutter, chunk, at)
    return undefined
  }
  const line =
    cutter.held.length === 0 && !cutter.swallowing ? readLine(chunk, at, end) : resumed(cutter, chunk, at, end)
  return { line, end }
}

/** RFC 5321 §2.3.8: only CRLF ends a line. The offset after it, or -1. */
function lineEnd(cutter: LineCutter, chunk: Buffer, at: number): number {
  for (let lf = chunk.indexOf(LF, at); lf !== -1; lf = chunk.indexOf(LF, lf + 1)) {
    const before = lf > at ? chunk[lf - 1] : cutter.held.at(-1)
    if (before === CR) return lf + 1
  }
  return -1
}

function hold(cutter: LineCutter, chunk: Buffer, at: number): void {
  const length = cutter.held.length + chunk.length - at
  if (cutter.swallowing || length > MAX_LINE) {
    cutter.swallowing = true
    // The last octet may be the CR of the CRLF that is waited for. Copied, so that the chunk may go.
    if (at < chunk.length) cutter.held = Buffer.from(chunk.subarray(-1))
  } else {
    cutter.held = Buffer.concat([cutter.held, chunk.subarray(at)], length)
  }
}

function resumed(cutter: LineCutter, chunk: Buffer, at: number, end: number): Line {
  const whole = cutter.swallowing ? undefined : Buffer.concat([cutter.held, chunk.subarray(at, end)])
  cutter.held = NOTHING
  cutter.swallowing = false
  return whole === undefined ? OVERLONG : readLine(whole, 0, whole.length)
}

function readLine(chunk: Buffer, start: number, end: number): Line {
  if (end - start > MAX_LINE) return OVERLONG
  const latin1 = chunk.toString('latin1', start, end - 2)
  if (NEWLINE.test(latin1)) return BARE_NEWLINE
  if (!NON_ASCII.test(latin1)) return { is: 'line', text: latin1 }
  const bytes = chunk.subarray(start, end - 2)
  return isUtf8(bytes) ? { is: 'line', text: bytes.toString() } : NOT_UTF8
}

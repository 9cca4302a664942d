import type { Reply } from '../mail/reply.ts'

/**
 * What a peer answers, cut into replies. Bytes in, values out: `parseReplies` is called with each chunk and the state of the call before.
 * Every buffer is bounded, because the peer may be anybody.
 */
export interface ReplyState {
  /** Bytes of a line that has no end yet. */
  readonly rest: Buffer
  /** Lines so far of a reply whose last line is still to come. */
  readonly begun: Begun | undefined
}

interface Begun {
  readonly code: number
  readonly status: string | undefined
  readonly lines: readonly string[]
  /** Characters of `lines`. */
  readonly size: number
}

export interface ParsedReplies {
  readonly next: ReplyState
  readonly replies: readonly Reply[]
  /** What was wrong with the input; the connection is of no use after it. The replies before it are good. */
  readonly malformed: string | undefined
}

/** RFC 5321 §4.5.3.1.5: 512 octets with the code and the CRLF; some peers write more. */
export const REPLY_LINE_MAX = 4096
/** Lines of one reply. */
export const REPLY_LINES_MAX = 256
/** Characters of all lines of one reply. */
export const REPLY_SIZE_MAX = 64 * 1024

const LF = 0x0a
const CR = 0x0d
const NOTHING = Buffer.alloc(0)
const NONE: readonly Reply[] = []

export const NO_REPLIES: ReplyState = { rest: NOTHING, begun: undefined }

/** Takes one chunk. After `malformed` the state is of no use. A bare LF ends a line as CRLF does. */
export function parseReplies(state: ReplyState, chunk: Buffer): ParsedReplies {
  const input = state.rest.length === 0 ? chunk : Buffer.concat([state.rest, chunk])
  let begun = state.begun
  let replies: Reply[] | undefined
  let from = 0
  for (;;) {
    const lf = input.indexOf(LF, from)
    if (lf < 0) break
    const parsed = parseLine(input, from, lf, begun)
    if (typeof parsed === 'string') return { next: NO_REPLIES, replies: replies ?? NONE, malformed: parsed }
    from = lf + 1
    if ('lines' in parsed) {
      begun = parsed
      continue
    }
    begun = undefined
    if (replies === undefined) replies = [parsed]
    else replies.push(parsed)
  }
  if (input.length - from > REPLY_LINE_MAX)
    return { next: NO_REPLIES, replies: replies ?? NONE, malformed: 'line too long' }
  // The rest is copied: it is short, and the chunk it is cut from is large.
  const rest = from === input.length ? NOTHING : Buffer.from(input.subarray(from))
  const next = rest.length === 0 && begun === undefined ? NO_REPLIES : { rest, begun }
  return { next, replies: replies ?? NONE, malformed: undefined }
}

/** RFC 5321 §4.2.1: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF. A string is a complaint. */
function parseLine(input: Buffer, from: number, lf: number, begun: Begun | undefined): Reply | Begun | string {
  const end = lf > from && input[lf - 1] === CR ? lf - 1 : lf
  if (end - from > REPLY_LINE_MAX) return 'line too long'
  const code = codeAt(input, from, end)
  if (code === undefined) return `not a reply: ${shown(input, from, Math.min(end, from + 80))}`
  if (begun !== undefined && begun.code !== code) return `a reply of ${begun.code} goes on with ${code}`
  const last = end === from + 3 || input[from + 3] === 0x20
  if (!last && input[from + 3] !== 0x2d) return `not a reply: ${shown(input, from, Math.min(end, from + 80))}`
  const text = shown(input, Math.min(from + 4, end), end)
  const found = statusLength(code, text)
  const status = begun?.status ?? (found === 0 ? undefined : text.slice(0, found))
  const line = found === 0 ? text : text.slice(found + 1)
  if (begun === undefined)
    return last ? { code, status, text: [line] } : { code, status, lines: [line], size: line.length }
  return goOn(begun, status, line, last)
}

function goOn(begun: Begun, status: string | undefined, line: string, last: boolean): Reply | Begun | string {
  const size = begun.size + line.length
  if (begun.lines.length >= REPLY_LINES_MAX || size > REPLY_SIZE_MAX) return 'reply too long'
  const lines = [...begun.lines, line]
  return last ? { code: begun.code, status, text: lines } : { code: begun.code, status, lines, size }
}

/** RFC 5321 §4.2.1: Reply-code = %x32-35 %x30-35 %x30-39; a second digit above 5 is let through. */
function codeAt(input: Buffer, from: number, end: number): number | undefined {
  if (end - from < 3) return undefined
  const [a, b, c] = [digit(input[from]), digit(input[from + 1]), digit(input[from + 2])]
  if (a < 2 || a > 5 || b < 0 || c < 0) return undefined
  return a * 100 + b * 10 + c
}

function digit(byte: number | undefined): number {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : -1
}

const STATUS = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/

/** RFC 2034 §4: the status code stands first, and its class is the first digit of the reply code. The length of it, or 0. */
function statusLength(code: number, text: string): number {
  if (text.charCodeAt(1) !== 0x2e || text.charCodeAt(0) - 0x30 !== Math.floor(code / 100)) return 0
  return STATUS.exec(text)?.[0].length ?? 0
}

// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** RFC 6531 §3.7.4.2: reply text may be UTF-8. Control characters would forge lines in logs and reports, and command terminals. */
function shown(input: Buffer, from: number, end: number): string {
  return input.toString('utf8', from, end).replace(CONTROLS, '?')
}

/**
 * mbox files (RFC 4155): messages one after the other, each after a line `From SENDER DATE` that follows an empty line. A line of a message that
 * begins with `From ` has a `>` before it, and one with `>From ` another (mboxrd). That is taken back when a file is read; what a program wrote
 * that quotes only the first kind (mboxo) is told apart by nothing, and comes out the same but for its own `>From `.
 */
import { formatDate, parseDate } from '../mail/date.ts'

export type MboxEvent =
  /** `at`: ms since 1970 of the separator line; undefined: it has no date that is one. */
  { readonly is: 'message'; readonly at: number | undefined } | { readonly is: 'part'; readonly bytes: Buffer }

const [LF, CR, QUOTE] = [0x0a, 0x0d, 0x3e]
const FROM = Buffer.from('From ')
/** Bytes of a line that is looked at as a whole. */
const MAX_LINE = 16 * 1024

/** Whether a file that begins with these bytes is one. */
export function isMbox(beginning: Uint8Array): boolean {
  return FROM.equals(beginning.subarray(0, FROM.length))
}

export interface MboxReader {
  /** Parts are views of the input, or of what was held of it. */
  feed(bytes: Buffer): MboxEvent[]
  end(): MboxEvent[]
}

/** Holds at most a line and an empty one before it. */
export function mboxReader(): MboxReader {
  let held: Buffer = NOTHING
  /** `held` begins in the middle of a line that was too long to be held. */
  let inLine = false
  let started = false
  let events: MboxEvent[] = []

  function emit(bytes: Buffer): void {
    if (bytes.length > 0 && started) events.push({ is: 'part', bytes })
  }

  /** Looks at all lines that are whole. Answers where the first begins that is not. */
  function scan(bytes: Buffer, last: boolean): number {
    let from = 0
    for (let at = bytes.indexOf(FROM); at >= 0; at = bytes.indexOf(FROM, at + FROM.length)) {
      let start = at
      while (start > from && bytes[start - 1] === QUOTE) start--
      if (!(start === 0 ? !inLine : bytes[start - 1] === LF)) continue
      const end = lineEnd(bytes, start, last)
      if (end === undefined) break
      if (start < at) {
        emit(bytes.subarray(from, start))
        from = start + 1
        continue
      }
      const empty = emptyLineBefore(bytes, start)
      const line = bytes.toString('latin1', start, Math.min(end, start + MAX_LINE))
      if (started ? empty < 0 || !isSeparator(line) : start > 0) continue
      emit(bytes.subarray(from, Math.max(from, empty)))
      started = true
      events.push({ is: 'message', at: separatorDate(line) })
      from = Math.min(end + 1, bytes.length)
    }
    return from
  }

  /** Where the empty line begins that ends before `start`; -1: there is none. */
  function emptyLineBefore(bytes: Buffer, start: number): number {
    if (start === 0 || bytes[start - 1] !== LF) return -1
    const begin = bytes[start - 2] === CR ? start - 2 : start - 1
    return begin === 0 ? (inLine ? -1 : 0) : bytes[begin - 1] === LF ? begin : -1
  }

  function take(bytes: Buffer, last: boolean): void {
    const from = scan(bytes, last)
    const line = Math.max(from, bytes.lastIndexOf(LF) + 1)
    const whole = bytes.length - line > MAX_LINE || last
    let keep = whole ? bytes.length : line
    // What may belong to a separator that is still to come, or is the end of the file.
    if (!whole || (last && bytes.at(-1) === LF)) {
      const empty = emptyLineBefore(bytes, line)
      if (empty >= from) keep = empty
    }
    emit(bytes.subarray(from, keep))
    if (keep > 0) inLine = bytes[keep - 1] !== LF
    held = last ? NOTHING : bytes.subarray(keep)
  }

  return {
    feed(bytes) {
      events = []
      take(held.length > 0 ? Buffer.concat([held, bytes]) : bytes, false)
      return events
    },
    end() {
      events = []
      take(held, true)
      return events
    },
  }
}

const NOTHING = Buffer.alloc(0)

/** undefined: the end is still to come. */
function lineEnd(bytes: Buffer, start: number, last: boolean): number | undefined {
  const end = bytes.indexOf(LF, start)
  if (end >= 0) return end
  return last || bytes.length - start > MAX_LINE ? bytes.length : undefined
}

/** Of a line that follows an empty one: with a time and a year it is no sentence. */
function isSeparator(line: string): boolean {
  return /^From .*\b\d{1,2}:\d\d\b.*\b\d{4}\b/.test(line)
}

const DATE =
  /([A-Z][a-z]{2}) +(\d{1,2}) (\d{1,2}:\d\d(?::\d\d)?)(?: ([A-Z]{2,5}|[+-]\d{4}))?(?: [A-Z]{2,5})? (\d{4})(?: ([+-]\d{4}))?\s*$/

/** As asctime(3) writes it, in UTC where it names no zone (RFC 4155, appendix A). ms since 1970. */
function separatorDate(line: string): number | undefined {
  const [, month, day, time, before, year, behind] = DATE.exec(line) ?? []
  return month === undefined ? undefined : parseDate(`${day} ${month} ${year} ${time} ${behind ?? before ?? '+0000'}`)
}

/** `sender`: an address, or '' for none. */
export function separatorLine(sender: string, at: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = formatDate(at).replace(',', '').split(' ')
  return `From ${/^\S+$/.test(sender) ? sender : 'MAILER-DAEMON'} ${day} ${month} ${date.padStart(2)} ${time} ${year}\n`
}

/** Quotes the lines of one message, fed piece by piece; the beginning of a line is held as long as it may be one of them. */
export function mboxQuoting(): { feed(bytes: Buffer): Buffer; end(): Buffer } {
  let held: Buffer = NOTHING
  let inLine = false

  function quote(bytes: Buffer): Buffer {
    const parts: Buffer[] = []
    let from = 0
    for (let at = bytes.indexOf(FROM); at >= 0; at = bytes.indexOf(FROM, at + FROM.length)) {
      let start = at
      while (start > from && bytes[start - 1] === QUOTE) start--
      if (!(start === 0 ? !inLine : bytes[start - 1] === LF)) continue
      parts.push(bytes.subarray(from, start), QUOTATION)
      from = start
    }
    if (bytes.length > 0) inLine = bytes.at(-1) !== LF
    return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(from)])
  }

  return {
    feed(bytes) {
      const all = held.length > 0 ? Buffer.concat([held, bytes]) : bytes
      const line = all.lastIndexOf(LF) + 1
      const open = (line > 0 || !inLine) && mayBeQuoted(all.subarray(line)) ? line : all.length
      held = all.subarray(open)
      return quote(all.subarray(0, open))
    },
    end: () => quote(held),
  }
}

const QUOTATION = Buffer.from('>')

/** A beginning of `>*From `, and not too many of them. */
function mayBeQuoted(line: Buffer): boolean {
  return line.length < MAX_LINE && /^>*(?:F(?:r(?:om?)?)?)?$/.test(line.toString('latin1'))
}

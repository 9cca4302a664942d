/**
 * Line ends of messages. Ours end lines with CRLF (RFC 5322 §2.3); files of Unix mail programs with LF. What a file is, its first line says: with
 * CRLF there it is a message as it is sent, and every byte of it stays, a bare LF of a binary part too.
 */

const [LF, CR] = [0x0a, 0x0d]

export interface LineEnds {
  /** The next bytes, with CRLF; a view of what was given where nothing changes. */
  feed(bytes: Uint8Array): Uint8Array
}

/** Of one message: LF becomes CRLF where its first line ends with LF. */
export function withCrlf(): LineEnds {
  let form: 'unknown' | 'lf' | 'crlf' = 'unknown'
  let last = 0
  return {
    feed(bytes) {
      if (form === 'unknown') form = formOf(bytes, last)
      const before = last
      last = bytes.at(-1) ?? last
      return form === 'lf' ? insertCr(bytes, before) : bytes
    },
  }
}

function formOf(bytes: Uint8Array, last: number): 'unknown' | 'lf' | 'crlf' {
  const at = bytes.indexOf(LF)
  if (at < 0) return 'unknown'
  return (at === 0 ? last : bytes[at - 1]) === CR ? 'crlf' : 'lf'
}

function insertCr(bytes: Uint8Array, last: number): Uint8Array {
  const parts: Uint8Array[] = []
  let from = 0
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if ((at === 0 ? last : bytes[at - 1]) === CR) continue
    parts.push(bytes.subarray(from, at), CRLF)
    from = at + 1
  }
  if (parts.length === 0) return bytes
  parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}

const CRLF = Buffer.from('\r\n')

/** Whether `withCrlf` gives these bytes back when they were written with LF: each LF has one CR before it. Fed piece by piece. */
export function lfCheck(): { feed(bytes: Uint8Array): void; readonly exact: boolean } {
  let [last, beforeLast] = [0, 0]
  let exact = true
  let lines = 0
  return {
    feed(bytes) {
      const at = (i: number): number => (i >= 0 ? bytes[i] : i === -1 ? last : beforeLast) ?? 0
      for (let i = bytes.indexOf(LF); i >= 0 && exact; i = bytes.indexOf(LF, i + 1)) {
        exact = at(i - 1) === CR && at(i - 2) !== CR
        lines++
      }
      const { length } = bytes
      if (length > 0) [last, beforeLast] = [at(length - 1), at(length - 2)]
    },
    get exact() {
      return exact && lines > 0
    },
  }
}

/** CRLF becomes LF, in a message that `lfCheck` found exact. Fed piece by piece; a CR at the end of one is held until the next, or the end. */
export function withLf(): LineEnds & { end(): Uint8Array } {
  let held = false
  return {
    feed(bytes) {
      const parts: Uint8Array[] = []
      let from = 0
      if (held && bytes.length > 0) {
        if (bytes[0] !== LF) parts.push(CR_ALONE)
        held = false
      }
      for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
        if (at + 1 < bytes.length && bytes[at + 1] !== LF) continue
        parts.push(bytes.subarray(from, at))
        from = at + 1
        held = from === bytes.length
      }
      if (parts.length === 0) return bytes
      parts.push(bytes.subarray(from))
      return Buffer.concat(parts)
    },
    end: () => (held ? CR_ALONE : NOTHING),
  }
}

const CR_ALONE = Buffer.from('\r')
const NOTHING = new Uint8Array(0)

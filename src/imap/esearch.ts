/**
 * The answers of SEARCH, SORT and THREAD, in parts as they are written: texts and pieces of bytes. A hundred thousand numbers never
 * become a hundred thousand strings.
 */
import type { ThreadTree } from '../mail/thread-tree.ts'

type Parts = Generator<string | Uint8Array, void, undefined>

/** Bytes of one piece. */
const PIECE = 32 * 1024
/** Bytes of what is written at a time: two numbers of 32 bits, a colon, a comma. */
const STEP = 24
const [SPACE, OPEN, CLOSE, COMMA, COLON, ZERO] = [0x20, 0x28, 0x29, 0x2c, 0x3a, 0x30]

/** RFC 3501 §7.2.5, RFC 5256 §4: `* SEARCH 1 2 3`. RFC 7162 §3.1.5: with `(MODSEQ 4)` where something was found. */
export function* numbersResponse(name: 'SEARCH' | 'SORT', numbers: Uint32Array, modseq: number | undefined): Parts {
  yield `* ${name}`
  yield* list(numbers)
  yield modseq === undefined || numbers.length === 0 ? '\r\n' : ` (MODSEQ ${modseq})\r\n`
}

/** RFC 4731 §3.1: what of it is undefined is not said. */
export interface Esearch {
  readonly tag: string
  readonly uid: boolean
  readonly min: number | undefined
  readonly max: number | undefined
  readonly all: Uint32Array | undefined
  readonly count: number | undefined
  /** RFC 9394 §3.1: the range as it was asked for, and its numbers. */
  readonly partial: { readonly range: readonly [number, number]; readonly numbers: Uint32Array } | undefined
  readonly modseq: number | undefined
}

/** RFC 9051 §7.3.4 */
export function* esearchResponse({ tag, uid, min, max, all, count, partial, modseq }: Esearch): Parts {
  // The tag has neither quotes nor backslashes: RFC 9051 §9 tag.
  yield `* ESEARCH (TAG "${tag}")${uid ? ' UID' : ''}${item('MIN', min)}${item('MAX', max)}`
  // RFC 4731 §3.1: where nothing was found there is no ALL.
  if (all && all.length > 0) {
    yield ' ALL '
    yield* sequenceSet(all)
  }
  yield item('COUNT', count)
  if (partial) {
    yield ` PARTIAL (${partial.range.join(':')} `
    if (partial.numbers.length === 0) yield 'NIL' // RFC 9394 §3.1
    yield* sequenceSet(partial.numbers)
    yield ')'
  }
  yield `${item('MODSEQ', modseq)}\r\n`
}

function item(name: string, value: number | undefined): string {
  return value === undefined ? '' : ` ${name} ${value}`
}

/** Each with a space before it. */
function* list(numbers: Uint32Array): Parts {
  let piece = pieceFor(numbers.length * 11)
  let at = 0
  for (let i = 0; i < numbers.length; i++) {
    if (at + STEP > piece.length) {
      yield piece.subarray(0, at)
      piece = pieceFor((numbers.length - i) * 11)
      at = 0
    }
    piece[at++] = SPACE
    at = digits(piece, at, numbers[i] ?? 0)
  }
  if (at > 0) yield piece.subarray(0, at)
}

/** RFC 9051 §9 sequence-set, in the order of the numbers. RFC 5267 §3.2: so only what ascends becomes a range. */
function* sequenceSet(numbers: Uint32Array): Parts {
  let piece = pieceFor(numbers.length * 11)
  let at = 0
  for (let i = 0; i < numbers.length; i++) {
    const first = numbers[i] ?? 0
    let last = first
    while (numbers[i + 1] === last + 1) {
      i++
      last++
    }
    if (at + STEP > piece.length) {
      yield piece.subarray(0, at)
      piece = pieceFor((numbers.length - i) * 11)
      at = 0
    }
    at = digits(piece, at, first)
    if (last > first) {
      piece[at++] = COLON
      at = digits(piece, at, last)
    }
    if (i + 1 < numbers.length) piece[at++] = COMMA
  }
  if (at > 0) yield piece.subarray(0, at)
}

/** RFC 5256 §4: `* THREAD (2)(3 6 (4 23)(44 7 96))` */
export function* threadResponse({ numbers, firstChild, nextSibling }: ThreadTree): Parts {
  yield '* THREAD'
  let piece = pieceFor(numbers.length * 14)
  let at = 0
  /** What comes when the open lists are closed: the next sibling of what began each. */
  const open: number[] = []
  let node = firstChild[0] ?? 0
  if (node !== 0) piece[at++] = SPACE
  let begins = true
  while (node !== 0 || open.length > 0) {
    if (at + STEP > piece.length) {
      yield piece.subarray(0, at)
      piece = pieceFor(PIECE)
      at = 0
    }
    if (node === 0) {
      piece[at++] = CLOSE
      node = open.pop() ?? 0
      continue
    }
    if (begins) {
      piece[at++] = OPEN
      open.push(nextSibling[node] ?? 0)
    }
    const number = numbers[node] ?? 0
    if (number !== 0) at = digits(piece, at, number)
    node = firstChild[node] ?? 0
    // An only child goes on in the same list, several have one each. Nothing stands before those of a dummy.
    begins = node === 0 || nextSibling[node] !== 0
    if (node !== 0 && number !== 0) piece[at++] = SPACE
  }
  if (at > 0) yield piece.subarray(0, at)
  yield '\r\n'
}

/** Who gets a piece keeps it, so each is made anew. */
function pieceFor(bytes: number): Buffer {
  return Buffer.allocUnsafe(Math.min(PIECE, bytes + STEP))
}

/** Decimal. Answers where it ends. */
function digits(into: Buffer, at: number, number: number): number {
  let end = at + 1
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) end++
  let rest = number
  for (let i = end - 1; i >= at; i--) {
    into[i] = ZERO + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return end
}

/** What a server of IMAP says, as a client reads it: RFC 9051 §9 response. Octets are characters of Latin-1. */

/** A string, an atom or a number as text; NIL; a list. */
export type Value = string | null | readonly Value[]

export interface Response {
  /** `*`, `+`, or the tag. */
  readonly tag: string
  /** Without the tag and the line end, with the literals in it. */
  readonly text: string
  /** Of a status response: its word only. */
  readonly values: readonly Value[]
  /** RFC 9051 §7.1: what stands in brackets; undefined: nothing. */
  readonly code: readonly Value[] | undefined
}

export interface ResponseReader {
  feed(text: string): void
  /** undefined: there is no whole one yet. */
  next(): Response | undefined
}

const STATUS = /^(?:OK|NO|BAD|BYE|PREAUTH)\b/

export function responseReader(): ResponseReader {
  let input = ''
  return {
    feed(text) {
      input += text
    },
    next() {
      const end = endOfResponse(input)
      if (end < 0) return undefined
      const line = input.slice(0, end)
      input = input.slice(end + 2)
      return parseResponse(line)
    },
  }
}

/** Where the CRLF stands that is not in front of a literal, nor in one; -1: it is still to come. */
function endOfResponse(input: string): number {
  for (let at = 0; ; ) {
    const end = input.indexOf('\r\n', at)
    if (end < 0) return -1
    const literal = /\{(\d+)\}$/.exec(input.slice(Math.max(at, end - 20), end))
    if (!literal) return end
    at = end + 2 + Number(literal[1])
    if (at > input.length) return -1
  }
}

function parseResponse(line: string): Response {
  const space = line.indexOf(' ')
  const [tag, text] = space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
  const status = STATUS.exec(text)
  if (tag === '+') return { tag, text, values: [], code: undefined }
  if (!status) return { tag, text, values: parseValues(text), code: undefined }
  const bracketed = /^\S+ \[([^\]]*)\]/.exec(text)
  return { tag, text, values: [status[0]], code: bracketed ? parseValues(bracketed[1] ?? '') : undefined }
}

const ATOM = /[^\s()[\]"{]*(?:\[[^\]]*\][^\s()]*)?/y

/** Throws where the text is not what the grammar of responses allows. */
function parseValues(text: string): readonly Value[] {
  let at = 0

  function list(): Value[] {
    const values: Value[] = []
    for (;;) {
      while (text[at] === ' ') at++
      if (at >= text.length || text[at] === ')') return values
      values.push(value())
    }
  }

  function value(): Value {
    if (text[at] === '(') {
      at++
      const values = list()
      if (text[at++] !== ')') throw new Error(`a parenthesis is not closed: ${text}`)
      return values
    }
    if (text[at] === '"') return quoted()
    const literal = /~?\{(\d+)\}\r\n/y
    literal.lastIndex = at
    const found = literal.exec(text)
    if (found) {
      const start = at + found[0].length
      at = start + Number(found[1])
      return text.slice(start, at)
    }
    ATOM.lastIndex = at
    const atom = ATOM.exec(text)?.[0] ?? ''
    if (atom === '') throw new Error(`what is at ${at} of ${text}?`)
    at += atom.length
    return atom === 'NIL' ? null : atom
  }

  function quoted(): string {
    let string = ''
    for (at++; text[at] !== '"'; at++) {
      if (at >= text.length) throw new Error(`a quoted string has no end: ${text}`)
      if (text[at] === '\\') at++
      string += text[at] ?? ''
    }
    at++
    return string
  }

  const values = list()
  if (at < text.length) throw new Error(`a parenthesis too many: ${text}`)
  return values
}

/** `1:3,5`, in the order in which it is written. */
export function numbersOf(set: string): number[] {
  return set.split(',').flatMap(range => {
    const [first = 0, last = first] = range.split(':').map(Number)
    if (!(first > 0 && last > 0 && Math.abs(last - first) < 1e6)) throw new Error(`not a set: ${set}`)
    const [low, high] = [Math.min(first, last), Math.max(first, last)]
    return Array.from({ length: high - low + 1 }, (_, i) => low + i)
  })
}

/** RFC 9051 §9: 1:3,5 of numbers in any order. */
export function setOf(numbers: readonly number[]): string {
  const parts: string[] = []
  for (let i = 0; i < numbers.length; i++) {
    const first = numbers[i] ?? 0
    while (numbers[i + 1] === (numbers[i] ?? 0) + 1) i++
    parts.push(numbers[i] === first ? String(first) : `${first}:${numbers[i]}`)
  }
  return parts.join(',')
}

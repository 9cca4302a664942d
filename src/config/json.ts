/** Where a JSON text breaks off, and what was expected there: `JSON.parse` does not always say. Grammar: RFC 8259. */

export interface JsonTrouble {
  readonly offset: number
  /** What to write there. */
  readonly text: string
}

/** Nesting of a configuration is 5 at most. */
const MAX_DEPTH = 64

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** undefined: it is JSON. */
export function jsonTrouble(text: string): JsonTrouble | undefined {
  const end = value(text, skip(text, 0), 0)
  if (typeof end !== 'number') return end
  const rest = skip(text, end)
  return rest === text.length ? undefined : { offset: rest, text: 'nothing may follow the end of the object' }
}

/** The offset after the value. */
function value(text: string, at: number, depth: number): number | JsonTrouble {
  const first = text[at]
  if (depth > MAX_DEPTH) return trouble(text, at, 'fewer brackets within brackets')
  if (first === '{') return entries(text, at, depth, '}', member)
  if (first === '[') return entries(text, at, depth, ']', value)
  return (
    match(first === '"' ? STRING : SCALAR, text, at) ??
    trouble(text, at, 'a value: text in double quotes, a number, true, false, { or [')
  )
}

function entries(
  text: string,
  open: number,
  depth: number,
  close: '}' | ']',
  entry: typeof value,
): number | JsonTrouble {
  let at = skip(text, open + 1)
  if (text[at] === close) return at + 1
  for (;;) {
    const end = entry(text, at, depth + 1)
    if (typeof end !== 'number') return end
    at = skip(text, end)
    if (text[at] === close) return at + 1
    if (text[at] !== ',') return trouble(text, at, `a comma or ${close}`)
    at = skip(text, at + 1)
  }
}

function member(text: string, at: number, depth: number): number | JsonTrouble {
  const end = match(STRING, text, at)
  if (end === undefined) return trouble(text, at, 'a key in double quotes (and no comma after the last one)')
  const colon = skip(text, end)
  return text[colon] === ':' ? value(text, skip(text, colon + 1), depth) : trouble(text, colon, "a colon ':'")
}

function trouble(text: string, offset: number, expected: string): JsonTrouble {
  const found = offset >= text.length ? 'the end of the file' : JSON.stringify(text.slice(offset, offset + 1))
  const comment = text.startsWith('//', offset) || text.startsWith('/*', offset)
  return { offset, text: comment ? 'JSON has no comments; leave it out' : `found ${found}, expected ${expected}` }
}

function skip(text: string, at: number): number {
  return match(SPACE, text, at) ?? at
}

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}

/**
 * Finds the place of a key in the text of a configuration file. JSON is a part of what an object literal of TypeScript may be, so one
 * scanner serves both. It knows strings, comments, templates and brackets, not the language: what a configuration computes it does not
 * find, and then the caller names the file only.
 */
export type KeyPath = readonly (string | number)[]

/** Both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The place of the key, or of the deepest key above it that stands in the text; undefined: none of them does. */
export function locate(text: string, path: KeyPath): Place | undefined {
  const places = keyPlaces(text)
  for (let depth = path.length; depth > 0; depth--) {
    const offset = places.get(JSON.stringify(path.slice(0, depth))) ?? onlyPlace(text, path[depth - 1])
    if (offset !== undefined) return placeAt(text, offset)
  }
  return undefined
}

/** Line and column of an offset. */
export function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: offset - lineStart + 1 }
}

/** `a.b[2].c` */
export function formatPath(path: KeyPath): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('')
}

/** A key that stands exactly once in the file is the one, wherever the configuration is put together. */
function onlyPlace(text: string, key: string | number | undefined): number | undefined {
  if (typeof key !== 'string' || !/^\w+$/.test(key)) return undefined
  const code = text.replace(TOKEN, token => (isComment(token) ? token.replaceAll(/[^\n]/g, ' ') : token))
  const found = [...code.matchAll(new RegExp(`(?<![\\w.$])["']?${key}["']?\\s*:`, 'g'))]
  return found.length === 1 ? found[0]?.index : undefined
}

const TOKEN = /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'|`(?:[^`\\]|\\[^])*`|[\w$]+|[^\s]/g

function isComment(token: string): boolean {
  return token.startsWith('//') || token.startsWith('/*')
}

interface Level {
  readonly path: KeyPath
  readonly kind: '{' | '[' | '('
  /** The next entry: a number in a list, a key in an object once its colon was read. */
  key: string | number | undefined
  /** Offset of a word that may turn out to be a key. */
  word: { readonly text: string; readonly at: number } | undefined
}

/** Offsets of all keys and list entries of the configuration object, by their path as JSON. */
function keyPlaces(text: string): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  const start = configurationStart(text)
  const levels: Level[] = []
  for (const match of text.slice(start).matchAll(TOKEN)) {
    const token = match[0]
    if (isComment(token)) continue
    const level = levels.at(-1)
    const at = start + match.index
    if (token === '}' || token === ']' || token === ')') {
      if (level?.kind === '{') note(level, ',', at, places)
      levels.pop()
      if (levels.length === 0) break
      continue
    }
    if (level !== undefined) note(level, token, at, places)
    if (token === '{' || token === '[' || token === '(') levels.push(opened(level, token))
  }
  return places
}

/** After `defineServer` or `export default`, the first brace; in JSON the first brace of all. */
function configurationStart(text: string): number {
  const mark = /defineServer\s*\(|export\s+default\b/.exec(
    text.replace(/import[^\n]*/g, line => ' '.repeat(line.length)),
  )
  const brace = text.indexOf('{', mark?.index ?? 0)
  return brace < 0 ? text.length : brace
}

function opened(parent: Level | undefined, kind: '{' | '[' | '('): Level {
  // What stands in round brackets, or in a value that is not itself the object, is code: nothing in it is a key of ours.
  const path =
    parent === undefined ? [] : parent.key === undefined || parent.kind === '(' ? ['\0'] : [...parent.path, parent.key]
  return { path, kind, key: kind === '[' ? 0 : undefined, word: undefined }
}

function note(level: Level, token: string, at: number, places: Map<string, number>): void {
  const add = (key: string | number, offset: number): void => {
    const name = JSON.stringify([...level.path, key])
    if (!places.has(name)) places.set(name, offset)
  }
  if (level.kind === '[' && typeof level.key === 'number') {
    if (token === ',') level.key++
    else add(level.key, at)
  } else if (level.kind === '{') {
    if (token === ',') {
      if (level.word !== undefined && level.key === undefined) add(level.word.text, level.word.at)
      level.key = undefined
      level.word = undefined
    } else if (token === ':' && level.key === undefined && level.word !== undefined) {
      level.key = level.word.text
      add(level.word.text, level.word.at)
    } else if (level.key === undefined) {
      level.word = { text: token.replace(/^["'](.*)["']$/s, '$1'), at }
    }
  }
}

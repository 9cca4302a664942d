/**
 * Reads a configuration file: import (or parse) it, check it, and say of everything that is wrong where it stands and what to write.
 * Nothing here throws for a bad file; a reload that fails therefore leaves the running settings as they are.
 */
import { spawnSync } from 'node:child_process'
import { findPackageJSON } from 'node:module'
import { basename, dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { explain, show } from './explain.ts'
import { importDefault } from './functions.ts'
import { jsonTrouble } from './json.ts'
import { formatPath, locate, type Place, placeAt } from './locate.ts'
import { type Machine, readSmall, thisMachine } from './machine.ts'
import { settingsSchema } from './schema.ts'
import type { Settings } from './settings.ts'

export interface ConfigError {
  /** As the caller named it. */
  readonly file: string
  /** undefined: what is wrong stands in no single line that could be found. */
  readonly place: Place | undefined
  /** `limits.messageSize`, `routes[0].relay.host`; '' for the file as a whole. */
  readonly key: string
  readonly text: string
}

export type Loaded = { readonly ok: Settings } | { readonly errors: readonly ConfigError[] }

/** `staffetta.config.ts:12:5  limits.messageSize: "fifty" is not a size; write a number of bytes or text like '50 MB'` */
export function formatConfigError({ file, place, key, text }: ConfigError): string {
  const where = place === undefined ? file : `${file}:${place.line}:${place.column}`
  return `${where}  ${key === '' ? text : `${key}: ${text}`}`
}

const KINDS = ['.ts', '.mts', '.mjs', '.json']

/** ms that the code of a configuration may take. */
const IMPORT_TIMEOUT = 30_000

type Value = { readonly value: unknown } | { readonly place: Place | undefined; readonly text: string }

/** Each call reads the file anew; the modules that a code file imports are cached by Node.js and stay as they were first read. */
export async function loadConfig(
  file: string,
  machine: Machine = thisMachine(dirname(resolve(file))),
): Promise<Loaded> {
  const absolute = resolve(file)
  const kind = extname(absolute)
  const content = readSmall(absolute)
  if ('wrong' in content) return failed(file, undefined, `the file ${content.wrong}`)
  if (!KINDS.includes(kind))
    return failed(file, undefined, 'is no configuration; its name must end in .ts, .mts, .mjs or .json')
  const source = content.ok.replace(/^\ufeff/, '')
  const read = kind === '.json' ? parseJson(source) : await importFile(absolute)
  if (!('value' in read)) return failed(file, read.place, read.text)
  const result = settingsSchema(machine, {
    functionsFrom: kind === '.json' ? undefined : absolute,
    dev: false,
  }).safeParse(read.value)
  if (result.success) return { ok: result.data }
  const complaints = explain(result.error.issues)
  const errors = complaints
    .slice(0, MOST_ERRORS)
    .map(({ path, text }): ConfigError => ({ file, place: locate(source, path), key: formatPath(path), text }))
    .sort((a, b) => rank(a.place) - rank(b.place))
  const more = complaints.length - errors.length
  return {
    errors:
      more === 0 ? errors : [...errors, { file, place: undefined, key: '', text: `there are ${more} more errors` }],
  }
}

const MOST_ERRORS = 100

/** In the order of the file; what has no place comes first. A line is shorter than the largest file that is read. */
function rank(place: Place | undefined): number {
  return place === undefined ? 0 : place.line * 2 ** 21 + place.column
}

function failed(file: string, place: Place | undefined, text: string): Loaded {
  return { errors: [{ file, place, key: '', text }] }
}

function parseJson(text: string): Value {
  const trouble = jsonTrouble(text)
  if (trouble !== undefined) return { place: placeAt(text, trouble.offset), text: trouble.text }
  const value: unknown = JSON.parse(text)
  return { value }
}

async function importFile(file: string): Promise<Value> {
  try {
    const value = await withTimeout(importDefault(file))
    if (value === undefined)
      return { place: undefined, text: 'has no default export; write export default defineServer({ ... })' }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value }
    return { place: undefined, text: `exports ${show(value)} by default; write export default defineServer({ ... })` }
  } catch (error) {
    return importTrouble(file, error)
  }
}

async function withTimeout<T>(imported: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('its code did not come to an end')), IMPORT_TIMEOUT)
  try {
    return await Promise.race([imported, promise])
  } finally {
    clearTimeout(timer)
  }
}

function importTrouble(file: string, error: unknown): Value {
  if (!(error instanceof Error)) return { place: undefined, text: `its code threw ${show(error)}` }
  if (error instanceof SyntaxError && isCommonJs(file)) return { place: undefined, text: notAModule(file) }
  const stack = error.stack ?? ''
  const text = error instanceof SyntaxError ? `is not valid: ${error.message}` : `its code failed: ${error.message}`
  const place = placeInStack(stack, file) ?? (error instanceof SyntaxError ? placeBySyntaxCheck(file) : undefined)
  return { place, text: text.replaceAll(/\s+/g, ' ') }
}

/** A `.ts` file is no module in a package of type commonjs, which is what `npm init` writes. */
function isCommonJs(file: string): boolean {
  if (extname(file) !== '.ts') return false
  const about = findPackageJSON(pathToFileURL(file))
  const read = about === undefined ? undefined : readSmall(about)
  return read !== undefined && 'ok' in read && /"type"\s*:\s*"commonjs"/.test(read.ok)
}

function notAModule(file: string): string {
  const name = basename(file, extname(file))
  return `is not read as a module, since the package.json of its folder has "type": "commonjs"; name the file ${name}.mts, or write "type": "module" there`
}

/** Node.js names places as `path:3`, with a line that has ^ under the place, or as `path?query:3:10`. */
function placeInStack(stack: string, file: string): Place | undefined {
  const names = [file, pathToFileURL(file).href].map(name => name.replaceAll(/[^\w/]/g, '\\$&')).join('|')
  const match = new RegExp(`(?:${names})(?:\\?[\\w=&-]*)?:(\\d+)(?::(\\d+))?`).exec(stack)
  if (!match) return undefined
  const caret = /^( *)\^/m.exec(stack.slice(match.index))
  return { line: Number(match[1]), column: match[2] === undefined ? (caret?.[1]?.length ?? 0) + 1 : Number(match[2]) }
}

/** V8 tells the place of a syntax error in JavaScript only to the one who runs the file, so Node.js is asked to check it. */
function placeBySyntaxCheck(file: string): Place | undefined {
  const { stderr } = spawnSync(process.execPath, ['--check', file], {
    encoding: 'utf8',
    timeout: 10_000,
    maxBuffer: 1024 * 1024,
  })
  return placeInStack(stderr, file)
}

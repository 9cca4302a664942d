/** The functions of a configuration that is code. Protocol threads import them with this, without the schema. */
import { pathToFileURL } from 'node:url'
import type { Deliver } from './define.ts'

let imports = 0

/** The default export; undefined when there is none. Rejects with what the file throws. The file is read anew each time. */
export async function importDefault(file: string): Promise<unknown> {
  const url = pathToFileURL(file)
  imports++
  url.searchParams.set('read', `${Date.now()}-${imports}`)
  const module: unknown = await import(url.href)
  return property(module, 'default')
}

/** By the place of their rule among the routes: what `{ via: 'function', index }` refers to. `file` is `functionsFrom` of the settings. */
export async function importFunctions(file: string): Promise<ReadonlyMap<number, Deliver>> {
  const routes = property(await importDefault(file), 'routes')
  const functions = (Array.isArray(routes) ? routes : []).map((rule: unknown) => property(rule, 'deliver'))
  return new Map(
    functions.flatMap((deliver, index): [number, Deliver][] => (isDeliver(deliver) ? [[index, deliver]] : [])),
  )
}

/** That it keeps its type shows only when it is called. */
export function isDeliver(input: unknown): input is Deliver {
  return typeof input === 'function'
}

function property(owner: unknown, key: string): unknown {
  return typeof owner === 'object' && owner !== null
    ? new Map<string, unknown>(Object.entries(owner)).get(key)
    : undefined
}

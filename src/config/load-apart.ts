import { Worker } from 'node:worker_threads'
import type { Settings } from './settings.ts'

export type LoadedApart = { readonly ok: Settings } | { readonly errors: readonly string[] }

/**
 * `loadConfig` in a thread that ends afterwards, errors as lines for people: schema and checks take 20 MB, which a server that runs for
 * months needs for a moment only.
 */
export function loadConfigApart(file: string): Promise<LoadedApart> {
  const thread = new URL(`./load-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
  const worker = new Worker(thread, { workerData: file, execArgv: ['--disable-warning=ExperimentalWarning'] })
  return new Promise(resolve => {
    worker.once('message', resolve)
    worker.once('error', error => {
      resolve({ errors: [`${file}  cannot be read: ${error instanceof Error ? error.message : String(error)}`] })
    })
    worker.once('exit', () => resolve({ errors: [`${file}  ended the program that read it`] }))
  })
}

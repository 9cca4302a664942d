/** The thread of `load-apart.ts`: reads one configuration and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { formatConfigError, loadConfig } from './load.ts'

const loaded = await loadConfig(String(workerData))
parentPort?.postMessage('ok' in loaded ? loaded : { errors: loaded.errors.map(formatConfigError) })

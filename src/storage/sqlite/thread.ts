import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { collectAfterStart, collectWhenIdle } from '../../garbage.ts'
import { openLog } from '../../log/lines.ts'
import type { Notice, OperationName, Operations, StorageResult } from '../operations.ts'
import type { FromStorage, StorageThreadData, ToStorage, ToStorageThread } from '../wire.ts'
import { openEngine } from './engine.ts'
import { sweep } from './reader.ts'

/**
 * The storage thread: the only writer. Requests come in batches over one port per asking thread; all that are here when a commit begins
 * are in it, and their answers go back in one batch per port after it is synced.
 */
const { data, timeline, log: target, level } = workerData as StorageThreadData
const main = parentPort
if (!main) throw new Error('this file is started as a worker thread')

const log = openLog(target, level)
const ports = new Map<MessagePort, { answers: [number, StorageResult<Operations[OperationName]['out']>][] }>()
/** To all, before the answers of the same commit. */
let notices: Notice[] = []
let scheduled = false
const engine = openEngine({
  data,
  timeline,
  now: Date.now,
  notify: notice => {
    notices.push(notice)
    schedule()
  },
  log: lines => log.write(lines),
})
engine.layOut()
const removed = sweep(data)
engine.sweepMailboxes()

function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(run)
}

function receiveAll(): void {
  for (const port of ports.keys()) {
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) take(port, next.message)
  }
}

function run(): void {
  scheduled = true // answers of this run go out at its end
  receiveAll()
  const more = engine.commit()
  const said = notices
  notices = []
  for (const [port, { answers }] of ports) {
    if (answers.length === 0 && said.length === 0) continue
    port.postMessage({ answers: answers.splice(0), notices: said } satisfies FromStorage)
  }
  scheduled = false
  if (more) schedule()
}

function take(port: MessagePort, asked: ToStorage): void {
  for (const [number, operation] of asked) {
    engine.ask(operation, result => {
      const waiting = ports.get(port)
      if (!waiting) return
      waiting.answers.push([number, result])
      schedule()
    })
  }
}

/** ms: how late an entry may be noticed that has become due. One cheap look, whatever waits. */
const LOOK = 250

function look(): void {
  if ((engine.nextWake() ?? Number.POSITIVE_INFINITY) > Date.now()) return
  engine.wake()
  schedule()
}

function prune(): void {
  setTimeout(prune, engine.prune() ? 100 : 60_000).unref()
}

main.on('message', (message: ToStorageThread) => {
  switch (message.is) {
    case 'connect': {
      const { port } = message
      ports.set(port, { answers: [] })
      port.on('message', (asked: ToStorage) => {
        take(port, asked)
        schedule()
      })
      port.on('close', () => ports.delete(port))
      return
    }
    case 'reopen-log':
      log.reopen()
      return
    case 'stop':
      run() // what the protocol threads said last
      engine.close()
      log.end()
      main.postMessage({ is: 'stopped' })
      process.exit(0)
  }
})
prune()
setInterval(look, LOOK)
collectAfterStart()
collectWhenIdle()
main.postMessage({ is: 'ready', newestId: engine.newestId(), recovered: engine.recovered, removed })

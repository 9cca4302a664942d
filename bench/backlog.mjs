/** A destination that is down, 200,000 messages for it, and then it is back: memory, pace of acceptance, and nothing lost or doubled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startBench } from './server.mjs'

export async function backlog(rig, messages) {
  const server = await startBench(rig)
  const tenth = messages / 10
  const rates = []
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, server.memory())), 200)
  console.error(`queueing ${messages} messages for a destination that is down`)
  for (let part = 0; part < 10; part++) {
    const { ok, failed, msg_s, errors } = await server.load(
      '--conc',
      20,
      '--messages',
      tenth,
      '--time',
      120,
      '--seq-start',
      part * tenth,
    )
    if (ok !== tenth || failed > 0) console.error(`of ${tenth} were taken ${ok}, refused ${failed}`, errors)
    rates.push(Math.round(msg_s))
  }
  const full = Math.round(server.memory() / 1e6)
  const sink = await server.startSink()
  const since = Date.now()
  await server.ask({ is: 'change', change: { filter: {}, to: { is: 'retry' } } })
  let seen = { unique: 0 }
  for (let last = -1, quiet = 0; seen.unique < messages && quiet < 100; quiet = seen.unique === last ? quiet + 1 : 0) {
    last = seen.unique
    await sleep(200)
    seen = await sink.count()
  }
  const seconds = (Date.now() - since) / 1000
  await sleep(1000)
  const end = await sink.stop()
  clearInterval(watch)
  await server.stop()
  const last = rates.at(-1) / rates[0]
  console.log(`
| backlog of ${messages.toLocaleString('en')} for a dead destination | |
| --- | --- |
| accepted/s in each tenth | ${rates.join(', ')} |
| the last tenth of the first | ${Math.round(last * 100)} % |
| memory when all were queued / at most, MB | ${full} / ${Math.round(most / 1e6)} |
| drained, messages/s | ${Math.round(end.unique / seconds)} |
| lost / twice | ${messages - end.unique} / ${end.dups} |`)
}

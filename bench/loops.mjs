/** How long the event loops of the protocol threads are held up at full load (`monitorEventLoopDelay`). */
import { startBench } from './server.mjs'

/** @type {[string, (string | number)[]][]} */
const LOADS = [
  ['relay, 20 connections, 5 KB', ['--conc', 20, '--messages', 1e6, '--time', 5]],
  ['relay, 100 connections, 5 KB', ['--conc', 100, '--messages', 1e6, '--time', 5]],
  ['relay, 20 connections, 1 MB', ['--conc', 20, '--size', 1048576, '--messages', 1000, '--time', 5, '--per-conn', 20]],
]

export async function loops(rig) {
  const server = await startBench(rig)
  const sink = await server.startSink()
  await server.load('--conc', 10, '--messages', 1e6, '--time', 2)
  console.log('\n| event loops of the protocol threads | messages/s | p99 ms | longest ms |\n| --- | --- | --- | --- |')
  for (const [name, args] of LOADS) {
    await server.ask({ is: 'state', reset: true })
    const { msg_s } = await server.load(...args)
    const states = await server.ask({ is: 'state', reset: true })
    const each = key => states.map(state => state[key]).join(', ')
    console.log(`| ${name} | ${Math.round(msg_s)} | ${each('loopDelayP99')} | ${each('loopDelayMax')} |`)
  }
  await sink.stop()
  await server.stop()
}

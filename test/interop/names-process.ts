/**
 * nsd and unbound (names.ts) as a process of their own, for a network namespace: `node names-process.ts JSON`, JSON being the options of
 * `start`. Prints 'ready' when they answer; ends them on SIGTERM.
 */
import { type NamesOptions, start } from './names.ts'

const options: NamesOptions = JSON.parse(process.argv[2] ?? '')
const names = await start(options)
process.once('SIGTERM', () => {
  void names.stop().then(() => process.exit(0))
})
setInterval(() => {}, 60_000)
console.log('ready')

/** `staffetta state`: how a running server is. */
import type { Command } from 'commander'
import type { ThreadState } from '../threads.ts'
import { askServer, CommandError, EXIT } from './access.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { table, terminal } from './table.ts'
import { printJson } from './words.ts'

export function addState(root: Command): void {
  withData(root.command('state'))
    .description('the threads of the running server: sessions, and how long their event loops were held up')
    .option('--reset', 'measure anew from now on')
    .option('--json', 'one JSON document')
    .action(async (options: DataOptions & { reset?: true; json?: true }) => {
      const data = await dataOf(options)
      const threads = await askServer(data, { is: 'state', reset: options.reset === true })
      if (!threads) throw new CommandError(`no server is running on the data folder ${data}`, EXIT.unavailable)
      if (options.json) return printJson(threads)
      const ms = (value: number): string => `${value.toFixed(1)} ms`
      const right = 'right' as const
      const columns = [
        { head: 'THREAD', of: (row: ThreadState) => String(row.slot), align: right },
        { head: 'SESSIONS', of: (row: ThreadState) => row.sessions.toLocaleString('en'), align: right },
        { head: 'DELAY p99', of: (row: ThreadState) => ms(row.loopDelayP99), align: right },
        { head: 'LONGEST', of: (row: ThreadState) => ms(row.loopDelayMax), align: right },
      ]
      console.log(table(columns, threads, terminal()))
    })
}

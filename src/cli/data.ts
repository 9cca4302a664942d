import type { Command } from 'commander'
import { usage } from './access.ts'
import { settingsOf } from './serve.ts'

/** Whose data a command works on; every command that has any gets these options. */
export interface DataOptions {
  readonly data?: string
  readonly config?: string
}

export function withData(command: Command): Command {
  return command
    .option('--data <folder>', 'the data folder (default: ./data)')
    .option('-c, --config <file>', "the server's configuration, which names the data folder")
}

/** Throws CommandError for a configuration that is wrong. */
export async function dataOf({ data, config }: DataOptions): Promise<string> {
  if (config === undefined) return data ?? './data'
  if (data !== undefined) throw usage('--data and -c both name the data; give one of them')
  return (await settingsOf(config)).data
}

import type { Command } from 'commander'
import { settingsOf } from './serve.ts'
import { count, printJson } from './words.ts'

export function addCheckConfig(root: Command): void {
  root
    .command('check-config')
    .description('say what is wrong with a configuration, and where')
    .argument('<file>')
    .option('--json', 'print the settings with every default')
    .action(async (file: string, options: { json?: true }) => {
      const settings = await settingsOf(file)
      if (options.json) return printJson(settings)
      const { listeners, routes, data } = settings
      console.log(
        `${file} is right: ${count(listeners.length, 'listener')}, ${count(routes.length, 'route')}, data in ${data}`,
      )
    })
}

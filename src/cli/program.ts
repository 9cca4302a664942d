/** The command line: one table of commands, each in its file. */
import { Command } from 'commander'
import { DEV_DOMAIN, devSettings } from '../config/dev.ts'
import { CommandError } from './access.ts'
import { welcome } from './dev.ts'
import { type Machinery, run, settingsOf } from './serve.ts'

export function program(machinery: Machinery): Command {
  const root = new Command('staffetta')
    .description('A complete mail server: SMTP, queue, delivery and mailboxes in one program.')
    .showHelpAfterError()
    .exitOverride()

  root
    .command('serve')
    .description('run the server')
    .requiredOption('-c, --config <file>', 'configuration (.ts, .mjs or .json)')
    .action(async (options: { config: string }) => {
      const settings = await settingsOf(options.config)
      const { file } = settings.log
      const { ended, supervisor } = await run(
        settings,
        options.config,
        file === undefined ? { to: 'stdout' } : { to: 'file', path: file },
        machinery,
      )
      const where = supervisor.addresses.map(({ address, port }) => `${address}:${port}`).join(', ')
      console.error(`staffetta: serving ${settings.hostname} on ${where}`)
      process.exitCode = await ended
      process.exit()
    })

  root
    .command('dev')
    .description(`a server to develop with: on loopback, for ${DEV_DOMAIN}, nothing leaves the machine`)
    .option('--data <folder>', 'data folder', './data')
    .action(async (options: { data: string }) => {
      const settings = devSettings({ data: options.data })
      const running = await run(settings, undefined, { to: 'people' }, machinery)
      await welcome(running)
      process.exitCode = await running.ended
      process.exit()
    })

  root
    .command('check-config')
    .description('say what is wrong with a configuration, and where')
    .argument('<file>')
    .option('--json', 'print the settings with every default')
    .action(async (file: string, options: { json?: boolean }) => {
      const settings = await settingsOf(file)
      console.log(
        options.json
          ? JSON.stringify(settings, undefined, 2)
          : `${file} is right: ${settings.listeners.length} listeners, ${settings.routes.length} routes, data in ${settings.data}`,
      )
    })

  return root
}

/** Runs the arguments; exits with a code that means something, and never with a stack for what the person did. */
export async function runProgram(machinery: Machinery, argv: readonly string[]): Promise<void> {
  try {
    await program(machinery).parseAsync([...argv])
  } catch (error) {
    if (error instanceof CommandError) {
      console.error(error.message)
      process.exitCode = error.code
    } else if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number') {
      process.exitCode = error.exitCode === 0 ? 0 : 64 // commander has said what; EX_USAGE
    } else throw error
  }
}

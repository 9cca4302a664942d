/** `serve` and `dev`: the program as a server, from its start to its end. */
import type { Command } from 'commander'
import { loadConfigApart } from '../config/load-apart.ts'
import type { Listener, ListenerKind, Settings } from '../config/settings.ts'
import type { LogTarget } from '../log/lines.ts'
import type { Started, Supervisor, SupervisorOptions } from '../supervisor.ts'
import { CommandError, EXIT } from './access.ts'

/** What main hands in: the command line doesn't know the threads. */
export interface Machinery {
  readonly startServer: (options: SupervisorOptions) => Promise<Started>
  readonly listenForControl: typeof import('../control.ts').listenForControl
}

export interface Running {
  readonly settings: Settings
  readonly supervisor: Supervisor
  /** Resolves with the exit code when everything has ended. */
  readonly ended: Promise<number>
}

export function addServe(root: Command, machinery: Machinery): void {
  root
    .command('serve')
    .description('run the server; SIGTERM ends it, SIGHUP has it read its configuration again')
    .requiredOption('-c, --config <file>', 'configuration (.ts, .mjs or .json)')
    .action(async (options: { config: string }) => {
      const settings = await settingsOf(options.config)
      const { file } = settings.log
      const log: LogTarget = file === undefined ? { to: 'stdout' } : { to: 'file', path: file }
      const { ended, supervisor } = await run(settings, options.config, log, machinery)
      console.error(`staffetta: serving ${settings.hostname}: ${doors(settings.listeners, supervisor.addresses)}`)
      process.exit(await ended)
    })
}

/** `smtp on 0.0.0.0:25 and [::]:25, imap on …`; `addresses` in the order of the listeners. */
export function doors(listeners: readonly Listener[], addresses: Supervisor['addresses']): string {
  const places = new Map<ListenerKind, string[]>()
  for (const [i, { kind }] of listeners.entries()) {
    const { address = '', port = 0 } = addresses[i] ?? {}
    const host = address.includes(':') ? `[${address}]` : address
    places.set(kind, [...(places.get(kind) ?? []), port === 0 ? address : `${host}:${port}`])
  }
  return [...places].map(([kind, all]) => `${kind} on ${all.join(' and ')}`).join(', ')
}

/** ms after which a second Ctrl-C is one: npm passes on the first, too, which the terminal has sent to both. */
const TWICE = 500

/** Throws CommandError with all that is wrong. */
export async function settingsOf(file: string): Promise<Settings> {
  const loaded = await loadConfigApart(file)
  if ('ok' in loaded) return loaded.ok
  throw new CommandError(loaded.errors.join('\n'), EXIT.config)
}

/** `file`: read again on SIGHUP; undefined in dev mode. Throws CommandError when it can't start. */
export async function run(
  settings: Settings,
  file: string | undefined,
  log: LogTarget,
  machinery: Machinery,
): Promise<Running> {
  let end = (_code: number): void => undefined
  const ended = new Promise<number>(resolve => {
    end = resolve
  })
  const complain = (text: string): void => {
    console.error(`staffetta: ${text}`)
  }
  const started = await machinery.startServer({
    settings,
    log,
    complain,
    dead: reason => {
      complain(reason)
      end(70) // EX_SOFTWARE: to be started again
    },
  })
  if ('failed' in started) throw new CommandError(started.failed, EXIT.unavailable)
  const supervisor = started.ok

  const reload = async (): Promise<string | undefined> => {
    if (file === undefined) return 'there is no configuration file to read again'
    const loaded = await loadConfigApart(file)
    if ('errors' in loaded) return loaded.errors.join('\n')
    return supervisor.reload(loaded.ok)
  }
  const control = await machinery.listenForControl({ data: settings.data, supervisor, reload })

  let since: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (since !== undefined) {
      if (signal === 'SIGINT' && performance.now() - since > TWICE) end(130) // nothing acknowledged is lost by it
      return
    }
    since = performance.now()
    control.close()
    void supervisor.stop().then(() => end(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => {
    supervisor.reopenLog()
    void reload().then(reason =>
      complain(
        reason === undefined ? 'the configuration was read again' : `the configuration stays as it was:\n${reason}`,
      ),
    )
  })
  return { settings, supervisor, ended }
}

/** The command line: one table of commands, each in its file. */
import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { CommandError, EXIT } from './access.ts'
import type { Machinery } from './serve.ts'

type Add = (root: Command, machinery: Machinery) => void

/** As the help lists them. Each is loaded when it is asked for: a server has no use for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  dev: async () => (await import('./dev.ts')).addDev,
  serve: async () => (await import('./serve.ts')).addServe,
  'check-config': async () => (await import('./check-config.ts')).addCheckConfig,
  check: async () => (await import('./check.ts')).addCheck,
  domain: async () => (await import('./domain.ts')).addDomain,
  account: async () => (await import('./account.ts')).addAccount,
  alias: async () => (await import('./alias.ts')).addAlias,
  mail: async () => (await import('./mail.ts')).addMail,
  import: async () => (await import('./import.ts')).addImport,
  export: async () => (await import('./export.ts')).addExport,
  send: async () => (await import('./send.ts')).addSend,
  queue: async () => (await import('./queue.ts')).addQueue,
  trace: async () => (await import('./trace.ts')).addTrace,
  state: async () => (await import('./state.ts')).addState,
}

/** With the command that the arguments begin with, or with all of them. */
async function program(machinery: Machinery, argv: readonly string[]): Promise<Command> {
  const root = new Command('staffetta')
    .description('A complete mail server: SMTP, queue and delivery, mailboxes by IMAP and POP3, in one program.')
    .version(version(), '-V, --version', 'print the version')
    .showHelpAfterError('(--help says what is possible)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 nothing was done or found, 64 wrong usage, 69 not
available, 75 try again later, 78 wrong configuration. The commands work on a
data folder whether its server runs or not.`,
    )
  const name = argv[2] ?? ''
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  for (const load of named ? [named] : Object.values(COMMANDS)) (await load())(root, machinery)
  return root
}

function version(): string {
  const about: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return about.version
}

/** Runs the arguments; exits with a code that means something, and never with a stack for what the person did. */
export async function runProgram(machinery: Machinery, argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit() // whoever read it has enough
    throw error
  })
  try {
    await (await program(machinery, argv)).parseAsync([...argv])
  } catch (error) {
    if (error instanceof CommandError) {
      console.error(error.message)
      process.exitCode = error.code
    } else if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number') {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage // commander has said what
    } else throw error
  }
}

/** The command line: one table of commands, each in its file. */
import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { CommandError, EXIT } from './access.ts'
import { addAccount } from './account.ts'
import { addAlias } from './alias.ts'
import { addCheckConfig } from './check-config.ts'
import { addDev } from './dev.ts'
import { addDomain } from './domain.ts'
import { addMail } from './mail.ts'
import { addQueue } from './queue.ts'
import { addSend } from './send.ts'
import { addServe, type Machinery } from './serve.ts'
import { addState } from './state.ts'
import { addTrace } from './trace.ts'

/** As the help lists them. */
const COMMANDS: readonly ((root: Command, machinery: Machinery) => void)[] = [
  addDev,
  addServe,
  addCheckConfig,
  addDomain,
  addAccount,
  addAlias,
  addMail,
  addSend,
  addQueue,
  addTrace,
  addState,
]

export function program(machinery: Machinery): Command {
  const root = new Command('staffetta')
    .description('A complete mail server: SMTP, queue, delivery and mailboxes in one program.')
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
  for (const add of COMMANDS) add(root, machinery)
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
    await program(machinery).parseAsync([...argv])
  } catch (error) {
    if (error instanceof CommandError) {
      console.error(error.message)
      process.exitCode = error.code
    } else if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number') {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage // commander has said what
    } else throw error
  }
}

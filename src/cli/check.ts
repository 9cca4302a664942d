/** `staffetta check`: whether the data agree with themselves. */
import type { Command } from 'commander'
import { type Checked, checkStorage } from '../storage/sqlite/check.ts'
import { lockData } from '../storage/sqlite/lock.ts'
import { EXIT, mayRead, usage } from './access.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { printable } from './table.ts'
import { count, printJson } from './words.ts'

interface CheckOptions extends DataOptions {
  readonly storage?: true
  readonly json?: true
}

export function addCheck(root: Command): void {
  withData(root.command('check'))
    .description('look whether everything that is stored is whole; beside a running server too')
    .option('--storage', 'database, mailboxes, messages and files')
    .option('--json', 'one JSON document')
    .action(async (options: CheckOptions) => {
      if (!options.storage) throw usage('say what to check: staffetta check --storage')
      const data = await dataOf(options)
      mayRead(data)
      const checked = checkStorage({ data, alone: isAlone(data), now: Date.now(), progress: progress() })
      if (options.json) printJson(checked)
      else print(checked)
      if (checked.problems.length > 0) process.exitCode = EXIT.nothing
    })
}

/** No server runs. One that starts meanwhile receives only what is newer than the check. */
function isAlone(data: string): boolean {
  const lock = lockData(data)
  if ('release' in lock) lock.release()
  return 'release' in lock
}

function print({ problems, mailboxes, mails, messages }: Checked): void {
  for (const problem of problems) console.log(printable(problem))
  const all = `${count(mailboxes, 'mailbox', 'mailboxes')}, ${count(mails, 'mail')}, ${count(messages, 'message')}`
  console.log(problems.length === 0 ? `${all}: nothing is wrong` : `${all}: ${count(problems.length, 'problem')}`)
}

/** ms between two lines. */
const INTERVAL = 1000

/** On a terminal, and only for what takes long. */
function progress(): (what: string, done: number) => void {
  if (!process.stderr.isTTY) return () => undefined
  let said = Date.now()
  return (what, done) => {
    if (Date.now() - said < INTERVAL) return
    said = Date.now()
    console.error(`${what}: ${Math.floor(done * 100)} %`)
  }
}

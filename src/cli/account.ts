/** `staffetta account`: who has a mailbox and a log-in. */
import type { Command } from 'commander'
import { changeDirectory, CommandError, read } from './access.ts'
import { ownAddress } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { noDomain } from './domain.ts'
import { newPasswordHash } from './password.ts'
import { table, terminal } from './table.ts'
import { count, dayText, isoTime, printJson } from './words.ts'

const MOST = 100_000

interface PasswordOptions extends DataOptions {
  readonly passwordStdin?: true
  readonly allowShort?: true
}

export function addAccount(root: Command): void {
  const account = root.command('account').description('mailboxes and their log-ins')

  withData(account.command('add'))
    .description('make a mailbox; its address is the log-in')
    .argument('<address>', 'anna@example.org')
    .option('--password-stdin', 'the password is the first line of the standard input; otherwise it is asked for')
    .option('--allow-short', 'take a password below 8 characters, such as one brought along from another server')
    .action(async (text: string, options: PasswordOptions) => {
      const address = ownAddress(text)
      const data = await dataOf(options)
      const hash = await newPasswordHash(address, options.passwordStdin === true, options.allowShort === true)
      const result = await changeDirectory(data, { is: 'add-account', address, hash })
      if (result === 'no-domain') throw noDomain(address)
      if (result === 'exists')
        throw new CommandError(
          `${address} is there already; change its password with: staffetta account password ${address}`,
        )
      console.log(`${address} has a mailbox now`)
    })

  withData(account.command('password'))
    .description('set a new password')
    .argument('<address>')
    .option('--password-stdin', 'the password is the first line of the standard input; otherwise it is asked for')
    .option('--allow-short', 'take a password below 8 characters, such as one brought along from another server')
    .action(async (text: string, options: PasswordOptions) => {
      const address = ownAddress(text)
      const data = await dataOf(options)
      await read(data, reader => {
        if (!reader.account(address)) throw noAccount(address)
      })
      const hash = await newPasswordHash(address, options.passwordStdin === true, options.allowShort === true)
      if ((await changeDirectory(data, { is: 'set-password', address, hash })) !== 'done') throw noAccount(address)
      console.log(`${address} has a new password`)
    })

  withData(account.command('list'))
    .description('show the accounts')
    .option('--json', 'one JSON document')
    .action(async (options: DataOptions & { json?: true }) => {
      const accounts = await read(await dataOf(options), reader => reader.accounts(MOST))
      if (options.json)
        return printJson(accounts.map(({ address, messages, at }) => ({ address, messages, since: isoTime(at) })))
      if (accounts.length === 0)
        return console.log('There is no account yet; add one with: staffetta account add ADDRESS')
      type Row = (typeof accounts)[number]
      const columns = [
        { head: 'ADDRESS', of: (row: Row) => row.address, atLeast: 30 },
        { head: 'MESSAGES', of: (row: Row) => row.messages.toLocaleString('en'), align: 'right' as const },
        { head: 'SINCE', of: (row: Row) => dayText(row.at) },
      ]
      console.log(table(columns, accounts, terminal()))
    })

  withData(account.command('remove'))
    .description('remove an account')
    .argument('<address>')
    .option('--with-mail', 'also when there are messages in its mailbox: they are deleted')
    .action(async (text: string, options: DataOptions & { withMail?: true }) => {
      const address = ownAddress(text)
      const data = await dataOf(options)
      const messages = await read(data, reader => {
        const found = reader.account(address)
        if (!found) throw noAccount(address)
        return reader.mails(found.id, 0, 1_000_000).length
      })
      if (messages > 0 && !options.withMail) {
        const its = count(messages, 'message')
        throw new CommandError(`${address} has ${its} in its mailbox; add --with-mail to delete that too`)
      }
      if ((await changeDirectory(data, { is: 'remove-account', address })) !== 'done') throw noAccount(address)
      console.log(`${address} is removed${messages > 0 ? `, and ${count(messages, 'message')} with it` : ''}`)
    })
}

export function noAccount(address: string): CommandError {
  return new CommandError(`there is no account ${address}; see: staffetta account list`)
}

/** `staffetta account`: who has a mailbox and a log-in. */
import type { Command } from 'commander'
import type { DirectoryResult } from '../storage/operations.ts'
import { changeDirectories, changeDirectory, CommandError, read } from './access.ts'
import { ownAddress } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { noDomain } from './domain.ts'
import { newPasswordHash, newPasswordHasher } from './password.ts'
import { addAccountQuota, limitColumn, quotaJson, usageStyle } from './quota.ts'
import { table, terminal } from './table.ts'
import { count, dayText, isoTime, printJson, sizeText } from './words.ts'

const MOST = 100_000

interface PasswordOptions extends DataOptions {
  readonly passwordStdin?: true
  readonly allowShort?: true
}

export function addAccount(root: Command): void {
  const account = root.command('account').description('mailboxes and their log-ins')

  withData(account.command('add'))
    .description('make a mailbox; its address is the log-in')
    .argument('<address...>', 'anna@example.org; several get the same password')
    .option('--password-stdin', 'the password is the first line of the standard input; otherwise it is asked for')
    .option('--allow-short', 'take a password below 8 characters, such as one brought along from another server')
    .action(async (texts: string[], options: PasswordOptions) => {
      const addresses = texts.map(ownAddress)
      const data = await dataOf(options)
      const whom = addresses.length === 1 ? addresses.join('') : count(addresses.length, 'account')
      const hashOf = await newPasswordHasher(whom, options.passwordStdin === true, options.allowShort === true)
      const hashes = await Promise.all(addresses.map(hashOf)) // each its own salt
      const changes = addresses.map((address, i) => ({ is: 'add-account' as const, address, hash: hashes[i] ?? '' }))
      const results = await changeDirectories(data, changes)
      const failures = addresses.flatMap((address, i) => notAdded(address, results[i] ?? 'no-domain'))
      for (const [i, address] of addresses.entries())
        if (results[i] === 'done') console.log(`${address} has a mailbox now`)
      const [failure] = failures
      if (failure) throw failures.length === 1 ? failure : new CommandError(failures.map(of => of.message).join('\n'))
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
        return printJson(
          accounts.map(({ address, quota, at }) => ({ address, ...quotaJson(quota), since: isoTime(at) })),
        )
      if (accounts.length === 0)
        return console.log('There is no account yet; add one with: staffetta account add ADDRESS')
      type Row = (typeof accounts)[number]
      const columns = [
        { head: 'ADDRESS', of: (row: Row) => row.address, atLeast: 30 },
        { head: 'MESSAGES', of: (row: Row) => row.quota.usedMails.toLocaleString('en'), align: 'right' as const },
        {
          head: 'USED',
          of: (row: Row) => sizeText(row.quota.usedBytes),
          align: 'right' as const,
          style: (row: Row) => usageStyle(row.quota),
        },
        { head: 'LIMIT', of: (row: Row) => limitColumn(row.quota), align: 'right' as const },
        { head: 'SINCE', of: (row: Row) => dayText(row.at) },
      ]
      console.log(table(columns, accounts, terminal()))
    })

  addAccountQuota(account)

  withData(account.command('remove'))
    .description('remove an account')
    .argument('<address>')
    .option('--with-mail', 'also when there are messages in its mailboxes: they are deleted')
    .action(async (text: string, options: DataOptions & { withMail?: true }) => {
      const address = ownAddress(text)
      const data = await dataOf(options)
      const messages = await read(data, reader => {
        const found = reader.account(address)
        if (!found) throw noAccount(address)
        return reader.mail.quota(found.id).account.usedMails
      })
      if (messages > 0 && !options.withMail) {
        const its = count(messages, 'message')
        throw new CommandError(`${address} has ${its} in its mailboxes; add --with-mail to delete that too`)
      }
      if ((await changeDirectory(data, { is: 'remove-account', address })) !== 'done') throw noAccount(address)
      console.log(`${address} is removed${messages > 0 ? `, and ${count(messages, 'message')} with it` : ''}`)
    })
}

function notAdded(address: string, result: DirectoryResult): CommandError[] {
  if (result === 'no-domain') return [noDomain(address)]
  if (result !== 'exists') return []
  const other = `change its password with: staffetta account password ${address}`
  return [new CommandError(`${address} is there already; ${other}`)]
}

export function noAccount(address: string): CommandError {
  return new CommandError(`there is no account ${address}; see: staffetta account list`)
}

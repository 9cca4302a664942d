/** `staffetta alias`: addresses that stand for others. */
import type { Command } from 'commander'
import { formatAddress } from '../mail/address.ts'
import { changeDirectory, CommandError, read } from './access.ts'
import { addressOf, ownAddress } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { noDomain } from './domain.ts'
import { table, terminal } from './table.ts'
import { isoTime, printJson } from './words.ts'

const MOST = 100_000

export function addAlias(root: Command): void {
  const alias = root.command('alias').description('addresses that stand for others, own or foreign')

  withData(alias.command('set'))
    .alias('add')
    .description('mail for the address goes to the targets; what it meant before is replaced')
    .argument('<address>', 'office@example.org')
    .argument('<target...>', 'anna@example.org bob@elsewhere.example')
    .action(async (text: string, targets: readonly string[], options: DataOptions) => {
      const address = ownAddress(text)
      const all = [...new Set(targets.map(target => formatAddress(addressOf(target))))]
      const data = await dataOf(options)
      const change = { is: 'set-alias', address, targets: all } as const
      if ((await changeDirectory(data, change)) === 'no-domain') throw noDomain(address)
      console.log(`${address} → ${all.join(', ')}`)
      // The directory looks for accounts first, so such an alias would be there without effect.
      const hidden = await read(data, reader => reader.account(address) !== undefined)
      if (hidden) console.error(`note: ${address} is also an account, and that comes first; the alias has no effect`)
    })

  withData(alias.command('list'))
    .description('show the aliases')
    .option('--json', 'one JSON document')
    .action(async (options: DataOptions & { json?: true }) => {
      const aliases = await read(await dataOf(options), reader => reader.aliases(MOST))
      if (options.json)
        return printJson(aliases.map(({ address, targets, at }) => ({ address, targets, since: isoTime(at) })))
      if (aliases.length === 0)
        return console.log('There is no alias yet; add one with: staffetta alias set ADDRESS TARGET...')
      type Row = { address: string; target: string }
      const rows = aliases.flatMap(({ address, targets }) =>
        targets.map((target, i): Row => ({ address: i === 0 ? address : '', target })),
      )
      const columns = [
        { head: 'ALIAS', of: (row: Row) => row.address, atLeast: 25 },
        { head: 'GOES TO', of: (row: Row) => row.target, atLeast: 25 },
      ]
      console.log(table(columns, rows, terminal()))
    })

  withData(alias.command('remove'))
    .description('remove an alias')
    .argument('<address>')
    .action(async (text: string, options: DataOptions) => {
      const address = ownAddress(text)
      if ((await changeDirectory(await dataOf(options), { is: 'remove-alias', address })) !== 'done')
        throw new CommandError(`there is no alias ${address}; see: staffetta alias list`)
      console.log(`${address} is no alias any more`)
    })
}

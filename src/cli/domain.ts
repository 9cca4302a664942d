/** `staffetta domain`: whose mail is ours. */
import type { Command } from 'commander'
import { domainToUnicode } from 'node:url'
import { formatAddress } from '../mail/address.ts'
import { addressOf, domainOf, domainText } from './addresses.ts'
import { changeDirectory, CommandError, read } from './access.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { addDomainQuota, limitColumn, quotaJson, usageStyle } from './quota.ts'
import { table, terminal } from './table.ts'
import { dayText, isoTime, printJson, sizeText } from './words.ts'

const MOST = 100_000

export function addDomain(root: Command): void {
  const domain = root.command('domain').description('the domains whose mail is ours')

  withData(domain.command('add'))
    .description('take mail for a domain from now on')
    .argument('<name>', 'example.org')
    .option('--catch-all <address>', 'where mail for its unknown addresses goes, instead of being refused')
    .option('--no-catch-all', 'unknown addresses are refused again')
    .action(async (text: string, options: DataOptions & { catchAll?: string | boolean }) => {
      const name = domainOf(text)
      const { catchAll } = options
      const target = typeof catchAll === 'string' ? formatAddress(addressOf(catchAll)) : undefined
      const data = await dataOf(options)
      const known = catchAll === undefined && (await exists(data, name))
      if (known)
        throw new CommandError(`${name} is there already; change its catch-all with --catch-all or --no-catch-all`)
      await changeDirectory(data, { is: 'add-domain', name, catchAll: target })
      const rest = target === undefined ? '' : `; what has no address there goes to ${target}`
      console.log(`mail for ${domainText(name)} is taken${rest}`)
    })

  withData(domain.command('list'))
    .description('show the domains')
    .option('--json', 'one JSON document')
    .action(async (options: DataOptions & { json?: true }) => {
      const domains = await read(await dataOf(options), reader => reader.domains(MOST))
      if (options.json) {
        return printJson(
          domains.map(({ name, catchAll, at, quota, each }) => ({
            name,
            unicode: domainToUnicode(name),
            catchAll: catchAll ?? null,
            ...quotaJson(quota),
            eachMaxBytes: each.maxBytes ?? null,
            eachMaxMessages: each.maxMails ?? null,
            since: isoTime(at),
          })),
        )
      }
      if (domains.length === 0) return console.log('There is no domain yet; add one with: staffetta domain add NAME')
      const columns = [
        { head: 'DOMAIN', of: (row: Row) => domainText(row.name), atLeast: 20 },
        { head: 'CATCH-ALL', of: (row: Row) => row.catchAll ?? '-', atLeast: 20 },
        {
          head: 'USED',
          of: (row: Row) => sizeText(row.quota.usedBytes),
          align: 'right' as const,
          style: (row: Row) => usageStyle(row.quota),
        },
        { head: 'LIMIT', of: (row: Row) => limitColumn(row.quota), align: 'right' as const },
        { head: 'EACH', of: (row: Row) => limitColumn(row.each), align: 'right' as const },
        { head: 'SINCE', of: (row: Row) => dayText(row.at) },
      ]
      type Row = (typeof domains)[number]
      console.log(table(columns, domains, terminal()))
    })

  addDomainQuota(domain)

  withData(domain.command('remove'))
    .description('take no more mail for a domain; it must have neither accounts nor aliases')
    .argument('<name>')
    .action(async (text: string, options: DataOptions) => {
      const name = domainOf(text)
      const result = await changeDirectory(await dataOf(options), { is: 'remove-domain', name })
      if (result === 'in-use')
        throw new CommandError(
          `${name} still has accounts or aliases; remove them first (staffetta account list, staffetta alias list)`,
        )
      if (result === 'missing') throw new CommandError(`there is no domain ${name}; see: staffetta domain list`)
      console.log(`mail for ${domainText(name)} is not taken any more`)
    })
}

/** The data folder may not be there yet. */
async function exists(data: string, name: string): Promise<boolean> {
  try {
    return await read(data, reader => reader.domain(name) !== undefined)
  } catch (error) {
    if (error instanceof CommandError) return false
    throw error
  }
}

/** What is said when an address stands in a domain that isn't ours. */
export function noDomain(address: string): CommandError {
  const name = address.slice(address.lastIndexOf('@') + 1)
  return new CommandError(`${name} is no domain of ours yet; first: staffetta domain add ${name}`)
}

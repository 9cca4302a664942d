/** Limits of accounts and domains: `staffetta account quota`, `staffetta domain quota`, and how they are shown. */
import type { Command } from 'commander'
import { formatSize, parseSize } from '../config/units.ts'
import type { QuotaRoot } from '../storage/mail-reader.ts'
import { changeDirectory, CommandError, read, usage } from './access.ts'
import { domainOf, ownAddress } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import type { Style } from './table.ts'
import { count, printJson, sizeText } from './words.ts'

/** undefined: no limit. */
type Limit = number | undefined
type Limits = Pick<QuotaRoot, 'maxBytes' | 'maxMails'>

interface QuotaOptions extends DataOptions {
  readonly size?: Limit | 'none'
  readonly messages?: Limit | 'none'
  readonly each?: true
  readonly json?: true
}

function withLimits(command: Command): Command {
  return withData(command)
    .option('--size <size>', "what all messages may take: '5 GB', or none", sizeLimit)
    .option('--messages <number>', 'how many there may be, or none', countLimit)
    .option('--json', 'one JSON document')
}

export function addAccountQuota(account: Command): void {
  withLimits(account.command('quota'))
    .description('show what an account uses, or set what it may use; full is told to who sends mail to it')
    .argument('<address>')
    .action(async (text: string, options: QuotaOptions) => {
      const address = ownAddress(text)
      const look = async (): Promise<Quotas> => {
        const [account, own] = await read(await dataOf(options), reader => {
          const found = reader.account(address)
          return [found && reader.mail.quota(found.id).account, found && reader.accountLimits(found.id)] as const
        })
        if (!account || !own) throw new CommandError(`there is no account ${address}; see: staffetta account list`)
        return { shown: account, set: own }
      }
      await showOrSet(address, options, look)
    })
}

export function addDomainQuota(domain: Command): void {
  withLimits(domain.command('quota'))
    .description('show what the accounts of a domain use, or set what all together may use')
    .argument('<name>')
    .option('--each', 'for every one of its accounts that has no limit of its own')
    .action(async (text: string, options: QuotaOptions) => {
      const name = domainOf(text)
      const look = async (): Promise<Quotas> => {
        const found = await read(await dataOf(options), reader => reader.domains(MOST).find(each => each.name === name))
        if (!found) throw new CommandError(`there is no domain ${name}; see: staffetta domain list`)
        return options.each
          ? { shown: { ...found.quota, ...found.each }, set: found.each }
          : { shown: found.quota, set: found.quota }
      }
      await showOrSet(name, options, look)
    })
}

const MOST = 100_000

interface Quotas {
  /** What counts. */
  readonly shown: QuotaRoot
  /** What was set for just this. */
  readonly set: Limits
}

/** What is not given stays as it is. */
async function showOrSet(of: string, options: QuotaOptions, look: () => Promise<Quotas>): Promise<void> {
  const { set } = await look()
  const { size, messages, each = false } = options
  if (size !== undefined || messages !== undefined) {
    const bytes = size === undefined ? set.maxBytes : limitOf(size)
    const mails = messages === undefined ? set.maxMails : limitOf(messages)
    const result = await changeDirectory(await dataOf(options), { is: 'set-quota', of, each, bytes, mails })
    if (result !== 'done') throw new CommandError(`${of} is gone`)
  }
  const { shown } = await look()
  if (options.json) return printJson({ of, each, ...quotaJson(shown) })
  const use = `${sizeText(shown.usedBytes)}, ${count(shown.usedMails, 'message')}`
  console.log(each ? `each account of ${of}: ${limitText(shown)}` : `${of}: ${limitText(shown)}; in use: ${use}`)
}

const limitOf = (given: Limit | 'none'): Limit => (given === 'none' ? undefined : given)
const plainNumber = (number: number): string => number.toLocaleString('en')

function limitText({ maxBytes, maxMails }: Limits): string {
  const limits = [
    ...(maxBytes === undefined ? [] : [sizeText(maxBytes)]),
    ...(maxMails === undefined ? [] : [count(maxMails, 'message')]),
  ]
  return limits.length === 0 ? 'no limit' : `at most ${limits.join(' and ')}`
}

function sizeLimit(text: string): Limit | 'none' {
  if (text === 'none') return 'none'
  const size = parseSize(text)
  if (size !== undefined) return size
  throw usage(`"${text}" is not a size; write it like '5 GB' (or ${formatSize(500 * 1024 ** 2)}), or none`)
}

function countLimit(text: string): Limit | 'none' {
  if (text === 'none') return 'none'
  if (/^\d{1,12}$/.test(text)) return Number(text)
  throw usage(`"${text}" is not a number of messages; write it like 10000, or none`)
}

export function quotaJson({ usedBytes, usedMails, maxBytes, maxMails }: QuotaRoot): Record<string, number | null> {
  return { bytes: usedBytes, messages: usedMails, maxBytes: maxBytes ?? null, maxMessages: maxMails ?? null }
}

/** Of a listing: the size, or the number of messages where only that is limited. */
export function limitColumn({ maxBytes, maxMails }: Limits): string {
  const parts = [
    ...(maxBytes === undefined ? [] : [sizeText(maxBytes)]),
    ...(maxMails === undefined ? [] : [`${plainNumber(maxMails)} msgs`]),
  ]
  return parts.length === 0 ? '-' : parts.join(', ')
}

/** Nearly full is seen at once. */
export function usageStyle({ usedBytes, usedMails, maxBytes, maxMails }: QuotaRoot): Style {
  const part = Math.max(used(usedBytes, maxBytes), used(usedMails, maxMails))
  return part >= 1 ? 'red' : part >= 0.9 ? 'yellow' : 'reset'
}

function used(use: number, limit: Limit): number {
  return limit === undefined ? 0 : limit === 0 ? 1 : use / limit
}

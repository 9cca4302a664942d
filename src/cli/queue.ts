/** `staffetta queue`: what waits, and what an operator does to it. */
import type { Command } from 'commander'
import { rerouteKey } from '../delivery/route.ts'
import { type Id, parseId } from '../mail/id.ts'
import type { Change, EntryState, QueueFilter } from '../storage/operations.ts'
import { changeQueue, CommandError, read, usage } from './access.ts'
import { domainOf, wholeNumber } from './addresses.ts'
import { hostAndPort } from './host.ts'
import { writeContent } from './content.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { parseDuration } from '../config/units.ts'
import { listingJson, listingText, messageJson, messageText, summaryJson, summaryText } from './queue-text.ts'
import { terminal } from './table.ts'
import { count, printJson } from './words.ts'

interface FilterOptions extends DataOptions {
  readonly sender?: string
  readonly recipient?: string
  readonly domain?: string
  readonly olderThan?: string
  readonly reply?: string
  readonly state?: string
}

function withFilter(command: Command): Command {
  return withData(command)
    .option('--sender <text>', 'of these senders: any part of the address')
    .option('--recipient <text>', 'for these recipients: any part of the address')
    .option('--domain <name>', 'for recipients of this domain')
    .option('--older-than <time>', "accepted at least so long ago: '2 hours'")
    .option('--reply <text>', 'whose last reply holds this text')
    .option('--state <state>', 'sending, ready, waiting or held')
}

export function addQueue(root: Command): void {
  const queue = root
    .command('queue')
    .description('what waits for delivery')
    .addHelpText(
      'after',
      `
A message waits once for each of its recipients. Ids and options choose among
them; all that are given must fit.

  staffetta queue list --domain example.org
  staffetta queue retry                    everything that waits, now
  staffetta queue retry --reply 'Connection refused'
  staffetta queue reroute --to backup.example.org:25 --domain example.org
  staffetta queue bounce --older-than '2 days' --reason 'The host is gone'`,
    )

  withFilter(queue.command('list'))
    .description('show what waits, the oldest first')
    .argument('[id...]')
    .option('--limit <number>', 'recipients at most', wholeNumber, 1000)
    .option('--json', 'one JSON document')
    .action(async (ids: readonly string[], options: FilterOptions & { limit: number; json?: true }) => {
      const filters = filtersOf(ids, options)
      const now = Date.now()
      const rows = await read(await dataOf(options), reader =>
        filters.flatMap(filter => reader.entries(filter, now, options.limit)).slice(0, options.limit),
      )
      if (options.json) return printJson(listingJson(rows))
      if (rows.length === 0)
        return console.log(chosen(ids, options) ? 'Nothing in the queue fits.' : 'The queue is empty.')
      console.log(listingText(rows, now, terminal()))
      if (rows.length === options.limit) console.error(`(only the first ${options.limit}; see --limit)`)
    })

  withData(queue.command('summary'))
    .description('how much waits for which destination')
    .option('--json', 'one JSON document')
    .action(async (options: DataOptions & { json?: true }) => {
      const counts = await read(await dataOf(options), reader => reader.destinations())
      if (options.json) return printJson(summaryJson(counts))
      console.log(counts.length === 0 ? 'The queue is empty.' : summaryText(counts, Date.now(), terminal()))
    })

  withData(queue.command('show'))
    .description('show one message: its envelope and who it waits for')
    .argument('<id>')
    .option('--content', 'only the message itself, byte for byte')
    .option('--json', 'one JSON document')
    .action(async (text: string, options: DataOptions & { content?: true; json?: true }) => {
      const id = idOf(text)
      await read(await dataOf(options), async reader => {
        const message = reader.message(id)
        if (!message)
          throw new CommandError(
            `there is no message ${text} any more; staffetta trace ${text} tells what became of it`,
          )
        const content = options.content && reader.content(id)
        if (content) return writeContent(process.stdout, content)
        const entries = reader.entriesOf(id)
        if (!options.json) return console.log(messageText(message, entries, Date.now(), terminal()))
        printJson(messageJson(message, entries))
      })
    })

  for (const order of ORDERS) addOrder(queue, order)
}

interface Order {
  readonly name: Change['to']['is']
  readonly does: string
  /** How it is said when it was done: '3 recipients held'. */
  readonly done: string
  /** What can be done at all, where that isn't everything. */
  readonly none: string
}

const NONE = 'nothing in the queue fits'

const ORDERS: readonly Order[] = [
  {
    name: 'hold',
    does: 'keep messages until they are released',
    done: 'held',
    none: 'nothing fits that is not held already',
  },
  { name: 'release', does: 'deliver what was held', done: 'released', none: 'nothing that is held fits' },
  {
    name: 'retry',
    does: 'try now, whatever its time; without a choice everything',
    done: 'tried now',
    none: 'nothing that waits fits',
  },
  { name: 'reroute', does: 'send messages to another host, now', done: 'sent another way', none: NONE },
  { name: 'bounce', does: 'give messages up; their senders get a report', done: 'given up', none: NONE },
  { name: 'delete', does: 'remove messages; nobody is told', done: 'deleted', none: NONE },
]

interface OrderOptions extends FilterOptions {
  readonly all?: true
  readonly to?: string
  readonly reason?: string
}

function addOrder(queue: Command, order: Order): void {
  const command = withFilter(queue.command(order.name).description(order.does).argument('[id...]'))
  command.option('--all', 'everything in the queue')
  if (order.name === 'reroute') command.requiredOption('--to <host:port>', 'who is to take them; without a port 25')
  if (order.name === 'bounce') command.option('--reason <text>', 'what the report says', 'An operator gave it up')
  command.action(async (ids: readonly string[], options: OrderOptions) => {
    // To try everything at once is what people mean by a plain retry, and does no harm; the others are asked for.
    if (!chosen(ids, options) && !options.all && order.name !== 'retry')
      throw usage('that would be everything; name ids, choose with --domain and the like, or say --all')
    const change = changeOf(order.name, options)
    const data = await dataOf(options)
    let changed = 0
    for (const filter of filtersOf(ids, options)) {
      changed += await changeQueue(data, { filter, to: change })
      if (change.is === 'reroute') await changeQueue(data, { filter, to: { is: 'retry' } })
    }
    if (changed > 0) return console.log(`${count(changed, 'recipient')} ${order.done}`)
    throw new CommandError(`${order.none}; see: staffetta queue list`)
  })
}

function changeOf(name: Order['name'], { to, reason }: OrderOptions): Change['to'] {
  switch (name) {
    case 'reroute': {
      const { host, port } = hostAndPort(to ?? '', 25)
      return { is: name, destination: rerouteKey(host, port) }
    }
    case 'bounce':
      return { is: name, reason: reason ?? '' }
    case 'hold':
    case 'release':
    case 'retry':
    case 'delete':
      return { is: name }
  }
}

const CHOICES = ['sender', 'recipient', 'domain', 'olderThan', 'reply', 'state'] as const

function chosen(ids: readonly string[], options: FilterOptions): boolean {
  return ids.length > 0 || CHOICES.some(name => options[name] !== undefined)
}

/** One filter for each id. Throws CommandError. */
function filtersOf(ids: readonly string[], options: FilterOptions): readonly QueueFilter[] {
  const { sender, recipient, domain, olderThan, reply, state } = options
  const filter: QueueFilter = {
    ...(sender === undefined ? {} : { sender }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(domain === undefined ? {} : { domain: domainOf(domain) }),
    ...(olderThan === undefined ? {} : { olderThan: ageOf(olderThan) }),
    ...(reply === undefined ? {} : { reply }),
    ...(state === undefined ? {} : { state: stateOf(state) }),
  }
  return ids.length === 0 ? [filter] : [...new Set(ids)].map(id => ({ ...filter, id: idOf(id) }))
}

function ageOf(text: string): number {
  const age = parseDuration(text)
  if (age === undefined) throw usage(`"${text}" is not a time; write it like '30 min', '2 hours' or '3 days'`)
  return age
}

/** As people say them, and as the JSON does. */
const STATES: ReadonlyMap<string, EntryState> = new Map([
  ['sending', 'leased'],
  ['leased', 'leased'],
  ['ready', 'ready'],
  ['waiting', 'waiting'],
  ['held', 'held'],
])

function stateOf(text: string): EntryState {
  const state = STATES.get(text)
  if (state === undefined) throw usage(`"${text}" is not a state; there are sending, ready, waiting and held`)
  return state
}

function idOf(text: string): Id {
  const id = parseId(text)
  if (id === undefined)
    throw usage(`"${text}" is not an id: those are eleven letters and digits, as the queue lists them`)
  return id
}

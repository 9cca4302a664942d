/** `staffetta trace`: the way of a message, and why a session was refused. */
import type { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatId, type Id, parseId, timeOfId } from '../mail/id.ts'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import { CommandError, read } from './access.ts'
import { wholeNumber } from './addresses.ts'
import { type DataOptions, dataOf, withData } from './data.ts'
import { entryJson, senderText, waitingText } from './queue-text.ts'
import { styled, table, type Terminal, terminal } from './table.ts'
import { eventText, parseEvents, timelineText, type Told } from './timeline.ts'
import { printJson, whenText } from './words.ts'

interface TraceOptions extends DataOptions {
  readonly limit: number
  readonly json?: true
  readonly follow?: true
}

export function addTrace(root: Command): void {
  withData(root.command('trace'))
    .description('what became of a message, step by step, in the words of those who said it')
    .argument('<what>', 'an id, an address, a Message-ID, or any text that was said')
    .option('--limit <number>', 'when several fit: the newest so many', wholeNumber, 20)
    .option('--follow', 'go on until nobody waits for the message any more')
    .option('--json', 'one JSON document: the events')
    .addHelpText(
      'after',
      `
  staffetta trace 2fqa0v7k4g0                  the id of the 250 reply and of the queue; also that of a session
  staffetta trace anna@example.org
  staffetta trace '<20260701.1@example.org>'
  staffetta trace 'Connection refused'`,
    )
    .action(async (what: string, options: TraceOptions) => {
      await read(await dataOf(options), async reader => {
        const found = find(reader, what, options.limit)
        if (found.length === 0) throw new CommandError(notFound(what))
        if (options.json) return printJson(found.map(id => traceJson(reader, id)))
        const on = terminal()
        const [only] = found
        if (only === undefined || found.length > 1) return console.log(listText(reader, found, on))
        console.log(traceText(reader, only, on))
        if (options.follow) await follow(reader, only, on)
      })
    })
}

function notFound(what: string): string {
  const old = 'events are kept for a limited time (see timeline in the configuration)'
  return `nothing is known of "${what}"; ${old}`
}

/** Messages and sessions, the newest first. An id is one, and a session's id leads to its messages too. */
function find(reader: StorageReader, what: string, limit: number): Id[] {
  const id = parseId(what)
  if (id === undefined) return search(reader, what, limit)
  const own = reader.timeline(id).length > 0 || reader.message(id) !== undefined ? [id] : []
  const others = search(reader, formatId(id), limit).filter(other => other !== id && names(reader, other, id))
  return [...own, ...(own.length > 0 && isMessage(reader, id) ? [] : others)]
}

function isMessage(reader: StorageReader, id: Id): boolean {
  return (
    reader.message(id) !== undefined || parseEvents(reader.timeline(id)).some(event => event.text('message') !== '')
  )
}

function names(reader: StorageReader, subject: Id, session: Id): boolean {
  return parseEvents(reader.timeline(subject)).some(event => event.text('session') === formatId(session))
}

/** An address is meant whole: nobody who looks for anna@ wants to see joanna@. */
function search(reader: StorageReader, text: string, limit: number): Id[] {
  const needle = JSON.stringify(text).slice(1, -1)
  const whole = /^[^\s<>]+@[^\s<>]+$/.test(text) ? wholeWord(needle) : undefined
  const found: Id[] = []
  for (let before = Number.MAX_SAFE_INTEGER; found.length < limit; ) {
    const page = reader.search(needle, before, 100)
    if (page.length === 0) break
    for (const id of page) if (whole === undefined || reader.timeline(id).some(line => whole.test(line))) found.push(id)
    before = page.at(-1) ?? 0
  }
  return found.slice(0, limit)
}

function wholeWord(text: string): RegExp {
  const literal = text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`(?<![\\w.+-])${literal}(?![\\w-]|\\.\\w)`, 'i')
}

/** The timeline, and who still waits. */
export function traceText(reader: StorageReader, id: Id, on: Terminal): string {
  const events = parseEvents(reader.timeline(id))
  const title = `${isMessage(reader, id) ? 'Message' : 'Session'} ${styled(formatId(id), 'cyan', on)}`
  const waiting = reader.entriesOf(id)
  const now = waiting.length === 0 ? [] : [styled('Now', 'bold', on), waitingText(waiting, Date.now(), on)]
  return [title, timelineText(events, on), ...now].join('\n')
}

function traceJson(reader: StorageReader, id: Id): object {
  return {
    id: formatId(id),
    events: parseEvents(reader.timeline(id)).map(event => event.all),
    waiting: reader.entriesOf(id).map(entryJson),
  }
}

/** A line for each that fits. */
function listText(reader: StorageReader, ids: readonly Id[], on: Terminal): string {
  const rows = ids.map(id => ({ id, ...summary(parseEvents(reader.timeline(id))) }))
  type Row = (typeof rows)[number]
  const now = Date.now()
  const columns = [
    { head: 'ID', of: (row: Row) => formatId(row.id) },
    { head: 'TIME', of: (row: Row) => whenText(timeOfId(row.id), now) },
    { head: 'FROM', of: (row: Row) => row.from, atLeast: 10 },
    { head: 'TO', of: (row: Row) => row.to, atLeast: 10 },
    { head: 'LAST', of: (row: Row) => row.last },
  ]
  return `${table(columns, rows, on)}\n${styled('One of them in full: staffetta trace ID', 'dim', on)}`
}

function summary(events: readonly Told[]): { from: string; to: string; last: string } {
  const [first] = events
  const last = events.at(-1)?.event ?? ''
  if (!first) return { from: '', to: '', last }
  if (first.event === 'accepted') {
    const [to = '', ...more] = first.list('to')
    return { from: senderText(first.text('from')), to: more.length > 0 ? `${to} +${more.length}` : to, last }
  }
  if (first.event === 'report') return { from: '<>', to: first.text('to'), last }
  const { text } = first.inside('detail')
  return { from: text('from') || `[${first.inside('client').text('address')}]`, to: text('to'), last }
}

/** ms between looks. */
const LOOK = 300

async function follow(reader: StorageReader, id: Id, on: Terminal): Promise<void> {
  let shown = reader.timeline(id).length
  while (reader.entriesOf(id).length > 0) {
    await sleep(LOOK)
    const lines = reader.timeline(id)
    for (const event of parseEvents(lines.slice(shown))) console.log(eventText(event, on))
    shown = lines.length
  }
}

/** How the queue is shown: to people as blocks, because addresses and replies are too long for columns, and to programs as JSON. */
import { formatId, timeOfId } from '../mail/id.ts'
import { type Entry, type EntryState, REPORT } from '../storage/operations.ts'
import type { QueueListing, StorageReader, StoredMessage } from '../storage/sqlite/reader.ts'
import { type Style, styled, table, type Terminal, widthOf, wrap } from './table.ts'
import { count, isoTime, sizeText, spanText, timeText } from './words.ts'

type Waiting = Entry & { readonly state: EntryState }
type Count = ReturnType<StorageReader['destinations']>[number]

/** As people say it: 'leased' is a word of the storage. */
const STATE: Readonly<Record<EntryState, { readonly word: string; readonly style?: Style }>> = {
  leased: { word: 'sending', style: 'green' },
  ready: { word: 'ready' },
  waiting: { word: 'waiting', style: 'yellow' },
  held: { word: 'held', style: 'magenta' },
}

/** A block for each message, a line for each recipient, and under it the last reply. */
export function listingText(rows: readonly QueueListing[], now: number, on: Terminal): string {
  const widest = Math.min(40, Math.max(...rows.map(row => widthOf(row.recipient))))
  const blocks = Map.groupBy(rows, row => row.message)
  return [...blocks]
    .map(([id, entries]) => {
      const [first] = entries
      if (!first) return ''
      const facts = `${spanText(now - first.at)} old, ${sizeText(first.size)}`
      const head = `${styled(formatId(id), 'cyan', on)}  from ${senderText(first.sender)}, ${facts}`
      return [head, ...entries.map(entry => entryText(entry, widest, now, on))].join('\n')
    })
    .join('\n')
}

function entryText(entry: Waiting, widest: number, now: number, on: Terminal): string {
  const { word, style } = STATE[entry.state]
  const to = entry.recipient.padEnd(entry.recipient.length + Math.max(0, widest - widthOf(entry.recipient)))
  const tries = entry.attempts === 0 ? '' : `, tried ${count(entry.attempts, 'time')}`
  const line = `  → ${to}  ${style === undefined ? word : styled(word, style, on)}${nextText(entry, now)}${tries}`
  if (entry.reply === undefined) return line
  return `${line}\n    ${styled(wrap(entry.reply, on.width - 4, '    ').trimEnd(), 'dim', on)}`
}

function nextText({ state, due, destination, attempts }: Waiting, now: number): string {
  if (destination === REPORT) return ', for a report to the sender'
  if (destination.startsWith('to:')) return ` for ${destination.slice(3)}`
  if (state === 'ready' && attempts > 0) return ', when its host is tried again'
  if (state !== 'waiting') return ''
  return due <= now ? ', next try now' : `, next try in ${spanText(due - now)}`
}

export function senderText(sender: string): string {
  return sender === '' ? '<>' : sender
}

/** The envelope, and everybody it waits for. */
export function messageText(message: StoredMessage, entries: readonly Waiting[], now: number, on: Terminal): string {
  const { id, at, size, sender, source, envelope } = message
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Accepted', `${timeText(at)}, ${spanText(now - at)} ago`],
    ['Sender', senderText(sender)],
    ['Counted to', source === sender ? undefined : source],
    ['Size', size < 1024 ? sizeText(size) : `${sizeText(size)} (${size} bytes)`],
    ['Content', envelope.body + (envelope.smtputf8 ? ', SMTPUTF8' : '')],
    [
      'Report of',
      envelope.ret === undefined ? undefined : envelope.ret === 'FULL' ? 'the whole message' : 'its header',
    ],
    ['Envelope id', envelope.envid],
    ['Not before', envelope.holdUntil === undefined ? undefined : timeText(envelope.holdUntil)],
  ]
  const head = facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(12)} ${value}`]))
  const widest = Math.min(40, Math.max(0, ...entries.map(entry => widthOf(entry.recipient))))
  const waiting = entries.flatMap(entry => [
    entryText(entry, widest, now, on),
    styled(`    by ${entry.destination}; given up at ${timeText(entry.expires)}`, 'dim', on),
  ])
  const none = ['  nobody any more; it is in mailboxes']
  return [styled(formatId(id), 'cyan', on), ...head, 'Waits for', ...(waiting.length > 0 ? waiting : none)].join('\n')
}

/** One object for each recipient. */
export function listingJson(rows: readonly QueueListing[]): object[] {
  return rows.map(row => ({ ...factsJson({ ...row, id: row.message }), ...entryJson(row) }))
}

export function messageJson(message: StoredMessage, entries: readonly Waiting[]): object {
  const { source, envelope } = message
  const { body, smtputf8, ret = null, envid = null, holdUntil } = envelope
  return {
    ...factsJson(message),
    source,
    body,
    smtputf8,
    ret,
    envid,
    holdUntil: holdUntil === undefined ? null : isoTime(holdUntil),
    recipients: entries.map(entryJson),
  }
}

function factsJson({ id, at, size, sender }: Pick<StoredMessage, 'id' | 'at' | 'size' | 'sender'>): object {
  return { id: formatId(id), at: isoTime(at), size, sender }
}

export function entryJson(entry: Waiting): object {
  const { recipient, state, destination, attempts, due, expires, reply = null } = entry
  return { recipient, state, destination, attempts, due: isoTime(due), expires: isoTime(expires), reply }
}

interface Summary {
  readonly destination: string
  readonly states: Readonly<Record<EntryState, number>>
  /** ms since 1970 */
  readonly oldest: number
}

const COUNTED = ['leased', 'ready', 'waiting', 'held'] as const

function summaries(counts: readonly Count[]): Summary[] {
  const total = ({ states }: Summary): number => COUNTED.reduce((sum, state) => sum + states[state], 0)
  return [...Map.groupBy(counts, ({ destination }) => destination)]
    .map(([destination, of]): Summary => {
      const states = { leased: 0, ready: 0, waiting: 0, held: 0 }
      for (const { state, entries } of of) states[state] += entries
      return { destination, states, oldest: timeOfId(Math.min(...of.map(({ oldest }) => oldest))) }
    })
    .sort((a, b) => total(b) - total(a))
}

export function summaryText(counts: readonly Count[], now: number, on: Terminal): string {
  const number = (state: EntryState) => ({
    head: STATE[state].word.toUpperCase(),
    of: ({ states }: Summary) => (states[state] === 0 ? '-' : states[state].toLocaleString('en')),
    align: 'right' as const,
  })
  const columns = [
    { head: 'DESTINATION', of: (row: Summary) => row.destination, atLeast: 20 },
    ...COUNTED.map(number),
    { head: 'OLDEST', of: (row: Summary) => spanText(now - row.oldest), align: 'right' as const },
  ]
  return table(columns, summaries(counts), on)
}

export function summaryJson(counts: readonly Count[]): object[] {
  return summaries(counts).map(({ destination, states, oldest }) => ({
    destination,
    ...states,
    oldest: isoTime(oldest),
  }))
}

/** Lines for the recipients of one message. */
export function waitingText(entries: readonly Waiting[], now: number, on: Terminal): string {
  const widest = Math.min(40, Math.max(...entries.map(entry => widthOf(entry.recipient))))
  return entries.map(entry => entryText(entry, widest, now, on)).join('\n')
}

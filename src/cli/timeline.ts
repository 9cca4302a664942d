/** The events of a message or session in plain words, with what the peers said. */
import { styled, type Style, type Terminal, wrap } from './table.ts'
import { clockText, count, dayText, sizeText } from './words.ts'

/** An event as it is stored: the JSON of a `log/events` Event. Older and newer programs may have written others. */
export interface Told {
  readonly time: number
  readonly event: string
  readonly text: (key: string) => string
  readonly list: (key: string) => readonly string[]
  readonly number: (key: string) => number | undefined
  /** The fields of an object inside; an empty one where there is none. */
  readonly inside: (key: string) => Told
  readonly all: Readonly<Record<string, unknown>>
}

/** What can't be read is left out. */
export function parseEvents(lines: readonly string[]): Told[] {
  return lines.flatMap(line => {
    try {
      const value: unknown = JSON.parse(line)
      return typeof value === 'object' && value !== null ? [told({ ...value })] : []
    } catch {
      return []
    }
  })
}

function told(all: Readonly<Record<string, unknown>>): Told {
  const text = (key: string): string => (typeof all[key] === 'string' ? all[key] : '')
  const number = (key: string): number | undefined => (typeof all[key] === 'number' ? all[key] : undefined)
  return {
    all,
    time: number('time') ?? 0,
    event: text('event'),
    text,
    number,
    list(key) {
      const value = all[key]
      return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
    },
    inside(key) {
      const value = all[key]
      return told(typeof value === 'object' && value !== null ? { ...value } : {})
    },
  }
}

interface Words {
  readonly says: string
  /** Lines below: facts, and what a peer said. */
  readonly more?: readonly (string | undefined)[]
  readonly style?: Style
}

const INDENT = ' '.repeat(14)

/** A heading for each day, then a line for each event, with its peer's words below. */
export function timelineText(events: readonly Told[], on: Terminal): string {
  const lines: string[] = []
  let day = ''
  for (const event of events) {
    const today = dayText(event.time)
    if (today !== day) lines.push(styled(today, 'bold', on))
    day = today
    lines.push(eventText(event, on))
  }
  return lines.join('\n')
}

/** Without the day. */
export function eventText(event: Told, on: Terminal): string {
  const { says, more = [], style } = wordsOf(event)
  const milliseconds = String(event.time % 1000).padStart(3, '0')
  const time = styled(`${clockText(event.time)}.${milliseconds}`, 'dim', on)
  const text = wrap(says, on.width, INDENT, INDENT.length)
  const first = `${time}  ${style === undefined ? text : styled(text, style, on)}`
  const rest = more.flatMap(line =>
    line === undefined || line === '' ? [] : [INDENT + styled(wrap(line, on.width, INDENT, INDENT.length), 'dim', on)],
  )
  return [first, ...rest].join('\n')
}

/** One row for each kind of event. */
const WORDS: Readonly<Record<string, (event: Told) => Words>> = {
  accepted: event => ({
    says: `accepted ${sizeText(event.number('size') ?? 0)} from ${clientText(event.inside('client'))}`,
    style: 'green',
    more: [
      `from <${event.text('from')}> to ${event.list('to').join(', ')}`,
      event.text('messageId') && `Message-ID ${event.text('messageId')}`,
      `in session ${event.text('session')}`,
    ],
  }),
  refused: event => {
    const { text } = event.inside('detail')
    const about = [text('from') && `from <${text('from')}>`, text('to') && `to <${text('to')}>`].filter(Boolean)
    return {
      says: `refused ${clientText(event.inside('client'))}, ${STAGE[event.text('at')] ?? `at ${event.text('at')}`}`,
      style: 'red',
      more: [`we said: ${event.text('reply')}`, about.length === 0 ? undefined : `the message was ${about.join(' ')}`],
    }
  },
  'logged-in': event => ({ says: `${event.text('login')} logged in from ${clientText(event.inside('client'))}` }),
  expanded: event => ({ says: `${event.text('recipient')} stands for ${event.list('to').join(', ')}` }),
  delivered: event => ({
    says: `delivered: ${event.text('recipient')}, ${placeText(event.text('to'))}${triesText(event)}`,
    style: 'green',
    more: saidText(event),
  }),
  deferred: event => {
    const next = event.number('next')
    const when = next === undefined ? 'when its host is tried again' : `at ${untilText(next, event.time)}`
    return {
      says: `deferred: ${event.text('recipient')}${triesText(event)}; next try ${when}`,
      style: 'yellow',
      more: saidText(event),
    }
  },
  bounced: event => ({
    says: `given up: ${event.text('recipient')}${triesText(event)}`,
    style: 'red',
    more: saidText(event),
  }),
  reported: event => {
    const about = `${ACTION[event.text('action')] ?? event.text('action')}: ${event.list('recipients').join(', ')}`
    if (event.text('report') === '') return { says: `no report to the sender (${about})`, more: [event.text('reason')] }
    return { says: `report to the sender: message ${event.text('report')}`, more: [about] }
  },
  report: event => ({
    says: `this is a report to <${event.text('to')}> about message ${event.text('about')}`,
    more: [`${ACTION[event.text('action')] ?? event.text('action')}, ${sizeText(event.number('size') ?? 0)}`],
  }),
  'destination-delayed': event => ({
    says: `${event.text('destination')} as a whole is not tried before ${untilText(event.number('until') ?? 0, event.time)}`,
    style: 'yellow',
    more: [event.text('reason')],
  }),
  damaged: event => ({ says: 'set aside, because it is damaged', style: 'red', more: [event.text('reason')] }),
  operator: event => ({
    says: `an operator said: ${event.text('order')}`,
    style: 'magenta',
    more: [event.text('reason')],
  }),
}

function wordsOf(event: Told): Words {
  const known = WORDS[event.event]
  if (known) return known(event)
  const { level: _level, time: _time, event: name, ...rest } = event.all
  return { says: String(name), more: [JSON.stringify(rest)] }
}

/** Where in a session: the states of the server machine. */
const STAGE: Readonly<Record<string, string>> = {
  'connect-asked': 'at its connection',
  unwelcome: 'at its connection',
  connected: 'before its greeting',
  'hello-asked': 'at its greeting',
  ready: 'between messages',
  'auth-asked': 'at its log-in',
  auth: 'at its log-in',
  'mail-asked': 'at the sender',
  mail: 'before a recipient',
  'rcpt-asked': 'at a recipient',
  rcpt: 'after the recipients',
  'data-asked': 'at the message',
  data: 'at the message',
  chunk: 'at the message',
  chunks: 'at the message',
  spoiled: 'after a spoiled message',
  submitting: 'at the message',
}

const ACTION: Readonly<Record<string, string>> = {
  failed: 'could not be delivered',
  delayed: 'is late',
  delivered: 'was delivered',
  relayed: 'was handed on',
  expanded: 'was handed on to the members',
}

function clientText(client: Told): string {
  const who = [client.text('helo'), `[${client.text('address') || 'a local socket'}]`].filter(Boolean).join(' ')
  const how = [client.text('via'), client.text('tls'), client.text('login') && `logged in as ${client.text('login')}`]
  return `${who} (${how.filter(Boolean).join(', ')})`
}

function placeText(to: string): string {
  return to.startsWith('mailbox ') ? `in the mailbox of ${to.slice('mailbox '.length)}` : `to ${to}`
}

function triesText(event: Told): string {
  const attempts = event.number('attempts') ?? 0
  return attempts > 1 ? ` (tried ${count(attempts, 'time')})` : ''
}

/** The peer's own words; without any, what we found. */
function saidText(event: Told): readonly (string | undefined)[] {
  const [to, reply, reason, status] = ['to', 'reply', 'reason', 'status'].map(event.text)
  if (event.event === 'delivered') return [reply && `it said: ${reply}`]
  const found = [reason, status && `(${status})`].filter(Boolean).join(' ')
  if (reply) return [to ? `${to} said: ${reply}` : `the reply was: ${reply}`, reason]
  return [to ? `${to}: ${found}` : found]
}

/** The time, with the day where that is another one. */
function untilText(ms: number, now: number): string {
  return dayText(ms) === dayText(now) ? clockText(ms) : `${dayText(ms)} ${clockText(ms)}`
}

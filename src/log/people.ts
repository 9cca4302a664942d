import { styleText } from 'node:util'

/** An event's JSON line as one short line for the terminal. What can't be read is shown as it is. */
export function forPeople(line: string): string {
  const event = parse(line)
  if (!event) return line
  const text = (key: string): string => (typeof event[key] === 'string' ? event[key] : '')
  const time = styleText('dim', new Date(Number(event['time'])).toTimeString().slice(0, 8))
  const id = styleText('cyan', text('message') || text('session'))
  const name = styleText(COLOURS[text('event')] ?? 'reset', text('event').padEnd(9))
  return `${time} ${name} ${id} ${wordsOf(event, text)}`.trimEnd()
}

type Fields = Record<string, unknown>

const COLOURS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  accepted: 'green',
  delivered: 'green',
  deferred: 'yellow',
  refused: 'red',
  bounced: 'red',
  damaged: 'red',
}

function wordsOf(event: Fields, text: (key: string) => string): string {
  const to = Array.isArray(event['to']) ? event['to'].join(', ') : text('to')
  switch (event['event']) {
    case 'accepted':
      return `from <${text('from')}> to ${to}, ${String(event['size'])} bytes`
    case 'delivered':
      return `${text('recipient')} → ${to} ${text('reply')}`
    case 'refused':
      return `${text('reply')}${about(event['detail']) || client(event['client'])}`
    case 'logged-in':
      return `${text('login')}${client(event['client'])}`
    case 'deferred':
    case 'bounced':
      return `${text('recipient')} ${text('reply') || text('reason')}`
    default:
      return to || text('reason') || text('login') || text('action')
  }
}

/** What it was about, where that is known: ' (mail from <bruno@staffetta.test> to anna@staffetta.test)'. */
function about(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return ''
  const from = 'from' in detail && typeof detail.from === 'string' ? ` from <${detail.from}>` : ''
  const to = 'to' in detail && typeof detail.to === 'string' ? ` to ${detail.to}` : ''
  return from + to === '' ? '' : ` (mail${from}${to})`
}

/** ' (imap, 192.0.2.7)' */
function client(facts: unknown): string {
  if (typeof facts !== 'object' || facts === null || !('via' in facts) || !('address' in facts)) return ''
  return ` (${String(facts.via)}, ${String(facts.address)})`
}

function parse(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

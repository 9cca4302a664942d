/** The first part of a delivery report: what happened, told to a person (RFC 3464 §2, first part of RFC 6522 §3). */
import type { Reply } from './reply.ts'
import { formatAddress } from './address.ts'
import { formatDate } from './date.ts'
import type { Action, Notice, ReportFacts } from './notice.ts'

/** Lines of a peer's reply that are passed on. */
const MAX_REPLY_LINES = 20
/** Recipients whose fate is told; the others are in the part for programs. */
const MAX_TOLD = 100

const SUBJECT: Readonly<Record<Action, string>> = {
  failed: 'Your message was not delivered',
  delayed: 'Your message is delayed',
  delivered: 'Your message was delivered',
  relayed: 'Your message was passed on',
  expanded: 'Your message was delivered to a list',
}

/** What happened, and what happens next. */
const OPENING: Readonly<Record<Action, readonly string[]>> = {
  failed: [
    'Your message could not be delivered to the recipients named here.',
    'It will not be tried again: if they are to have it, send it once more.',
  ],
  delayed: [
    'Your message could not be delivered yet to the recipients named here.',
    'It is tried again and again; you need not do anything.',
  ],
  delivered: ['Your message was delivered to the recipients named here, as you asked to be told.'],
  relayed: [
    'Your message was passed on for the recipients named here, to a host that sends',
    'no reports of success. You will hear of it again only if it fails.',
  ],
  expanded: [
    'Your message was delivered to the lists named here, which pass it on to their',
    'members. You will not be told what becomes of it there.',
  ],
}

/** The worst first. */
const ORDER: readonly Action[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

/** One line, ASCII; of several fates, the worst. */
export function subjectOf(notices: readonly Notice[]): string {
  const worst = ORDER.find(action => notices.some(notice => notice.action === action)) ?? 'failed'
  return SUBJECT[worst]
}

/** UTF-8 text with CRLF, no line longer than 998 bytes. `whole`: the original follows, not only its header. */
export function reportText(facts: ReportFacts, whole: boolean): string {
  const lines = [
    `This is the mail system of ${facts.hostname}, about the message`,
    `that it took from you on ${formatDate(facts.arrival)}.`,
  ]
  const told = facts.notices.slice(0, MAX_TOLD)
  for (const action of ORDER) {
    const notices = told.filter(notice => notice.action === action)
    if (notices.length > 0) lines.push('', ...OPENING[action], ...notices.flatMap(notice => ['', ...aboutOne(notice)]))
  }
  const untold = facts.notices.length - told.length
  if (untold > 0) lines.push('', `The next part of this report names ${untold} more.`)
  lines.push(
    '',
    `The next part of this report is for programs. ${whole ? 'Your message' : 'The header of your message'} follows it.`,
  )
  return lines.map(line => `${line}\r\n`).join('')
}

function aboutOne(notice: Notice): string[] {
  const address = clean(formatAddress(notice.recipient.address), 400, 'utf-8')
  const written = clean(notice.recipient.original?.address ?? '', 400, 'utf-8')
  const lines = [`<${address}>`]
  if (written !== '' && written !== address) lines.push(`    You wrote to <${written}>.`)
  lines.push(...whatWasSaid(notice))
  if (notice.action === 'delayed') lines.push(`    It will be tried until ${formatDate(notice.retryUntil)}.`)
  return lines
}

/** The host's own words; ours where it said nothing. */
function whatWasSaid(notice: Notice): string[] {
  const host = clean(notice.remote ?? '', 255, 'utf-8')
  if (notice.reply !== undefined) {
    const opening = host === '' ? 'The answer was' : `The host ${host} said`
    return [`    ${opening}:`, ...replyLines(notice.reply, 'utf-8').map(line => `        ${line}`)]
  }
  const reason = clean(notice.reason, 500, 'utf-8')
  if (reason !== '') return host === '' ? [`    ${reason}`] : [`    Host ${host}:`, `        ${reason}`]
  return notice.action === 'failed' || notice.action === 'delayed' ? ['    The reason is not known.'] : []
}

/** RFC 5321 §4.2.1: the lines of a reply as they came, cleaned and cut. */
export function replyLines(reply: Reply, charset: 'ascii' | 'utf-8'): string[] {
  const lines = reply.text.slice(0, MAX_REPLY_LINES)
  const status = reply.status === undefined ? '' : `${reply.status} `
  return lines.map((line, index) => {
    const separator = index < lines.length - 1 ? '-' : ' '
    return clean(`${reply.code}${separator}${status}${line}`, 500, charset)
  })
}

/**
 * One line of at most `max` bytes: control characters, line ends of any kind and marks that turn the direction of writing become
 * spaces, and for 'ascii' whatever is not becomes '?'. What is cut ends in '...'.
 */
export function clean(text: string, max: number, charset: 'ascii' | 'utf-8'): string {
  const line = text
    .slice(0, max + 1)
    .toWellFormed()
    .replace(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
  const encoded = Buffer.from(charset === 'ascii' ? line.replace(/[^\x00-\x7f]/gu, '?') : line)
  if (encoded.length <= max) return encoded.toString()
  return `${encoded.toString('utf8', 0, max - 3).replace(/\ufffd$/, '')}...`
}

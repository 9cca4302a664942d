import { mailbox } from '../arguments.ts'
import type { Notify, NotifyEvent, NotifyGroup } from '../command.ts'
import { atom, bad, close, type Cursor, list, oneOf, oneOrMore, open, refuse, space, take } from '../parser.ts'
import { fetchItems } from './fetch.ts'

const MAX_GROUPS = 100
const MAX_NAMES = 1000

/** RFC 5465 §8: NOTIFY SP ("NONE" / "SET" [SP "STATUS"] 1*(SP event-group)) */
export function notify(c: Cursor): Notify {
  space(c)
  const how = oneOf(c, ['NONE', 'SET'], 'NONE or SET')
  if (how === 'NONE') return { name: 'NOTIFY', set: undefined }
  const status = take(c, ' STATUS')
  const groups: NotifyGroup[] = []
  space(c)
  do groups.push(group(c))
  while (take(c, ' ') && groups.length <= MAX_GROUPS)
  if (groups.length > MAX_GROUPS) bad(c, `NOTIFY may have ${MAX_GROUPS} groups`)
  // RFC 5465 §6: of selected and selected-delayed there can be one
  if (groups.filter(({ filter }) => isSelected(filter)).length > 1) bad(c, 'NOTIFY has SELECTED twice')
  return { name: 'NOTIFY', set: { status, groups } }
}

function isSelected({ is }: NotifyGroup['filter']): boolean {
  return is === 'selected' || is === 'selected-delayed'
}

/** RFC 5465 §8: event-group = "(" filter-mailboxes SP events ")" */
function group(c: Cursor): NotifyGroup {
  open(c)
  const filter = mailboxFilter(c)
  space(c)
  const events = take(c, 'NONE') ? [] : list(c, () => event(c), 'some')
  close(c)
  check(c, filter, events)
  return { filter, events }
}

const FILTERS = ['SELECTED', 'SELECTED-DELAYED', 'INBOXES', 'PERSONAL', 'SUBSCRIBED', 'SUBTREE', 'MAILBOXES'] as const

function mailboxFilter(c: Cursor): NotifyGroup['filter'] {
  switch (oneOf(c, FILTERS, 'A choice of mailboxes')) {
    case 'SELECTED':
      return { is: 'selected' }
    case 'SELECTED-DELAYED':
      return { is: 'selected-delayed' }
    case 'INBOXES':
      return { is: 'inboxes' }
    case 'PERSONAL':
      return { is: 'personal' }
    case 'SUBSCRIBED':
      return { is: 'subscribed' }
    case 'SUBTREE':
      return { is: 'subtree', names: names(c) }
    case 'MAILBOXES':
      return { is: 'mailboxes', names: names(c) }
  }
}

function names(c: Cursor): readonly string[] {
  space(c)
  const given = oneOrMore(c, () => mailbox(c))
  if (given.length > MAX_NAMES) bad(c, `NOTIFY may have ${MAX_NAMES} mailboxes`)
  return given
}

const EVENTS = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'AnnotationChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const

const OF_MESSAGES: readonly NotifyEvent['is'][] = ['MessageNew', 'MessageExpunge', 'FlagChange', 'AnnotationChange']

/** RFC 5465 §8; §3.1: an event that the server does not know is NO, with those that it knows. */
function event(c: Cursor): NotifyEvent {
  const name = atom(c, 'An event').toLowerCase()
  const is = EVENTS.find(known => known.toLowerCase() === name)
  if (is === undefined) refuse(c, `BADEVENT (${EVENTS.join(' ')})`, 'There is no such event here')
  if (is !== undefined && is !== 'MessageNew') return { is }
  return { is: 'MessageNew', fetch: take(c, ' (') ? itemsOf(c) : [] }
}

/** The opening parenthesis was read, which is read again by `fetchItems`. */
function itemsOf(c: Cursor): ReturnType<typeof fetchItems> {
  c.at--
  return fetchItems(c)
}

function check(c: Cursor, filter: NotifyGroup['filter'], events: readonly NotifyEvent[]): void {
  const has = (is: NotifyEvent['is']): boolean => events.some(event => event.is === is)
  // RFC 5465 §5: MessageNew and MessageExpunge go together, FlagChange and AnnotationChange need both
  const both = has('MessageNew') && has('MessageExpunge')
  if (!both && OF_MESSAGES.some(has)) bad(c, 'MessageNew and MessageExpunge are expected together')
  if (isSelected(filter)) {
    // RFC 5465 §6.1: only message events
    if (events.some(({ is }) => !OF_MESSAGES.includes(is))) bad(c, 'SELECTED has only events of messages')
  } else if (events.some(event => event.is === 'MessageNew' && event.fetch.length > 0)) {
    bad(c, 'Items are told only of the selected mailbox') // RFC 5465 §5.2
  }
}

/** RFC 5465 §6: which events of which mailboxes a client wants to hear of. */
import type { Notify, NotifyEvent, NotifyGroup } from '../../imap/command.ts'
import { parentsOf } from '../../store/mailbox-name.ts'
import { bad, no } from './answers.ts'
import { nameAsShown, OTHERS } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

export type EventName = NotifyEvent['is']
export type Events = ReadonlySet<EventName>

/** What is asked about a name: it is subscribed. */
export type IsSubscribed = (name: string) => boolean

export interface Interest {
  /** What is wanted of mailboxes that are not selected. */
  of(name: string, isSubscribed: IsSubscribed): Events
  /** Some group has this event. */
  has(event: EventName): boolean
  /** Names that were given, one by one. */
  readonly named: readonly string[]
}

const SUPPORTED: readonly EventName[] = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
]
const OF_MESSAGES: readonly EventName[] = ['MessageNew', 'MessageExpunge', 'FlagChange', 'AnnotationChange']
/** Names of mailboxes in one command. */
const MAX_NAMES = 1000
const MAX_GROUPS = 100
const NOTHING: Events = new Set()

export const isSelectedGroup = ({ filter }: NotifyGroup): boolean =>
  filter.is === 'selected' || filter.is === 'selected-delayed'

/** What is wrong with a NOTIFY SET; undefined: nothing. */
export function objection({ groups }: NonNullable<Notify['set']>): Tagged | undefined {
  const events = groups.map(group => group.events.map(({ is }) => is))
  if (events.flat().some(event => !SUPPORTED.includes(event))) {
    return no(`BADEVENT (${SUPPORTED.join(' ')})`, 'There are no such events here') // RFC 5465 §3.1
  }
  if (!events.every(isComplete)) return bad('MessageNew and MessageExpunge come together, and before FlagChange')
  const selected = groups.filter(isSelectedGroup)
  if (selected.length > 1) return bad('Only one of SELECTED and SELECTED-DELAYED is possible') // RFC 5465 §6.1
  if (selected.some(group => group.events.some(({ is }) => !OF_MESSAGES.includes(is)))) {
    return bad('The selected mailbox has only events of messages') // RFC 5465 §6.1
  }
  const names = groups.reduce((count, { filter }) => count + ('names' in filter ? filter.names.length : 0), 0)
  if (groups.length > MAX_GROUPS || names > MAX_NAMES) {
    return no('NOTIFICATIONOVERFLOW', 'That is more than we can look after')
  }
  return undefined
}

/** RFC 5465 §5 */
function isComplete(events: readonly EventName[]): boolean {
  const [added, removed] = [events.includes('MessageNew'), events.includes('MessageExpunge')]
  return added === removed && (added || !events.includes('FlagChange'))
}

/** The first group that means a mailbox decides. */
export function interestOf(groups: readonly NotifyGroup[], session: ImapSession): Interest {
  const others = groups.filter(group => !isSelectedGroup(group))
  const rules = others.map(({ filter, events }) => {
    const names = 'names' in filter ? filter.names.map(name => nameAsShown(session, name)) : []
    return { means: meaning(filter.is, new Set(names)), events: new Set(events.map(({ is }) => is)), names }
  })
  return {
    of: (name, isSubscribed) => rules.find(({ means }) => means(name, isSubscribed))?.events ?? NOTHING,
    has: event => rules.some(({ events }) => events.has(event)),
    named: rules.flatMap(({ names }) => names),
  }
}

type Meaning = (name: string, isSubscribed: IsSubscribed) => boolean

function meaning(is: NotifyGroup['filter']['is'], names: ReadonlySet<string>): Meaning {
  switch (is) {
    case 'personal':
      return isPersonal
    case 'inboxes':
      return name => name === 'INBOX' // RFC 5465 §6.3: where mail is delivered to
    case 'subscribed':
      return (name, isSubscribed) => isSubscribed(name)
    case 'mailboxes':
      return name => names.has(name)
    case 'subtree':
      return name => names.has(name) || parentsOf(name).some(parent => names.has(parent))
    case 'selected':
    case 'selected-delayed':
      return () => false
  }
}

const isPersonal = (name: string): boolean => !name.startsWith(`${OTHERS}/`)

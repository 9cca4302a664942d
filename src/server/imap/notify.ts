/**
 * NOTIFY (RFC 5465). What the client wants is kept as `Interest`, what it knows in a `Watch`, which hears of changes, and compares when it may
 * tell. After NOTIFY NONE a session is what it was before the first NOTIFY.
 */
import type { FetchItem } from '../../imap/fetch-item.ts'
import type { Notify, NotifyGroup, StatusItem } from '../../imap/command.ts'
import { no, ok } from './answers.ts'
import { isSelectable, listResponse, mailboxTree, nodesInOrder, type Node, type Tree } from './mailbox-tree.ts'
import { type Interest, interestOf, isSelectedGroup, objection } from './notify-interest.ts'
import { openWatch } from './notify-watch.ts'
import type { ImapSession, NotifyState, Tagged } from './session.ts'
import { statusResponse } from './status.ts'

/** That one session can watch. */
const MAX_WATCHED = 20_000

export async function notify({ set }: Notify, session: ImapSession): Promise<Tagged> {
  if (!set) {
    session.notify?.end()
    session.notify = undefined
    return ok('Done')
  }
  const refusal = objection(set)
  if (refusal) return refusal
  const tree = mailboxTree(session, true)
  if (tree.size > MAX_WATCHED) return no('NOTIFICATIONOVERFLOW', 'That is more than we can look after')
  const interest = interestOf(set.groups, session)
  sayNoAccess(session, tree, interest)
  const group = set.groups.find(isSelectedGroup)
  const watch = openWatch(session, { tree, interest, selected: mannerOf(group), fetch: itemsOf(group) })
  session.notify?.end()
  session.notify = watch
  if (set.status) await tellStatus(session, tree, interest)
  return ok('Done')
}

/** RFC 5465 §3.1: of no SELECTED follows SELECTED NONE. */
function mannerOf(group: NotifyGroup | undefined): NotifyState['selected'] {
  if (!group || group.events.length === 0) return 'never'
  return group.filter.is === 'selected' ? 'at-once' : 'delayed'
}

/** RFC 5465 §5.2: what is told of a new message. That it was told does not make it \Seen. */
function itemsOf(group: NotifyGroup | undefined): readonly FetchItem[] {
  const items = group?.events.flatMap(event => (event.is === 'MessageNew' ? event.fetch : [])) ?? []
  return items.map(item => ('peek' in item ? { ...item, peek: true } : item))
}

/** RFC 5465 §3.1: a mailbox that was named, and can be seen but not read. */
function sayNoAccess(session: ImapSession, tree: Tree, interest: Interest): void {
  for (const name of new Set(interest.named)) {
    const node = tree.get(name)
    if (node?.found && !isSelectable(node)) session.write(listResponse(session, name, ['\\NoAccess']))
  }
}

/** RFC 5465 §3.1: of each mailbox of whose messages something is wanted. */
async function tellStatus(session: ImapSession, tree: Tree, interest: Interest): Promise<void> {
  for (const node of nodesInOrder(tree)) {
    const items = itemsFor(session, node, tree, interest)
    if (node.found && items.length > 0) {
      session.write(statusResponse(session, node.name, node.found.row, items))
    }
    const room = session.room()
    if (room) await room
    if (session.gone) return
  }
}

function itemsFor(session: ImapSession, node: Node, tree: Tree, interest: Interest): readonly StatusItem[] {
  if (!isSelectable(node) || node.found?.row.id === session.selected?.view.mailbox) return []
  const events = interest.of(node.name, name => tree.get(name)?.subscribed ?? false)
  if (!events.has('MessageNew')) return []
  const modseq = events.has('FlagChange') || session.enabled.has('CONDSTORE')
  return ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY', ...(modseq ? (['HIGHESTMODSEQ'] as const) : [])]
}

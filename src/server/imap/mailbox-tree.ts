/**
 * The names that LIST, LSUB and NOTIFY speak of, with what stands between them: mailboxes that this account sees, names that it subscribed to,
 * and the levels above both, where often nothing is.
 */
import type { Found } from './names.ts'
import { accountOf, visibleMailboxes } from './names.ts'
import { inOrder, parentsOf } from '../../store/mailbox-name.ts'
import { mailboxName } from '../../imap/response.ts'
import type { ImapSession } from './session.ts'

export interface Node {
  readonly name: string
  /** undefined: there is no mailbox of this name that the account may see. */
  readonly found: Found | undefined
  readonly subscribed: boolean
  /** There are mailboxes below it. */
  hasChildren: boolean
}

export type Tree = ReadonlyMap<string, Node>

/** `subscribed`: names that are only subscribed are in it too. */
export function mailboxTree(session: ImapSession, subscribed: boolean): Tree {
  const visible = visibleMailboxes(session)
  const subscriptions = new Set(session.services.reader.subscriptions(accountOf(session).id))
  const tree = new Map<string, Node>()
  const add = (name: string): Node => {
    const node = { name, found: visible.get(name), subscribed: subscriptions.has(name), hasChildren: false }
    tree.set(name, node)
    return node
  }
  for (const name of visible.keys()) add(name)
  if (subscribed) for (const name of subscriptions) if (!tree.has(name)) add(name)
  for (const { name, found } of tree.values()) {
    for (const parent of parentsOf(name)) {
      const above = tree.get(parent) ?? add(parent)
      if (above.hasChildren) break // so do all above it
      if (found) above.hasChildren = true
    }
  }
  return tree
}

/** Parents before their children. */
export function nodesInOrder(tree: Tree): Node[] {
  return inOrder(tree.keys()).flatMap(name => tree.get(name) ?? [])
}

/** RFC 5819 §2: STATUS can be asked of it. */
export function isSelectable({ found }: Node): boolean {
  return found?.rights.includes('r') ?? false
}

/** RFC 9051 §7.3.1. `subscribed`: it was asked for. */
export function attributesOf(node: Node, subscribed: boolean): string[] {
  const attributes: string[] = []
  // RFC 5258 §3: who knows only RFC 3501 doesn't know what \NonExistent implies.
  if (!node.found) attributes.push('\\NonExistent', '\\Noselect')
  else if (!isSelectable(node)) attributes.push('\\Noselect')
  attributes.push(node.hasChildren ? '\\HasChildren' : '\\HasNoChildren')
  attributes.push(...(node.found?.row.specialUse ?? []))
  if (subscribed && node.subscribed) attributes.push('\\Subscribed')
  return attributes
}

/** An untagged response. `more`: extended data, with its parentheses. */
export function listResponse(session: ImapSession, name: string, attributes: readonly string[], more?: string): string {
  const extended = more === undefined ? '' : ` ${more}`
  return `* LIST (${attributes.join(' ')}) "/" ${mailboxName(name, session.utf8)}${extended}\r\n`
}

/** LIST (RFC 9051 §6.3.9), with LIST-EXTENDED (5258), LIST-STATUS (5819), SPECIAL-USE (6154), MYRIGHTS (8440) and METADATA (9590). */
import type { List } from '../../imap/command.ts'
import { compilePattern, type NameMatcher } from '../../imap/pattern.ts'
import { canonicalName, parentsOf, SEPARATOR } from '../../store/mailbox-name.ts'
import { bad, no, ok } from './answers.ts'
import {
  attributesOf,
  isSelectable,
  listResponse,
  mailboxTree,
  type Node,
  nodesInOrder,
  type Tree,
} from './mailbox-tree.ts'
import { writeMetadata } from './metadata.ts'
import { myRightsResponse } from './acl.ts'
import { OTHERS } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'
import { enableFor, statusResponse } from './status.ts'

/** Of one command; the characters are those of all its patterns. */
const MAX_PATTERNS = 100
const MAX_PATTERN_TEXT = 4096

export async function list(command: List, session: ImapSession): Promise<Tagged> {
  const { extended, patterns, reference, select } = command
  // RFC 9051 §6.3.9: what stands between levels, and where the reference's namespace begins.
  if (!extended && patterns.length === 1 && patterns[0] === '') {
    session.write(listResponse(session, rootOf(reference), ['\\Noselect']))
    return ok('Done')
  }
  // RFC 5258 §3.1: it changes what another option selects, and means nothing alone.
  if (select.includes('RECURSIVEMATCH') && !select.some(isCriterion)) return bad('RECURSIVEMATCH of what?')
  const whole = patterns.map(pattern => canonicalName(reference + pattern))
  const characters = whole.reduce((length, pattern) => length + pattern.length, 0)
  if (whole.length > MAX_PATTERNS || characters > MAX_PATTERN_TEXT) return no('LIMIT', 'Those are too many patterns')
  const matches = anyOf(whole.map(compilePattern))
  if (!matches) return no('LIMIT', 'There are too many wildcards in that pattern')
  const tree = mailboxTree(session, select.includes('SUBSCRIBED'))
  enableFor(command.returns.status, session)
  const chosen = await choose(tree, command, matches, session)
  for (const [node, childInfo] of chosen) {
    if (session.gone) break
    writeNode(session, node, childInfo, command)
    const room = session.room()
    if (room) await room
  }
  return ok('Done')
}

/** RFC 9051 §6.3.9: the root of the name given. */
function rootOf(reference: string): string {
  const root = OTHERS + SEPARATOR
  return canonicalName(reference).startsWith(root) ? root : ''
}

/** undefined: one of the patterns cannot be used. */
function anyOf(patterns: readonly (NameMatcher | undefined)[]): NameMatcher | undefined {
  const usable = patterns.filter(matches => matches !== undefined)
  return usable.length === patterns.length ? name => usable.some(matches => matches(name)) : undefined
}

const isCriterion = (option: List['select'][number]): boolean => option === 'SUBSCRIBED' || option === 'SPECIAL-USE'

/** What is shown, in order; of each whether mailboxes below it are meant (RFC 5258 §3.5). */
async function choose(
  tree: Tree,
  { select }: List,
  matches: NameMatcher,
  session: ImapSession,
): Promise<(readonly [Node, childInfo: boolean])[]> {
  const nodes = nodesInOrder(tree)
  // Of the nodes that are no mailboxes nothing is asked but to stand above mailboxes: RFC 3501 §6.3.8 wants to see them.
  const satisfies = (node: Node): boolean =>
    (!select.includes('SUBSCRIBED') || node.subscribed) &&
    (!select.includes('SPECIAL-USE') || (node.found?.row.specialUse.length ?? 0) > 0)
  const matching = new Set<Node>()
  for (const node of nodes) {
    if (session.gone) return []
    if (matches(node.name)) matching.add(node)
    const room = session.room()
    if (room) await room
  }
  const below = select.includes('RECURSIVEMATCH') ? parentsOfSatisfying(nodes, satisfies, matching) : undefined
  return nodes.flatMap(node => {
    if (!matching.has(node)) return []
    const info = below?.get(node.name)
    if (satisfies(node)) return [[node, info !== undefined] as const]
    // RFC 5258 §3.5: it is redundant where all of them are shown themselves.
    return info === 'hidden' ? [[node, true] as const] : []
  })
}

/** Names that have something below them that is selected; `hidden`: of which some does not match itself. */
function parentsOfSatisfying(
  nodes: readonly Node[],
  satisfies: (node: Node) => boolean,
  matching: ReadonlySet<Node>,
): Map<string, 'shown' | 'hidden'> {
  const below = new Map<string, 'shown' | 'hidden'>()
  for (const node of nodes) {
    if (!satisfies(node)) continue
    const kind = matching.has(node) ? 'shown' : 'hidden'
    for (const parent of parentsOf(node.name)) if (below.get(parent) !== 'hidden') below.set(parent, kind)
  }
  return below
}

function writeNode(session: ImapSession, node: Node, childInfo: boolean, { select, returns }: List): void {
  const selected = select.filter(isCriterion).map(option => `"${option}"`)
  const more = childInfo ? `("CHILDINFO" (${selected.join(' ')}))` : undefined
  const subscribed = returns.subscribed || select.includes('SUBSCRIBED') // RFC 5258 §3.1
  session.write(listResponse(session, node.name, attributesOf(node, subscribed), more))
  const { found } = node
  if (!found) return
  if (returns.status.length > 0 && isSelectable(node)) {
    session.write(statusResponse(session, node.name, found.row, returns.status)) // RFC 5819 §2
  }
  if (returns.myRights) session.write(myRightsResponse(session, node.name, found)) // RFC 8440 §4
  if (returns.metadata.length > 0) writeMetadata(session, node.name, found, returns.metadata) // RFC 9590 §3
}

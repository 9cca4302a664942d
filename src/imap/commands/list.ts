import { listPattern, reference } from '../arguments.ts'
import type { Command, List, ListReturn } from '../command.ts'
import { bad, type Cursor, list as listOf, oneOf, oneOrMore, peek, space, take } from '../parser.ts'
import { metadataEntries } from './metadata.ts'
import { statusItems } from './status.ts'

/** Patterns of one LIST: each is tried on each mailbox. */
const MAX_PATTERNS = 100

const NOTHING: ListReturn = {
  subscribed: false,
  children: false,
  specialUse: false,
  status: [],
  myRights: false,
  metadata: [],
}

/** RFC 9051 §6.3.9: LIST [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts] */
export function list(c: Cursor): List {
  space(c)
  const selecting = peek(c) === '('
  const select = selecting ? selectOptions(c) : []
  if (selecting) space(c)
  const named = reference(c)
  space(c)
  const several = peek(c) === '('
  const patterns = oneOrMore(c, () => listPattern(c))
  if (patterns.length > MAX_PATTERNS) bad(c, `LIST may have ${MAX_PATTERNS} patterns`)
  const returning = take(c, ' RETURN ')
  const returns = returning ? returnOptions(c) : NOTHING
  return { name: 'LIST', extended: selecting || several || returning, select, reference: named, patterns, returns }
}

/** RFC 3501 §6.3.9: LSUB SP mailbox SP list-mailbox */
export function lsub(c: Cursor): Command {
  space(c)
  const named = reference(c)
  space(c)
  return { name: 'LSUB', reference: named, pattern: listPattern(c) }
}

function selectOptions(c: Cursor): List['select'] {
  const option = (): List['select'][number] =>
    oneOf(c, ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'], 'A selection option')
  const options = [...new Set(listOf(c, option, 'empty'))]
  // RFC 9051 §6.3.9.1: RECURSIVEMATCH alone, or with REMOTE only, is BAD
  const base = options.includes('SUBSCRIBED') || options.includes('SPECIAL-USE')
  if (options.includes('RECURSIVEMATCH') && !base) bad(c, 'RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE')
  return options
}

const RETURNS = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'STATUS', 'MYRIGHTS', 'METADATA'] as const

/** RFC 9051 §6.3.9.2; RFC 5819 §2, RFC 6154 §2, RFC 8440 §3, RFC 9590 §3 */
function returnOptions(c: Cursor): ListReturn {
  let returns = NOTHING
  const option = (): void => {
    const which = oneOf(c, RETURNS, 'A return option')
    switch (which) {
      case 'SUBSCRIBED':
        returns = { ...returns, subscribed: true }
        return
      case 'CHILDREN':
        returns = { ...returns, children: true }
        return
      case 'SPECIAL-USE':
        returns = { ...returns, specialUse: true }
        return
      case 'MYRIGHTS':
        returns = { ...returns, myRights: true }
        return
      case 'STATUS':
        space(c)
        returns = { ...returns, status: statusItems(c) }
        return
      case 'METADATA':
        space(c)
        returns = { ...returns, metadata: metadataEntries(c) }
    }
  }
  listOf(c, option, 'empty')
  return returns
}

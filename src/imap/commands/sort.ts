import type { SortKey } from '../../mail/search-key.ts'
import type { Command, Sort } from '../command.ts'
import { bad, type Cursor, list, oneOf, space, take } from '../parser.ts'
import { searchProgram } from '../search-key.ts'
import { charsetName, searchReturn } from './search.ts'

const MAX_KEYS = 50

const KEYS = [
  'ARRIVAL',
  'CC',
  'DATE',
  'FROM',
  'SIZE',
  'SUBJECT',
  'TO',
  'DISPLAYFROM', // RFC 5957 §3
  'DISPLAYTO',
] as const satisfies readonly SortKey[]

/** RFC 5256 §5: SORT [RETURN …] SP "(" sort-key … ")" SP charset SP search-key … */
export function sort(uid: boolean): (c: Cursor) => Sort {
  return c => {
    space(c)
    const returns = searchReturn(c)
    const keys = list(c, () => sortKey(c), 'some')
    if (keys.length > MAX_KEYS) bad(c, `SORT may have ${MAX_KEYS} keys`)
    space(c)
    const charset = charsetName(c)
    space(c)
    return { name: 'SORT', uid, returns, keys, program: searchProgram(c, charset) }
  }
}

function sortKey(c: Cursor): Sort['keys'][number] {
  const reverse = take(c, 'REVERSE ')
  return { key: oneOf(c, KEYS, 'A sort key'), reverse }
}

/** RFC 5256 §5: THREAD SP algorithm SP charset SP search-key … */
export function thread(uid: boolean): (c: Cursor) => Command {
  return c => {
    space(c)
    const algorithm = oneOf(c, ['REFERENCES', 'ORDEREDSUBJECT'], 'REFERENCES or ORDEREDSUBJECT')
    space(c)
    const charset = charsetName(c)
    space(c)
    return { name: 'THREAD', uid, algorithm, program: searchProgram(c, charset) }
  }
}

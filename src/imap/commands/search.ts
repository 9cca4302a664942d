import type { SearchReturn } from '../../mail/search-key.ts'
import { partialRange } from '../arguments.ts'
import type { Search } from '../command.ts'
import { astring, bad, type Cursor, list, oneOf, space, take } from '../parser.ts'
import { searchProgram } from '../search-key.ts'

/** RFC 9051 §6.4.4: SEARCH [search-return-opts] SP ["CHARSET" SP charset SP] search-key … */
export function search(uid: boolean): (c: Cursor) => Search {
  return c => {
    space(c)
    const returns = searchReturn(c)
    const charset = take(c, 'CHARSET ') ? charsetName(c) : undefined
    if (charset !== undefined) space(c)
    return { name: 'SEARCH', uid, returns, program: searchProgram(c, charset) }
  }
}

/** RFC 9051 §9 charset = atom / quoted; in upper case. */
export function charsetName(c: Cursor): string {
  return astring(c, 'A charset').toUpperCase()
}

const NOTHING: SearchReturn = { min: false, max: false, all: false, count: false, save: false, partial: undefined }
const OPTIONS = ['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'PARTIAL'] as const

/** RFC 4731 §3.1, RFC 5267 §3.1: "RETURN" SP "(" [option …] ")" SP; undefined: not given. */
export function searchReturn(c: Cursor): SearchReturn | undefined {
  if (!take(c, 'RETURN ')) return undefined
  let returns = NOTHING
  const option = (): void => {
    const which = oneOf(c, OPTIONS, 'MIN, MAX, ALL, COUNT, SAVE or PARTIAL')
    if (which === 'PARTIAL') {
      space(c)
      if (returns.partial) bad(c, 'PARTIAL is given twice') // RFC 9394 §3.1
      returns = { ...returns, partial: partialRange(c) }
      return
    }
    const name = which.toLowerCase()
    returns = {
      min: returns.min || name === 'min',
      max: returns.max || name === 'max',
      all: returns.all || name === 'all',
      count: returns.count || name === 'count',
      save: returns.save || name === 'save', // RFC 5182 §2.1
      partial: returns.partial,
    }
  }
  const given = list(c, option, 'empty').length
  space(c)
  // RFC 9394 §3.1: the whole and a part of it at the same time is BAD
  if (returns.all && returns.partial) bad(c, 'ALL and PARTIAL cannot both be returned')
  return given === 0 ? { ...NOTHING, all: true } : returns // RFC 4731 §3.1: an empty list is ALL
}

/** RFC 9051 §6.4.4: the keys of SEARCH, SORT and THREAD. */
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../mail/flags.ts'
import type { SearchKey, SearchProgram } from '../mail/search-key.ts'
import { date, keyword, modSequence, objectId, sequenceSet } from './arguments.ts'
import { type Decoder, decoderOf } from './charset.ts'
import { astring, bad, close, type Cursor, expected, match, number64, nzNumber, space, take, word } from './parser.ts'

const MAX_KEYS = 1000
/** NOT, OR and parentheses in each other. */
const MAX_DEPTH = 50

interface Search {
  readonly c: Cursor
  readonly decode: Decoder
  keys: number
}

/** 1*(SP search-key), all of which must fit; the first space was read. `charset`: in upper case, undefined: none was given. */
export function searchProgram(c: Cursor, charset: string | undefined): SearchProgram {
  const search: Search = { c, decode: decoderOf(c, charset), keys: 0 }
  return { charset, key: keys(search, 0) }
}

function keys(search: Search, depth: number): SearchKey {
  const first = searchKey(search, depth)
  const all = [first]
  while (take(search.c, ' ')) all.push(searchKey(search, depth))
  return all.length === 1 ? first : { is: 'and', keys: all }
}

const SET_STARTS = /[\d*$]/

function searchKey(search: Search, depth: number): SearchKey {
  const { c } = search
  if (++search.keys > MAX_KEYS || depth > MAX_DEPTH) bad(c, `${c.name} has too many search keys`)
  if (take(c, '(')) {
    const key = keys(search, depth + 1)
    close(c)
    return key
  }
  if (SET_STARTS.test(c.text.charAt(c.at))) return { is: 'set', uid: false, set: sequenceSet(c) }
  const before = c.at
  const name = word(c, 'A search key')
  const key = KEYS.get(name)
  if (key) return key(search, depth)
  c.at = before
  expected(c, 'A search key')
  return ALL
}

const ALL: SearchKey = { is: 'ALL' }
const RECENT: SearchKey = { is: 'RECENT' }

type Reader = (search: Search, depth: number) => SearchKey

function fixed(key: SearchKey): Reader {
  return () => key
}

function not(key: SearchKey): SearchKey {
  return { is: 'NOT', key }
}

/** SEEN and UNSEEN, of the same flag. */
function flagKeys(name: string, bit: number): [string, Reader][] {
  const key: SearchKey = { is: 'flag', bit }
  return [
    [name, fixed(key)],
    [`UN${name}`, fixed(not(key))],
  ]
}

function dateKey(of: 'at' | 'sent' | 'saved', how: 'before' | 'on' | 'since'): Reader {
  return ({ c }) => {
    space(c)
    return { is: 'date', of, how, day: date(c) }
  }
}

function headerKey(field: string): Reader {
  return search => ({ is: 'HEADER', field, text: searchText(search) })
}

function searchText({ c, decode }: Search): string {
  space(c)
  return decode(astring(c, 'A text to search for'))
}

const KEYS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['ALL', fixed(ALL)],
  ...flagKeys('ANSWERED', ANSWERED),
  ...flagKeys('DELETED', DELETED),
  ...flagKeys('DRAFT', DRAFT),
  ...flagKeys('FLAGGED', FLAGGED),
  ...flagKeys('SEEN', SEEN),
  // RFC 3501 §6.4.4
  ['RECENT', fixed(RECENT)],
  ['OLD', fixed(not(RECENT))],
  ['NEW', fixed({ is: 'and', keys: [RECENT, not({ is: 'flag', bit: SEEN })] })],
  ['KEYWORD', ({ c }) => keywordKey(c)],
  ['UNKEYWORD', ({ c }) => not(keywordKey(c))],
  ['BCC', headerKey('bcc')],
  ['CC', headerKey('cc')],
  ['FROM', headerKey('from')],
  ['SUBJECT', headerKey('subject')],
  ['TO', headerKey('to')],
  ['HEADER', search => anyHeader(search)],
  ['BODY', search => ({ is: 'BODY', text: searchText(search) })],
  ['TEXT', search => ({ is: 'TEXT', text: searchText(search) })],
  ['BEFORE', dateKey('at', 'before')],
  ['ON', dateKey('at', 'on')],
  ['SINCE', dateKey('at', 'since')],
  ['SENTBEFORE', dateKey('sent', 'before')],
  ['SENTON', dateKey('sent', 'on')],
  ['SENTSINCE', dateKey('sent', 'since')],
  // RFC 8514 §4.3
  ['SAVEDBEFORE', dateKey('saved', 'before')],
  ['SAVEDON', dateKey('saved', 'on')],
  ['SAVEDSINCE', dateKey('saved', 'since')],
  ['SAVEDATESUPPORTED', fixed({ is: 'SAVEDATESUPPORTED' })],
  ['LARGER', ({ c }) => ({ is: 'LARGER', octets: octets(c) })],
  ['SMALLER', ({ c }) => ({ is: 'SMALLER', octets: octets(c) })],
  // RFC 5032 §3
  ['OLDER', ({ c }) => ({ is: 'OLDER', seconds: seconds(c) })],
  ['YOUNGER', ({ c }) => ({ is: 'YOUNGER', seconds: seconds(c) })],
  ['UID', ({ c }) => uidKey(c)],
  ['NOT', (search, depth) => not(next(search, depth))],
  ['OR', (search, depth) => ({ is: 'OR', keys: [next(search, depth), next(search, depth)] })],
  ['MODSEQ', ({ c }) => modseqKey(c)],
  // RFC 8474 §5.4
  ['EMAILID', ({ c }) => idKey(c, 'EMAILID')],
  ['THREADID', ({ c }) => idKey(c, 'THREADID')],
])

function next(search: Search, depth: number): SearchKey {
  space(search.c)
  return searchKey(search, depth + 1)
}

function keywordKey(c: Cursor): SearchKey {
  space(c)
  return { is: 'keyword', keyword: keyword(c) }
}

function anyHeader(search: Search): SearchKey {
  space(search.c)
  const field = astring(search.c, 'A header field name').toLowerCase()
  return { is: 'HEADER', field, text: searchText(search) }
}

function octets(c: Cursor): number {
  space(c)
  return number64(c, 'A number of octets')
}

function seconds(c: Cursor): number {
  space(c)
  return nzNumber(c, 'A number of seconds')
}

function uidKey(c: Cursor): SearchKey {
  space(c)
  return { is: 'set', uid: true, set: sequenceSet(c) }
}

const ENTRY = /"[^"]*" (?:priv|shared|all) /iy

/** RFC 7162 §3.1.5: MODSEQ [SP entry-name SP entry-type-req] SP mod-sequence-valzer. All flags of a mail have one mod-sequence here. */
function modseqKey(c: Cursor): SearchKey {
  space(c)
  match(c, ENTRY)
  return { is: 'MODSEQ', modseq: modSequence(c) }
}

function idKey(c: Cursor, is: 'EMAILID' | 'THREADID'): SearchKey {
  space(c)
  return { is, id: objectId(c) }
}

/**
 * SEARCH (RFC 9051 §6.4.4) over one mailbox: a tree of keys in, the UIDs of the mails that it fits out. Each key gets the mails that are
 * still in question and answers those of them that it fits; of keys that must all fit, the cheap ones come first, so that those that read
 * texts look only at what the others left.
 */
import { FIRST_KEYWORD, hasBit } from '../mail/flags.ts'
import type { Id } from '../mail/id.ts'
import type { SearchKey } from '../mail/search-key.ts'
import type { SequenceSet, UidRange } from '../mail/sequence-set.ts'
import { filterColumn } from './columns.ts'
import type { MailScope } from './mail-scope.ts'
import { DAY, sentSince } from './sent-date.ts'
import type { TextKey } from './text-search.ts'
import { difference, intersection, placeOf, union, within } from './uids.ts'
import type { Version, View } from './view.ts'

export interface SearchScope extends MailScope {
  readonly view: View
  /** What the client knows: nothing else is found. */
  readonly version: Version
  /** UIDs from here on are \Recent to it. */
  readonly recentFrom: number
  /** What is not there is left out. */
  readonly resolve: (set: SequenceSet, uid: boolean) => readonly UidRange[]
  /** RFC 8474; undefined: no message of ours. */
  readonly parseEmailId: (id: string) => Id | undefined
  /** Of these mails, those that all of the texts fit (`text-search.ts`). */
  readonly find: (keys: readonly TextKey[], among: Uint32Array) => Promise<Uint32Array>
  /** ms since 1970 */
  readonly now: number
}

/** UIDs of the mails that the key fits, ascending. Mails that are gone, though the client was not told yet, are not among them. */
export function search(key: SearchKey, scope: SearchScope): Promise<Uint32Array> {
  const { version, view } = scope
  const known = version.uids.subarray(0, version.exists)
  const there = view.version
  const all = there === version ? known : intersection(known, there.uids.subarray(0, there.exists))
  return evaluate(key, all, scope)
}

/** Of these mails, those that the key fits. The depth of keys is bounded by the parser. */
async function evaluate(key: SearchKey, among: Uint32Array, scope: SearchScope): Promise<Uint32Array> {
  if (among.length === 0) return among
  await scope.breathe()
  switch (key.is) {
    case 'ALL':
    case 'SAVEDATESUPPORTED': // RFC 8514 §4.3: every mailbox keeps them
      return among
    case 'and':
      return evaluateAll(key.keys, among, scope)
    case 'OR': {
      // The dear one looks only at what the cheap one did not fit.
      const [cheaper = key.keys[0], dearer = key.keys[1]] = byCost(key.keys)
      const fits = await evaluate(cheaper, among, scope)
      return union(fits, await evaluate(dearer, difference(among, fits), scope))
    }
    case 'NOT':
      return difference(among, await evaluate(key.key, among, scope))
    case 'set':
      return within(among, scope.resolve(key.set, key.uid))
    case 'date':
      return byDate(key, among, scope)
    case 'BODY':
    case 'TEXT':
    case 'HEADER':
      return scope.find([key], among)
    case 'flag':
    case 'keyword':
    case 'MODSEQ':
    case 'RECENT':
    case 'OLDER':
    case 'YOUNGER':
    case 'LARGER':
    case 'SMALLER':
    case 'EMAILID':
    case 'THREADID':
      return cheap(key, among, scope)
  }
}

async function evaluateAll(keys: readonly SearchKey[], among: Uint32Array, scope: SearchScope): Promise<Uint32Array> {
  const texts = keys.filter(isText)
  let left = among
  for (const key of byCost(keys.filter(key => cost(key) < COST_OF_TEXT))) left = await evaluate(key, left, scope)
  // Together, so that each mail is read once, and only if it may hold them all.
  if (texts.length > 0 && left.length > 0) left = await scope.find(texts, left)
  for (const key of byCost(keys.filter(key => cost(key) >= COST_OF_TEXT && !isText(key)))) {
    left = await evaluate(key, left, scope)
  }
  return left
}

function isText(key: SearchKey): key is TextKey {
  return key.is === 'BODY' || key.is === 'TEXT' || key.is === 'HEADER'
}

type CheapKey = Exclude<
  SearchKey,
  { readonly is: 'ALL' | 'SAVEDATESUPPORTED' | 'and' | 'OR' | 'NOT' | 'set' | 'date' | 'BODY' | 'TEXT' | 'HEADER' }
>

function cheap(key: CheapKey, among: Uint32Array, scope: SearchScope): Uint32Array {
  const { view } = scope
  switch (key.is) {
    case 'flag':
      return filterPlaces(among, view, place => (view.flagsAt(place) & key.bit) !== 0)
    case 'keyword':
      return byKeyword(key.keyword, among, view)
    case 'MODSEQ': // RFC 7162 §3.1.5: equal to or greater
      return filterPlaces(among, view, place => view.modseqAt(place) >= key.modseq)
    case 'RECENT':
      return among.subarray(placeOf(among, scope.recentFrom))
    case 'OLDER': {
      // RFC 5032 §2: to the second, and the target itself fits both.
      const target = scope.now - key.seconds * 1000
      return filterColumn(among, 'at', '<', (Math.floor(target / 1000) + 1) * 1000, scope)
    }
    case 'YOUNGER': {
      const target = scope.now - key.seconds * 1000
      return filterColumn(among, 'at', '>=', Math.floor(target / 1000) * 1000, scope)
    }
    case 'LARGER':
      return filterColumn(among, 'size', '>', key.octets, scope)
    case 'SMALLER':
      return filterColumn(among, 'size', '<', key.octets, scope)
    case 'EMAILID': {
      const message = scope.parseEmailId(key.id)
      return message === undefined ? NONE : intersection(among, scope.reader.copies(scope.mailbox, message))
    }
    case 'THREADID': // RFC 8474 §5.2: we have none, and say NIL.
      return NONE
  }
}

const NONE = new Uint32Array(0)

/** RFC 9051 §2.3.2: keywords are compared without case. */
function byKeyword(keyword: string, among: Uint32Array, view: View): Uint32Array {
  const wanted = keyword.toLowerCase()
  for (const [place, name] of view.keywords) {
    if (place < FIRST_KEYWORD || name.toLowerCase() !== wanted) continue
    return filterPlaces(among, view, index => hasBit(view.flagsAt(index), place))
  }
  return NONE
}

/** A look-up by halving costs about as much as this many steps to the next. */
const HALVING = 16

/** Those of these mails whose place in the view's columns fits. */
function filterPlaces(among: Uint32Array, view: View, fits: (place: number) => boolean): Uint32Array {
  const { uids, exists } = view.version
  const found = new Uint32Array(among.length)
  const walks = among.length * HALVING > exists
  let length = 0
  let place = 0
  for (let i = 0; i < among.length; i++) {
    const uid = among[i] ?? 0
    if (walks) while (place < exists && (uids[place] ?? 0) < uid) place++
    else place = view.indexOf(uid)
    if (place >= 0 && place < exists && uids[place] === uid && fits(place)) found[length++] = uid
  }
  return found.subarray(0, length)
}

type DateKey = Extract<SearchKey, { readonly is: 'date' }>

/** RFC 9051 §6.4.4: days. Internal and save dates are kept as moments and shown in UTC, so their days are those of UTC. */
async function byDate({ of, how, day }: DateKey, among: Uint32Array, scope: SearchScope): Promise<Uint32Array> {
  const since = async (uids: Uint32Array, from: number): Promise<Uint32Array> =>
    of === 'sent' ? sentSince(uids, from, scope) : filterColumn(uids, of, '>=', from, scope)
  const fits = await since(among, day)
  if (how === 'before') return difference(among, fits)
  return how === 'since' ? fits : difference(fits, await since(fits, day + DAY))
}

function byCost(keys: readonly SearchKey[]): readonly SearchKey[] {
  const costs = new Map(keys.map(key => [key, cost(key)]))
  return [...keys].sort((a, b) => (costs.get(a) ?? 0) - (costs.get(b) ?? 0))
}

/** In what order keys are tried: a column of the mailbox; single mails; headers; whole texts. All others are at hand. */
const COSTS: { readonly [Is in SearchKey['is']]?: number } = {
  OLDER: 1,
  YOUNGER: 1,
  LARGER: 1,
  SMALLER: 1,
  date: 1,
  HEADER: 3,
  BODY: 4,
  TEXT: 4,
}
const COST_OF_SENT = 2
const COST_OF_TEXT = 3

function cost(key: SearchKey): number {
  if (key.is === 'NOT') return cost(key.key)
  if (key.is === 'and' || key.is === 'OR') return key.keys.reduce((most, each) => Math.max(most, cost(each)), 0)
  return key.is === 'date' && key.of === 'sent' ? COST_OF_SENT : (COSTS[key.is] ?? 0)
}

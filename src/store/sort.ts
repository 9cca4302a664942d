/** SORT (RFC 5256 §2, RFC 5957): the found mails, in the order that was asked for. */
import type { SortKeys } from '../mail/description.ts'
import type { SortKey } from '../mail/search-key.ts'
import { readColumn, readSortKeys } from './columns.ts'
import type { MailScope } from './mail-scope.ts'

export interface SortCriterion {
  readonly key: SortKey
  readonly reverse: boolean
}

/** Compares the mails at two places. */
type Compare = (a: number, b: number) => number

/** The same UIDs (ascending on the way in) in the order of the criteria. */
export async function sort(
  uids: Uint32Array,
  criteria: readonly SortCriterion[],
  scope: MailScope,
): Promise<Uint32Array> {
  const distinct = withoutRepeats(criteria)
  const texts = await readTexts(uids, distinct, scope)
  const comparisons: Compare[] = []
  for (const { key, reverse } of distinct) {
    const compare = comparison(texts.get(key) ?? (await readColumn(uids, COLUMNS[key] ?? 'at', scope)))
    comparisons.push(reverse ? (a, b) => compare(b, a) : compare)
  }
  const order = await mergeSort(uids.length, comparing(comparisons), scope.breathe)
  return order.map(place => uids[place] ?? 0)
}

const COLUMNS: { readonly [Key in SortKey]?: 'at' | 'sent' | 'size' } = { ARRIVAL: 'at', DATE: 'sent', SIZE: 'size' }

const TEXTS: { readonly [Key in SortKey]?: (keys: SortKeys) => string } = {
  SUBJECT: keys => keys.subject,
  FROM: keys => keys.from,
  TO: keys => keys.to,
  CC: keys => keys.cc,
  DISPLAYFROM: keys => keys.displayFrom,
  DISPLAYTO: keys => keys.displayTo,
}

/** A key that stood before decides nothing any more, whichever way it is turned. So there are at most as many as there are keys. */
function withoutRepeats(criteria: readonly SortCriterion[]): readonly SortCriterion[] {
  return criteria.filter(({ key }, i) => criteria.findIndex(other => other.key === key) === i)
}

async function readTexts(
  uids: Uint32Array,
  criteria: readonly SortCriterion[],
  scope: MailScope,
): Promise<ReadonlyMap<SortKey, readonly string[]>> {
  const columns = new Map<SortKey, string[]>()
  const takers: ((place: number, keys: SortKeys) => void)[] = []
  for (const { key } of criteria) {
    const textOf = TEXTS[key]
    if (!textOf) continue
    const column = Array.from(uids, () => '')
    columns.set(key, column)
    takers.push((place, keys) => {
      column[place] = textOf(keys)
    })
  }
  if (takers.length > 0) {
    await readSortKeys(uids, scope, (place, keys) => {
      for (const take of takers) take(place, keys)
    })
  }
  return columns
}

function comparison(values: Float64Array | readonly string[]): Compare {
  if (values instanceof Float64Array) return (a, b) => (values[a] ?? 0) - (values[b] ?? 0)
  return (a, b) => compareTexts(values[a] ?? '', values[b] ?? '')
}

function comparing(comparisons: readonly Compare[]): Compare {
  const [first] = comparisons
  if (first && comparisons.length === 1) return first
  return (a, b) => {
    for (const compare of comparisons) {
      const difference = compare(a, b)
      if (difference !== 0) return difference
    }
    return 0
  }
}

const SURROGATES = 0xd800
const BEHIND_SURROGATES = 0xe000

/** RFC 5051 §2: folded texts in the order of their UTF-8, which is that of code points; UTF-16 differs where characters are pairs. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  let i = 0
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i === length) return a.length - b.length
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
}

/** Of a code unit: halves of pairs come behind all others. */
function rank(unit: number): number {
  return unit >= SURROGATES && unit < BEHIND_SURROGATES ? unit + 0x10000 : unit
}

/** Comparisons between two questions whether others want their turn. */
const BREATH = 8192

/**
 * The places 0 to length - 1 in order. RFC 5256 §3: what compares equal stays in order of sequence number, also where a key is
 * reversed. In our own steps rather than the engine's sort, so that a large mailbox does not hold up the thread.
 */
export async function mergeSort(
  length: number,
  compare: Compare,
  breathe: () => Promise<void> | undefined,
): Promise<Uint32Array> {
  let from = Uint32Array.from({ length }, (_, place) => place)
  let to = new Uint32Array(length)
  let steps = 0
  for (let width = 1; width < length; width *= 2) {
    for (let start = 0; start < length; start += 2 * width) {
      const middle = Math.min(start + width, length)
      const end = Math.min(start + 2 * width, length)
      let a = start
      let b = middle
      for (let at = start; at < end; at++) {
        if (++steps % BREATH === 0) await breathe()
        const left = from[a] ?? 0
        const right = from[b] ?? 0
        const takesLeft = a < middle && (b >= end || compare(left, right) <= 0)
        to[at] = takesLeft ? left : right
        if (takesLeft) a++
        else b++
      }
    }
    ;[from, to] = [to, from]
  }
  return from
}

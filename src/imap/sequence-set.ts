import type { SeqNumber, SeqRange, SequenceSet, UidRange } from '../mail/sequence-set.ts'

/** Ranges of one set. */
export const MAX_RANGES = 10_000
/** RFC 9051 §9: nz-number and UIDs are unsigned 32-bit integers. */
export const MAX_NUMBER = 4_294_967_295

const NZ_NUMBER = /^[1-9]\d{0,9}$/

/** RFC 9051 §9 sequence-set, RFC 5182 `$`. undefined: not one, or more than 10,000 ranges. */
export function parseSequenceSet(text: string): SequenceSet | undefined {
  if (text === '$') return '$'
  const parts = text.split(',', MAX_RANGES + 1)
  if (parts.length > MAX_RANGES) return undefined
  const ranges: SeqRange[] = []
  for (const part of parts) {
    const colon = part.indexOf(':')
    const first = parseSeqNumber(colon === -1 ? part : part.slice(0, colon))
    const last = colon === -1 ? first : parseSeqNumber(part.slice(colon + 1))
    if (first === undefined || last === undefined) return undefined
    ranges.push([first, last])
  }
  return ranges
}

/** RFC 9051 §9: seq-number = nz-number / "*" */
export function parseSeqNumber(text: string): SeqNumber | undefined {
  if (text === '*') return '*'
  const number = NZ_NUMBER.test(text) ? Number(text) : 0
  return number > 0 && number <= MAX_NUMBER ? number : undefined
}

/** `1:3,5` for 1, 2, 3, 5. The numbers ascend; '' when there are none. */
export function formatRanges(numbers: Iterable<number>): string {
  let text = ''
  let first = 0
  let last = 0
  for (const number of numbers) {
    if (last !== 0 && number === last + 1) {
      last = number
      continue
    }
    if (last !== 0) text += `${rangeText(first, last)},`
    first = number
    last = number
  }
  return last === 0 ? text : text + rangeText(first, last)
}

/** `1:3,5` for [1, 3], [5, 5]. */
export function formatUidRanges(ranges: readonly UidRange[]): string {
  return ranges.map(([first, last]) => rangeText(first, last)).join(',')
}

function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${first}:${last}`
}

/** Reading one value of many mails at once. */
import type { SortKeys } from '../mail/description.ts'
import { describedMail, type MailScope, undescribed } from './mail-scope.ts'
import { intersection, placeOf, slices } from './uids.ts'

type Column = 'at' | 'sent' | 'saved' | 'size'
type Comparison = '<' | '>=' | '>' | '='

/** Mails that are read one after the other rather than with all others of the mailbox. */
const FEW = 200
/** Mails that are read at a time. */
const SLICE = 500

/** Of these mails, those for which the comparison holds. */
export function filterColumn(
  uids: Uint32Array,
  name: Column,
  is: Comparison,
  value: number,
  { reader, mailbox }: MailScope,
): Uint32Array {
  if (uids.length > FEW) return intersection(uids, reader.where(mailbox, name, is, value))
  const found: number[] = []
  for (const { range } of slices(uids, FEW)) {
    for (const [uid, at] of reader.column(mailbox, name, range)) if (holds(at, is, value)) found.push(uid)
  }
  return intersection(uids, found)
}

function holds(a: number, is: Comparison, b: number): boolean {
  switch (is) {
    case '<':
      return a < b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '=':
      return a === b
  }
}

/** The value of each mail, in their order; 0 for those that are gone. `sent` is the internal date where there is no usable Date. */
export async function readColumn(
  uids: Uint32Array,
  name: 'at' | 'sent' | 'size',
  scope: MailScope,
): Promise<Float64Array> {
  const values = new Float64Array(uids.length)
  for (const { from, range } of slices(uids, SLICE)) {
    await scope.breathe()
    let i = from
    for (const [uid, value] of scope.reader.column(scope.mailbox, name, range)) {
      while ((uids[i] ?? uid) < uid) i++
      if (uids[i] === uid) values[i] = value
    }
  }
  if (name !== 'sent') return values
  for (const uid of undescribed(uids, scope)) {
    await scope.breathe()
    const mail = await describedMail(uid, scope)
    if (mail) values[placeOf(uids, uid)] = mail.description.sent ?? mail.row.at
  }
  return values
}

/** Calls with the place and the keys of each mail, in their order, but for those that are gone. */
export async function readSortKeys(
  uids: Uint32Array,
  scope: MailScope,
  take: (place: number, keys: SortKeys) => void,
): Promise<void> {
  for (const { from, range } of slices(uids, SLICE)) {
    await scope.breathe()
    const rows = scope.reader.sortKeys(scope.mailbox, range)
    let row = 0
    for (let i = from; (uids[i] ?? Number.POSITIVE_INFINITY) <= range[1]; i++) {
      const uid = uids[i] ?? 0
      while ((rows[row]?.[0] ?? uid) < uid) row++
      const found = rows[row]
      const keys = found?.[0] === uid ? found[1] : (await describedMail(uid, scope))?.description.sort
      if (keys) take(i, keys)
    }
  }
}

/**
 * RFC 1939 §4, §5: the messages of a mailbox as they were at the login, numbered from 1, and which of them are marked as deleted. Columns
 * instead of objects: a maildrop of 100,000 messages takes 900 KB. Belongs to one session; `mark` and `unmarkAll` change it.
 */
import type { UidRange } from '../mail/sequence-set.ts'

export interface Maildrop {
  readonly uidValidity: number
  /** By number less one, ascending; sizes in bytes. */
  readonly uids: Uint32Array
  readonly sizes: Uint32Array
  /** 1: marked as deleted. */
  readonly marks: Uint8Array
  /** Bytes of all messages. */
  readonly allOctets: number
  /** Of those that are not marked. */
  count: number
  octets: number
}

/** What the machine sees of it. */
export type MaildropView = Readonly<Maildrop>

/** `uids` ascending, `sizes` as many. */
export function newMaildrop(uidValidity: number, uids: Uint32Array, sizes: Uint32Array): Maildrop {
  let octets = 0
  for (const size of sizes) octets += size
  const marks = new Uint8Array(uids.length)
  return { uidValidity, uids, sizes, marks, allOctets: octets, count: uids.length, octets }
}

/** RFC 1939 §5: whether there is a message of this number, and it is not marked. */
export function isThere(maildrop: MaildropView, n: number): boolean {
  return n >= 1 && n <= maildrop.uids.length && maildrop.marks[n - 1] === 0
}

export function isMarked(maildrop: MaildropView, n: number): boolean {
  return maildrop.marks[n - 1] === 1
}

/** Bytes; 0: there is no such message. */
export function sizeOf(maildrop: MaildropView, n: number): number {
  return maildrop.sizes[n - 1] ?? 0
}

export function uidOf(maildrop: MaildropView, n: number): number {
  return maildrop.uids[n - 1] ?? 0
}

/**
 * RFC 1939 §7: the unique id, 1 to 70 characters. A UID is never given twice while UIDVALIDITY stays, so this one is stable for ever, and
 * IMAP shows the same numbers.
 */
export function uniqueId(maildrop: MaildropView, n: number): string {
  return `${maildrop.uidValidity}.${uidOf(maildrop, n)}`
}

/** Of a message that `isThere`. */
export function mark(maildrop: Maildrop, n: number): void {
  if (!isThere(maildrop, n)) return
  maildrop.marks[n - 1] = 1
  maildrop.count--
  maildrop.octets -= sizeOf(maildrop, n)
}

/** RFC 1939 §5: RSET */
export function unmarkAll(maildrop: Maildrop): void {
  maildrop.marks.fill(0)
  maildrop.count = maildrop.uids.length
  maildrop.octets = maildrop.allOctets
}

export function markedCount(maildrop: MaildropView): number {
  return maildrop.uids.length - maildrop.count
}

/** The UIDs of those that are marked. Between neighbours there was no message at the login, and new ones have larger UIDs. */
export function markedUids(maildrop: MaildropView): UidRange[] {
  const { uids, marks } = maildrop
  const ranges: UidRange[] = []
  for (let at = marks.indexOf(1); at !== -1; ) {
    const end = marks.indexOf(0, at)
    const last = end === -1 ? uids.length - 1 : end - 1
    ranges.push([uids[at] ?? 0, uids[last] ?? 0])
    at = end === -1 ? -1 : marks.indexOf(1, end)
  }
  return ranges
}

/**
 * RFC 1939 §5, §7: the lines of LIST or UIDL from number `from` on, at most `most` messages. `next`: the number to go on with; undefined:
 * these were the last, and the line with the dot is with them.
 */
export function listing(
  maildrop: MaildropView,
  what: 'LIST' | 'UIDL',
  from: number,
  most: number,
): { readonly text: string; readonly next: number | undefined } {
  const end = Math.min(from + most, maildrop.uids.length + 1)
  let text = ''
  for (let n = from; n < end; n++) {
    if (isMarked(maildrop, n)) continue
    text += `${n} ${what === 'LIST' ? sizeOf(maildrop, n) : uniqueId(maildrop, n)}\r\n`
  }
  return end > maildrop.uids.length ? { text: `${text}.\r\n`, next: undefined } : { text, next: end }
}

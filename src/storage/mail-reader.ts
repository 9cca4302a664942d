import type { Description, Part, SortKeys } from '../mail/description.ts'
import type { Id } from '../mail/id.ts'
import type { UidRange } from '../mail/sequence-set.ts'
import type { SpecialUse } from './mail-operations.ts'

/** What is only read of mailboxes; each answer is of one moment. An engine implements it (`sqlite/mail-reader.ts`). Rows come in order of UID. */
export interface MailReader {
  /** All that is read meanwhile is of one moment; what it answers. */
  atOnce<Value>(read: () => Value): Value
  /** Of one account, in order of name. */
  mailboxes(account: number): readonly MailboxRow[]
  mailbox(id: number): MailboxRow | undefined
  mailboxNamed(account: number, name: string): MailboxRow | undefined
  /** Mailboxes of others that this account may see or open, by its address, `anyone` or `authuser` (RFC 4314). */
  shared(account: number, address: string): readonly MailboxRow[]
  /** Names, also of mailboxes that are gone. */
  subscriptions(account: number): readonly string[]
  /** The keywords of a mailbox: [place of the bit, name]. */
  keywords(mailbox: number): readonly (readonly [place: number, name: string])[]
  /** All of a mailbox, for a view: one flat list of uid, flags, modseq, uid, flags, modseq, … */
  mails(mailbox: number): MailColumns
  /** What is different since this MODSEQ, when this was UIDNEXT: mails that are new or whose flags changed, and UIDs that are gone; undefined: as `vanished`. */
  changes(
    mailbox: number,
    since: number,
    uidNext: number,
  ): { readonly mails: MailColumns; readonly vanished: readonly number[] | undefined }
  /** UIDs that are gone since this MODSEQ; undefined: that is not known any more. */
  vanished(mailbox: number, since: number): readonly number[] | undefined
  mail(mailbox: number, uid: number): MailRow | undefined
  /** The first of a range, at most so many: several times as fast as one by one. */
  mailRows(mailbox: number, range: UidRange, limit: number): readonly MailRow[]
  /** The same with what FETCH wants of each, in one look: of a thousand half the time is saved. */
  fetchRows(mailbox: number, range: UidRange, limit: number, wants: FetchWants): readonly FetchRow[]
  description(message: Id): Description | undefined
  /** Only what FETCH of thousands reads of a description; undefined: there is none (yet). */
  envelope(message: Id): Uint8Array | undefined
  preview(message: Id): string | undefined
  parts(message: Id): { readonly header: number; readonly part: Part } | undefined
  /** UIDs of the copies of a message in this mailbox (EMAILID, RFC 8474). */
  copies(mailbox: number, message: Id): readonly number[]
  /** UIDs of the mails whose message has no description yet, of those in the range. Mostly none, and then cheap. */
  undescribedUids(mailbox: number, range: UidRange): readonly number[]
  /** What SORT and THREAD compare, without the rest of the description; for the UIDs of the range that are described. */
  sortKeys(mailbox: number, range: UidRange): readonly (readonly [uid: number, keys: SortKeys])[]
  /** Only what a search of the whole mailbox reads, [uid, value] for the UIDs in a range; `sent` as in `where`. */
  column(
    mailbox: number,
    name: 'at' | 'sent' | 'saved' | 'size',
    range: UidRange,
  ): readonly (readonly [uid: number, value: number])[]
  /** UIDs of the range for which the comparison holds. `sent` falls back to `at` where there is no usable Date (or no description yet). */
  where(
    mailbox: number,
    name: 'at' | 'sent' | 'saved' | 'size',
    is: '<' | '>=' | '>' | '=',
    value: number,
  ): readonly number[]
  /** The rows of an index block as they were given; undefined: there is none. `row`s by number. */
  indexRow(mailbox: number, block: number, row: number): Uint8Array | undefined
  indexBlocks(mailbox: number): readonly number[]
  /** Of the mails in a range (with or without an index block); `head` is the copy's own, whose text is not in the signature. */
  signatures(
    mailbox: number,
    range: UidRange,
  ): readonly (readonly [uid: number, message: Id, signature: Uint8Array | undefined, head: string])[]
  /** Messages in mailboxes that have no description yet, the oldest first. */
  undescribed(limit: number): readonly Id[]
  /** Mailboxes with a full block of UIDs that is not in the index. */
  unindexed(limit: number): readonly { readonly mailbox: number; readonly block: number }[]
  acl(mailbox: number): readonly { readonly identifier: string; readonly rights: string }[]
  metadata(
    account: number,
    mailbox: number | undefined,
  ): readonly { readonly name: string; readonly value: Uint8Array }[]
  quota(account: number): Quota
}

/** Columns of the same length, one place a mail, in order of UID. */
export interface MailColumns {
  readonly uids: Uint32Array
  /** Bits: see `mail/flags.ts`. */
  readonly flags: Float64Array
  readonly modseqs: Float64Array
}

export interface MailboxRow {
  readonly id: number
  readonly account: number
  /** The owner's address. */
  readonly owner: string
  readonly name: string
  readonly uidValidity: number
  readonly uidNext: number
  /** HIGHESTMODSEQ; at least 1. */
  readonly modseq: number
  readonly exists: number
  readonly unseen: number
  readonly deleted: number
  /** Bytes of all its mails. */
  readonly size: number
  /** UIDs from here on were shown to no session yet. */
  readonly recentFrom: number
  readonly specialUse: readonly SpecialUse[]
}

export interface MailRow {
  readonly uid: number
  readonly message: Id
  /** ms since 1970: INTERNALDATE; when it came into this mailbox (RFC 8514). */
  readonly at: number
  readonly saved: number
  /** Return-Path and Delivered-To of this copy, before the content. */
  readonly head: string
  /** Bytes, with `head`. */
  readonly size: number
  readonly flags: number
  readonly modseq: number
}

export type FetchWants = Readonly<Record<'envelope' | 'body' | 'structure' | 'content', boolean>>

/** What was not wanted is undefined. */
export interface FetchRow extends MailRow {
  /** Of the description; undefined: there is none (yet). */
  readonly envelope: Uint8Array | undefined
  readonly body: Uint8Array | undefined
  readonly structure: Uint8Array | undefined
  /** undefined also for a content in a file. */
  readonly content: Uint8Array | undefined
}

/** Bytes and mails; undefined: no limit. The account's own limit, or its domain's for each account; the domain's for all together. */
export interface Quota {
  readonly account: QuotaRoot
  readonly domain: QuotaRoot
}

export interface QuotaRoot {
  readonly usedBytes: number
  readonly usedMails: number
  readonly maxBytes: number | undefined
  readonly maxMails: number | undefined
}

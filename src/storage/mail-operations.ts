import type { Content } from '../mail/content.ts'
import type { Description } from '../mail/description.ts'
import type { Flags } from '../mail/flags.ts'
import type { Id } from '../mail/id.ts'
import type { UidRange } from '../mail/sequence-set.ts'

/**
 * What the storage thread can be asked to do with mailboxes. Each is one transaction of the group commit. What is impossible (a mailbox that
 * is gone, a full quota) is an answer, and then nothing was changed.
 */
export interface MailOperations {
  /** All of the messages, or none (RFC 3502). */
  append: { in: Append; out: Appended | Impossible }
  store: { in: StoreFlags; out: Stored | Impossible }
  copy: { in: Copy; out: Copied | Impossible }
  expunge: { in: Expunge; out: Expunged | Impossible }
  mailbox: { in: MailboxChange; out: MailboxDone | Impossible }
  /** What arrived without a description now has one. */
  describe: { in: readonly Described[]; out: undefined }
  /** A part of the search index (`store/search-index.ts`). */
  index: { in: IndexBlock; out: undefined }
}

export interface Impossible {
  readonly is:
    | 'missing' // the mailbox, or the mail to replace
    | 'exists' // a mailbox of that name
    | 'over-quota'
    | 'limit' // of keywords, mailboxes, metadata entries
    | 'has-children'
    | 'cannot' // INBOX deleted, a mailbox renamed below itself, a special use given twice
}

export interface Append {
  readonly mailbox: number
  /** Who does it: the owner of the content's file until it is stored. */
  readonly owner: number
  readonly messages: readonly Appending[]
  /** RFC 8508: this one goes at the same moment. */
  readonly replaces: { readonly mailbox: number; readonly uid: number } | undefined
}

/** A message that came by APPEND or import. It has no envelope and no entries in the queue. */
export interface Appending {
  readonly id: Id
  /** ms since 1970: INTERNALDATE. */
  readonly at: number
  readonly content: Content
  readonly description: Description
  readonly flags: Flags
  /** Of an import: how the message is known again. A mailbox takes each once: a second time the whole append fails, as `conflict`. */
  readonly fingerprint?: Uint8Array
}

export interface Appended {
  readonly is: 'appended'
  readonly uidValidity: number
  readonly uids: readonly number[]
  readonly modseq: number
}

export interface StoreFlags {
  readonly mailbox: number
  readonly uids: readonly UidRange[]
  readonly how: 'set' | 'add' | 'remove'
  readonly flags: Flags
  /** RFC 7162 §3.1.3: those with a larger MODSEQ are left alone. */
  readonly unchangedSince: number | undefined
}

export interface Stored {
  readonly is: 'stored'
  /** Of the mailbox, now. */
  readonly modseq: number
  /** UIDs whose flags are different now, ascending; they have `modseq`. */
  readonly changed: readonly number[]
  /** UIDs that UNCHANGEDSINCE kept from it. */
  readonly modified: readonly number[]
}

export interface Copy {
  readonly how: 'copy' | 'move'
  readonly from: number
  readonly to: number
  readonly uids: readonly UidRange[]
}

export interface Copied {
  readonly is: 'copied'
  /** Of the target. */
  readonly uidValidity: number
  /** Of those that were still there, ascending; `to[i]` is the copy of `from[i]`. */
  readonly from: readonly number[]
  readonly to: readonly number[]
}

export interface Expunge {
  readonly mailbox: number
  readonly uids: readonly UidRange[]
  /** `deleted`: only those with \Deleted. */
  readonly which: 'deleted' | 'all'
}

export interface Expunged {
  readonly is: 'expunged'
  readonly modseq: number
  readonly uids: readonly number[]
}

/** Names are in Unicode (NFC), with `/` between levels, checked by `store/mailbox-name.ts`. */
export type MailboxChange =
  /** Makes missing parents too. `exists` where there is one of that name. */
  | {
      readonly is: 'create'
      readonly account: number
      readonly name: string
      readonly specialUse: readonly SpecialUse[]
    }
  | { readonly is: 'delete'; readonly mailbox: number }
  /** With everything below it; INBOX is emptied into a new mailbox instead (RFC 9051 §6.3.6). */
  | { readonly is: 'rename'; readonly mailbox: number; readonly name: string }
  | { readonly is: 'subscribe'; readonly account: number; readonly name: string; readonly on: boolean }
  /** RFC 5464; undefined as value removes. `mailbox` undefined: of the account's server annotations. */
  | {
      readonly is: 'metadata'
      readonly account: number
      readonly mailbox: number | undefined
      readonly entries: readonly { readonly name: string; readonly value: Uint8Array | undefined }[]
    }
  /** RFC 4314: '' removes. */
  | { readonly is: 'acl'; readonly mailbox: number; readonly identifier: string; readonly rights: string }
  /** Mail up to here was shown to a session as \Recent (RFC 3501 §2.3.2); nobody waits for the answer. */
  | { readonly is: 'recent'; readonly mailbox: number; readonly uid: number }

export interface MailboxDone {
  readonly is: 'done'
  /** Of the mailbox that was created or changed; 0 where there is none. */
  readonly mailbox: number
}

/** RFC 6154; \All and \Flagged are views, which we have not. */
export type SpecialUse = '\\Archive' | '\\Drafts' | '\\Junk' | '\\Sent' | '\\Trash'

export interface Described {
  readonly message: Id
  readonly description: Description
}

/** The signatures of the mails with these UIDs, bit by bit: see `store/search-index.ts`, whose business `rows` is. */
export interface IndexBlock {
  readonly mailbox: number
  readonly block: number
  readonly rows: readonly Uint8Array[]
}

/** Limits of one account. */
export const MAX_MAILBOXES = 10_000
export const MAX_METADATA_ENTRIES = 100
export const MAX_METADATA_VALUE = 64 * 1024

import type { Content } from '../mail/content.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Id } from '../mail/id.ts'
import type { MailOperations } from './mail-operations.ts'
import type { Description } from '../mail/description.ts'

/**
 * What the storage thread can be asked to do. Each is one transaction with everything that came at the same time (group commit), and is
 * answered when that transaction is on disk. A new engine implements exactly these, and `Reader` for what is only read.
 */
export interface Operations extends MailOperations {
  /** A message that we are about to acknowledge. */
  submit: { in: Submission; out: undefined }
  /** What became of recipients of a leased message. */
  settle: { in: Settlement; out: undefined }
  /** Work that is due, leased to the asking thread. */
  claim: { in: Claim; out: Claimed }
  /** Everything that this owner had leased is free again, and what it was receiving is thrown away: its thread is gone. Answers how many entries. */
  release: { in: { readonly owner: number; readonly slot: number }; out: number }
  /** What an operator does to waiting entries. Answers how many were changed. */
  change: { in: Change; out: number }
  directory: { in: DirectoryChange; out: DirectoryResult }
  /** Nobody waits for it: written with the next commit. */
  record: { in: readonly TimelineRecord[]; out: undefined }
}

export type OperationName = keyof Operations

/** `full`: no room on the disk; `conflict`: what was asked contradicts what is there; `failed`: the disk or the engine failed. */
export type StorageFailure = { readonly why: 'full' | 'conflict' | 'failed'; readonly detail: string }
export type StorageResult<T> = { readonly ok: T } | { readonly failed: StorageFailure }

/** One recipient of one message, until it is delivered or given up. */
export interface Entry {
  readonly message: Id
  /** The place among the message's recipients. */
  readonly n: number
  /** RFC 5321 Mailbox text. */
  readonly recipient: string
  /** NOTIFY and ORCPT (RFC 3461) as JSON; undefined when the client gave neither. */
  readonly dsn: string | undefined
  /** The grouping key of `delivery/route`, or REPORT. */
  readonly destination: string
  readonly attempts: number
  /** ms since 1970 of the next attempt. */
  readonly due: number
  /** ms since 1970: given up then. */
  readonly expires: number
  /** ms since 1970: the sender hears of the delay then; 0: heard already, or never. */
  readonly notice: number
  /** The last reply or reason. */
  readonly reply: string | undefined
  /** An operator's order: give it up now, for this reason. */
  readonly order: string | undefined
}

/** leased: a thread delivers it now. ready: due, waits for a thread. waiting: until `due`. held: until an operator releases it. */
export type EntryState = 'leased' | 'ready' | 'waiting' | 'held'

/** The destination of entries whose next step is a report to the sender, not a delivery. */
export const REPORT = 'report'

export interface Submission {
  readonly id: Id
  /** ms since 1970 */
  readonly at: number
  readonly envelope: Envelope
  readonly content: Content
  /** Worked out already where a mailbox of ours is among the recipients; otherwise undefined, and it is done later if need be. */
  readonly description: Description | undefined
  /** RFC 5321 text of the return path, '' for `<>`. */
  readonly sender: string
  /** Whose turn it is is decided among sources: the login, or the return path. Never empty. */
  readonly source: string
  /** The protocol thread that leases the `leased` entries. */
  readonly owner: number
  readonly entries: readonly NewEntry[]
  /** Into the INBOXes of these accounts, in the same transaction: recipients for whom nothing has to be queued. */
  readonly stored: readonly StoredCopy[]
  /** JSON lines for timeline and log. */
  readonly events: readonly string[]
}

/** `head`: Return-Path and Delivered-To of this copy. */
export interface StoredCopy {
  readonly account: number
  readonly head: string
}

/** An event outside of the other operations: `subject` is a message or a session. */
export interface TimelineRecord {
  readonly subject: Id
  readonly event: string
}

export interface NewEntry extends Omit<Entry, 'message' | 'attempts' | 'reply' | 'order'> {
  readonly state: EntryState
}

export interface Settlement {
  /** Who had leased it. After its `release` nothing of this happens: others may have taken the work up already. */
  readonly owner: number
  readonly message: Id
  readonly results: readonly EntryResult[]
  /** Reports that these results caused: in the same transaction, so that each is sent exactly once. */
  readonly reports: readonly Submission[]
  /** Given up trying this destination until then (ms since 1970), for all its messages. */
  readonly delay: { readonly destination: string; readonly until: number } | undefined
  readonly events: readonly string[]
}

export type EntryResult =
  | { readonly n: number; readonly is: 'done' }
  /** Into this account's INBOX, then done. `head`: Return-Path and Delivered-To of this copy. */
  | { readonly n: number; readonly is: 'stored'; readonly account: number; readonly head: string }
  | {
      readonly n: number
      readonly is: 'waiting' | 'ready' | 'held'
      readonly destination: string
      readonly attempts: number
      readonly due: number
      readonly notice: number
      readonly reply: string | undefined
    }

export interface Claim {
  readonly owner: number
  /** Entries at most. */
  readonly room: number
  /** Destinations of which the thread has enough in hand. */
  readonly except: readonly string[]
}

export interface Claimed {
  readonly works: readonly ClaimedWork[]
  /** There was more than room. */
  readonly more: boolean
}

/** Entries of one message to one destination. */
export interface ClaimedWork {
  readonly message: Id
  readonly at: number
  readonly envelope: Envelope
  readonly sender: string
  readonly source: string
  readonly size: number
  readonly entries: readonly Entry[]
}

export interface Change {
  readonly filter: QueueFilter
  readonly to:
    | { readonly is: 'hold' }
    | { readonly is: 'release' }
    | { readonly is: 'retry' }
    | { readonly is: 'reroute'; readonly destination: string }
    | { readonly is: 'bounce'; readonly reason: string }
    | { readonly is: 'delete' }
}

/** All that are given must fit. Texts match anywhere, without regard to case; domain matches whole. */
export interface QueueFilter {
  readonly id?: Id
  readonly sender?: string
  readonly recipient?: string
  readonly domain?: string
  /** ms since it was accepted, at least. */
  readonly olderThan?: number
  readonly reply?: string
  readonly state?: EntryState
}

export type DirectoryChange =
  | { readonly is: 'add-domain'; readonly name: string; readonly catchAll: string | undefined }
  | { readonly is: 'remove-domain'; readonly name: string }
  /** With INBOX and the mailboxes of special use. */
  | { readonly is: 'add-account'; readonly address: string; readonly hash: string }
  /** Of an account; for a name without @: of all accounts of that domain together, `each`: of every one of them. undefined: no limit. */
  | {
      readonly is: 'set-quota'
      readonly of: string
      readonly each: boolean
      readonly bytes: number | undefined
      readonly mails: number | undefined
    }
  | { readonly is: 'set-password'; readonly address: string; readonly hash: string }
  | { readonly is: 'remove-account'; readonly address: string }
  | { readonly is: 'set-alias'; readonly address: string; readonly targets: readonly string[] }
  | { readonly is: 'remove-alias'; readonly address: string }

/** `missing`, `exists` and `in-use` are answers, not failures: nothing was changed. */
export type DirectoryResult = 'done' | 'missing' | 'exists' | 'in-use' | 'no-domain'

/** What the storage thread says unasked. */
export type Notice =
  /** There are entries ready: claim. */
  | { readonly is: 'work' }
  /** The directory changed: forget what you cached. */
  | { readonly is: 'directory' }
  /** This destination is not to be tried before (ms since 1970; 0: try again). */
  | { readonly is: 'delay'; readonly destination: string; readonly until: number }
  /** These mailboxes changed in the commit that was just made: mail in them, or (created, deleted, renamed) themselves. */
  | { readonly is: 'mailboxes'; readonly changed: readonly ChangedMailbox[] }
  /** Messages wait for a description, or mails for the search index. */
  | { readonly is: 'undescribed' }

/** `how`: mail (also flags), list (created, deleted, renamed, subscribed; `mailbox` is 0 where none is meant), metadata or acl. */
export interface ChangedMailbox {
  readonly account: number
  readonly mailbox: number
  readonly how: 'mail' | 'list' | 'metadata' | 'acl'
}

/**
 * The commands of IMAP as values: RFC 9051 §6 (and RFC 3501 §6 where they differ), with the extensions. `imap/commands/` parses them, one
 * file each; `server/imap/` carries them out, in files of the same names. Strings are Unicode: mailbox names are decoded already (modified UTF-7
 * or UTF-8, whichever the session uses), what may be in a charset of its own stays bytes.
 */
import type { Flags } from '../mail/flags.ts'
import type { FetchItem, FetchModifiers } from './fetch-item.ts'
import type { SearchProgram, SearchReturn, SortKey } from '../mail/search-key.ts'
import type { SeqNumber, SeqRange, SequenceSet } from '../mail/sequence-set.ts'

/** A command with its tag: RFC 9051 §9 command = tag SP … */
export interface Tagged {
  readonly tag: string
  readonly command: Command
}

export type Command =
  | {
      readonly name:
        | 'CAPABILITY'
        | 'NOOP'
        | 'LOGOUT'
        | 'STARTTLS'
        | 'CHECK'
        | 'CLOSE'
        | 'UNSELECT'
        | 'IDLE'
        | 'NAMESPACE'
        | 'UNAUTHENTICATE'
    }
  | { readonly name: 'ID'; readonly fields: readonly (readonly [name: string, value: string | undefined])[] }
  | { readonly name: 'LOGIN'; readonly user: Buffer; readonly password: Buffer }
  /** `initial`: decoded; undefined: none (SASL-IR). */
  | { readonly name: 'AUTHENTICATE'; readonly mechanism: string; readonly initial: Buffer | undefined }
  | { readonly name: 'ENABLE'; readonly capabilities: readonly string[] }
  | { readonly name: 'COMPRESS'; readonly mechanism: string }
  | Select
  | { readonly name: 'CREATE'; readonly mailbox: string; readonly specialUse: readonly string[] }
  | { readonly name: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE'; readonly mailbox: string }
  | { readonly name: 'RENAME'; readonly from: string; readonly to: string }
  | List
  | { readonly name: 'LSUB'; readonly reference: string; readonly pattern: string }
  | { readonly name: 'STATUS'; readonly mailbox: string; readonly items: readonly StatusItem[] }
  | Append
  | { readonly name: 'EXPUNGE' }
  | { readonly name: 'UID EXPUNGE'; readonly set: SequenceSet }
  | Fetch
  | Store
  | { readonly name: 'COPY' | 'MOVE'; readonly uid: boolean; readonly set: SequenceSet; readonly mailbox: string }
  | Search
  | Sort
  | {
      readonly name: 'THREAD'
      readonly uid: boolean
      readonly algorithm: 'REFERENCES' | 'ORDEREDSUBJECT'
      readonly program: SearchProgram
    }
  | { readonly name: 'GETQUOTA'; readonly root: string }
  | { readonly name: 'GETQUOTAROOT'; readonly mailbox: string }
  | {
      readonly name: 'SETQUOTA'
      readonly root: string
      readonly limits: readonly (readonly [resource: string, limit: number])[]
    }
  | { readonly name: 'GETACL' | 'MYRIGHTS'; readonly mailbox: string }
  /** RFC 4314 §3.1 */
  | {
      readonly name: 'SETACL'
      readonly mailbox: string
      readonly identifier: string
      readonly how: 'set' | 'add' | 'remove'
      readonly rights: string
    }
  | { readonly name: 'DELETEACL' | 'LISTRIGHTS'; readonly mailbox: string; readonly identifier: string }
  /** RFC 5464; mailbox '': the server. */
  | {
      readonly name: 'GETMETADATA'
      readonly mailbox: string
      readonly maxSize: number | undefined
      readonly depth: 0 | 1 | 'infinity'
      readonly entries: readonly string[]
    }
  | {
      readonly name: 'SETMETADATA'
      readonly mailbox: string
      readonly entries: readonly { readonly name: string; readonly value: Buffer | undefined }[]
    }
  | Notify

export type CommandName = Command['name']

export interface Select {
  readonly name: 'SELECT' | 'EXAMINE'
  readonly mailbox: string
  readonly condstore: boolean
  /** RFC 7162 §3.2.5 */
  readonly qresync: QresyncParameter | undefined
}

export interface QresyncParameter {
  readonly uidValidity: number
  readonly modseq: number
  readonly knownUids: readonly SeqRange[] | undefined
  /** RFC 7162 §3.2.5.2: sequence numbers and their UIDs. */
  readonly match: { readonly seqs: readonly SeqRange[]; readonly uids: readonly SeqRange[] } | undefined
}

/** RFC 5258, RFC 5819, RFC 6154. The basic LIST has one pattern and no options. */
export interface List {
  readonly name: 'LIST'
  readonly extended: boolean
  readonly select: readonly ('SUBSCRIBED' | 'REMOTE' | 'RECURSIVEMATCH' | 'SPECIAL-USE')[]
  readonly reference: string
  readonly patterns: readonly string[]
  readonly returns: ListReturn
}

export interface ListReturn {
  readonly subscribed: boolean
  readonly children: boolean
  readonly specialUse: boolean
  /** Empty: not asked for. */
  readonly status: readonly StatusItem[]
  /** RFC 8440 */
  readonly myRights: boolean
  /** RFC 9590; empty: not asked for. */
  readonly metadata: readonly string[]
}

export type StatusItem =
  | 'MESSAGES'
  | 'RECENT'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN'
  | 'DELETED'
  | 'SIZE'
  | 'HIGHESTMODSEQ'
  | 'MAILBOXID'
  | 'APPENDLIMIT'
  | 'DELETED-STORAGE'

/** APPEND, or REPLACE of one message (RFC 8508). The contents came as literals and wait in the session under their numbers. */
export interface Append {
  readonly name: 'APPEND' | 'REPLACE'
  readonly mailbox: string
  /** Of REPLACE. */
  readonly replaces: { readonly uid: boolean; readonly seq: SeqNumber } | undefined
  readonly messages: readonly AppendMessage[]
}

export interface AppendMessage {
  readonly flags: Flags
  /** ms since 1970; undefined: now. */
  readonly date: number | undefined
  /** The number of the literal among those of the command. */
  readonly literal: number
  /** RFC 6855 §4: UTF8 (~{…}); RFC 3516 §4.4: a literal8. */
  readonly kind: 'plain' | 'literal8' | 'utf8'
}

export interface Fetch {
  readonly name: 'FETCH'
  readonly uid: boolean
  readonly set: SequenceSet
  readonly items: readonly FetchItem[]
  readonly modifiers: FetchModifiers
}

export interface Store {
  readonly name: 'STORE'
  readonly uid: boolean
  readonly set: SequenceSet
  readonly how: 'set' | 'add' | 'remove'
  readonly silent: boolean
  readonly flags: Flags
  readonly unchangedSince: number | undefined
}

export interface Search {
  readonly name: 'SEARCH'
  readonly uid: boolean
  /** undefined: the old answer, `* SEARCH 1 2 3`. */
  readonly returns: SearchReturn | undefined
  readonly program: SearchProgram
}

export interface Sort {
  readonly name: 'SORT'
  readonly uid: boolean
  readonly returns: SearchReturn | undefined
  readonly keys: readonly { readonly key: SortKey; readonly reverse: boolean }[]
  readonly program: SearchProgram
}

/** RFC 5465 */
export interface Notify {
  readonly name: 'NOTIFY'
  /** undefined: NONE */
  readonly set: { readonly status: boolean; readonly groups: readonly NotifyGroup[] } | undefined
}

export interface NotifyGroup {
  readonly filter:
    | { readonly is: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
    | { readonly is: 'subtree' | 'mailboxes'; readonly names: readonly string[] }
  /** Empty: NONE. */
  readonly events: readonly NotifyEvent[]
}

export type NotifyEvent =
  /** RFC 5465 §5.2: what is told of a new message in the selected mailbox. */
  | { readonly is: 'MessageNew'; readonly fetch: readonly FetchItem[] }
  | {
      readonly is:
        | 'MessageExpunge'
        | 'FlagChange'
        | 'AnnotationChange'
        | 'MailboxName'
        | 'SubscriptionChange'
        | 'MailboxMetadataChange'
        | 'ServerMetadataChange'
    }

/**
 * What a command's execution sees of its session. `loop.ts` makes it; each executor (`server/imap/NAME.ts`, listed in `executors.ts`) gets
 * the command and this, writes its untagged responses, and answers what the tagged one says.
 */
import type { Command, CommandName } from '../../imap/command.ts'
import type { Content } from '../../mail/content.ts'
import type { Id } from '../../mail/id.ts'
import type { MailReader } from '../../storage/mail-reader.ts'
import type { SequenceSet, UidRange } from '../../mail/sequence-set.ts'
import type { Storage } from '../../storage/storage.ts'
import type { Version, View } from '../../store/view.ts'
import type { Views } from '../../store/views.ts'
import type { MessageCollector } from '../collector.ts'
import type { Account, LoginResult, Origin } from '../login.ts'
import type { Credentials } from '../../sasl/credentials.ts'

/** The tagged response: `code` without its brackets (`TRYCREATE`, `APPENDUID 1 2`). */
export interface Tagged {
  readonly is: 'OK' | 'NO' | 'BAD'
  readonly code?: string
  readonly text: string
}

/** Of the union, the one that may have this name. */
type CommandNamed<Name extends CommandName, Any = Command> = Any extends { readonly name: infer Names }
  ? Name extends Names
    ? Any
    : never
  : never

/** What an executor answers; a promise where something has to be waited for. Rejects only for our own mistakes. */
export type Executor<Name extends CommandName> = (
  command: CommandNamed<Name>,
  session: ImapSession,
) => Tagged | Promise<Tagged>

/** What a thread offers to all its sessions. */
export interface ImapServices {
  readonly hostname: string
  readonly storage: Storage
  readonly reader: MailReader
  readonly views: Views
  /** undefined: there is no such message. */
  readonly content: (message: Id) => Content | undefined
  readonly logIn: (credentials: Credentials, origin: Origin) => Promise<LoginResult>
  /** The address of an account that exists, as it is written in the directory. */
  readonly accountNamed: (address: string) => Account | undefined
  readonly nextId: () => Id
  /** ms since 1970 */
  readonly now: () => number
  /** Under which this thread owns files before they are stored. */
  readonly owner: number
  readonly limits: ImapLimits
  /** TLS can be begun. */
  readonly tlsPossible: () => boolean
  /** A content begins to come in. */
  readonly collect: () => MessageCollector
  /** Removes a content that nobody took. */
  readonly discard: (content: Content) => void
  /** A mistake of ours that a person should see; the session ends, the others go on. */
  readonly complain: (error: unknown) => void
}

export interface ImapLimits {
  /** Bytes of one message: APPENDLIMIT. */
  readonly messageSize: number
  /** ms of silence, before and after log-in. */
  readonly idleBeforeLogin: number
  readonly idle: number
}

export type Enabled = 'CONDSTORE' | 'QRESYNC' | 'UTF8=ACCEPT' | 'IMAP4REV2'

export interface ImapSession {
  readonly services: ImapServices
  /** Of the running command (RFC 9051 §7.3.4: ESEARCH names it). */
  readonly tag: string
  /** undefined: not authenticated. */
  readonly account: Account | undefined
  readonly selected: Selected | undefined
  readonly enabled: ReadonlySet<Enabled>
  /** Strings may be UTF-8 and mailbox names are: UTF8=ACCEPT or IMAP4rev2 is enabled. */
  readonly utf8: boolean
  readonly tls: boolean
  readonly origin: Origin
  /** RFC 5182: what `$` means; empty when nothing was saved. */
  savedResult: readonly UidRange[]

  /** Part of an untagged response, or several whole ones. Bytes are not copied. */
  write(part: string | Uint8Array): void
  /** To be asked between responses that may be many: undefined: go on; otherwise wait: the peer is behind, or others want their turn. */
  room(): Promise<void> | undefined
  /** The connection is gone: what runs may stop. */
  readonly gone: boolean

  /** A password may be sent now. */
  readonly mayLogIn: boolean
  readonly compressed: boolean
  logIn(account: Account): void
  unauthenticate(): void
  enable(what: Enabled): void
  /** Ends what was selected before. The view was opened by the caller; `unselect` closes it. */
  select(view: View, how: Selecting): Selected
  unselect(): void
  /** After the tagged response: TLS begins, compression begins, we hang up. */
  afterwards(what: 'starttls' | 'compress' | 'close'): void
  /** A content that came as literal number `n` of the running command. Where the answer is not OK its file is removed by the loop. */
  literal(n: number): Content | undefined
  /** The next line of the client that is no command, without its line end; undefined: it is gone. */
  line(): Promise<Buffer | undefined>
  /** While it is on the client hears in between that we are still there. */
  idle(on: boolean): void
  /** Tells what changed, unasked. */
  tellNow(): void
  /** RFC 5465, IDLE and the like: what is told unasked from now on; see `notify.ts`. */
  notify: NotifyState | undefined
}

/** Made and understood by `notify.ts`. When there is something to tell it calls `tellNow`. */
export interface NotifyState {
  /** RFC 5465 §6.1: how the client hears of the selected mailbox without asking: of all, of all but what is expunged, not at all. */
  readonly selected: 'at-once' | 'delayed' | 'never'
  /** Tells what is to be told now. A promise: of new mail in the selected mailbox; nothing else may be written until it is settled. */
  tell(): Promise<void> | undefined
  end(): void
}

/** The last place in an encoded body that the client's reading came by: after `raw` of its octets, which gave `decoded`. */
export interface Bookmark {
  readonly message: Id
  /** Where the body begins. */
  readonly start: number
  readonly raw: number
  readonly decoded: number
}

export interface Selecting {
  /** As the client named it. */
  readonly name: string
  readonly readOnly: boolean
  /** RFC 4314 */
  readonly rights: string
}

export interface Selected {
  readonly view: View
  /** As the client named it. */
  readonly name: string
  readonly readOnly: boolean
  /** RFC 4314, of this account in this mailbox. */
  readonly rights: string
  /** Opened with CONDSTORE or QRESYNC in use: MODSEQ stands in each FETCH of flags. */
  condstore: boolean
  /** What the client knows. */
  readonly version: Version
  /** UIDs from here on are \Recent to this session. */
  readonly recentFrom: number
  /** How many are \Recent to this session. */
  recent(): number
  /** Made and understood by `fetch-binary.ts`. */
  bookmark: Bookmark | undefined
  /** Names of all flags in use, in parentheses; `more`: and that further ones may be made. */
  allFlags(more: boolean): string
  /**
   * The UIDs of the client's mails in a set, as ranges of UIDs that need not all exist; those of sequence numbers do. undefined: a
   * sequence number is larger than the number of mails (answer BAD).
   */
  resolve(set: SequenceSet, uid: boolean, saved: readonly UidRange[]): readonly UidRange[] | undefined
  /** The client's mails in these ranges: calls with sequence number and UID, in order. */
  each(ranges: readonly UidRange[], visit: (seq: number, uid: number) => void): void
  /** 0: the client does not know it. */
  seqOf(uid: number): number
  uidOf(seq: number): number
  /** The flags of a mail as they are sent, `(\Seen $Junk)`; undefined: it is gone. */
  flagsText(uid: number): string | undefined
  /** What changed with this MODSEQ is known to the client already, or was told by the executor: it is not told again. */
  told(modseq: number): void
  /** The flags of this mail changed, and the client was not told yet. */
  isUntold(uid: number): boolean
}

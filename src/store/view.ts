/**
 * One mailbox as a thread knows it, shared by all its sessions: the columns uid, flags and modseq, brought up to date from the storage when
 * somebody looks. What sessions have told their clients lags behind: each holds the `Version` that its client knows, and compares it with
 * that of now. Nothing else is kept of what was, so a client that is silent for long costs no more than its own version.
 */
import type { MailboxRow, MailColumns, MailReader } from '../storage/mail-reader.ts'

/** The UIDs that stood under the sequence numbers 1 … exists at one time. */
export interface Version {
  /** At least `exists` long; what is behind is not this version's. */
  readonly uids: Uint32Array
  readonly exists: number
  /** Mails that had vanished by then: of two versions with the same number the later one only has more at its end. */
  readonly vanished: number
}

export interface View {
  readonly mailbox: number
  /** As of the last `refresh`. */
  readonly row: MailboxRow
  /** Bit places of the keywords; grows. */
  readonly keywords: ReadonlyMap<number, string>
  /** What is known now. */
  readonly version: Version
  /** The mailbox was deleted: it has no mail any more. */
  readonly gone: boolean
  /** Reads what changed since. Cheap when nothing did. */
  refresh(): void
  /** The place of a UID in the columns of now; -1: it is not there. */
  indexOf(uid: number): number
  /** By place; the bits of `mail/flags.ts`. */
  flagsAt(index: number): number
  modseqAt(index: number): number
  /** UIDs, ascending, of the mails up to UID `last` whose flags changed, or that came, after this MODSEQ. */
  changedSince(modseq: number, last: number): readonly number[]
}

/** What a view is read from. */
export type ViewReader = Pick<MailReader, 'atOnce' | 'mailbox' | 'mails' | 'changes' | 'keywords'>

/** undefined: there is no such mailbox. */
export function openView(reader: ViewReader, mailbox: number): View | undefined {
  return reader.atOnce(() => {
    const row = reader.mailbox(mailbox)
    return row && new MailboxView(reader, row)
  })
}

const NOTHING: MailColumns = { uids: new Uint32Array(0), flags: new Float64Array(0), modseqs: new Float64Array(0) }
const NO_KEYWORDS: ReadonlyMap<number, string> = new Map()

/** A class, because thousands of idle sessions each have one open: methods are shared, closures are not. */
class MailboxView implements View {
  row: MailboxRow
  version: Version
  keywords: ReadonlyMap<number, string>
  gone = false
  readonly #reader: ViewReader
  #columns: MailColumns

  constructor(reader: ViewReader, row: MailboxRow) {
    this.row = row
    this.#reader = reader
    const columns = reader.mails(row.id)
    this.#columns = columns.uids.length > 0 ? columns : NOTHING
    this.version = { uids: this.#columns.uids, exists: columns.uids.length, vanished: 0 }
    this.keywords = this.#readKeywords()
  }

  get mailbox(): number {
    return this.row.id
  }

  refresh(): void {
    const now = this.#reader.mailbox(this.row.id)
    // Mostly nothing changed. Otherwise the row is read again: with the columns, or UIDNEXT would not be larger than all UIDs.
    if (now?.modseq === this.row.modseq) this.row = now
    else this.#reader.atOnce(() => this.#read())
  }

  #read(): void {
    const { version, row } = this
    const now = this.#reader.mailbox(row.id)
    if (!now) {
      this.gone = true
      if (version.exists > 0) this.#change([...version.uids.subarray(0, version.exists)], NOTHING)
      return
    }
    const { mails, vanished } = this.#reader.changes(row.id, row.modseq, row.uidNext)
    this.row = now
    this.keywords = this.#readKeywords()
    const known = (uid: number): boolean => search(version.uids, version.exists, uid) >= 0
    this.#change(vanished ? vanished.filter(known) : this.#missing(), mails)
  }

  indexOf(uid: number): number {
    return search(this.version.uids, this.version.exists, uid)
  }

  flagsAt(index: number): number {
    return this.#columns.flags[index] ?? 0
  }

  modseqAt(index: number): number {
    return this.#columns.modseqs[index] ?? 0
  }

  changedSince(since: number, last: number): readonly number[] {
    const changed: number[] = []
    if (this.row.modseq <= since) return changed
    const { uids, modseqs } = this.#columns
    for (let i = 0; i < this.version.exists && (uids[i] ?? 0) <= last; i++) {
      if ((modseqs[i] ?? 0) > since) changed.push(uids[i] ?? 0)
    }
    return changed
  }

  #readKeywords(): ReadonlyMap<number, string> {
    const keywords = this.#reader.keywords(this.row.id)
    return keywords.length > 0 ? new Map(keywords) : NO_KEYWORDS
  }

  #change(vanished: readonly number[], changes: MailColumns): void {
    const { version } = this
    const remaining = vanished.length > 0 ? withoutUids(this.#columns, version.exists, vanished) : this.#columns
    const kept = version.exists - vanished.length
    const last = kept > 0 ? (remaining.uids[kept - 1] ?? 0) : 0
    let known = 0
    for (; known < changes.uids.length && (changes.uids[known] ?? 0) <= last; known++) {
      const index = search(remaining.uids, kept, changes.uids[known] ?? 0)
      if (index < 0) continue
      remaining.flags[index] = changes.flags[known] ?? 0
      remaining.modseqs[index] = changes.modseqs[known] ?? 0
    }
    const added = changes.uids.length - known
    this.#columns = appended(remaining, kept, changes, known)
    if (vanished.length === 0 && added === 0) return
    const { uids } = this.#columns
    this.version = { uids, exists: kept + added, vanished: version.vanished + vanished.length }
  }

  /** What went so long ago that the storage does not know it any more is found by comparing. */
  #missing(): number[] {
    const { version } = this
    const { uids } = this.#reader.mails(this.row.id)
    return [...version.uids.subarray(0, version.exists)].filter(uid => search(uids, uids.length, uid) < 0)
  }
}

/** The place of a UID among the first `length`; -1: it is not there. */
export function search(uids: Uint32Array, length: number, uid: number): number {
  let low = 0
  let high = length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = uids[middle] ?? 0
    if (found === uid) return middle
    if (found < uid) low = middle + 1
    else high = middle - 1
  }
  return -1
}

function withoutUids(columns: MailColumns, exists: number, vanished: readonly number[]): MailColumns {
  const gone = new Set(vanished)
  const kept = exists - vanished.length
  const rest = { uids: new Uint32Array(kept), flags: new Float64Array(kept), modseqs: new Float64Array(kept) }
  for (let from = 0, to = 0; from < exists; from++) {
    const uid = columns.uids[from] ?? 0
    if (gone.has(uid)) continue
    rest.uids[to] = uid
    rest.flags[to] = columns.flags[from] ?? 0
    rest.modseqs[to] = columns.modseqs[from] ?? 0
    to++
  }
  return rest
}

/** The columns with the changes from `first` on behind the `length` that they have; in place where there is room. */
function appended(columns: MailColumns, length: number, changes: MailColumns, first: number): MailColumns {
  const more = changes.uids.length - first
  if (more === 0) return columns
  const fits = columns.uids.length >= length + more
  const capacity = length + more + Math.max(16, Math.floor(length / 8))
  const into: MailColumns = fits
    ? columns
    : { uids: new Uint32Array(capacity), flags: new Float64Array(capacity), modseqs: new Float64Array(capacity) }
  if (!fits) {
    into.uids.set(columns.uids.subarray(0, length))
    into.flags.set(columns.flags.subarray(0, length))
    into.modseqs.set(columns.modseqs.subarray(0, length))
  }
  into.uids.set(changes.uids.subarray(first), length)
  into.flags.set(changes.flags.subarray(first), length)
  into.modseqs.set(changes.modseqs.subarray(first), length)
  return into
}

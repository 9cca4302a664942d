import { formatRanges } from '../../imap/sequence-set.ts'
import { FIRST_KEYWORD, hasBit, SYSTEM_FLAGS } from '../../mail/flags.ts'
import type { SeqNumber, SequenceSet, UidRange } from '../../mail/sequence-set.ts'
import { difference } from '../../store/uids.ts'
import { search, type Version, type View } from '../../store/view.ts'
import type { Bookmark, ImapSession, Selected, Selecting } from './session.ts'

/** How changes are told to this client. */
export interface Manner {
  readonly write: (text: string) => void
  /** RFC 9051 §7.5.1: EXPUNGE may be told now. */
  readonly expunge: boolean
  /** RFC 7162 §3.2.10: as VANISHED. */
  readonly qresync: boolean
  /** IMAP4rev1: RECENT is told. */
  readonly recent: boolean
}

/** Flags texts that are kept. */
const TEXTS = 1000

/** The selected mailbox of one session: what its client knows of it, and how it hears of what changed. */
export class SelectedMailbox implements Selected {
  readonly view: View
  readonly name: string
  readonly readOnly: boolean
  rights: string
  readonly recentFrom: number
  bookmark: Bookmark | undefined
  condstore: boolean
  version: Version
  readonly #session: Pick<ImapSession, 'enabled'>
  /** MODSEQ up to which the client knows the flags of its mails, and MODSEQs of later changes that it knows. */
  #heard: number
  #told: Set<number> | undefined
  #texts: Map<number, string> | undefined
  #keywords: ReadonlyMap<number, string>

  constructor(view: View, { name, readOnly, rights }: Selecting, session: Pick<ImapSession, 'enabled'>) {
    this.view = view
    this.name = name
    this.readOnly = readOnly
    this.rights = rights
    this.condstore = session.enabled.has('CONDSTORE') || session.enabled.has('QRESYNC')
    this.recentFrom = view.row.recentFrom
    this.version = view.version
    this.#heard = view.row.modseq
    this.#session = session
    this.#keywords = view.keywords
  }

  resolve(set: SequenceSet, uid: boolean, saved: readonly UidRange[]): readonly UidRange[] | undefined {
    if (set === '$') return saved
    const { exists } = this.version
    const ranges: UidRange[] = []
    for (const [a, b] of set) {
      const range = uid ? this.#uidRange(a, b) : this.#seqRange(a, b)
      if (range === undefined) return undefined
      if (exists > 0 && range[0] > 0) ranges.push(range)
    }
    return merged(ranges)
  }

  #uidRange(a: SeqNumber, b: SeqNumber): UidRange {
    const largest = this.uidOf(this.version.exists)
    const [first, last] = [a, b].map(number => (number === '*' ? largest : number))
    return ordered(first ?? 0, last ?? 0)
  }

  /** undefined: not among the client's numbers. An empty mailbox has no `*`, which is no reason to complain. */
  #seqRange(a: SeqNumber, b: SeqNumber): UidRange | undefined {
    const { exists } = this.version
    if (exists === 0) return a === '*' || b === '*' ? [0, 0] : undefined
    const [first, last] = ordered(a === '*' ? exists : a, b === '*' ? exists : b)
    return last > exists ? undefined : [this.uidOf(first), this.uidOf(last)]
  }

  each(ranges: readonly UidRange[], visit: (seq: number, uid: number) => void): void {
    const { uids, exists } = this.version
    let index = 0
    for (const [first, last] of ranges) {
      index = Math.max(index, firstAtOrAfter(uids, exists, first))
      for (; index < exists && (uids[index] ?? 0) <= last; index++) visit(index + 1, uids[index] ?? 0)
    }
  }

  seqOf(uid: number): number {
    return search(this.version.uids, this.version.exists, uid) + 1
  }

  uidOf(seq: number): number {
    return seq > 0 && seq <= this.version.exists ? (this.version.uids[seq - 1] ?? 0) : 0
  }

  flagsText(uid: number): string | undefined {
    const index = this.view.indexOf(uid)
    return index < 0 ? undefined : this.#textOf(this.view.flagsAt(index), uid >= this.recentFrom)
  }

  /** Names of all flags that a mail of the mailbox may have; with `more`, and that may be made (RFC 9051 §7.1: `\*`). */
  allFlags(more: boolean): string {
    const names = [...SYSTEM_FLAGS.map(([, name]) => name), ...this.view.keywords.values()]
    return `(${[...names, ...(more ? ['\\*'] : [])].join(' ')})`
  }

  told(modseq: number): void {
    this.#told = (this.#told ?? new Set()).add(modseq)
  }

  isUntold(uid: number): boolean {
    const index = this.view.indexOf(uid)
    const modseq = index < 0 ? 0 : this.view.modseqAt(index)
    return modseq > this.#heard && !this.#told?.has(modseq)
  }

  /** Tells the client what changed, as far as it may hear of it now. Answers whether the mailbox is gone. */
  tell(manner: Manner): boolean {
    this.view.refresh()
    const { version } = this
    const last = this.uidOf(version.exists)
    const now = this.view.version
    const vanished = version.vanished === now.vanished ? NONE : difference(uidsOf(version), uidsOf(now))
    if (vanished.length === 0 || manner.expunge) {
      if (vanished.length > 0) this.#tellVanished(vanished, manner)
      this.version = now
      if (now.exists > version.exists - vanished.length) this.#tellExists(manner)
    }
    this.#tellChanged(last, manner)
    return this.view.gone && this.version.exists === 0
  }

  #tellExists({ write, recent }: Manner): void {
    write(`* ${this.version.exists} EXISTS\r\n`)
    if (recent) write(`* ${this.recent()} RECENT\r\n`)
  }

  /** RFC 3501 §2.3.2: how many are \Recent. */
  recent(): number {
    return this.version.exists - firstAtOrAfter(this.version.uids, this.version.exists, this.recentFrom)
  }

  #tellVanished(vanished: Uint32Array, { write, qresync }: Manner): void {
    if (qresync) {
      write(`* VANISHED ${formatRanges(vanished)}\r\n`)
      return
    }
    // From the last to the first, so that no number changes that is still to be said.
    let text = ''
    for (let i = vanished.length - 1; i >= 0; i--) {
      text += `* ${this.seqOf(vanished[i] ?? 0)} EXPUNGE\r\n`
      if (text.length < 16_384) continue
      write(text)
      text = ''
    }
    write(text)
  }

  /** Flags that changed, of the mails up to this UID: those that came after it have flags that the client did not ask for yet. */
  #tellChanged(last: number, manner: Manner): void {
    for (const uid of this.view.changedSince(this.#heard, last)) if (this.isUntold(uid)) this.#tellFlags(uid, manner)
    this.#heard = this.view.row.modseq
    this.#told = undefined
  }

  #tellFlags(uid: number, { write, qresync }: Manner): void {
    const flags = this.flagsText(uid)
    const seq = this.seqOf(uid)
    if (flags === undefined || seq === 0) return
    const uidItem = qresync ? `UID ${uid} ` : ''
    const modseq = this.condstore ? ` MODSEQ (${this.view.modseqAt(this.view.indexOf(uid))})` : ''
    write(`* ${seq} FETCH (${uidItem}FLAGS ${flags}${modseq})\r\n`)
  }

  #textOf(bits: number, recent: boolean): string {
    if (this.#texts === undefined || this.#keywords !== this.view.keywords || this.#texts.size > TEXTS) {
      this.#keywords = this.view.keywords
      this.#texts = new Map()
    }
    const shown = recent && !this.#session.enabled.has('IMAP4REV2')
    const key = shown ? -1 - bits : bits
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    const names = SYSTEM_FLAGS.flatMap(([bit, name]) => ((bits & bit) === 0 ? [] : [name]))
    for (const [place, name] of this.view.keywords) {
      if (place >= FIRST_KEYWORD && hasBit(bits, place)) names.push(name)
    }
    const text = `(${[...names, ...(shown ? ['\\Recent'] : [])].join(' ')})`
    this.#texts.set(key, text)
    return text
  }
}

const NONE = new Uint32Array(0)

function uidsOf({ uids, exists }: Version): Uint32Array {
  return uids.subarray(0, exists)
}

const ordered = (a: number, b: number): UidRange => (a <= b ? [a, b] : [b, a])

/** RFC 9051 §9 sequence-set: the order in which it is written means nothing, and what stands twice is done once. */
function merged(ranges: UidRange[]): readonly UidRange[] {
  const sorted = ranges.sort(([a], [b]) => a - b)
  const disjoint: [number, number][] = []
  for (const [first, last] of sorted) {
    const before = disjoint.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else disjoint.push([first, last])
  }
  return disjoint
}

/** The place of the first UID that is not smaller. */
function firstAtOrAfter(uids: Uint32Array, exists: number, uid: number): number {
  let low = 0
  let high = exists
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((uids[middle] ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return low
}

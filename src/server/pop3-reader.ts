/**
 * The messages of a maildrop as a session reads them. Who asks for one after the other gets them from what was read together: that costs half
 * of reading them one by one, and most clients fetch all. It is read when it is asked for and not behind the answer, where it would be in
 * the way of the next command (docs/decisions/030-pop3-access.md).
 */
import type { Deadlines, Timed } from '../net/deadlines.ts'
import { type MaildropView, sizeOf, uidOf } from '../pop3/maildrop.ts'
import type { FetchRow, FetchWants, MailReader } from '../storage/mail-reader.ts'

/** What the sessions of a thread have in common. */
export interface ReadAhead {
  readonly reader: Pick<MailReader, 'fetchRows'>
  readonly deadlines: Deadlines
  /** Bytes that all of them hold. */
  held: number
}

/** Messages that a session reads together, and bytes of them. A content that is a file is larger. */
const MOST = 16
const MOST_BYTES = 64 * 1024
/** Bytes that the sessions of a thread may hold; beyond it they read one by one. */
const MOST_HELD = 4 * 1024 * 1024
/**
 * ms that a client has to ask for the next one. So long a message may also be sent after another session removed it, whole: to a session
 * the maildrop is what it was at the log-in (RFC 1939 §4).
 */
export const KEPT = 2000

const WANTS: FetchWants = { envelope: false, body: false, structure: false, content: true }
const NONE: readonly FetchRow[] = []

/** A class, because thousands of sessions may be idle. */
export class MaildropReader implements Timed {
  expires = 0
  slot = 0
  readonly #common: ReadAhead
  readonly #mailbox: number
  readonly #maildrop: MaildropView
  /** The number that was asked for last; none is before the first. */
  #last = -1
  /** What was read together: the messages up to number `until`, without those that were gone. 0: nothing is held. */
  #rows = NONE
  #next = 0
  #until = 0
  #held = 0

  constructor(common: ReadAhead, mailbox: number, maildrop: MaildropView) {
    this.#common = common
    this.#mailbox = mailbox
    this.#maildrop = maildrop
  }

  /** A message that is in the maildrop; its content is undefined if that is a file. undefined: it was removed. */
  read(n: number): FetchRow | undefined {
    const follows = n === this.#last + 1
    const again = n === this.#last // TOP, then RETR
    this.#last = n
    if (follows && (n <= this.#until || this.#readFrom(n))) return this.#take(n)
    if (!again) this.#drop()
    const uid = uidOf(this.#maildrop, n)
    return this.#common.reader.fetchRows(this.#mailbox, [uid, uid], 1, WANTS)[0]
  }

  /** To be called at the end of the session. */
  release(): void {
    this.#drop()
    this.#common.deadlines.remove(this)
  }

  expired(): void {
    this.#drop()
  }

  #take(n: number): FetchRow | undefined {
    const uid = uidOf(this.#maildrop, n)
    const row = this.#rows[this.#next]
    const isThere = row?.uid === uid
    if (isThere) this.#next++
    if (n === this.#until) this.#drop()
    return isThere ? row : undefined
  }

  /** false: it is better read alone. */
  #readFrom(n: number): boolean {
    let bytes = 0
    let end = n
    for (; end < n + MOST && end <= this.#maildrop.uids.length; end++) {
      const size = sizeOf(this.#maildrop, end)
      if (bytes + size > MOST_BYTES) break
      bytes += size
    }
    if (end - n < 2 || this.#common.held + bytes > MOST_HELD) return false
    const { reader, deadlines } = this.#common
    const range = [uidOf(this.#maildrop, n), uidOf(this.#maildrop, end - 1)] as const
    this.#rows = reader.fetchRows(this.#mailbox, range, end - n, WANTS)
    this.#next = 0
    this.#until = end - 1
    this.#held = bytes
    this.#common.held += bytes
    deadlines.set(this, KEPT)
    return true
  }

  #drop(): void {
    this.#common.held -= this.#held
    this.#held = 0
    this.#rows = NONE
    this.#until = 0
  }
}

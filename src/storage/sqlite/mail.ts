import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { contentSize } from '../../mail/content.ts'
import type { Envelope } from '../../mail/envelope.ts'
import { DELETED, SEEN, union, without } from '../../mail/flags.ts'
import type { Id } from '../../mail/id.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import type {
  Append,
  Appended,
  Appending,
  Copied,
  Copy,
  Expunge,
  Expunged,
  Impossible,
  Stored,
  StoreFlags,
} from '../mail-operations.ts'
import { BLOCK, type DescriptionTables } from './descriptions.ts'
import type { KeywordTables } from './keywords.ts'
import { type BoxState, hasUids, type Ledger } from './ledger.ts'
import type { MessageTables } from './messages.ts'
import type { PackedTable } from './packed.ts'
import type { After } from './transaction.ts'
import type { VanishedTable } from './vanished.ts'

/** Messages that one expunge removes itself. */
const AT_ONCE = 100

/** A mail, but for its mailbox, its UID and its MODSEQ. */
interface Item {
  readonly flags: number
  readonly message: Id
  /** ms since 1970 */
  readonly at: number
  readonly saved: number
  readonly size: number
  readonly sent: number | undefined
  readonly head: string
}

export interface MailParts {
  readonly ledger: Ledger
  readonly messages: MessageTables
  readonly descriptions: DescriptionTables
  readonly keywords: KeywordTables
  readonly vanished: VanishedTable
  readonly packed: PackedTable
}

/** The mails of the mailboxes: what is delivered, appended, flagged, copied and expunged; inside the caller's transaction. */
export function mailTable(database: DatabaseSync, parts: MailParts) {
  const { ledger, messages, descriptions, keywords, vanished, packed } = parts
  const prepare = (sql: string) => database.prepare(sql)
  const insert = prepare(
    `INSERT INTO mail (mailbox, uid, flags, modseq, message, at, saved, size, sent, head)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const remove = prepare('DELETE FROM mail WHERE mailbox = ? AND uid = ?')
  const setFlags = prepare('UPDATE mail SET flags = ?, modseq = ?, changed = 1 WHERE mailbox = ? AND uid = ?')
  const rangeOf = 'FROM mail WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid'
  const flagsIn = prepare(`SELECT uid, flags, modseq ${rangeOf}`)
  const goingIn = prepare(`SELECT uid, flags, size, message ${rangeOf}`)
  const itemsIn = prepare(`SELECT uid, flags, message, at, size, sent, head ${rangeOf}`)
  for (const statement of [flagsIn, goingIn, itemsIn]) statement.setReturnArrays(true)
  const arrived = prepare(
    `SELECT size, sent, description.message AS described FROM message
     LEFT JOIN description ON description.message = id WHERE id = ?`,
  )
  const unreferenced = prepare('INSERT OR IGNORE INTO unreferenced (message) VALUES (?)')
  const imported = prepare('INSERT INTO imported (mailbox, fingerprint) VALUES (?, ?)')
  const undescribed = prepare('INSERT OR IGNORE INTO undescribed (message) VALUES (?)')

  type Rows = ReturnType<typeof flagsIn.all>

  function rowsIn(statement: typeof flagsIn, mailbox: number, ranges: readonly UidRange[]): Rows {
    const [first, ...others] = ranges
    if (first && others.length === 0) return statement.all(mailbox, ...first)
    return ranges.flatMap(range => statement.all(mailbox, ...range))
  }

  /** With the mailbox's MODSEQ of now. Answers its UID. */
  function put(box: BoxState, item: Item, after: After): number {
    const uid = box.uidNext++
    const { flags, message, at, saved, size, sent, head } = item
    insert.run(box.id, uid, flags, box.modseq, message, at, saved, size, sent ?? null, head)
    count(box, flags, size, 1)
    if (box.uidNext % BLOCK > 0) return uid
    packed.full(box, box.uidNext / BLOCK - 1)
    after.undescribed = true
    return uid
  }

  function changed(box: BoxState, after: After): void {
    after.changed.add(box.account, box.id, 'mail')
  }

  /** RFC 9051 §2.3.1.1: a UID that went never comes back. */
  function take(box: BoxState, rows: Rows, after: After): number[] {
    box.modseq++
    const uids: number[] = []
    let bytes = 0
    for (const row of rows) {
      const [uid, flags, size] = [Number(row[0]), Number(row[1]), Number(row[2])]
      remove.run(box.id, uid)
      count(box, flags, size, -1)
      bytes += size
      uids.push(uid)
    }
    ledger.use(box.account, -uids.length, -bytes)
    vanished.add(box, uids)
    packed.changed(box, uids.length, after)
    changed(box, after)
    return uids
  }

  /** Of many that go at once the messages are removed in batches, by `sweep.ts`: it takes longer than all the rest. */
  function forget(rows: Rows, after: After): void {
    for (const row of rows.slice(0, AT_ONCE)) after.files.push(...messages.forget(Number(row[3])))
    for (const row of rows.slice(AT_ONCE)) unreferenced.run(Number(row[3]))
    if (rows.length > AT_ONCE) after.sweep = true
  }

  function putAppended(box: BoxState, appending: Appending, flags: number, now: number): Item {
    const { id, at, content, description, fingerprint } = appending
    if (fingerprint) imported.run(box.id, fingerprint)
    messages.insert({ id, at, content, envelope: APPENDED, sender: '', source: '' })
    descriptions.add(id, description)
    return { flags, message: id, at, saved: now, size: contentSize(content), sent: description.sent, head: '' }
  }

  function append(of: Append, now: number, after: After): Appended | Impossible {
    const box = ledger.mailbox(of.mailbox)
    if (!box) return { is: 'missing' }
    const { replaces } = of
    const place = replaces && ledger.mailbox(replaces.mailbox)
    const replaced = place && replaces ? goingIn.all(place.id, replaces.uid, replaces.uid) : []
    if (replaces && replaced.length === 0) return { is: 'missing' }
    const bytes = of.messages.reduce((sum, { content }) => sum + contentSize(content), 0)
    const back = place?.account === box.account ? replaced : []
    const more = of.messages.length - back.length
    if (!ledger.allows(box.account, more, bytes - Number(back[0]?.[2] ?? 0), undefined)) return { is: 'over-quota' }
    const bits = hasUids(box, of.messages.length)
      ? keywords.bits(
          box.id,
          of.messages.map(({ flags }) => flags),
        )
      : undefined
    if (!bits) return { is: 'limit' }
    box.modseq++
    const uids = of.messages.map((message, i) => put(box, putAppended(box, message, bits[i] ?? 0, now), after))
    ledger.use(box.account, uids.length, bytes)
    changed(box, after)
    const { modseq } = box
    // RFC 8508 §3.1: both happen, or neither does.
    if (place) {
      take(place, replaced, after)
      forget(replaced, after)
    }
    return { is: 'appended', uidValidity: box.uidValidity, uids, modseq }
  }

  function store(of: StoreFlags, after: After): Stored | Impossible {
    const box = ledger.mailbox(of.mailbox)
    if (!box) return { is: 'missing' }
    const rows = rowsIn(flagsIn, box.id, of.uids)
    const bits =
      of.how === 'remove'
        ? [keywords.knownBits(box.id, of.flags)]
        : rows.length > 0
          ? keywords.bits(box.id, [of.flags])
          : [0]
    if (!bits) return { is: 'limit' }
    const [mask = 0] = bits
    const { unchangedSince = Number.POSITIVE_INFINITY } = of
    const [changes, modified]: [number[], number[]] = [[], []]
    for (const row of rows) {
      const [uid, old] = [Number(row[0]), Number(row[1])]
      // RFC 7162 §3.1.3: what changed since stays as it is, and is told.
      if (Number(row[2]) > unchangedSince) {
        modified.push(uid)
        continue
      }
      const next = of.how === 'set' ? mask : of.how === 'add' ? union(old, mask) : without(old, mask)
      if (next === old) continue
      if (changes.length === 0) box.modseq++
      setFlags.run(next, box.modseq, box.id, uid)
      countFlags(box, old, -1)
      countFlags(box, next, 1)
      changes.push(uid)
    }
    if (changes.length > 0) changed(box, after)
    packed.changed(box, changes.length, after)
    return { is: 'stored', modseq: box.modseq, changed: changes, modified }
  }

  function expunge(of: Expunge, after: After): Expunged | Impossible {
    const box = ledger.mailbox(of.mailbox)
    if (!box) return { is: 'missing' }
    const found = rowsIn(goingIn, box.id, of.uids)
    const rows = of.which === 'all' ? found : found.filter(row => (Number(row[1]) & DELETED) !== 0)
    const uids = rows.length > 0 ? take(box, rows, after) : []
    forget(rows, after)
    return { is: 'expunged', modseq: box.modseq, uids }
  }

  function copy(of: Copy, now: number, after: After): Copied | Impossible {
    const [from, to] = [ledger.mailbox(of.from), ledger.mailbox(of.to)]
    if (!from || !to) return { is: 'missing' }
    const rows = rowsIn(itemsIn, from.id, of.uids)
    if (rows.length === 0) return { is: 'copied', uidValidity: to.uidValidity, from: [], to: [] }
    const bytes = rows.reduce((sum, row) => sum + Number(row[4]), 0)
    // RFC 6851 §3.3: what only changes its place is not counted as more.
    if (!ledger.allows(to.account, rows.length, bytes, of.how === 'move' ? from.account : undefined))
      return { is: 'over-quota' }
    const bits = hasUids(to, rows.length)
      ? keywords.translate(from.id, to.id, new Set(rows.map(row => Number(row[1]))))
      : undefined
    if (!bits) return { is: 'limit' }
    to.modseq++
    const uids = rows.map(row => put(to, { ...itemOf(row), flags: bits.get(Number(row[1])) ?? 0, saved: now }, after))
    ledger.use(to.account, rows.length, bytes)
    changed(to, after)
    const uidsFrom = of.how === 'move' ? take(from, rows.map(goingOf), after) : rows.map(row => Number(row[0]))
    return { is: 'copied', uidValidity: to.uidValidity, from: uidsFrom, to: uids }
  }

  return {
    append,
    store,
    expunge,
    copy,

    /** A message that was accepted, into this mailbox, whatever the quota says by now: its acceptance was the promise. */
    deliver(box: BoxState, message: Id, head: string, now: number, after: After): void {
      const row = arrived.get(message)
      if (typeof row?.['described'] !== 'number') {
        undescribed.run(message)
        after.undescribed = true
      }
      const size = Number(row?.['size'] ?? 0) + Buffer.byteLength(head)
      const sent = typeof row?.['sent'] === 'number' ? row['sent'] : undefined
      box.modseq++
      put(box, { flags: 0, message, at: now, saved: now, size, sent, head }, after)
      ledger.use(box.account, 1, size)
      changed(box, after)
    },
  }
}

export type MailTable = ReturnType<typeof mailTable>

/** Of what came by APPEND: nobody sent it. */
const APPENDED: Envelope = {
  returnPath: '<>',
  body: '8BITMIME',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  holdUntil: undefined,
}

function count(box: BoxState, flags: number, size: number, by: 1 | -1): void {
  box.mails += by
  box.bytes += by * size
  countFlags(box, flags, by)
}

function countFlags(box: BoxState, flags: number, by: 1 | -1): void {
  if ((flags & SEEN) === 0) box.unseen += by
  if ((flags & DELETED) !== 0) box.deleted += by
}

type Columns = Record<string, SQLOutputValue>

/** A row of `itemsIn`. */
function itemOf(row: Columns): Omit<Item, 'flags' | 'saved'> {
  return {
    message: Number(row[2]),
    at: Number(row[3]),
    size: Number(row[4]),
    sent: typeof row[5] === 'number' ? row[5] : undefined,
    head: String(row[6]),
  }
}

/** A row of `itemsIn` as one of `goingIn`. */
function goingOf(row: Columns): Columns {
  return { 0: row[0] ?? 0, 1: row[1] ?? 0, 2: row[4] ?? 0, 3: row[2] ?? 0 }
}

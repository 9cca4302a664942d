/**
 * What a client of IMAP knows of its mailbox, from nothing but the untagged responses; and whether each of them may be said where it is said:
 * RFC 9051 §7, RFC 3501 §7, RFC 7162 §3.
 */
import assert from 'node:assert/strict'
import { type Box, mailOf, type Model, sameFlags } from './model.ts'
import { numbersOf, type Response, type Value } from './response.ts'

/** What stands under one sequence number. undefined: the client was not told. */
export interface Entry {
  uid: number | undefined
  flags: ReadonlySet<string> | undefined
  modseq: number | undefined
  /** UIDNEXT as it was told when it was there already. */
  below?: number
  /** MODSEQ under which its flags were told. */
  toldAt?: number | undefined
}

export interface Mirror {
  readonly enabled: Set<string>
  /** MODSEQ is told with flags. */
  condstore: boolean
  /** The mailbox that is selected. */
  box: Box | undefined
  readOnly: boolean
  entries: Entry[]
  /** RFC 5182: UIDs. */
  saved: readonly number[]
}

/** The command under which a response comes. */
export interface During {
  readonly name: string
  readonly uid: boolean
  /** CONDSTORE was in use before it. */
  readonly condstore: boolean
  /** Whose flags were told since it was sent. */
  readonly told: Set<Entry>
  /** Which UID stood under which number when it was sent. */
  readonly uids: readonly (number | undefined)[]
  /** RFC 7162: UIDs of VANISHED (EARLIER). */
  readonly earlier: number[]
}

export function newMirror(): Mirror {
  return { enabled: new Set(), condstore: false, box: undefined, readOnly: false, entries: [], saved: [] }
}

const KEEPS_NUMBERS = ['FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD']
/** Untagged responses, and the commands that they belong to. */
const BELONGS: Readonly<Record<string, readonly string[]>> = {
  SEARCH: ['SEARCH'],
  SORT: ['SORT'],
  THREAD: ['THREAD'],
  ESEARCH: ['SEARCH', 'SORT'],
  STATUS: ['STATUS', 'LIST'],
  LIST: ['LIST', 'SELECT', 'EXAMINE'],
  LSUB: ['LSUB'],
  FLAGS: ['SELECT', 'EXAMINE'],
  ENABLED: ['ENABLE'],
  CAPABILITY: ['LOGIN', 'CAPABILITY'],
  BYE: ['LOGOUT'],
}

/** Takes an untagged response in. `during`: undefined: no command is under way. Throws where it must not be said. */
export function hear(mirror: Mirror, response: Response, during: During | undefined): void {
  const [first, second, third] = response.values
  const word = String(/^\d+$/.test(String(first)) ? second : first)
  const allowed = BELONGS[word]
  assert.ok(!allowed || allowed.includes(during?.name ?? ''), `${word} is not for now`)
  if (word === 'SEARCH') assert.ok(!mirror.enabled.has('IMAP4rev2'), 'SEARCH is not said in IMAP4rev2')
  if (response.code?.[0] === 'UIDNEXT') for (const entry of mirror.entries) entry.below = Number(response.code[1])
  switch (word) {
    case 'EXISTS':
      return hearExists(mirror, Number(first))
    case 'RECENT':
      assert.ok(!mirror.enabled.has('IMAP4rev2'), 'RECENT is not said in IMAP4rev2')
      return assert.ok(Number(first) <= mirror.entries.length, 'more are recent than there are')
    case 'EXPUNGE':
      mayExpunge(during)
      assert.ok(!mirror.enabled.has('QRESYNC'), 'VANISHED is said with QRESYNC') // RFC 7162 §3.2.10
      assert.ok(within(mirror, Number(first)), 'EXPUNGE of a number that is not there')
      mirror.entries.splice(Number(first) - 1, 1)
      return
    case 'VANISHED':
      assert.ok(mirror.enabled.has('QRESYNC'), 'VANISHED is said with QRESYNC only')
      if (Array.isArray(second)) return hearEarlier(numbersOf(String(third)), during)
      mayExpunge(during)
      for (const uid of numbersOf(String(second))) removeUid(mirror, uid)
      return
    case 'FETCH':
      assert.ok(Array.isArray(third), 'FETCH has no list')
      return hearFetch(mirror, Number(first), third, during)
  }
}

/** RFC 9051 §7.5.1 */
function mayExpunge(during: During | undefined): void {
  assert.ok(during, 'nothing goes while no command is under way')
  assert.ok(during.uid || !KEEPS_NUMBERS.includes(during.name), `nothing goes during ${during.name}`)
}

const within = ({ entries }: Mirror, seq: number): boolean => seq >= 1 && seq <= entries.length

function hearExists({ entries }: Mirror, exists: number): void {
  assert.ok(exists >= entries.length, `there were ${entries.length}, and nothing went`)
  while (entries.length < exists) entries.push({ uid: undefined, flags: undefined, modseq: undefined })
}

/** RFC 7162 §3.2.10.1: numbers stay what they are. */
function hearEarlier(uids: readonly number[], during: During | undefined): void {
  const isAsked = during && (['SELECT', 'EXAMINE'].includes(during.name) || (during.name === 'FETCH' && during.uid))
  assert.ok(isAsked, 'nobody asked what went earlier')
  during.earlier.push(...uids)
}

/** What the client has not been told the UID of stands between its neighbours. */
function removeUid({ entries }: Mirror, uid: number): void {
  const known = entries.findIndex(entry => entry.uid === uid)
  if (known >= 0) {
    entries.splice(known, 1)
    return
  }
  const after = entries.findIndex(entry => (entry.uid ?? 0) > uid)
  const unknown = (after < 0 ? entries.length : after) - 1
  assert.ok(unknown >= 0 && entries[unknown]?.uid === undefined, `UID ${uid} vanished, and was not there`)
  entries.splice(unknown, 1)
  // Which of those that are not known it was is not known either.
  for (const entry of entries) if (entry.uid === undefined) delete entry.below
}

function hearFetch(mirror: Mirror, seq: number, items: readonly Value[], during: During | undefined): void {
  assert.ok(within(mirror, seq), 'FETCH of a number that is not there')
  const entry = mirror.entries[seq - 1]
  if (!entry) return
  const values = itemsOf(items)
  const uid = values.get('UID')
  if (uid !== undefined) learnUid(mirror, seq, Number(uid))
  const [flags, modseq] = [values.get('FLAGS'), values.get('MODSEQ')]
  if (flags !== undefined) {
    // RFC 7162 §3.2.4
    assert.ok(!mirror.enabled.has('QRESYNC') || uid !== undefined || during?.name === 'FETCH', 'there is no UID')
    const wanted = during?.condstore ?? mirror.condstore
    assert.ok(!wanted || modseq !== undefined, 'there is no MODSEQ') // RFC 7162 §3.2
  }
  learnFlags(mirror, entry, flags, modseq)
  if (flags !== undefined) during?.told.add(entry)
}

/** Of a FETCH response. Throws when an item is there twice. */
export function itemsOf(items: readonly Value[]): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>()
  for (let i = 0; i < items.length; i += 2) {
    const name = String(items[i]).toUpperCase()
    assert.ok(!values.has(name) && i + 1 < items.length, `${name} stands there twice, or without a value`)
    values.set(name, items[i + 1] ?? null)
  }
  return values
}

/** RFC 9051 §2.3.1.1: UIDs ascend. */
function learnUid({ entries }: Mirror, seq: number, uid: number): void {
  const entry = entries[seq - 1]
  if (!entry) return
  assert.ok(entry.uid === undefined || entry.uid === uid, `number ${seq} was UID ${entry.uid} and is ${uid}`)
  const before = entries.slice(0, seq - 1).findLast(other => other.uid !== undefined)
  const after = entries.slice(seq).find(other => other.uid !== undefined)
  assert.ok((before?.uid ?? 0) < uid && uid < (after?.uid ?? 2 ** 32), `UID ${uid} does not stand in order`)
  assert.ok(uid < (entry.below ?? 2 ** 32), `UIDNEXT was ${entry.below}, and UID ${uid} was there`)
  entry.uid = uid
}

function learnFlags(mirror: Mirror, entry: Entry, flags: Value | undefined, modseq: Value | undefined): void {
  const told = Array.isArray(modseq) ? Number(modseq[0]) : undefined
  if (modseq !== undefined) assert.ok(told !== undefined && told > 0, 'MODSEQ is not a number')
  if (told !== undefined && entry.modseq !== undefined) assert.ok(told >= entry.modseq, 'MODSEQ goes back')
  if (Array.isArray(flags)) {
    const now = new Set(flags.map(flag => String(flag).toLowerCase()))
    const isRecent = now.delete('\\recent')
    assert.ok(!isRecent || !mirror.enabled.has('IMAP4rev2'), '\\Recent is not said in IMAP4rev2')
    // RFC 7162 §3.1.1
    if (told !== undefined && told === entry.toldAt && entry.flags)
      assert.ok(sameFlags(now, entry.flags), 'flags are different under the same MODSEQ')
    entry.flags = now
    entry.toldAt = told
  }
  if (told !== undefined) entry.modseq = told
}

/** All UIDs are known. */
export function knowsUids({ entries }: Mirror): boolean {
  return entries.every(({ uid }) => uid !== undefined)
}

/** What it knows is true, and it knows of each mail. Answers what is wrong. */
export function differs({ box, entries, condstore }: Mirror): string | undefined {
  if (!box) return undefined
  if (entries.length !== box.mails.length) return `${entries.length} exist, there should be ${box.mails.length}`
  for (const [i, mail] of box.mails.entries()) {
    const { uid, flags, modseq } = entries[i] ?? {}
    if (uid !== undefined && uid !== mail.uid) return `number ${i + 1} is UID ${uid}, it should be ${mail.uid}`
    if (flags && !sameFlags(flags, mail.flags)) return `UID ${mail.uid} has ${text(flags)}, not ${text(mail.flags)}`
    if (condstore && modseq !== undefined && modseq !== mail.modseq)
      return `UID ${mail.uid} has MODSEQ ${modseq}, it should be ${mail.modseq}`
  }
  return undefined
}

const text = (flags: ReadonlySet<string>): string => `(${[...flags].join(' ')})`

/** It knows all, and nothing has changed that it was not told of. */
export function isSynced(mirror: Mirror): boolean {
  return knowsUids(mirror) && differs(mirror) === undefined
}

/** There are mails that went without its being told. */
export function missesExpunges({ box, entries }: Mirror): boolean {
  return box !== undefined && entries.some(({ uid }) => uid === undefined || mailOf(box, uid) === undefined)
}

/** RFC 9051 §2.3.1.1, RFC 8474 §4: what a mailbox says of itself for ever. No other one says the same. */
export function recognise(
  model: Model,
  box: Box,
  uidValidity: number | undefined,
  mailboxId: string | undefined,
): void {
  if (uidValidity !== undefined) {
    box.uidValidity ??= uidValidity
    assert.equal(uidValidity, box.uidValidity, 'UIDVALIDITY is another one')
  }
  if (mailboxId === undefined) return
  box.mailboxId ??= mailboxId
  assert.equal(mailboxId, box.mailboxId, 'MAILBOXID is another one')
  for (const other of model.boxes.values())
    assert.ok(other === box || (other.mailboxId !== mailboxId && other.uidValidity !== box.uidValidity))
}

/** What clients were told of mailboxes that must stay true: which UID is whose, and numbers that only grow. */
import assert from 'node:assert/strict'
import { readNumbered } from './sink.ts'
import type { ImapTalk, Response } from './imap-talk.ts'

/**
 * What a client knows is there: `box NAME` → UIDVALIDITY, and `mail SEQ UIDVALIDITY` → `UID FLAGS`. UNTOLD stands for a UID or UIDVALIDITY
 * whose answer never came.
 */
export type State = ReadonlyMap<string, string>
export const UNTOLD = '?'

export const boxKey = (name: string): string => `box ${name}`
export const mailKey = (seq: number, validity: number): string => `mail ${seq} ${validity}`
export const mailValue = (uid: number | typeof UNTOLD, flags: readonly string[]): string =>
  [String(uid), ...[...new Set(flags)].toSorted()].join(' ')

export interface Box {
  readonly name: string
  readonly validity: number
  readonly uidNext: number
  readonly modseq: number
}

export interface Mail {
  readonly seq: number
  readonly box: Box
  readonly uid: number
  readonly flags: readonly string[]
}

export interface Seen {
  readonly boxes: readonly Box[]
  readonly mails: readonly Mail[]
}

export interface Witness {
  /** A client was told that the message with this number has this UID; after the last look, so it must be a new one, if it is not known. */
  uid(validity: number, uid: number, seq: number): void
  modseq(validity: number, modseq: number): void
  /** Nothing of what was seen or told before has gone back. */
  look(account: string, seen: Seen): void
}

export function newWitness(): Witness {
  const owners = new Map<string, number>()
  const modseqs = new Map<number, number>()
  const nextUids = new Map<number, number>()
  /** By account and name. */
  const validities = new Map<string, number>()

  const grown = (of: Map<number, number>, key: number, value: number): void => {
    if (value > (of.get(key) ?? 0)) of.set(key, value)
  }

  function own(validity: number, uid: number, seq: number): void {
    const key = `${validity} ${uid}`
    const known = owners.get(key)
    assert.ok(known === undefined || known === seq, `UID ${uid} of ${validity} is of message ${known} and of ${seq}`)
    owners.set(key, seq)
  }

  return {
    uid(validity, uid, seq) {
      if (!owners.has(`${validity} ${uid}`))
        assert.ok(uid >= (nextUids.get(validity) ?? 0), `UID ${uid} of ${validity} was announced as used before`)
      own(validity, uid, seq)
    },
    modseq: (validity, modseq) => grown(modseqs, validity, modseq),
    look(account, { boxes, mails }) {
      for (const { name, validity, uidNext, modseq } of boxes) {
        const [last, lastUid] = [modseqs.get(validity) ?? 0, nextUids.get(validity) ?? 0]
        assert.ok(modseq >= last, `HIGHESTMODSEQ of ${name} went back from ${last} to ${modseq}`)
        assert.ok(uidNext >= lastUid, `UIDNEXT of ${name} went back from ${lastUid} to ${uidNext}`)
        grown(modseqs, validity, modseq)
        nextUids.set(validity, uidNext)
        const before = validities.get(`${account} ${name}`) ?? 0
        assert.ok(validity >= before, `UIDVALIDITY of ${name} went back from ${before} to ${validity}`)
        validities.set(`${account} ${name}`, validity)
      }
      for (const { seq, box, uid } of mails) {
        assert.ok(uid < box.uidNext, `UID ${uid} in ${box.name}, whose next is ${box.uidNext}`)
        own(box.validity, uid, seq)
      }
    },
  }
}

const STATUS = /^\* STATUS "?([^" ]+)"? \(UIDVALIDITY (\d+) UIDNEXT (\d+) HIGHESTMODSEQ (\d+)\)$/

/** All that an account has; fails where a message is damaged. `checked`: UIDs below it in a mailbox (by UIDVALIDITY) were found whole before. */
export async function lookAt(talk: ImapTalk, checked: Map<number, number>): Promise<Seen> {
  const listed = await talk.ask('LIST "" * RETURN (STATUS (UIDVALIDITY UIDNEXT HIGHESTMODSEQ))')
  assert.match(listed.tagged, /^OK/)
  const boxes = listed.untagged.flatMap(({ text }) => {
    const [, name, validity, uidNext, modseq] = STATUS.exec(text) ?? []
    if (name === undefined) return []
    return [{ name, validity: Number(validity), uidNext: Number(uidNext), modseq: Number(modseq) }]
  })
  const mails: Mail[] = []
  for (const box of boxes) mails.push(...(await mailsOf(talk, box, checked)))
  return { boxes, mails }
}

async function mailsOf(talk: ImapTalk, box: Box, checked: Map<number, number>): Promise<Mail[]> {
  const opened = await talk.ask(`EXAMINE "${box.name}"`)
  assert.match(opened.tagged, /^OK/)
  const from = checked.get(box.validity) ?? 1
  const whole = await talk.ask(`UID FETCH ${from}:* (BODY.PEEK[])`)
  assert.match(whole.tagged, /^OK/)
  for (const { text, literals } of whole.untagged) {
    if (literals[0]) assert.ok(readNumbered(literals[0]).intact, `damaged in ${box.name}: ${text}`)
  }
  checked.set(box.validity, box.uidNext)
  const all = await talk.ask('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (X-Seq)])')
  assert.match(all.tagged, /^OK/)
  return all.untagged.flatMap(response => mailOf(box, response))
}

function mailOf(box: Box, { text, literals: [header] }: Response): Mail[] {
  const uid = /UID (\d+)/.exec(text)?.[1]
  const flags = flagsIn(text)
  if (uid === undefined || flags === undefined || header === undefined) return []
  return [{ seq: readNumbered(header).seq, box, uid: Number(uid), flags }]
}

/** undefined: it does not tell. */
export function flagsIn(text: string): string[] | undefined {
  return /FLAGS \(([^)]*)\)/
    .exec(text)?.[1]
    ?.split(' ')
    .filter(flag => flag !== '' && flag !== '\\Recent')
}

/** Of what is there, what is this client's business. */
export function stateIn({ boxes, mails }: Seen, prefix: string, seqs: ReadonlySet<number>): State {
  const own = boxes.filter(({ name }) => name.startsWith(prefix))
  const mine = mails.filter(({ seq }) => seqs.has(seq))
  const state = new Map(own.map(({ name, validity }) => [boxKey(name), String(validity)]))
  for (const { seq, box, uid, flags } of mine) {
    const key = mailKey(seq, box.validity)
    assert.ok(!state.has(key), `message ${seq} is twice in ${box.name}`)
    state.set(key, mailValue(uid, flags))
  }
  return state
}

/** What the first has and the second has not, and the other way round. */
export function differences(expected: State, found: State): string[] {
  const lines: string[] = []
  for (const [key, value] of expected) {
    const there = found.get(key)
    if (there === undefined) lines.push(`${key} (${value}) is missing`)
    else if (!fits(value, there)) lines.push(`${key} is ${there} instead of ${value}`)
  }
  for (const [key, value] of found) if (!expected.has(key)) lines.push(`${key} (${value}) is there`)
  return lines
}

function fits(expected: string, found: string): boolean {
  if (expected === found || expected === UNTOLD) return true
  return expected.startsWith(UNTOLD) && expected.slice(UNTOLD.length) === found.replace(/^\d+/, '')
}

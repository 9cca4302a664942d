/** The commands that change mails: STORE, COPY, MOVE, EXPUNGE, CLOSE, APPEND, REPLACE. */
import assert from 'node:assert/strict'
import {
  anyFlags,
  anyName,
  asSet,
  between,
  chooseSet,
  type Command,
  isOk,
  isRefused,
  numbersFor,
  numbersIn,
  responsesOf,
  type Answer,
  type Speaker,
  withUid,
} from './command.ts'
import { FIRST_DAY, DAYS, makeMessage, pick } from './messages.ts'
import { type Box, mailOf, type Message, type Moved, type NewMail, type Stored } from './model.ts'

const READ_ONLY = 'READ-ONLY'
const HOW = [
  ['set', ''],
  ['add', '+'],
  ['add', '+'],
  ['remove', '-'],
] as const

/** `deletes`: so that mailboxes don't grow for ever. */
export function store(speaker: Speaker, deletes = false): Command | undefined {
  const { random, mirror, model } = speaker
  const { box } = mirror
  const chosen = chooseSet(speaker)
  if (!box || !chosen) return undefined
  const [how, sign] = deletes ? (['add', '+'] as const) : pick(random, HOW)
  const silent = random(3) === 0
  const flags = deletes ? ['\\Deleted'] : anyFlags(random)
  const unchangedSince = mirror.condstore && random(3) === 0 ? Math.max(0, box.modseq - random(8)) : undefined
  const modifier = unchangedSince === undefined ? '' : ` (UNCHANGEDSINCE ${unchangedSince})`
  const item = `${sign}FLAGS${silent ? '.SILENT' : ''}`
  let stored: Stored | 'limit' = { changed: [], modified: [] }
  return {
    name: 'STORE',
    uid: chosen.uid,
    parts: [`${withUid(chosen.uid, 'STORE')} ${chosen.text}${modifier} ${item} (${flags.join(' ')})`],
    effect() {
      if (!mirror.readOnly) stored = model.store(box, chosen.uids, how, asSet(flags), unchangedSince)
    },
    learn({ is, during }) {
      if (is !== 'OK' || !silent || stored === 'limit') return
      const { modified } = stored
      for (const entry of mirror.entries) {
        const { uid = 0, flags: old } = entry
        if (!old || during.told.has(entry) || !chosen.uids.includes(uid) || modified.includes(uid)) continue
        entry.toldAt = undefined
        const [given, kept] = [asSet(flags), [...old]]
        if (how === 'set') entry.flags = given
        else if (how === 'add') entry.flags = new Set([...kept, ...given])
        else entry.flags = new Set(kept.filter(flag => !given.has(flag)))
      }
    },
    check(answer) {
      if (mirror.readOnly) return isRefused(answer, READ_ONLY)
      if (box.deleted) return
      if (stored === 'limit') return isRefused(answer, 'LIMIT')
      isOk(answer)
      // RFC 7162 §3.1.3: those that are gone have no number any more.
      const modified = numbersFor(speaker, chosen.uid, stored.modified)
      const told = answer.code?.[0] === 'MODIFIED' ? numbersIn(answer.code[1]) : []
      assert.deepEqual(told, modified, 'MODIFIED')
      if (!silent && answer.certain) assert.ok(answer.during.told.size >= stored.changed.length, 'flags were not told')
    },
  }
}

export function copy(speaker: Speaker): Command | undefined {
  const { random, mirror, model, now } = speaker
  const { box } = mirror
  const chosen = chooseSet(speaker)
  if (!box || !chosen) return undefined
  const how = random(2) === 0 ? 'copy' : 'move'
  const name = anyName(speaker)
  const to = model.box(name)
  const refused = how === 'move' && mirror.readOnly
  let moved: Moved | 'limit' = { from: [], to: [] }
  return {
    name: how.toUpperCase(),
    uid: chosen.uid,
    parts: [`${withUid(chosen.uid, how.toUpperCase())} ${chosen.text} ${name}`],
    effect() {
      if (to && !refused) moved = model.copy(how, box, to, chosen.uids, now())
    },
    check(answer) {
      if (refused) return isRefused(answer, READ_ONLY)
      if (!to) return isRefused(answer, 'TRYCREATE')
      if (box.deleted) return
      if (moved === 'limit') return isRefused(answer, 'LIMIT')
      if (moved.from.length === 0) return chosen.uids.length === 0 ? isOk(answer) : isRefused(answer, 'EXPUNGEISSUED')
      isOk(answer)
      // RFC 6851 §4.3: of MOVE it is said before.
      const [, uidValidity, from, into] = how === 'copy' ? (answer.code ?? []) : codeOf(answer, 'COPYUID')
      assert.deepEqual([numbersIn(from), numbersIn(into)], [moved.from, moved.to], 'COPYUID')
      assert.equal(Number(uidValidity), to.uidValidity ?? Number(uidValidity))
    },
  }
}

function codeOf({ untagged }: Answer, name: string) {
  return untagged.find(({ code }) => code?.[0] === name)?.code ?? []
}

export function expunge(speaker: Speaker): Command | undefined {
  const { random, mirror, model } = speaker
  const { box } = mirror
  if (!box) return undefined
  const chosen = random(2) === 0 ? chooseSet(speaker, true) : undefined
  const deleted = deletedOf(box, chosen?.uids)
  let uids: readonly number[] = []
  return {
    name: 'EXPUNGE',
    uid: chosen !== undefined,
    parts: [chosen ? `UID EXPUNGE ${chosen.text}` : 'EXPUNGE'],
    effect(done) {
      if (!mirror.readOnly)
        uids = model.expunge(box, between(deletedOf(box, deleted), done, deletedOf(box, chosen?.uids)))
    },
    check(answer) {
      if (mirror.readOnly) return isRefused(answer, READ_ONLY)
      isOk(answer)
      // RFC 7162 §3.2.7
      if (answer.certain && mirror.condstore && uids.length > 0)
        assert.deepEqual(answer.code, ['HIGHESTMODSEQ', String(box.modseq)])
    },
  }
}

/** UIDs of mails that are \\Deleted. */
function deletedOf(box: Box, among?: readonly number[]): number[] {
  return box.mails.flatMap(({ uid, flags }) => (flags.has('\\deleted') && (among?.includes(uid) ?? true) ? [uid] : []))
}

/** `leave`: forgets the mailbox. */
export function close({ random, mirror, model }: Speaker): Command | undefined {
  const { box, readOnly } = mirror
  if (!box) return undefined
  const expunges = random(2) === 0
  const deleted = deletedOf(box)
  return {
    name: expunges ? 'CLOSE' : 'UNSELECT',
    parts: [expunges ? 'CLOSE' : 'UNSELECT'],
    effect(done) {
      if (expunges && !readOnly) model.expunge(box, between(deletedOf(box, deleted), done, deletedOf(box)))
    },
    check(answer) {
      isOk(answer)
      // RFC 9051 §6.4.1
      for (const name of ['EXPUNGE', 'VANISHED']) assert.deepEqual(responsesOf(answer, name), [])
      mirror.box = undefined
      mirror.entries = []
      mirror.saved = []
    },
  }
}

interface Written extends NewMail {
  readonly parts: readonly string[]
}

/** A message as APPEND has it, with the parts that it is sent in. */
function written({ random, now, mirror }: Speaker): Written {
  const message = makeMessage(random)
  const flags = anyFlags(random)
  const dated = random(2) === 0
  const at = dated ? Math.floor((FIRST_DAY + random(DAYS * 24 * 3_600_000)) / 1000) * 1000 : now()
  const [, date = '', month, year, time] = new Date(at).toUTCString().split(' ')
  const dateTime = dated ? `"${date.padStart(2)}-${month}-${year} ${time} +0000" ` : ''
  const list = flags.length > 0 || random(2) === 0 ? `(${flags.join(' ')}) ` : ''
  const { content } = message
  const before = ` ${list}${dateTime}`
  return { message, head: '', at, flags: asSet(flags), parts: literal(before, content, random(2) === 0, mirror) }
}

/** RFC 7888 §5: LITERAL+; IMAP4rev2 has LITERAL-, of at most 4096 octets. */
function literal(before: string, content: string, waits: boolean, { enabled }: Speaker['mirror']): readonly string[] {
  const mayNotWait = content.length <= 4096 || !enabled.has('IMAP4rev2')
  return waits || !mayNotWait
    ? [`${before}{${content.length}}`, content]
    : [`${before}{${content.length}+}\r\n${content}`]
}

/** The last of one part and the first of the next are one. */
function joined(parts: readonly (readonly string[])[]): string[] {
  const all: string[] = ['']
  for (const [first = '', ...others] of parts) {
    all[all.length - 1] += first
    all.push(...others)
  }
  return all
}

/** Internal dates that were not given are those of the moment of the command. */
export function append(speaker: Speaker): Command {
  const { random, model, now } = speaker
  const name = anyName(speaker)
  const box = model.box(name)
  const mails = Array.from({ length: random(4) === 0 ? 2 + random(3) : 1 }, () => written(speaker))
  let uids: readonly number[] | 'limit' = []
  return {
    name: 'APPEND',
    parts: joined([[`APPEND ${name}`], ...mails.map(({ parts }) => parts)]),
    effect() {
      if (box) uids = model.add(box, mails, now())
    },
    check(answer) {
      if (!box) return isRefused(answer, 'TRYCREATE')
      if (uids === 'limit') return isRefused(answer, 'LIMIT')
      appended(answer, answer.code, box, uids)
    },
  }
}

function appended(answer: Answer, code: Answer['code'], box: Box, uids: readonly number[]): void {
  isOk(answer)
  assert.equal(code?.[0], 'APPENDUID')
  assert.equal(Number(code[1]), box.uidValidity ?? Number(code[1]))
  assert.deepEqual(numbersIn(code[2]), uids)
}

/** RFC 8508 */
export function replace(speaker: Speaker): Command | undefined {
  const { random, mirror, model, now } = speaker
  const { box } = mirror
  const chosen = chooseSet(speaker)
  const [old] = chosen?.uids ?? []
  if (!box || !chosen || old === undefined || box.deleted) return undefined
  const name = random(3) === 0 ? anyName(speaker) : box.name
  const to = model.box(name)
  const mail = written(speaker)
  const [number] = numbersFor(speaker, chosen.uid, [old])
  let uids: readonly number[] | 'limit' | 'missing' = []
  return {
    name: 'REPLACE',
    uid: chosen.uid,
    parts: joined([[`${withUid(chosen.uid, 'REPLACE')} ${number} ${name}`], mail.parts]),
    effect() {
      if (!to || mirror.readOnly) return
      uids = mailOf(box, old) ? model.add(to, [mail], now()) : 'missing'
      if (typeof uids !== 'string') model.expunge(box, [old])
    },
    check(answer) {
      if (!to) return isRefused(answer, 'TRYCREATE')
      if (mirror.readOnly) return isRefused(answer, READ_ONLY)
      if (uids === 'limit') return isRefused(answer, 'LIMIT')
      if (uids === 'missing') return isRefused(answer, 'NONEXISTENT')
      appended(answer, codeOf(answer, 'APPENDUID'), to, uids)
    },
  }
}

/** A message as it comes by SMTP. */
export function delivered(message: Message, head: string, at: number): NewMail {
  return { message, head, at, flags: new Set() }
}

/** FETCH in many forms, and what each item of each mail has to be. */
import assert from 'node:assert/strict'
import { pick, some } from './messages.ts'
import { type Answer, between, chooseSet, type Command, isOk, type Speaker, withUid } from './command.ts'
import { itemsOf } from './mirror.ts'
import { type Box, type Mail, mailOf, sizeOf, textOf } from './model.ts'
import type { Value } from './response.ts'

/** ms that our clock and the server's may differ. */
const CLOCKS = 60_000

interface Item {
  /** As it is asked for. */
  readonly text: string
  /** As it is answered. */
  readonly name: string
  readonly is: (value: Value, mail: Mail, speaker: Speaker) => void
  /** It makes a mail \Seen. */
  readonly marks?: true
}

const is =
  (expected: (mail: Mail) => Value) =>
  (value: Value, mail: Mail): void =>
    assert.deepEqual(value, expected(mail))

const headerOf = (mail: Mail): string => textOf(mail).slice(0, sizeOf(mail) - mail.message.body.length)

const ms = (value: Value): number => Date.parse(String(value).trim().replaceAll('-', ' '))

const ITEMS: readonly Item[] = [
  { text: 'UID', name: 'UID', is: is(({ uid }) => String(uid)) },
  { text: 'FLAGS', name: 'FLAGS', is: () => undefined }, // see `mirror.ts`
  { text: 'MODSEQ', name: 'MODSEQ', is: () => undefined },
  { text: 'RFC822.SIZE', name: 'RFC822.SIZE', is: is(mail => String(sizeOf(mail))) },
  {
    text: 'INTERNALDATE',
    name: 'INTERNALDATE',
    is: (value, { at }, { exact }) => {
      if (exact) assert.equal(ms(value), Math.floor(at / 1000) * 1000)
      else assert.ok(Math.abs(ms(value) - at) < CLOCKS)
    },
  },
  {
    text: 'SAVEDATE',
    name: 'SAVEDATE',
    is: (value, { saved }, { exact }) => exact && assert.equal(ms(value), Math.floor(saved / 1000) * 1000),
  },
  {
    text: 'ENVELOPE',
    name: 'ENVELOPE',
    is: (value, { message }) => assert.equal(value?.[1], message.fields.get('subject')),
  },
  {
    text: 'BODYSTRUCTURE',
    name: 'BODYSTRUCTURE',
    is: (value, { message }) => assert.equal(value?.[6], String(message.body.length)),
  },
  {
    text: 'PREVIEW',
    name: 'PREVIEW',
    is: (value, { message }) =>
      assert.ok(
        message.body.replaceAll(/\s+/g, ' ').startsWith(
          String(value ?? '')
            .slice(0, 20)
            .trimEnd(),
        ),
      ),
  },
  { text: 'BODY.PEEK[]', name: 'BODY[]', is: is(textOf) },
  { text: 'BODY[]', name: 'BODY[]', is: is(textOf), marks: true },
  { text: 'BODY[]<5.30>', name: 'BODY[]<5>', is: is(mail => textOf(mail).slice(5, 35)), marks: true },
  { text: 'BODY.PEEK[HEADER]', name: 'BODY[HEADER]', is: is(headerOf) },
  { text: 'BODY.PEEK[TEXT]', name: 'BODY[TEXT]', is: is(({ message }) => message.body) },
  { text: 'BODY[1]', name: 'BODY[1]', is: is(({ message }) => message.body), marks: true },
  { text: 'BINARY.PEEK[1]', name: 'BINARY[1]', is: is(({ message }) => message.body) },
  { text: 'BINARY.SIZE[1]', name: 'BINARY.SIZE[1]', is: is(({ message }) => String(message.body.length)) },
  { text: 'RFC822.HEADER', name: 'RFC822.HEADER', is: is(headerOf) },
  { text: 'RFC822.TEXT', name: 'RFC822.TEXT', is: is(({ message }) => message.body), marks: true },
  {
    text: 'BODY.PEEK[HEADER.FIELDS (Subject X-None)]',
    name: 'BODY[HEADER.FIELDS (SUBJECT X-NONE)]',
    is: is(({ message }) => `Subject: ${message.fields.get('subject')}\r\n\r\n`),
  },
]

/** Those that are quickly answered. */
const LIGHT = ITEMS.slice(0, 9)

interface Modifiers {
  readonly changedSince: number
  readonly vanished: boolean
}

/** Of mails that it knows. undefined: it knows none. */
export function fetch(speaker: Speaker): Command | undefined {
  const { random, mirror } = speaker
  const { box } = mirror
  const chosen = chooseSet(speaker)
  if (!box || !chosen) return undefined
  const few = chosen.uids.length < 8
  const names = new Set<string>()
  const items = some(random, few ? ITEMS : LIGHT, 4).filter(({ name }) => !names.has(name) && names.add(name))
  const asked = items.length > 0 ? items : [pick(random, ITEMS.slice(0, few ? ITEMS.length : LIGHT.length))]
  const qresync = mirror.enabled.has('QRESYNC') && chosen.uid
  const since = mirror.condstore && random(3) === 0 ? Math.max(1, box.modseq - random(6)) : 0
  const modifiers = { changedSince: since, vanished: since > 0 && qresync && random(2) === 0 }
  const written = since > 0 ? ` (CHANGEDSINCE ${since}${modifiers.vanished ? ' VANISHED' : ''})` : ''
  const list = asked.length === 1 && random(2) === 0 ? asked[0]?.text : `(${asked.map(({ text }) => text).join(' ')})`
  if (asked.some(({ name }) => name === 'MODSEQ')) mirror.condstore = true
  return {
    name: 'FETCH',
    uid: chosen.uid,
    parts: [`${withUid(chosen.uid, 'FETCH')} ${chosen.text} ${list}${written}`],
    ...seenBy(speaker, box, asked, chosen.uids, modifiers),
    check(answer) {
      isOk(answer)
      if (box.deleted) return
      compare(answer, box, asked, chosen.uids, modifiers, speaker)
    },
  }
}

/** RFC 9051 §6.4.5: what is fetched without .PEEK is \Seen. */
function seenBy(
  { model, mirror }: Speaker,
  box: Box,
  asked: readonly Item[],
  uids: readonly number[],
  { changedSince }: Modifiers,
): Pick<Command, 'effect'> {
  if (mirror.readOnly || !asked.some(({ marks }) => marks)) return {}
  const unseen = (among: readonly number[], since: number): number[] =>
    among.filter(uid => {
      const mail = mailOf(box, uid)
      return mail && !mail.flags.has('\\seen') && mail.modseq > since
    })
  const wanted = unseen(uids, changedSince)
  return {
    effect(done) {
      const marked = between(unseen(wanted, 0), done, unseen(uids, 0))
      model.store(box, marked, 'add', new Set(['\\seen']), undefined)
    },
  }
}

function compare(
  answer: Answer,
  box: Box,
  asked: readonly Item[],
  uids: readonly number[],
  { changedSince, vanished }: Modifiers,
  speaker: Speaker,
): void {
  const { entries } = speaker.mirror
  const complete = new Set<number>()
  for (const { values } of answer.untagged) {
    if (values[1] !== 'FETCH' || !Array.isArray(values[2])) continue
    const found = itemsOf(values[2])
    const given = asked.filter(({ name }) => found.has(name))
    const uid = found.has('UID') ? Number(found.get('UID')) : answer.during.uids[Number(values[0]) - 1]
    const mail = uid === undefined ? undefined : mailOf(box, uid)
    // What others changed is told too.
    if (given.length < asked.length || uid === undefined || !uids.includes(uid)) {
      assert.ok(
        given.every(({ name }) => ['UID', 'FLAGS', 'MODSEQ'].includes(name)),
        'nobody asked for that',
      )
      continue
    }
    complete.add(uid)
    if (mail) for (const { name, is: compareItem } of given) compareItem(found.get(name) ?? null, mail, speaker)
  }
  if (!answer.certain) return
  const due = uids.filter(uid => (mailOf(box, uid)?.modseq ?? 0) > changedSince)
  for (const uid of due) assert.ok(complete.has(uid), `UID ${uid} was not answered`)
  if (changedSince > 0)
    for (const uid of complete) assert.ok(due.includes(uid), `UID ${uid} was not changed since ${changedSince}`)
  if (vanished) compareVanished(answer, box, changedSince)
  assert.ok(entries.length === box.mails.length)
}

/** RFC 7162 §3.2.6. Which UIDs of those that never were in the client's set are told is ours to decide. */
function compareVanished({ during }: Answer, box: Box, since: number): void {
  const gone = box.vanished.filter(({ modseq }) => modseq > since).map(({ uid }) => uid)
  for (const uid of during.earlier) assert.ok(gone.includes(uid), `UID ${uid} did not vanish since ${since}`)
}

/** UIDs and flags of all from this number on. */
export function fetchAll({ mirror }: Pick<Speaker, 'mirror'>, first = 1): Command {
  const { box } = mirror
  return {
    name: 'FETCH',
    parts: [`FETCH ${first}:* (UID FLAGS${mirror.condstore ? ' MODSEQ' : ''})`],
    check(answer) {
      isOk(answer)
      const told = answer.untagged.filter(({ values }) => values[1] === 'FETCH').length
      if (box && !box.deleted && answer.certain)
        assert.ok(told >= mirror.entries.length - first + 1, `only ${told} were answered`)
    },
  }
}

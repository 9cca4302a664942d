/** The commands about mailboxes, and about sessions: SELECT with QRESYNC, STATUS, LIST, CREATE and the like, NOOP, IDLE. */
import assert from 'node:assert/strict'
import { type Answer, anyName, type Command, isOk, isRefused, NAMES, responsesOf, type Speaker } from './command.ts'
import { pick } from './messages.ts'
import { recognise } from './mirror.ts'
import { type Box, sizeOf } from './model.ts'
import type { Value } from './response.ts'
import type { Resync } from './resync.ts'

export function noop({ random, mirror }: Speaker): Command {
  const isCheck = mirror.box !== undefined && !mirror.box.deleted && random(8) === 0
  return { name: 'NOOP', parts: [isCheck ? 'CHECK' : 'NOOP'], check: isOk }
}

export const idle: Command = { name: 'IDLE', parts: ['IDLE'], check: isOk }

export function select(speaker: Speaker, resync: Resync): Command {
  const { random, mirror, model } = speaker
  const name = anyName(speaker, 20)
  const box = model.box(name)
  const verb = random(6) === 0 ? 'EXAMINE' : 'SELECT'
  const qresync = box && mirror.enabled.has('QRESYNC') && random(4) > 0 ? resync.parameter(box, random) : undefined
  const turnsOn = !qresync && mirror.condstore && random(4) === 0
  return {
    name: verb,
    parts: [`${verb} ${name}${qresync ? ` (QRESYNC ${qresync})` : turnsOn ? ' (CONDSTORE)' : ''}`],
    check(answer) {
      if (!box) {
        mirror.box = undefined
        return isRefused(answer, 'NONEXISTENT')
      }
      isOk(answer)
      assert.equal(answer.code?.[0], verb === 'SELECT' ? 'READ-WRITE' : 'READ-ONLY')
      mirror.box = box
      mirror.readOnly = verb === 'EXAMINE'
      described(answer, box, speaker)
      if (qresync) resync.done(box, mirror, answer)
    },
  }
}

const codeOf = ({ untagged }: Answer, name: string): readonly Value[] | undefined =>
  untagged.find(({ code }) => code?.[0] === name)?.code

function described(answer: Answer, box: Box, { model, mirror }: Speaker): void {
  const number = (name: string): number | undefined => {
    const code = codeOf(answer, name)
    return code && Number(code[1])
  }
  recognise(model, box, number('UIDVALIDITY'), String(codeOf(answer, 'MAILBOXID')?.[1]))
  const rev2 = mirror.enabled.has('IMAP4rev2')
  assert.equal(responsesOf(answer, 'LIST').length, rev2 ? 1 : 0)
  if (!answer.undisturbed) return
  assert.equal(mirror.entries.length, box.mails.length, 'EXISTS')
  assert.equal(number('UIDNEXT'), box.uidNext, 'UIDNEXT')
  assert.equal(number('HIGHESTMODSEQ'), box.modseq, 'HIGHESTMODSEQ')
  const unseen = box.mails.findIndex(({ flags }) => !flags.has('\\seen')) + 1
  assert.equal(number('UNSEEN'), rev2 || unseen === 0 ? undefined : unseen, 'UNSEEN')
  const flags = responsesOf(answer, 'FLAGS')[0]?.[0]
  const names = new Set(Array.isArray(flags) ? flags.map(flag => String(flag).toLowerCase()) : [])
  for (const mail of box.mails) for (const flag of mail.flags) assert.ok(names.has(flag), `FLAGS has no ${flag}`)
}

const STATUS = 'MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE MAILBOXID'

/** RFC 7162 §3.1.2: HIGHESTMODSEQ turns CONDSTORE on. */
const itemsFor = ({ mirror }: Speaker): string => (mirror.condstore ? `${STATUS} HIGHESTMODSEQ` : STATUS)

export function status(speaker: Speaker, name = anyName(speaker)): Command {
  const { model } = speaker
  const box = model.box(name)
  return {
    name: 'STATUS',
    parts: [`STATUS ${name} (${itemsFor(speaker)})`],
    check(answer) {
      if (!box) return isRefused(answer, 'NONEXISTENT')
      isOk(answer)
      const [told] = responsesOf(answer, 'STATUS')
      assert.equal(told?.[0], name)
      counted(told, box, speaker, answer.undisturbed)
    },
  }
}

function counted(told: readonly Value[], box: Box, { model, mirror }: Speaker, certain: boolean): void {
  const items = Array.isArray(told[1]) ? told[1] : []
  const values = new Map(
    items.flatMap((item, i) => (i % 2 === 0 ? [[String(item), items[i + 1] ?? null] as const] : [])),
  )
  recognise(model, box, Number(values.get('UIDVALIDITY')), String(values.get('MAILBOXID')))
  if (!certain) return
  const lacking = (flag: string): number => box.mails.filter(({ flags }) => !flags.has(flag)).length
  const expected = {
    MESSAGES: box.mails.length,
    UIDNEXT: box.uidNext,
    UNSEEN: lacking('\\seen'),
    DELETED: box.mails.length - lacking('\\deleted'),
    SIZE: box.mails.reduce((sum, mail) => sum + sizeOf(mail), 0),
    ...(mirror.condstore ? { HIGHESTMODSEQ: box.modseq } : {}),
  }
  for (const [name, value] of Object.entries(expected))
    assert.equal(values.get(name), String(value), `${name} of ${box.name}`)
}

/** All mailboxes, or with STATUS of all. */
export function list(speaker: Speaker): Command {
  const { random, model } = speaker
  const [subscribed, withStatus] = [random(4) === 0, random(2) === 0]
  const returns = `RETURN (SUBSCRIBED CHILDREN SPECIAL-USE${withStatus ? ` STATUS (${itemsFor(speaker)})` : ''})`
  return {
    name: 'LIST',
    parts: [`LIST ${subscribed ? '(SUBSCRIBED) ' : ''}"" "*" ${returns}`],
    check(answer) {
      isOk(answer)
      if (!answer.undisturbed) return
      const told = new Map(responsesOf(answer, 'LIST').map(([attributes, , name]) => [String(name), attributes]))
      const names = subscribed ? model.subscribed : model.boxes.keys()
      assert.deepEqual([...told.keys()].sort(), [...names].sort())
      for (const [name, attributes] of told) compareAttributes(name, new Set(attributes ?? []), speaker)
      const statuses = new Map(responsesOf(answer, 'STATUS').map(values => [String(values[0]), values]))
      if (!withStatus) return assert.equal(statuses.size, 0)
      for (const name of told.keys()) {
        const box = model.box(name)
        if (box) counted(statuses.get(name) ?? [], box, speaker, true)
      }
    },
  }
}

function compareAttributes(name: string, told: ReadonlySet<Value>, { model }: Speaker): void {
  const box = model.box(name)
  const hasChildren = [...model.boxes.keys()].some(other => other.startsWith(`${name}/`))
  assert.equal(told.has('\\HasChildren'), hasChildren, `\\HasChildren of ${name}`)
  assert.equal(told.has('\\HasNoChildren'), !hasChildren, `\\HasNoChildren of ${name}`)
  assert.equal(told.has('\\Subscribed'), model.subscribed.has(name), `\\Subscribed of ${name}`)
  assert.equal(told.has('\\NonExistent'), box === undefined, `\\NonExistent of ${name}`)
  if (box?.specialUse) assert.ok(told.has(box.specialUse), `${box.specialUse} of ${name}`)
}

export function lsub({ model }: Speaker): Command {
  return {
    name: 'LSUB',
    parts: ['LSUB "" "*"'],
    check(answer) {
      isOk(answer)
      const names = responsesOf(answer, 'LSUB').map(values => String(values[2]))
      if (answer.undisturbed) assert.deepEqual(names.sort(), [...model.subscribed].sort())
    },
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  exists: 'ALREADYEXISTS',
  missing: 'NONEXISTENT',
  'has-children': 'HASCHILDREN',
  inbox: 'CANNOT',
  below: 'CANNOT',
  use: 'USEATTR',
}

function done(answer: Answer, outcome: string): void {
  const refusal = REFUSALS[outcome]
  if (refusal === undefined) isOk(answer)
  else isRefused(answer, refusal)
}

/** CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE. Nobody else may do anything meanwhile. */
export function change(speaker: Speaker): Command {
  const { random, model, now } = speaker
  const free = NAMES.filter(one => !model.boxes.has(one))
  const [name, to] = [anyName(speaker), pick(random, free.length > 0 && random(3) > 0 ? free : NAMES)]
  let outcome: string | undefined
  const command = (verb: string, text: string, effect: () => string): Command => ({
    name: verb,
    parts: [`${verb} ${text}`],
    effect() {
      outcome ??= effect()
    },
    check: answer => done(answer, outcome ?? ''),
  })
  switch (random(8)) {
    case 0: {
      const use = random(4) === 0 ? pick(random, ['\\Junk', '\\Archive']) : ''
      return command('CREATE', `${to}${use === '' ? '' : ` (USE (${use}))`}`, () => model.create(to, use))
    }
    case 1:
    case 2:
    case 3:
      return command('DELETE', name, () => model.remove(name))
    case 4:
    case 5:
      return command('RENAME', `${name} ${to}`, () => model.rename(name, to, now()))
    case 6:
      return command('SUBSCRIBE', name, () => {
        if (!model.boxes.has(name)) return 'missing'
        model.subscribed.add(name)
        return 'done'
      })
    default:
      return command('UNSUBSCRIBE', name, () => {
        model.subscribed.delete(name)
        return 'done'
      })
  }
}

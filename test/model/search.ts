/** SEARCH, SORT and THREAD of random keys, and what they find, mail by mail: RFC 9051 §6.4.4, RFC 5256, RFC 4731, RFC 5182. */
import assert from 'node:assert/strict'
import type { Random } from '../fuzz/random.ts'
import {
  type Answer,
  anyKeyword,
  chooseSet,
  type Command,
  isOk,
  responsesOf,
  type Speaker,
  withUid,
} from './command.ts'
import { anyDay, anyName, anyWord, dateText, pick, some } from './messages.ts'
import { type Box, type Mail, sizeOf, textOf } from './model.ts'
import { numbersOf, type Value } from './response.ts'

interface Key {
  readonly text: string
  readonly fits: (mail: Mail) => boolean
  /** RFC 7162 §3.1.5 */
  readonly modseq?: true
}

const DAY = 24 * 3_600_000
const dayOf = (at: number): number => Math.floor(at / DAY) * DAY
const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())

function flagKey(random: Random): Key {
  if (random(3) === 0) {
    const keyword = anyKeyword(random)
    const has = ({ flags }: Mail): boolean => flags.has(keyword.toLowerCase())
    return random(2) === 0
      ? { text: `KEYWORD ${keyword}`, fits: has }
      : { text: `UNKEYWORD ${keyword}`, fits: mail => !has(mail) }
  }
  const name = pick(random, ['Seen', 'Answered', 'Flagged', 'Deleted', 'Draft'])
  const has = ({ flags }: Mail): boolean => flags.has(`\\${name.toLowerCase()}`)
  return random(2) === 0
    ? { text: name.toUpperCase(), fits: has }
    : { text: `UN${name.toUpperCase()}`, fits: mail => !has(mail) }
}

function textKey(random: Random): Key {
  const word = random(3) === 0 ? anyWord(random).slice(1, 4) : anyWord(random)
  const written = random(2) === 0 ? word : `"${word.toUpperCase()}"`
  const field = (name: string, key: string, text: string): Key => ({
    text: key,
    fits: ({ message }) => message.fields.has(name) && contains(message.fields.get(name) ?? '', text),
  })
  const keys: readonly (() => Key)[] = [
    () => ({ text: `TEXT ${written}`, fits: mail => contains(textOf(mail), word) }),
    () => ({ text: `BODY ${written}`, fits: ({ message }) => contains(message.body, word) }),
    () => field('subject', `SUBJECT ${written}`, word),
    () => field('x-fruit', `HEADER X-Fruit ${written}`, word),
    () => field('x-fruit', 'HEADER x-fruit ""', ''),
  ]
  if (random(3) > 0) return pick(random, keys)()
  const name = anyName(random)
  return pick(random, [field('from', `FROM ${name}`, name), field('to', `TO ${name}@home`, `${name}@home`)])
}

function dateKey({ random, exact, now }: Speaker): Key {
  const [key, of]: readonly [string, (mail: Mail) => number] = pick(random, [
    ['', ({ at }) => at],
    ['SENT', ({ message }) => message.sent],
    ...(exact ? [['SAVED', ({ saved }: Mail) => saved] as const] : []),
  ])
  if (exact && random(4) === 0) return ageKey(random, now())
  const day = exact && random(3) === 0 ? dayOf(now()) : anyDay(random)
  const how = pick(random, ['BEFORE', 'ON', 'SINCE'])
  return {
    text: `${key}${how} ${dateText(day)}`,
    fits(mail) {
      const its = dayOf(of(mail))
      if (how === 'ON') return its === day
      return how === 'BEFORE' ? its < day : its >= day
    },
  }
}

/** RFC 5032: to the second. */
function ageKey(random: Random, now: number): Key {
  const seconds = 1 + random(2000)
  const then = Math.floor((now - seconds * 1000) / 1000)
  return random(2) === 0
    ? { text: `OLDER ${seconds}`, fits: ({ at }) => Math.floor(at / 1000) <= then }
    : { text: `YOUNGER ${seconds}`, fits: ({ at }) => Math.floor(at / 1000) >= then }
}

function setKey(speaker: Speaker): Key {
  const chosen = chooseSet(speaker)
  if (!chosen) return ALL
  const { text, uid, uids } = chosen
  return { text: uid ? `UID ${text}` : text, fits: mail => uids.includes(mail.uid) }
}

const ALL: Key = { text: 'ALL', fits: () => true }

function anyKey(speaker: Speaker, depth: number): Key {
  const { random, mirror } = speaker
  const below = (): Key => anyKey(speaker, depth + 1)
  if (depth < 3 && random(4) === 0) {
    const [a, b] = [below(), below()]
    const modseq = a.modseq || b.modseq ? ({ modseq: true } as const) : {}
    const keys: readonly Key[] = [
      { text: `OR ${a.text} ${b.text}`, fits: mail => a.fits(mail) || b.fits(mail), ...modseq },
      { text: `(${a.text} ${b.text})`, fits: mail => a.fits(mail) && b.fits(mail), ...modseq },
      { ...a, text: `NOT ${a.text}`, fits: mail => !a.fits(mail) },
    ]
    return pick(random, keys)
  }
  switch (random(mirror.condstore ? 7 : 6)) {
    case 0:
      return textKey(random)
    case 1:
      return dateKey(speaker)
    case 2:
      return setKey(speaker)
    case 3: {
      const octets = 100 + random(300)
      return random(2) === 0
        ? { text: `LARGER ${octets}`, fits: mail => sizeOf(mail) > octets }
        : { text: `SMALLER ${octets}`, fits: mail => sizeOf(mail) < octets }
    }
    case 6: {
      const modseq = Math.max(1, (mirror.box?.modseq ?? 1) - random(10))
      return { text: `MODSEQ ${modseq}`, fits: mail => mail.modseq >= modseq, modseq: true }
    }
    default:
      return flagKey(random)
  }
}

interface Sorting {
  readonly text: string
  readonly compare: (a: Mail, b: Mail) => number
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const toOf = ({ message }: Mail): string => (message.fields.get('to') ?? '').split('@', 1)[0] ?? ''

/** RFC 5256 §3, RFC 5957. */
const SORTINGS: readonly Sorting[] = [
  { text: 'ARRIVAL', compare: (a, b) => a.at - b.at },
  { text: 'DATE', compare: (a, b) => a.message.sent - b.message.sent },
  { text: 'FROM', compare: (a, b) => byText(a.message.from, b.message.from) },
  { text: 'DISPLAYFROM', compare: (a, b) => byText(a.message.fromName, b.message.fromName) },
  { text: 'SIZE', compare: (a, b) => sizeOf(a) - sizeOf(b) },
  { text: 'SUBJECT', compare: (a, b) => byText(a.message.subject, b.message.subject) },
  { text: 'TO', compare: (a, b) => byText(toOf(a), toOf(b)) },
  { text: 'CC', compare: () => 0 },
]

interface Question {
  readonly name: 'SEARCH' | 'SORT' | 'THREAD'
  readonly text: string
  /** Of mails in order of UID. */
  readonly order: (mails: readonly Mail[]) => readonly Mail[]
}

function anyQuestion(random: Random, exact: boolean): Question {
  const kind = random(5)
  if (kind === 0) return { name: 'THREAD', text: pick(random, ['REFERENCES', 'ORDEREDSUBJECT']), order: mails => mails }
  if (kind > 1) return { name: 'SEARCH', text: '', order: mails => mails }
  const keys = some(random, exact ? SORTINGS : SORTINGS.slice(1), 4)
    .slice(0, 3)
    .map(key => ({ ...key, reverse: random(3) === 0 }))
  const [only] = SORTINGS.slice(random(SORTINGS.length - 1) + 1)
  if (keys.length === 0 && only) keys.push({ ...only, reverse: false })
  const compare = (a: Mail, b: Mail): number => {
    for (const key of keys) {
      const difference = key.compare(a, b)
      if (difference !== 0) return key.reverse ? -difference : difference
    }
    return a.uid - b.uid
  }
  const text = `(${keys.map(key => `${key.reverse ? 'REVERSE ' : ''}${key.text}`).join(' ')})`
  return { name: 'SORT', text, order: mails => [...mails].sort(compare) }
}

type Return = 'MIN' | 'MAX' | 'ALL' | 'COUNT' | 'SAVE' | 'PARTIAL'
const RETURNS: readonly Return[] = ['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'PARTIAL']

/** RFC 9394 §3.1: PARTIAL and ALL exclude each other. */
function anyReturns(random: Random): readonly Return[] {
  const returns = some(random, RETURNS, 3)
  return returns.includes('PARTIAL') ? returns.filter(option => option !== 'ALL') : returns
}

export function search(speaker: Speaker): Command | undefined {
  const { random, mirror, exact } = speaker
  const { box } = mirror
  if (!box) return undefined
  const uid = random(2) === 0
  const question = anyQuestion(random, exact)
  const { name } = question
  const returns = name !== 'THREAD' && random(2) === 0 ? anyReturns(random) : undefined
  const [from, to] = [1 + random(4), 1 + random(6)]
  const partial: readonly [number, number] = random(2) === 0 ? [from, to] : [-from, -to]
  const options = returns?.map(option => (option === 'PARTIAL' ? `PARTIAL ${partial.join(':')}` : option)).join(' ')
  const key = anyKey(speaker, 0)
  const words = [
    withUid(uid, name),
    ...(options === undefined ? [] : [`RETURN (${options})`]),
    ...(name === 'SEARCH' ? [] : [question.text, 'UTF-8']),
    key.text,
  ]
  if (key.modseq) mirror.condstore = true
  const form: Form = { name, uid, returns, partial, modseq: key.modseq ?? false }
  return {
    name,
    uid,
    parts: [words.join(' ')],
    check(answer) {
      isOk(answer)
      if (box.deleted) return
      const found = answer.certain ? question.order(box.mails.filter(key.fits)) : undefined
      compare(answer, form, found, speaker, box)
    },
  }
}

interface Form {
  readonly name: Question['name']
  readonly uid: boolean
  readonly returns: readonly Return[] | undefined
  readonly partial: readonly [number, number]
  readonly modseq: boolean
}

/** `found`: undefined: that cannot be known. */
function compare(answer: Answer, form: Form, found: readonly Mail[] | undefined, speaker: Speaker, box: Box): void {
  const { name, uid, returns } = form
  const { mirror } = speaker
  const uids = answer.during.uids
  const numberOf = (one: Mail): number => (uid ? one.uid : uids.indexOf(one.uid) + 1)
  const extended = returns !== undefined || (name === 'SEARCH' && mirror.enabled.has('IMAP4rev2'))
  const [told, more] = responsesOf(answer, extended ? 'ESEARCH' : name)
  assert.equal(more, undefined, 'it was answered twice')
  if (returns?.includes('SAVE')) mirror.saved = (found ? referred(found, form) : []).map(one => one.uid)
  if (extended) return compareExtended(answer, told, form, found?.map(numberOf), found ?? [], mirror)
  assert.ok(told, `there is no ${name}`)
  const modseq = told.find(value => Array.isArray(value) && value[0] === 'MODSEQ')
  const numbers = flat(told.filter(value => value !== modseq))
  assert.ok(new Set(numbers).size === numbers.length, 'a number is there twice')
  const known = uid ? uids : uids.map((_, i) => i + 1)
  assert.ok(numbers.length <= uids.length)
  for (const number of numbers) assert.ok(known.includes(number) || known.includes(undefined), `there is no ${number}`)
  if (!found) return
  const expected = found.map(numberOf)
  if (name === 'THREAD') assert.deepEqual(ascending(numbers), ascending(expected))
  else assert.deepEqual(numbers, expected)
  if (form.modseq && name !== 'THREAD' && found.length > 0)
    assert.deepEqual(modseq, ['MODSEQ', String(highest(found))], box.name)
}

const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)
const highest = (mails: readonly Mail[]): number => Math.max(...mails.map(({ modseq }) => modseq))

function flat(values: readonly Value[]): number[] {
  return values.flatMap(value => (typeof value === 'string' ? [Number(value)] : flat(value ?? [])))
}

/** RFC 5182 §2.4, RFC 9394 §3.2: what the answer means. */
function referred(found: readonly Mail[], { returns = [], partial }: Form): readonly Mail[] {
  const some = returns.filter(option => option === 'MIN' || option === 'MAX' || option === 'PARTIAL')
  if (some.length === 0 || returns.includes('ALL') || returns.includes('COUNT')) return found
  return found.filter((_, i) => {
    const isEnd = (some.includes('MIN') && i === 0) || (some.includes('MAX') && i === found.length - 1)
    return isEnd || (some.includes('PARTIAL') && isPart(i, found.length, partial))
  })
}

/** RFC 9394 §3.1 */
function isPart(i: number, length: number, [a, b]: readonly [number, number]): boolean {
  const place = a > 0 ? i + 1 : i - length
  return place >= Math.min(a, b) && place <= Math.max(a, b)
}

function compareExtended(
  { tag }: Answer,
  told: readonly Value[] | undefined,
  form: Form,
  numbers: readonly number[] | undefined,
  found: readonly Mail[],
  { entries }: Speaker['mirror'],
): void {
  const { returns = ['ALL'], partial } = form
  const asked = returns.length === 0 ? ['ALL'] : returns
  // RFC 5182 §2.1: saving alone is done without a word.
  if (asked.every(option => option === 'SAVE')) return assert.equal(told, undefined)
  assert.ok(told, 'there is no ESEARCH')
  const [correlator, ...rest] = told
  assert.deepEqual(correlator, ['TAG', tag])
  const isUid = rest[0] === 'UID'
  assert.equal(isUid, form.uid, 'UID')
  const values = new Map<string, Value>()
  const data = isUid ? rest.slice(1) : rest
  for (let i = 0; i < data.length; i += 2) values.set(String(data[i]), data[i + 1] ?? null)
  if (!numbers) return
  const expected = new Map<string, Value>()
  const [first, last] = [numbers[0], numbers.at(-1)]
  if (asked.includes('MIN') && first !== undefined) expected.set('MIN', String(first))
  if (asked.includes('MAX') && last !== undefined) expected.set('MAX', String(last))
  if (asked.includes('COUNT')) expected.set('COUNT', String(numbers.length))
  const meant = referred(found, form)
  if (form.modseq && meant.length > 0) expected.set('MODSEQ', String(highest(meant)))
  const [all, part] = [values.get('ALL'), values.get('PARTIAL')]
  values.delete('ALL')
  values.delete('PARTIAL')
  assert.deepEqual(values, expected, `${entries.length} exist`)
  if (asked.includes('ALL')) assert.deepEqual(typeof all === 'string' ? numbersOf(all) : [], numbers)
  else assert.equal(all, undefined)
  if (!asked.includes('PARTIAL')) return assert.equal(part, undefined)
  assert.equal(part?.[0], partial.join(':'))
  const set = part?.[1]
  assert.deepEqual(
    typeof set === 'string' ? numbersOf(set) : [],
    numbers.filter((_, i) => isPart(i, numbers.length, partial)),
  )
}

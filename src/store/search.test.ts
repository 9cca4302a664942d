import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DELETED, FLAGGED, hasBit, SEEN } from '../mail/flags.ts'
import type { SearchKey } from '../mail/search-key.ts'
import type { SeqNumber, SequenceSet, UidRange } from '../mail/sequence-set.ts'
import { type FakeMail, fakeMailbox, fakeView } from './fake-mails.ts'
import { search } from './search.ts'
import type { TextKey } from './text-search.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 5, 1, 12)
const KEYWORDS = new Map([
  [5, '$Junk'],
  [40, 'Later'],
])
const RECENT_FROM = 60
const SAVED: readonly UidRange[] = [
  [10, 20],
  [33, 33],
]

/** A text key fits by the UID, which is as good as any text. */
const fitsText = (uid: number, { text }: TextKey): boolean => uid % (text.length + 2) === 0

interface Found {
  readonly uids: readonly number[]
  /** What each text key was asked about. */
  readonly looked: readonly number[]
}

async function run(key: SearchKey, known: readonly FakeMail[], now: readonly FakeMail[] = known): Promise<Found> {
  const { scope, version } = fakeMailbox(now)
  const seqs = Uint32Array.from(known, ({ uid }) => uid)
  const looked: number[] = []
  const uids = await search(key, {
    ...scope,
    view: fakeView(now, KEYWORDS),
    version: known === now ? version : { uids: seqs, exists: seqs.length, vanished: 0 },
    recentFrom: RECENT_FROM,
    resolve: (set, uid) => resolve(set, uid, known),
    parseEmailId: id => (id.startsWith('M') ? Number(id.slice(1)) : undefined),
    find: async (texts, among) => {
      looked.push(among.length)
      return among.filter(uid => texts.every(text => fitsText(uid, text)))
    },
    now: NOW,
  })
  return { uids: [...uids], looked }
}

function resolve(set: SequenceSet, uid: boolean, known: readonly FakeMail[]): readonly UidRange[] {
  if (set === '$') return SAVED
  const uidOf = (number: SeqNumber): number =>
    number === '*' ? (known.at(-1)?.uid ?? 0) : uid ? number : (known[number - 1]?.uid ?? 0)
  return set.map(([a, b]): UidRange => [uidOf(a), uidOf(b)])
}

/** What the RFC says, mail by mail. */
function fits(key: SearchKey, mail: FakeMail, known: readonly FakeMail[]): boolean {
  const { uid, at = 0, saved = 0, size = 0, flags = 0, modseq = 1 } = mail
  switch (key.is) {
    case 'ALL':
    case 'SAVEDATESUPPORTED':
      return true
    case 'and':
      return key.keys.every(each => fits(each, mail, known))
    case 'OR':
      return key.keys.some(each => fits(each, mail, known))
    case 'NOT':
      return !fits(key.key, mail, known)
    case 'set':
      return resolve(key.set, key.uid, known).some(([first, last]) => uid >= first && uid <= last)
    case 'flag':
      return (flags & key.bit) !== 0
    case 'keyword':
      return [...KEYWORDS].some(
        ([place, name]) => name.toLowerCase() === key.keyword.toLowerCase() && hasBit(flags, place),
      )
    case 'RECENT':
      return uid >= RECENT_FROM
    case 'date': {
      const day = Math.floor({ at, saved, sent: written(mail) }[key.of] / DAY) * DAY
      return { before: day < key.day, on: day === key.day, since: day >= key.day }[key.how]
    }
    case 'OLDER':
      return Math.floor(at / 1000) <= Math.floor(NOW / 1000) - key.seconds
    case 'YOUNGER':
      return Math.floor(at / 1000) >= Math.floor(NOW / 1000) - key.seconds
    case 'LARGER':
      return size > key.octets
    case 'SMALLER':
      return size < key.octets
    case 'BODY':
    case 'TEXT':
    case 'HEADER':
      return fitsText(uid, key)
    case 'MODSEQ':
      return modseq >= key.modseq
    case 'EMAILID':
      return key.id === `M${mail.message}`
    case 'THREADID':
      return false
  }
}

/** The clock where it was written: the zone of the fake mails is in their text. */
function written({ at = 0, sent, date }: FakeMail): number {
  const zone = Number(/ ([+-]\d\d)00$/.exec(date ?? '')?.[1] ?? 0)
  return sent === undefined ? at : sent + zone * 3_600_000
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function dateField(sent: number, zone: number): string {
  const local = new Date(sent + zone * 3_600_000)
  const [hour, minute, second, hours] = [
    local.getUTCHours(),
    local.getUTCMinutes(),
    local.getUTCSeconds(),
    Math.abs(zone),
  ].map(number => String(number).padStart(2, '0'))
  const day = `${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]} ${local.getUTCFullYear()}`
  return `${day} ${hour}:${minute}:${second} ${zone < 0 ? '-' : '+'}${hours}00`
}

/** In whole seconds, as dates are written; in a week, so that days meet. */
const moment = fc.integer({ min: 0, max: 7 * 86_400 }).map(seconds => Date.UTC(2026, 4, 26) + seconds * 1000)
const day = fc.integer({ min: -1, max: 8 }).map(days => Date.UTC(2026, 4, 26) + days * DAY)

const mail = fc
  .record({
    at: moment,
    saved: moment,
    sent: fc.option(moment, { nil: undefined }),
    zone: fc.integer({ min: -12, max: 14 }),
    size: fc.integer({ min: 0, max: 10 }),
    flags: fc.integer({ min: 0, max: 63 }).chain(low => fc.constantFrom(low, low + 2 ** 40)),
    modseq: fc.integer({ min: 1, max: 10 }),
    message: fc.integer({ min: 1, max: 5 }),
    undescribed: fc.boolean(),
  })
  .map(({ zone, sent, message, undescribed, ...rest }): FakeMail => {
    const date = sent === undefined ? {} : { sent, date: dateField(sent, zone) }
    return { uid: 0, ...rest, ...date, message, undescribed }
  })

const mails = fc
  .array(mail, { maxLength: 100 })
  .map(list => list.map((each, i): FakeMail => ({ ...each, uid: i * 2 + 1, message: (each.message ?? 0) + i * 10 })))

const { key } = fc.letrec<{ key: SearchKey }>(tie => ({
  key: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom<SearchKey>(
      { is: 'ALL' },
      { is: 'RECENT' },
      { is: 'SAVEDATESUPPORTED' },
      { is: 'THREADID', id: 'T1' },
      { is: 'EMAILID', id: 'M13' },
      { is: 'EMAILID', id: 'x' },
      { is: 'flag', bit: SEEN },
      { is: 'flag', bit: FLAGGED },
      { is: 'flag', bit: DELETED },
      { is: 'keyword', keyword: '$junk' },
      { is: 'keyword', keyword: 'later' },
      { is: 'keyword', keyword: 'nobody' },
      { is: 'set', uid: false, set: '$' },
      { is: 'set', uid: true, set: [[5, 40]] },
      {
        is: 'set',
        uid: false,
        set: [
          [1, 2],
          ['*', '*'],
        ],
      },
      { is: 'TEXT', text: 'a' },
      { is: 'BODY', text: 'ab' },
      { is: 'HEADER', field: 'subject', text: '' },
    ),
    fc.record({
      is: fc.constant('date' as const),
      of: fc.constantFrom('at', 'sent', 'saved'),
      how: fc.constantFrom('before', 'on', 'since'),
      day,
    }),
    fc.record({ is: fc.constantFrom('OLDER', 'YOUNGER'), seconds: fc.integer({ min: 1, max: 7 * 86_400 }) }),
    fc.record({ is: fc.constantFrom('LARGER', 'SMALLER'), octets: fc.integer({ min: 0, max: 10 }) }),
    fc.record({ is: fc.constant('MODSEQ' as const), modseq: fc.integer({ min: 0, max: 11 }) }),
    fc.record({ is: fc.constant('and' as const), keys: fc.array(tie('key'), { minLength: 1, maxLength: 4 }) }),
    fc.record({ is: fc.constant('OR' as const), keys: fc.tuple(tie('key'), tie('key')) }),
    fc.record({ is: fc.constant('NOT' as const), key: tie('key') }),
  ),
}))

test('what is found is what fits, mail by mail', async () => {
  await fc.assert(
    fc.asyncProperty(mails, key, async (box, wanted) => {
      const expected = box.filter(each => fits(wanted, each, box)).map(({ uid }) => uid)
      assert.deepEqual((await run(wanted, box)).uids, expected)
    }),
    { numRuns: 400 },
  )
})

test('NOT and OR do as De Morgan says', async () => {
  await fc.assert(
    fc.asyncProperty(mails, key, key, async (box, a, b) => {
      const not = (negated: SearchKey): SearchKey => ({ is: 'NOT', key: negated })
      const or = await run({ is: 'OR', keys: [a, b] }, box)
      const neither = await run(not({ is: 'and', keys: [not(a), not(b)] }), box)
      assert.deepEqual(or.uids, neither.uids)
      assert.deepEqual((await run(not(not(a)), box)).uids, (await run(a, box)).uids)
    }),
  )
})

const BOX: readonly FakeMail[] = Array.from({ length: 40 }, (_, i) => ({
  uid: i + 1,
  flags: i < 4 ? SEEN : 0,
  at: NOW,
  message: i + 1,
}))

test('texts are looked at only where the other keys leave a doubt', async () => {
  const text: SearchKey = { is: 'TEXT', text: 'a' }
  const seen: SearchKey = { is: 'flag', bit: SEEN }
  const header: SearchKey = { is: 'HEADER', field: 'from', text: '' }
  const cases: [SearchKey, number[]][] = [
    [text, [40]],
    [{ is: 'and', keys: [text, seen] }, [4]],
    [{ is: 'and', keys: [text, { is: 'NOT', key: { is: 'ALL' } }] }, []],
    [{ is: 'OR', keys: [text, seen] }, [36]],
    [{ is: 'and', keys: [text, header] }, [40]],
    [{ is: 'and', keys: [{ is: 'NOT', key: text }, header, seen] }, [4, 2]],
    [{ is: 'and', keys: [text, { is: 'date', of: 'at', how: 'before', day: NOW - DAY }] }, []],
    [{ is: 'and', keys: [text, { is: 'date', of: 'sent', how: 'before', day: NOW - DAY }] }, []],
    [
      {
        is: 'and',
        keys: [
          { is: 'NOT', key: text },
          { is: 'and', keys: [seen, { is: 'LARGER', octets: 1 }] },
        ],
      },
      [],
    ],
  ]
  for (const [wanted, looked] of cases) assert.deepEqual((await run(wanted, BOX)).looked, looked)
})

test('only mails that the client knows and that are there', async () => {
  const known = BOX.slice(0, 10)
  const now = BOX.slice(5, 20)
  assert.deepEqual((await run({ is: 'ALL' }, known, now)).uids, [6, 7, 8, 9, 10])
  assert.deepEqual((await run({ is: 'NOT', key: { is: 'flag', bit: SEEN } }, known, now)).uids, [6, 7, 8, 9, 10])
  assert.deepEqual((await run({ is: 'set', uid: false, set: [[1, 7]] }, known, now)).uids, [6, 7])
})

test('SENT compares the day that is written, also of a mail that is described only now', async () => {
  const at = Date.UTC(2026, 0, 20)
  const cases: [string | undefined, number][] = [
    ['Mon, 5 Jan 2026 00:30:00 +0200', 5], // the 4th in UTC
    ['Sun, 4 Jan 2026 23:30:00 -0700', 4], // the 5th in UTC
    ['Mon, 5 Jan 2026 12:00:00 +1400 (far \\) east)', 5],
    ['5 Jan 2026 00:00 "quoted"', 20], // no date
    [undefined, 20], // RFC 5256 §2.2: the internal date
  ]
  for (const undescribed of [false, true]) {
    for (const [date, written] of cases) {
      const sent = Date.parse(date?.replace(/ \(.*/, '') ?? '')
      const box: FakeMail = {
        uid: 1,
        message: 1,
        at,
        undescribed,
        ...(date === undefined ? {} : { date }),
        ...(Number.isNaN(sent) || written === 20 ? {} : { sent }),
      }
      for (const asked of [3, 4, 5, 6, 19, 20, 21]) {
        const on: SearchKey = { is: 'date', of: 'sent', how: 'on', day: Date.UTC(2026, 0, asked) }
        assert.deepEqual((await run(on, [box])).uids, asked === written ? [1] : [], `${date} on ${asked}`)
      }
    }
  }
})

test('OLDER and YOUNGER: RFC 5032 §2, to the second, both with the target itself', async () => {
  const at = [-2000, -1001, -1000, -999, -500, -1, 0, 999, 1000].map(ms => NOW - 60_000 + ms)
  const box = at.map((each, i): FakeMail => ({ uid: i + 1, message: i, at: each }))
  assert.deepEqual((await run({ is: 'OLDER', seconds: 60 }, box)).uids, [1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual((await run({ is: 'YOUNGER', seconds: 60 }, box)).uids, [7, 8, 9])
})

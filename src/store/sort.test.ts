import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SortKey } from '../mail/search-key.ts'
import { type FakeMail, fakeMailbox } from './fake-mails.ts'
import { compareTexts, mergeSort, type SortCriterion, sort } from './sort.ts'

const word = fc.constantFrom('', 'a', 'b', 'ab', 'ä', 'z', '\u{1f600}', '\ufffd')

const mail = fc.record({
  at: fc.integer({ min: 1, max: 5 }),
  sent: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  size: fc.integer({ min: 1, max: 3 }),
  sort: fc.record({ subject: word, from: word, to: word, cc: word, displayFrom: word, displayTo: word }),
})

const mails = fc
  .array(mail, { maxLength: 60 })
  .map(list => list.map(({ sent, ...rest }, i): FakeMail => ({ uid: i * 20 + 1, ...rest, ...(sent && { sent }) })))

const KEYS: readonly SortKey[] = ['ARRIVAL', 'CC', 'DATE', 'FROM', 'SIZE', 'SUBJECT', 'TO', 'DISPLAYFROM', 'DISPLAYTO']

const criteria = fc.array(fc.record({ key: fc.constantFrom(...KEYS), reverse: fc.boolean() }), {
  minLength: 1,
  maxLength: 5,
})

/** RFC 5256 §3, RFC 5957 §3 */
function valueOf({ at = 0, sent = at, size = 0, sort: keys }: FakeMail, key: SortKey): string | number {
  const values = {
    ARRIVAL: at,
    DATE: sent,
    SIZE: size,
    SUBJECT: keys?.subject ?? '',
    FROM: keys?.from ?? '',
    TO: keys?.to ?? '',
    CC: keys?.cc ?? '',
    DISPLAYFROM: keys?.displayFrom ?? '',
    DISPLAYTO: keys?.displayTo ?? '',
  }
  return values[key]
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : Buffer.compare(Buffer.from(`${a}`), Buffer.from(`${b}`))
}

test('every mail once, in the order of the criteria, and else in that of the mailbox', async () => {
  await fc.assert(
    fc.asyncProperty(mails, criteria, async (box, wanted) => {
      const { scope, version } = fakeMailbox(box)
      const expected = [...box].sort((a, b) => {
        for (const { key, reverse } of wanted) {
          const difference = compare(valueOf(a, key), valueOf(b, key))
          if (difference !== 0) return reverse ? -difference : difference
        }
        return a.uid - b.uid
      })
      assert.deepEqual(
        [...(await sort(version.uids, wanted, scope))],
        expected.map(({ uid }) => uid),
      )
    }),
    { numRuns: 300 },
  )
})

test('mails without a date, without a description, and those that are gone', async () => {
  const { scope } = fakeMailbox([
    { uid: 1, at: 30 },
    { uid: 3, at: 1000, undescribed: true, date: '1 Jan 1970 00:00:20 +0000' },
    { uid: 4, at: 5, sent: 25_000 },
    { uid: 5, at: 4, sent: 26_000, sort: { subject: 'a' } },
  ])
  const cases: [SortCriterion[], number[]][] = [
    [[{ key: 'DATE', reverse: false }], [2, 1, 3, 4, 5]],
    [[{ key: 'DATE', reverse: true }], [5, 4, 3, 1, 2]],
    [[{ key: 'ARRIVAL', reverse: false }], [2, 5, 4, 1, 3]],
    [[{ key: 'SUBJECT', reverse: true }], [5, 1, 2, 3, 4]],
  ]
  for (const [wanted, expected] of cases) {
    assert.deepEqual([...(await sort(Uint32Array.of(1, 2, 3, 4, 5), wanted, scope))], expected)
  }
})

test('texts compare as their UTF-8 does', () => {
  const text = fc.string({ unit: 'grapheme-composite', maxLength: 4 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareTexts(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }),
  )
  assert.ok(compareTexts('\u{1f600}', '\ufffd') > 0)
})

test('a long sort asks whether others want their turn', async () => {
  let asked = 0
  const breathe = (): Promise<void> => {
    asked++
    return Promise.resolve()
  }
  const order = await mergeSort(100_000, (a, b) => b - a, breathe)
  assert.deepEqual([order[0], order[99_999], asked > 100], [99_999, 0, true])
  assert.deepEqual([...(await mergeSort(0, () => 0, breathe))], [])
})

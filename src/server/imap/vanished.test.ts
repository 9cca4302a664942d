import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { SeqNumber } from '../../mail/sequence-set.ts'
import { type FakeClient, openFakeServer } from './fake-client.ts'
import { askedUids } from './vanished.ts'

const ANNA = 'anna@example.org'

/** INBOX of five mails, selected, of which a client knew all at `before`. */
async function open(t: TestContext): Promise<{ anna: FakeClient; before: string }> {
  const server = await openFakeServer([ANNA])
  t.after(() => server.close())
  const anna = await server.connect(ANNA)
  for (let i = 0; i < 5; i++) await server.deliver(ANNA, '', 'x')
  await anna.say('ENABLE QRESYNC')
  const said = await anna.say('SELECT INBOX')
  const [, validity, modseq] = /UIDVALIDITY (\d+)[^]*HIGHESTMODSEQ (\d+)/.exec(said) ?? []
  return { anna, before: `${validity} ${modseq}` }
}

const untagged = (said: string): string[] => said.split('\r\n').filter(line => /VANISHED|FETCH/.test(line))

async function remove(anna: FakeClient, uids: string): Promise<void> {
  await anna.say(`UID STORE ${uids} +FLAGS.SILENT (\\Deleted)`)
  await anna.say('EXPUNGE')
}

test('QRESYNC tells what went and what changed of that which the client knows', async t => {
  const { anna, before } = await open(t)
  await remove(anna, '2,4')
  const [flags] = untagged(await anna.say('UID STORE 5 +FLAGS (\\Seen)'))
  const changed = flags?.replace(' \\Recent', '')
  for (const [known, expected] of [
    ['', ['* VANISHED (EARLIER) 2,4', changed]],
    [' 1:4', ['* VANISHED (EARLIER) 2,4']],
    [' 5:3', ['* VANISHED (EARLIER) 4', changed]],
    [' 1,3', []],
    // RFC 7162 §3.2.5.2: up to UID 3 the numbers would have to be others.
    [' 1:5 (1,3 1,3)', ['* VANISHED (EARLIER) 2,4', changed]],
    [' 1:5 (1:2 1,3)', ['* VANISHED (EARLIER) 4', changed]],
  ] as const) {
    const said = await anna.say(`SELECT INBOX (QRESYNC (${before}${known}))`)
    assert.deepEqual(
      untagged(said).map(line => line.replace(' \\Recent', '')),
      expected,
      known,
    )
  }
})

test('what went is told when nothing is left, and when the largest UIDs went', async t => {
  const { anna, before } = await open(t)
  await remove(anna, '4:5')
  const fetch = `UID FETCH 1:* FLAGS (CHANGEDSINCE ${before.split(' ')[1]} VANISHED)`
  assert.deepEqual(untagged(await anna.say(fetch)), ['* VANISHED (EARLIER) 4:5'])
  await remove(anna, '1:3')
  assert.deepEqual(untagged(await anna.say(fetch)), ['* VANISHED (EARLIER) 1:5'])
  const said = await anna.say(`SELECT INBOX (QRESYNC (${before} 1:5))`)
  assert.deepEqual(untagged(said), ['* VANISHED (EARLIER) 1:5'])
})

test('another UIDVALIDITY says nothing', async t => {
  const { anna, before } = await open(t)
  await remove(anna, '4:5')
  assert.deepEqual(untagged(await anna.say(`SELECT INBOX (QRESYNC (1${before} 1:5))`)), [])
})

test('a set as UIDs: ascending, disjoint, nothing is lost', () => {
  const number: fc.Arbitrary<SeqNumber> = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant('*' as const))
  const last = 2 ** 32 - 1
  const property = fc.property(fc.array(fc.tuple(number, number)), set => {
    const ranges = askedUids(set, [])
    const isIn = (uid: number): boolean => ranges.some(([first, end]) => uid >= first && uid <= end)
    const value = (of: SeqNumber): number => (of === '*' ? last : of)
    for (const uid of [...Array.from({ length: 40 }, (_, i) => i + 1), last]) {
      const wanted = set.some(([a, b]) => Math.min(value(a), value(b)) <= uid && uid <= Math.max(value(a), value(b)))
      assert.equal(isIn(uid), wanted)
    }
    for (const [i, [first, end]] of ranges.entries()) assert.ok(first > (ranges[i - 1]?.[1] ?? 0) && end >= first)
  })
  fc.assert(property)
  assert.deepEqual(askedUids('$', [[3, 4]]), [[3, 4]])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../mail/flags.ts'
import { formatKeywords, inMaildirOrder, maildirBase, maildirFlags, maildirInfo, parseKeywords } from './maildir.ts'

const KEYWORDS = new Map([
  [0, 'work'],
  [25, '$Junk'],
])

for (const [name, base, system, keywords] of [
  ['17.a.host', '17.a.host', 0, []],
  ['17.a.host:2,', '17.a.host', 0, []],
  ['17.a.host,S=3:2,DFRST', '17.a.host,S=3', DRAFT + FLAGGED + ANSWERED + SEEN + DELETED, []],
  ['17.a.host:2,Pazb', '17.a.host', 0, ['$Forwarded', 'work', '$Junk']],
  ['17.a.host;2,SS', '17.a.host', SEEN, []],
  ['17.a.host:2,S,T', '17.a.host', SEEN, []],
  ['17.a.host:1,S', '17.a.host:1,S', 0, []],
] as const) {
  test(name, () => {
    assert.equal(maildirBase(name), base)
    assert.deepEqual(maildirFlags(name, KEYWORDS), { system, keywords })
  })
}

test('flags are read as they were written', () => {
  const flags = fc.record({
    system: fc.integer({ min: 0, max: 31 }),
    keywords: fc.uniqueArray(fc.constantFrom('$Forwarded', '$forwarded', 'a', 'b', '$Junk'), { maxLength: 5 }),
  })
  fc.assert(
    fc.property(flags, given => {
      const keywords: string[] = []
      const { info, left } = maildirInfo(given, keywords)
      const read = maildirFlags(`name${info}`, parseKeywords(formatKeywords(keywords)))
      assert.equal(left, 0)
      assert.deepEqual([read.system, [...read.keywords].sort()], [given.system, [...given.keywords].sort()])
    }),
  )
})

test('the 27th keyword has no letter', () => {
  const names = Array.from({ length: 30 }, (_, n) => `k${n}`)
  const keywords: string[] = []
  const { info, left } = maildirInfo({ system: SEEN, keywords: names }, keywords)
  assert.deepEqual([info, left, keywords.length], [':2,Sabcdefghijklmnopqrstuvwxyz', 4, 26])
})

test('lines of the keywords that are none, and the order of files', () => {
  assert.deepEqual(
    [...parseKeywords('0 a\nx\n1  b\n26 c\r\n2 d\r\n')],
    [
      [0, 'a'],
      [2, 'd'],
    ],
  )
  assert.deepEqual(inMaildirOrder(['10.a', '9.M100P1', 'x', '9.M99P2', '9.a', '10.A']), [
    '9.a',
    '9.M99P2',
    '9.M100P1',
    '10.a',
    '10.A',
    'x',
  ])
})

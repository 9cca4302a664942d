import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseRate, parseSize } from './units.ts'

const DURATIONS: readonly (readonly [unknown, number | undefined])[] = [
  ['5 min', 300_000],
  ['4 hours', 14_400_000],
  ['5 days', 432_000_000],
  ['250 ms', 250],
  ['1.5 h', 5_400_000],
  ['2weeks', 1_209_600_000],
  [' 1 Second ', 1000],
  ['0 s', 0],
  [1234, 1234],
  [0, 0],
  ['5', undefined],
  ['5 mim', undefined],
  ['min', undefined],
  ['-5 min', undefined],
  ['1e3 s', undefined],
  ['5 min 3 s', undefined],
  ['999999999999999 weeks', undefined],
  [-1, undefined],
  [0.5, undefined],
  [Number.NaN, undefined],
  [true, undefined],
  [undefined, undefined],
]

const SIZES: readonly (readonly [unknown, number | undefined])[] = [
  ['50 MB', 52_428_800],
  ['256 KB', 262_144],
  ['1.5kb', 1536],
  ['2 GiB', 2_147_483_648],
  ['7 B', 7],
  [10, 10],
  ['fifty', undefined],
  ['50 M', undefined],
  ['50 MB!', undefined],
  ['', undefined],
  [Infinity, undefined],
]

const RATES: readonly (readonly [unknown, number | undefined])[] = [
  ['20 / min', 1 / 3],
  ['3/s', 3],
  ['7200 / hour', 2],
  [0.5, 0.5],
  [0, undefined],
  ['0 / s', undefined],
  ['5 per s', undefined],
  ['5 / moon', undefined],
]

test('durations, sizes and rates as written', () => {
  for (const [input, ms] of DURATIONS) assert.equal(parseDuration(input), ms, String(input))
  for (const [input, bytes] of SIZES) assert.equal(parseSize(input), bytes, String(input))
  for (const [input, rate] of RATES) assert.equal(parseRate(input), rate, String(input))
})

test('durations and sizes are printed in the largest unit that holds them exactly', () => {
  assert.deepEqual([0, 1, 1000, 90_000, 3_600_000, 86_400_000, 432_000_000].map(formatDuration), [
    '0 ms',
    '1 ms',
    '1 s',
    '90 s',
    '1 hour',
    '1 day',
    '5 days',
  ])
  assert.deepEqual([0, 1023, 1024, 52_428_800, 1024 ** 3].map(formatSize), ['0 B', '1023 B', '1 KB', '50 MB', '1 GB'])
})

test('what is printed is read back as the same number', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2 ** 49 }),
      n => parseDuration(formatDuration(n)) === n && parseSize(formatSize(n)) === n,
    ),
  )
  const round = fc.tuple(
    fc.nat({ max: 999 }),
    fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000, 1024, 1024 ** 2, 1024 ** 3),
  )
  fc.assert(
    fc.property(
      round,
      ([n, unit]) =>
        parseDuration(formatDuration(n * unit)) === n * unit && parseSize(formatSize(n * unit)) === n * unit,
    ),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatDate, parseDate, parseLocalDate } from './date.ts'

const AT = Date.UTC(2025, 1, 13, 10, 0, 5)

void test('formatDate', () => {
  assert.equal(formatDate(AT + 999), 'Thu, 13 Feb 2025 10:00:05 +0000')
  assert.equal(formatDate(AT, 330), 'Thu, 13 Feb 2025 15:30:05 +0530')
  assert.equal(formatDate(AT, -210), 'Thu, 13 Feb 2025 06:30:05 -0330')
  assert.equal(formatDate(AT), 'Thu, 13 Feb 2025 10:00:05 +0000')
  assert.equal(formatDate(AT + 1000), 'Thu, 13 Feb 2025 10:00:06 +0000')
  assert.equal(formatDate(0), 'Thu, 1 Jan 1970 00:00:00 +0000')
  assert.equal(formatDate(-1), 'Wed, 31 Dec 1969 23:59:59 +0000')
  assert.throws(() => formatDate(Number.NaN), RangeError)
  assert.throws(() => formatDate(8.64e15), RangeError)
})

void test('parseDate', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['Thu, 13 Feb 2025 10:00:05 +0000', AT],
    ['Thu, 13 Feb 2025 15:30:05 +0530', AT],
    ['13 Feb 2025 06:30:05 -0330', AT],
    ['  thu,13 FEB 2025 10:00:05\r\n\t-0000 (a (nested \\) one))', AT],
    ['Thu, 13 Feb (2024) 2025 10:00:05 +0000', AT],
    ['Thu , 13 Feb 2025 10 : 00 : 05 GMT', AT],
    ['13 Feb 2025 10:00:05 UT', AT],
    ['13 Feb 2025 10:00:05 Z', AT],
    ['13 Feb 2025 10:00:05 A', AT], // RFC 5322 §4.3: military zones are taken for -0000
    ['13 Feb 2025 10:00:05 CEST', AT], // RFC 5322 §4.3: so are unknown names
    ['13 Feb 2025 10:00:05', AT],
    ['13 Feb 2025 05:00:05 EST', AT],
    ['13 Feb 2025 06:00:05 edt', AT],
    ['13 Feb 2025 02:00:05 PST', AT],
    ['13 Feb 25 10:00:05 GMT', AT],
    ['13 Feb 125 10:00:05 GMT', AT],
    ['13 Feb 2025 10:00 GMT', AT - 5000],
    ['1 Jan 70 00:00 GMT', 0],
    ['31 Dec 2016 23:59:60 +0000', Date.UTC(2017, 0, 1)],
    ['29 Feb 2024 00:00 +0000', Date.UTC(2024, 1, 29)],
    ['29 Feb 2025 00:00 +0000', undefined],
    ['0 Feb 2025 00:00 +0000', undefined],
    ['32 Jan 2025 00:00 +0000', undefined],
    ['13 Foo 2025 00:00 +0000', undefined],
    ['13 Feb 2025 24:00 +0000', undefined],
    ['13 Feb 2025 10:60 +0000', undefined],
    ['13 Feb 2025 10:00:61 +0000', undefined],
    ['13 Feb 2025 10:00 +0060', undefined],
    ['13 Feb 2025 10:00 +00', undefined],
    ['13 Feb 1899 10:00 +0000', undefined],
    ['13 Feb 2025', undefined],
    ['13 Feb 2025 10:00 +0000 (open', undefined],
    ['2025-02-13T10:00:05Z', undefined],
    ['', undefined],
    [`${' '.repeat(300)}13 Feb 2025 10:00:05 +0000`, undefined],
  ]
  for (const [text, expected] of cases) assert.equal(parseDate(text), expected, text)
})

void test('property: what is written is read', () => {
  const seconds = fc.integer({ min: Date.UTC(1900, 0, 2) / 1000, max: Date.UTC(9999, 11, 30) / 1000 })
  fc.assert(
    fc.property(seconds, fc.integer({ min: -14 * 60, max: 14 * 60 }), (second, offset) => {
      assert.equal(parseDate(formatDate(second * 1000, offset)), second * 1000)
    }),
  )
})

void test('parseLocalDate: the clock where it was written', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['Thu, 13 Feb 2025 10:00:05 +0000', AT],
    ['Thu, 13 Feb 2025 10:00:05 +0530', AT],
    ['13 Feb 2025 10:00:05 EST', AT],
    ['13 Feb 2025 10:00:05 (somewhere)', AT],
    ['32 Feb 2025 10:00:05', undefined],
  ]
  for (const [text, ms] of cases) assert.equal(parseLocalDate(text), ms, text)
})

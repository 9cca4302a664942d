import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDateTime, formatDay, parseDateTime, parseDay } from './date.ts'

const days: readonly (readonly [text: string, iso: string | undefined])[] = [
  ['1-Feb-1994', '1994-02-01'],
  ['01-feb-1994', '1994-02-01'],
  ['29-Feb-2024', '2024-02-29'],
  ['1-Jan-0001', '0001-01-01'],
  ['29-Feb-2023', undefined],
  ['31-Apr-2024', undefined],
  ['0-Jan-2024', undefined],
  ['32-Jan-2024', undefined],
  ['1-Foo-2024', undefined],
  ['1-Jan-24', undefined],
  ['1 Jan 2024', undefined],
  ['', undefined],
]
for (const [text, iso] of days) {
  test(`date ${text}`, () => assert.equal(parseDay(text), iso === undefined ? undefined : Date.parse(iso)))
}

const times: readonly (readonly [text: string, iso: string | undefined])[] = [
  ['17-Jul-1996 02:44:25 -0700', '1996-07-17T09:44:25Z'],
  [' 7-Jul-1996 02:44:25 +0530', '1996-07-06T21:14:25Z'],
  ['7-Jul-1996 02:44:25 +0000', '1996-07-07T02:44:25Z'],
  ['31-Dec-2016 23:59:60 +0000', '2017-01-01T00:00:00Z'],
  ['17-Jul-1996 24:00:00 +0000', undefined],
  ['17-Jul-1996 23:60:00 +0000', undefined],
  ['17-Jul-1996 23:00:61 +0000', undefined],
  ['17-Jul-1996 02:44:25 +2400', undefined],
  ['17-Jul-1996 02:44:25 +0060', undefined],
  ['31-Jun-1996 02:44:25 +0000', undefined],
  ['17-Jul-1996 02:44:25', undefined],
  ['17-Jul-1996 02:44:25 GMT', undefined],
]
for (const [text, iso] of times) {
  test(`date-time ${text}`, () => assert.equal(parseDateTime(text), iso === undefined ? undefined : Date.parse(iso)))
}

test('dates as they are written', () => {
  assert.equal(formatDateTime(Date.parse('1996-07-17T09:44:25.999Z')), '17-Jul-1996 09:44:25 +0000')
  assert.equal(formatDateTime(Date.parse('1996-07-07T00:00:00Z')), ' 7-Jul-1996 00:00:00 +0000')
  assert.equal(formatDay(Date.parse('1994-02-01T23:59:59Z')), '1-Feb-1994')
  assert.equal(formatDay(-1), '31-Dec-1969')
})

test('what is written is read again as the same second', () => {
  const seconds = fc.integer({ min: -60_000_000_000, max: 250_000_000_000 })
  fc.assert(fc.property(seconds, second => assert.equal(parseDateTime(formatDateTime(second * 1000)), second * 1000)))
})

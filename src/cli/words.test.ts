import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostAndPort, portOf } from './host.ts'
import { addressOf, domainOf, domainText, ownAddress, wholeNumber } from './addresses.ts'
import { CommandError, EXIT } from './access.ts'
import { selfCommand } from './dev.ts'
import { clockText, count, sizeText, spanText, timeText, whenText } from './words.ts'

const MIN = 60_000
const HOUR = 60 * MIN

const sizes: readonly (readonly [number, string])[] = [
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KB'],
  [10_188, '9.9 KB'],
  [10_189, '10 KB'],
  [26_214_400, '25 MB'],
  [1_047_000, '1.0 MB'],
  [5 * 1024 ** 3, '5.0 GB'],
]
for (const [bytes, text] of sizes) test(`${bytes} bytes are ${text}`, () => assert.equal(sizeText(bytes), text))

const spans: readonly (readonly [number, string])[] = [
  [-5, 'now'],
  [999, 'now'],
  [1000, '1 s'],
  [59_999, '59 s'],
  [MIN, '1 min'],
  [HOUR - 1, '59 min'],
  [47 * HOUR, '1 d'],
]
for (const [ms, text] of spans) test(`${ms} ms are ${text}`, () => assert.equal(spanText(ms), text))

test('times are those of the person', () => {
  const at = new Date(2026, 6, 1, 4, 3, 2).getTime()
  assert.equal(timeText(at), '2026-07-01 04:03:02')
  assert.equal(whenText(at, at + HOUR), clockText(at))
  assert.equal(whenText(at, at + 24 * HOUR), '2026-07-01 04:03')
})

test('numbers have their words', () => {
  assert.equal(count(1, 'message'), '1 message')
  assert.equal(count(12_000, 'reply', 'replies'), '12,000 replies')
})

const hosts: readonly (readonly [string, string, number])[] = [
  ['mail.example.org', 'mail.example.org', 25],
  ['mail.example.org:2525', 'mail.example.org', 2525],
  ['192.0.2.1', '192.0.2.1', 25],
  ['192.0.2.1:587', '192.0.2.1', 587],
  ['2001:db8::1', '2001:db8::1', 25],
  ['[2001:db8::1]', '2001:db8::1', 25],
  ['[2001:db8::1]:465', '2001:db8::1', 465],
  ['localhost:2525', 'localhost', 2525],
]
for (const [text, host, port] of hosts)
  test(`host ${text}`, () => assert.deepEqual(hostAndPort(text, 25), { host, port }))

const wrong: readonly (readonly [string, () => unknown])[] = [
  ['a host with a space', () => hostAndPort('a b', 25)],
  ['no host', () => hostAndPort(':25', 25)],
  ['port 0', () => hostAndPort('a:0', 25)],
  ['port 65536', () => hostAndPort('a:65536', 25)],
  ['a name in brackets', () => hostAndPort('[mail.example.org]', 25)],
  ['a port that is none', () => portOf('x')],
  ['a number that is none', () => wholeNumber('0')],
  ['an address without domain', () => addressOf('anna')],
  ['an own address with quotes', () => ownAddress('"a b"@example.org')],
  ['a literal as domain', () => domainOf('[192.0.2.1]')],
]
for (const [name, call] of wrong) {
  test(`refused as wrong usage: ${name}`, () => {
    assert.throws(call, error => error instanceof CommandError && error.code === EXIT.usage)
  })
}

test('own addresses are in lower case, domains in their one form', () => {
  assert.equal(ownAddress('Anna@BÜCHER.test'), 'anna@xn--bcher-kva.test')
  assert.equal(domainText('xn--bcher-kva.test'), 'bücher.test (xn--bcher-kva.test)')
  assert.equal(domainText('example.org'), 'example.org')
})

test('the first look names the command that works where it was started', () => {
  assert.equal(selfCommand({ npm_lifecycle_event: 'start' }, '/x/src/main.ts'), 'npm run -s staffetta --')
  assert.equal(selfCommand({}, '/x/src/main.ts'), 'node src/main.ts')
  assert.equal(selfCommand({ npm_command: 'exec' }, '/x/dist/main.js'), 'npx staffetta')
  assert.equal(selfCommand({}, '/x/dist/main.js'), 'staffetta')
})

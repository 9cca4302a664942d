import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isMbox, mboxQuoting, mboxReader, separatorLine } from './mbox.ts'

interface Read {
  readonly at: number | undefined
  text: string
}

/** The messages of a file that comes in pieces of so many bytes. */
function read(file: string, piece = file.length || 1): Read[] {
  const bytes = Buffer.from(file, 'latin1')
  const reader = mboxReader()
  const messages: Read[] = []
  const take = (events: ReturnType<typeof reader.feed>): void => {
    for (const event of events) {
      if (event.is === 'message') messages.push({ at: event.at, text: '' })
      else {
        const last = messages.at(-1)
        assert.ok(last)
        last.text += event.bytes.toString('latin1')
      }
    }
  }
  for (let at = 0; at < bytes.length; at += piece) take(reader.feed(bytes.subarray(at, at + piece)))
  take(reader.end())
  return messages
}

const AT = Date.UTC(2024, 1, 3, 4, 5, 6)
const FROM = 'From a@b.test Sat Feb  3 04:05:06 2024\n'

suite('reading', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['one', `${FROM}A: b\n\nhi\n\n`, ['A: b\n\nhi\n']],
    ['without the empty line at the end', `${FROM}A: b\n\nhi\n`, ['A: b\n\nhi\n']],
    ['without a line end at the end', `${FROM}A: b\n\nhi`, ['A: b\n\nhi']],
    ['two', `${FROM}A: b\n\nhi\n\n${FROM}C: d\n\n\n`, ['A: b\n\nhi\n', 'C: d\n\n']],
    ['CRLF', `${FROM}A: b\n\nhi\n\n${FROM}`.replaceAll('\n', '\r\n'), ['A: b\r\n\r\nhi\r\n', '']],
    ['empty ones', `${FROM}\n${FROM}\n${FROM}\n`, ['', '', '']],
    ['quoted', `${FROM}\n>From me\n>>From you\n> From\nx >From\n\n`, ['\nFrom me\n>From you\n> From\nx >From\n']],
    ['a sentence', `${FROM}\n\nFrom now on at 10:30 it is mine\n\n`, ['\n\nFrom now on at 10:30 it is mine\n']],
    ['no empty line before', `${FROM}\nhi\n${FROM}\n`, [`\nhi\n${FROM}`]],
    ['what stands before the first', `junk\n\n${FROM}\nhi\n`, []],
    ['without line ends', `${FROM}\n>From me`, ['\nFrom me']],
    ['a separator at the end', `${FROM}x\n\n${FROM.trimEnd()}`, ['x\n', '']],
    ['a long quoted line', `${FROM}\n>From ${'x'.repeat(40_000)}\n`, [`\nFrom ${'x'.repeat(40_000)}\n`]],
    ['long lines', `${FROM}${'x'.repeat(40_000)}From \n\n${FROM}y`, [`${'x'.repeat(40_000)}From \n`, 'y']],
  ]
  for (const [name, file, messages] of cases) {
    test(name, () => {
      for (const piece of [1, 2, 3, 7, 1000, 100_000]) {
        assert.deepEqual(
          read(file, piece).map(({ text }) => text),
          messages,
          `${piece}`,
        )
      }
    })
  }

  const dates: readonly (readonly [string, number | undefined])[] = [
    ['From a@b Sat Feb  3 04:05:06 2024', AT],
    ['From - Sat Feb 03 04:05:06 2024', AT],
    ['From a b c Sat Feb 3 04:05 2024', AT - 6000],
    ['From a@b Sat Feb  3 05:05:06 +0100 2024', AT],
    ['From 123@xxx Sat Feb 03 04:05:06 +0000 2024', AT],
    ['From a@b Sat Feb  3 04:05:06 2024 +0000', AT],
    ['From a@b Fri Feb  2 23:05:06 EST 2024', AT],
    ['From a@b Sat Feb 32 04:05:06 2024', undefined],
    ['From a@b 04:05 in 2024', undefined],
    ['From a@b', undefined],
  ]
  for (const [line, at] of dates) test(line, () => assert.deepEqual(read(`${line}\n\nx\n\n`), [{ at, text: '\nx\n' }]))

  test('a separator as we write it', () => {
    assert.equal(separatorLine('a@b.test', AT), FROM)
    assert.equal(separatorLine('', AT), FROM.replace('a@b.test', 'MAILER-DAEMON'))
    assert.equal(separatorLine('"a b"@c', AT), FROM.replace('a@b.test', 'MAILER-DAEMON'))
    assert.deepEqual(
      [isMbox(Buffer.from(FROM)), isMbox(Buffer.from('Fro')), isMbox(Buffer.from('From: '))],
      [true, false, false],
    )
  })
})

const line = fc.oneof(
  fc.constantFrom('', 'From ', '>From ', '>>From x', 'From a Sat Feb  3 04:05:06 2024', '>', 'F', 'x'),
  fc.string({ maxLength: 8 }).map(text => text.replaceAll('\n', '').replaceAll(/[^\0-\xff]/g, '?')),
)
const message = fc.array(line, { maxLength: 8 }).map(lines => lines.map(one => `${one}\n`).join(''))

test('what was quoted is read as it was, in pieces of any size', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.integer({ min: 1, max: 30 }), (messages, piece) => {
      const file = messages.map(text => {
        const quoting = mboxQuoting()
        const bytes = Buffer.from(text, 'latin1')
        let quoted = FROM
        for (let at = 0; at < bytes.length; at += piece)
          quoted += quoting.feed(bytes.subarray(at, at + piece)).toString('latin1')
        return `${quoted}${quoting.end().toString('latin1')}\n`
      })
      assert.deepEqual(
        read(file.join(''), piece),
        messages.map(text => ({ at: AT, text })),
      )
    }),
    { numRuns: 2000 },
  )
})

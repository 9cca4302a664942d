import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldCase } from './case-fold.ts'
import { MIN_BITS, mayHold, needleHashes, signatureBuilder } from './signature.ts'

function signatureOf(...texts: readonly string[]): Uint8Array | undefined {
  const builder = signatureBuilder()
  for (const text of texts) builder.add(text, 'header')
  return builder.done()
}

/** Numbers below a limit, always the same ones. */
function numbers(seed: number): (below: number) => number {
  let state = Math.imul(seed, 0x9e3779b1)
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Words that nobody wrote. */
function words(count: number, seed: number): string {
  const next = numbers(seed)
  const word = (): string => Array.from({ length: 3 + next(6) }, () => String.fromCharCode(97 + next(26))).join('')
  return Array.from({ length: count }, word).join(' ')
}

test('what is in a text is never kept away', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(texts, fc.nat(60), fc.nat(20), (texts, start, length) => {
      const signature = signatureOf(...texts)
      assert.ok(signature)
      for (const text of texts) {
        const folded = foldCase(text)
        assert.ok(mayHold(signature, needleHashes(folded.slice(start, start + length))))
      }
    }),
  )
})

test('what is in a field is never kept away from who asks for that field', () => {
  const name = fc.constantFrom('From', 'to', 'CC', 'Subject', 'X-Other')
  fc.assert(
    fc.property(name, fc.constantFrom(':', ' :', ': '), fc.string({ maxLength: 30 }), (name, colon, text) => {
      const value = text.replace(/[\r\n]/g, '')
      const signature = signatureOf(`Received: x\r\n${name}${colon}${value}\r\nTo: y\r\n`)
      assert.ok(signature && mayHold(signature, needleHashes(foldCase(value), name.toLowerCase())))
    }),
  )
  const signature = signatureOf('From: someone@example.org\r\nSubject: invoice\r\n')
  assert.ok(signature)
  assert.ok(mayHold(signature, needleHashes('invoice', 'subject')))
  assert.ok(!mayHold(signature, needleHashes('invoice', 'from')))
})

test('only in a header there are fields', () => {
  const builder = signatureBuilder()
  builder.add('From: someone@example.org\r\n', 'body')
  const signature = builder.done()
  assert.ok(signature && mayHold(signature, needleHashes('someone')))
  assert.ok(!mayHold(signature, needleHashes('someone', 'from')))
})

test('pieces are searched by themselves', () => {
  const signature = signatureOf('abc', 'def')
  assert.ok(signature && !mayHold(signature, needleHashes('abcdef')))
})

test('the more text, the larger; far too much is not signed', () => {
  const lengths = [1, 300, 1000, 5000].map(count => signatureOf(words(count, 1))?.length)
  assert.deepEqual(lengths, [512, 512, 1024, 4096])
  const next = numbers(1)
  const ideographs = String.fromCharCode(...Array.from({ length: 90_000 }, () => 0x4e00 + next(20_000)))
  assert.equal(signatureOf(ideographs), undefined)
  assert.deepEqual(signatureOf('abc'), signatureOf('abc')) // nothing is left of the text before it
})

test('a large one folded onto the smallest is the small one', () => {
  const text = words(3000, 7)
  const large = signatureOf(text)
  const hashes = needleHashes(text.slice(0, 2000))
  assert.ok(large && large.length > MIN_BITS / 8)
  const folded = new Uint8Array(MIN_BITS / 8)
  large.forEach((byte, at) => (folded[at % folded.length] = (folded[at % folded.length] ?? 0) | byte))
  assert.ok(mayHold(folded, hashes))
})

test('few texts that do not hold a needle may hold it', () => {
  const signatures = Array.from({ length: 100 }, (_, n) => signatureOf(words(800, n + 1)))
  const needles = Array.from({ length: 50 }, (_, n) => needleHashes(words(10, -n).replaceAll(' ', '').slice(0, 8)))
  let may = 0
  for (const hashes of needles) may += signatures.filter(of => of === undefined || mayHold(of, hashes)).length
  assert.ok(may < 200, `${may} of 5000`)
})

test('no trigrams, no hashes', () => {
  assert.deepEqual(needleHashes('ab'), [])
  assert.equal(needleHashes('abc').length, 1)
  assert.equal(needleHashes('abc', 'from').length, 2)
  assert.equal(needleHashes('abc', 'x-other').length, 1)
})

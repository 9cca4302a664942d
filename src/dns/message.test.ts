import assert from 'node:assert/strict'
import test from 'node:test'
import { encode } from 'dns-packet'
import fc from 'fast-check'
import { readAnswer, readText } from './answer.ts'
import { type Response, readResponse, writeQuery } from './message.ts'

const query = writeQuery(4711, { name: 'x.test', type: 'A' }, true)
const good = encode({
  type: 'response',
  id: 4711,
  flags: 0x0180,
  questions: [{ type: 'A', name: 'X.test' }],
  answers: [
    { type: 'CNAME', name: 'x.test', ttl: 300, data: 'y.test' },
    { type: 'A', name: 'y.test', ttl: 300, data: '192.0.2.1' },
    { type: 'TXT', name: 'y.test', ttl: 300, data: ['one', 'two'] },
    { type: 'MX', name: 'y.test', ttl: 300, data: { preference: 10, exchange: 'mx.y.test' } },
  ],
  authorities: [{ type: 'SOA', name: 'test', ttl: 60, data: { mname: 'ns.test', rname: 'h.test', minimum: 120 } }],
})

test('a response in our words', () => {
  assert.deepEqual(readResponse(good, query), {
    rcode: 0,
    truncated: false,
    authoritative: false,
    authentic: false,
    answers: [
      { type: 'CNAME', name: 'x.test', ttl: 300, data: 'y.test' },
      { type: 'A', name: 'y.test', ttl: 300, data: '192.0.2.1' },
      { type: 'TXT', name: 'y.test', ttl: 300, data: 'onetwo' },
      { type: 'MX', name: 'y.test', ttl: 300, preference: 10, exchange: 'mx.y.test' },
    ],
    negativeTtl: 60,
    referral: false,
  })
})

test('a response cut anywhere is foreign or malformed, never a shorter answer', () => {
  for (let length = 0; length < good.length; length++) {
    assert.equal(typeof readResponse(good.subarray(0, length), query), 'string', `${length} bytes`)
  }
})

test('no bytes make it throw', () => {
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(damage, changes => {
      const bytes = Buffer.from(good)
      for (const [place, value] of changes) bytes[place] = value
      readResponse(bytes, query)
    }),
    { numRuns: 2_000 },
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void readResponse(Buffer.from(bytes), query)))
})

test('the AD bit counts only from a trusted server', () => {
  const response: Response = {
    rcode: 0,
    truncated: false,
    authoritative: false,
    authentic: true,
    answers: [{ type: 'A', name: 'x.test', ttl: 300, data: '192.0.2.1' }],
    negativeTtl: undefined,
    referral: false,
  }
  for (const trusted of [true, false]) {
    const found = readAnswer(query, response, readText, trusted)
    assert.equal(found.is === 'found' && found.authentic, trusted)
    const none = readAnswer(query, { ...response, rcode: 3, answers: [] }, readText, trusted)
    assert.equal(none.is === 'none' && none.authentic, trusted)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emailId, mailboxId, parseEmailId } from './object-id.ts'

test('an EMAILID is read as it was written, and nothing else is one', () => {
  fc.assert(fc.property(fc.maxSafeNat(), id => parseEmailId(emailId(id)) === id))
  for (const text of ['', 'M', 'F1', 'm00000000001', 'M0000000000A', 'M000000000011', 'X00000000001', 'Mzzzzzzzzzzz']) {
    assert.equal(parseEmailId(text), undefined, text)
  }
})

test('they are legal: RFC 8474 §7, 1 to 255 letters, digits, _ and -', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), id => /^[\w-]{1,255}$/.test(emailId(id)) && /^[\w-]{1,255}$/.test(mailboxId(id))),
  )
})

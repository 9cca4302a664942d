import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeBase64 } from './base64.ts'
import { loginResponses } from './login.ts'
import { begin, respond, type SaslStep } from './mechanism.ts'
import { plainResponse } from './plain.ts'
import { prepare } from './prepare.ts'

const base64: readonly (readonly [text: string, decoded: string | undefined])[] = [
  ['', ''],
  ['YQ==', 'a'],
  ['YWI=', 'ab'],
  ['YWJj', 'abc'],
  ['YQ', undefined],
  ['YQ=', undefined],
  ['YR==', undefined], // RFC 4648 §3.5: bits after the last octet
  ['YW=J', undefined],
  ['YW Jj', undefined],
  ['YWJj\n', undefined],
  ['YW-_', undefined],
  ['=', undefined],
]
for (const [text, decoded] of base64) {
  test(`base64: ${JSON.stringify(text)}`, () => assert.equal(decodeBase64(text)?.toString(), decoded))
}

// RFC 4013 §3
const prepared: readonly (readonly [text: string, expected: string | undefined])[] = [
  ['user', 'user'],
  ['USER', 'USER'],
  ['I\u00adX', 'IX'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['\u0007', undefined],
  ['\u0627\u0031', undefined],
  ['\u00ad', undefined],
  ['', undefined],
  ['🐌', '🐌'],
]
for (const [text, expected] of prepared) {
  test(`prepared: ${JSON.stringify(text)}`, () => assert.equal(prepare(text), expected))
}

const ok = (user: string, password: string): SaslStep => ({ is: 'credentials', credentials: { user, password } })
const malformed: SaslStep = { is: 'malformed' }
const plain: readonly (readonly [message: string, step: SaslStep])[] = [
  ['\0anna\0secret', ok('anna', 'secret')],
  ['anna\0anna\0secret', ok('anna', 'secret')],
  ['\0an\u00adna\0se\u00a0cret', ok('anna', 'se cret')],
  ['boss\0anna\0secret', malformed],
  ['\0anna\0', malformed],
  ['\0\0secret', malformed],
  ['anna\0secret', malformed],
  ['\0anna\0sec\0ret', malformed],
  ['', malformed],
  [`\0${'a'.repeat(256)}\0secret`, malformed],
  [`\0anna\0${'s'.repeat(1025)}`, malformed],
]
for (const [message, step] of plain) {
  test(`PLAIN: ${JSON.stringify(message.slice(0, 30))}`, () => {
    assert.deepEqual(begin('plain', Buffer.from(message)), step)
    const asked = begin('PLAIN', undefined)
    assert.ok(asked?.is === 'challenge' && asked.text === '')
    assert.deepEqual(respond(asked.exchange, Buffer.from(message)), step)
  })
}

test('PLAIN: not UTF-8', () => {
  assert.deepEqual(begin('PLAIN', Buffer.from('\0j\xf6rg\0secret', 'latin1')), malformed)
})

test('LOGIN: user, then password', () => {
  const first = begin('LOGIN', undefined)
  assert.ok(first?.is === 'challenge' && first.text === 'Username:')
  const second = respond(first.exchange, Buffer.from('anna'))
  assert.ok(second.is === 'challenge' && second.text === 'Password:')
  assert.deepEqual(respond(second.exchange, Buffer.from('secret')), ok('anna', 'secret'))
  assert.deepEqual(respond(second.exchange, Buffer.from('')), malformed)
  assert.deepEqual(respond(first.exchange, Buffer.from('')), malformed)
  assert.deepEqual(begin('LOGIN', Buffer.from('anna')), second)
})

test('there is no other mechanism', () => assert.equal(begin('CRAM-MD5', undefined), undefined))

test('what the client says is what the server reads', () => {
  const message = decodeBase64(plainResponse('anna', 'geheim ö'))
  assert.ok(message !== undefined)
  assert.deepEqual(begin('PLAIN', message), ok('anna', 'geheim ö'))
  assert.deepEqual(
    loginResponses('anna', 'secret').map(text => decodeBase64(text)?.toString()),
    ['anna', 'secret'],
  )
})

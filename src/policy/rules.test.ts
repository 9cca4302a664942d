import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../config/settings.ts'
import { openDirectory } from '../directory/directory.ts'
import { type Address, readPath } from '../mail/address.ts'
import { type Guest, mayBeRecipient, mayHold, mayBeSender } from './rules.ts'

const ANNA = { id: 1, address: 'anna@own.test', hash: 'x' }

const DIRECTORY = openDirectory(
  {
    domain: name => (name === 'own.test' || name === 'xn--bcher-kva.test' ? { catchAll: undefined } : undefined),
    account: address => (address === 'anna@own.test' ? ANNA : undefined),
    alias: address => (address === 'info@own.test' ? ['anna@own.test', 'away@foreign.test'] : undefined),
    firstAccount: () => ANNA,
  },
  'mx.own.test',
)

const LIMITS = { lifetime: undefined, concurrency: undefined, rate: undefined }
const MAILBOX: Route = { via: 'mailbox', account: undefined, ...LIMITS }
const MX: Route = { via: 'mx', tls: 'opportunistic', port: 25, ...LIMITS }
const route = (address: Address): Route => (DIRECTORY.isOwnDomain(address.domain) ? MAILBOX : MX)

const STRANGER: Guest = { login: undefined, trusted: false }
const USER: Guest = { login: 'anna@own.test', trusted: false }
const TRUSTED: Guest = { login: undefined, trusted: true }

/** The address of a path; undefined: it is none, or has no domain. */
function addressIn(path: string): Address | undefined {
  const read = readPath(path, 0, { smtputf8: true })
  return read === undefined || read.end !== path.length || typeof read.path === 'string' ? undefined : read.path
}

/** The reply to RCPT as a stranger hears it: 250, the code of a refusal, or 501 for what is no path at all. */
function rcpt(guest: Guest, path: string): string {
  const address = addressIn(path)
  if (address === undefined) return '501'
  const verdict = mayBeRecipient(guest, address, DIRECTORY, route)
  return verdict.is === 'accept' ? '250' : `${verdict.reply.code} ${verdict.reply.status}`
}

const [UNKNOWN, FOREIGN] = ['550 5.1.1', '550 5.7.1']

/** RFC 5321 §3.6.2, RFC 2505 §2.4: never an open relay, in no spelling of an address. */
const STRANGERS: readonly (readonly [path: string, reply: string])[] = [
  ['<anna@own.test>', '250'],
  ['<ANNA@OWN.TEST>', '250'],
  ['<"anna"@own.test>', '250'],
  ['<anna+note@own.test>', '250'],
  ['<info@own.test>', '250'],
  ['<postmaster@own.test>', '250'],
  ['<Abuse@own.test>', '250'],
  ['<postmaster@mx.own.test>', '250'],
  ['<nobody@own.test>', UNKNOWN],
  ['<user@foreign.test>', FOREIGN],
  ['<user@sub.own.test>', FOREIGN],
  ['<user@own.test.foreign.test>', FOREIGN],
  ['<user@notown.test>', FOREIGN],
  // The percent hack, UUCP paths and addresses inside quotes are local parts like any others.
  ['<user%foreign.test@own.test>', UNKNOWN],
  ['<user%foreign.test%own.test@own.test>', UNKNOWN],
  ['<foreign.test!user@own.test>', UNKNOWN],
  ['<own.test!foreign.test!user@own.test>', UNKNOWN],
  ['<"user@foreign.test"@own.test>', UNKNOWN],
  ['<"anna@own.test"@foreign.test>', FOREIGN],
  ['<"user%foreign.test"@own.test>', UNKNOWN],
  ['<"user\\@foreign.test"@own.test>', UNKNOWN],
  ['<"anna@own.test> <user"@foreign.test>', FOREIGN],
  ['<anna%own.test@foreign.test>', FOREIGN],
  ['<own.test!anna@foreign.test>', FOREIGN],
  // RFC 5321 §4.1.1.3: a source route is ignored, so the last address counts
  ['<@own.test:user@foreign.test>', FOREIGN],
  ['<@own.test,@mx.own.test:user@foreign.test>', FOREIGN],
  ['<@foreign.test:anna@own.test>', '250'],
  ['<@own.test:user%foreign.test@own.test>', UNKNOWN],
  ['<@own.test:@foreign.test:user@foreign.test>', '501'],
  ['<user@[127.0.0.1]>', FOREIGN],
  ['<anna@[127.0.0.1]>', FOREIGN],
  ['<user@[IPv6:::1]>', FOREIGN],
  ['<user@127.0.0.1>', FOREIGN],
  ['<user@localhost>', FOREIGN],
  ['<anna@bücher.test>', UNKNOWN],
  ['<anna@xn--bcher-kva.test>', UNKNOWN],
  ['<anna@BÜCHER.test>', UNKNOWN],
  ['<postmaster@bücher.test>', '250'],
  ['<user@föreign.test>', FOREIGN],
  // UTS 46 makes the very domain of these, before anybody compares it.
  ['<anna@own\u3002test>', '250'],
  ['<anna@ｏｗｎ.test>', '250'],
  ['<user@foreign\u3002test>', FOREIGN],
  ['<user@foreign.test.>', '501'],
  ['<anna@own.test.>', '501'],
  ['<user@foreign.test@own.test>', '501'],
  ['<user@foreign.test,anna@own.test>', '501'],
  ['<user@foreign.test anna@own.test>', '501'],
  ['<user@foreign.test\0@own.test>', '501'],
  ['<@own.test>', '501'],
  ['<user@>', '501'],
  ['<user>', '501'],
  ['<>', '501'],
  ['<""@foreign.test>', FOREIGN],
  ['<""@own.test>', UNKNOWN],
]

for (const [path, reply] of STRANGERS) {
  test(`a stranger's RCPT TO:${JSON.stringify(path)}: ${reply}`, () => assert.equal(rcpt(STRANGER, path), reply))
}

test('no stranger and no spelling gets anything outside of the own domains', () => {
  for (const [path, reply] of STRANGERS) {
    if (reply !== '250') continue
    const address = addressIn(path)
    assert.ok(address && DIRECTORY.isOwnDomain(address.domain), path)
  }
})

test('who logged in, and who is trusted, may send to others; unknown own addresses stay refused', () => {
  for (const guest of [USER, TRUSTED]) {
    assert.equal(rcpt(guest, '<user@foreign.test>'), '250')
    assert.equal(rcpt(guest, '<nobody@own.test>'), UNKNOWN)
  }
})

test('routes that refuse, and domains without a route', () => {
  const address = addressIn('<user@foreign.test>') ?? assert.fail()
  const refusing: Route = { via: 'refuse', code: 550, status: '5.7.1', text: 'not that one', ...LIMITS }
  const refused = mayBeRecipient(TRUSTED, address, DIRECTORY, () => refusing)
  assert.ok(refused.is === 'refuse')
  assert.deepEqual(refused.reply, { code: 550, status: '5.7.1', text: ['not that one'] })
  const lost = mayBeRecipient(TRUSTED, address, DIRECTORY, () => undefined)
  assert.ok(lost.is === 'refuse' && lost.reply.status === '5.4.4')
})

const SENDERS: readonly (readonly [guest: Guest, path: string, may: boolean])[] = [
  [USER, '<anna@own.test>', true],
  [USER, '<Anna+shop@own.test>', true],
  [USER, '<info@own.test>', true],
  [USER, '<bruno@own.test>', false],
  [USER, '<anna@foreign.test>', false],
  [USER, '<"anna@own.test"@foreign.test>', false],
  [STRANGER, '<anybody@foreign.test>', true],
  [STRANGER, '<anna@own.test>', true],
]

for (const [guest, path, may] of SENDERS) {
  test(`MAIL FROM:${path} of ${guest.login ?? 'a stranger'}: ${may ? 'accepted' : 'refused'}`, () => {
    const address = addressIn(path) ?? assert.fail()
    assert.equal(mayBeSender(guest, address, DIRECTORY).is === 'accept', may)
  })
}

test('the null path may be used by everybody', () => {
  for (const guest of [USER, TRUSTED, STRANGER]) assert.equal(mayBeSender(guest, '<>', DIRECTORY).is, 'accept')
})

test('an address inside the local part goes to no other host for a stranger: that one might take it apart and relay', () => {
  const relay: Route = { via: 'relay', host: 'inner.test', port: 25, tls: 'none', auth: undefined, ...LIMITS }
  const lmtp: Route = { via: 'lmtp', to: { path: '/run/lmtp' }, ...LIMITS }
  const paths: readonly (readonly [path: string, reply: string])[] = [
    ['<user@own.test>', '250'],
    ['<user+note=x@own.test>', '250'],
    ['<user%foreign.test@own.test>', FOREIGN],
    ['<foreign.test!user@own.test>', FOREIGN],
    ['<"user@foreign.test"@own.test>', FOREIGN],
  ]
  for (const to of [relay, lmtp, MX]) {
    for (const [path, reply] of paths) {
      const address = addressIn(path)
      assert.ok(address)
      const verdict = mayBeRecipient(STRANGER, address, DIRECTORY, () => to)
      const said = verdict.is === 'accept' ? '250' : `${verdict.reply.code} ${verdict.reply.status}`
      assert.equal(said, reply, `${path} by ${to.via}`)
      assert.equal(mayBeRecipient(TRUSTED, address, DIRECTORY, () => to).is, 'accept')
      assert.equal(mayBeRecipient(USER, address, DIRECTORY, () => to).is, 'accept')
    }
  }
})

/** Used and most, of bytes and mails, and the size that is declared. */
const FULL: readonly (readonly [
  used: number,
  most: number | undefined,
  mails: number | undefined,
  size: number,
  may: boolean,
])[] = [
  [0, undefined, undefined, 1e9, true],
  [99, 100, undefined, 0, true],
  [100, 100, undefined, 0, false],
  [90, 100, undefined, 10, true],
  [90, 100, undefined, 11, false],
  [0, 100, 5, 1, false], // five are there
  [0, 100, 6, 1, true],
]
for (const [usedBytes, maxBytes, maxMails, size, may] of FULL) {
  test(`${usedBytes} of ${maxBytes} bytes, 5 of ${maxMails} mails, ${size} more: ${may ? 'taken' : 'full'}`, () => {
    const root = { usedBytes, usedMails: 5, maxBytes, maxMails }
    const free = { usedBytes, usedMails: 5, maxBytes: undefined, maxMails: undefined }
    for (const quota of [
      { account: root, domain: free },
      { account: free, domain: root },
    ]) {
      const verdict = mayHold(quota, size)
      assert.equal(verdict.is === 'accept' ? 250 : verdict.reply.code, may ? 250 : 452)
    }
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseAddress } from '../mail/address.ts'
import { type DirectoryReader, openDirectory } from './directory.ts'

const ACCOUNTS = ['anna@own.test', 'bruno@own.test', 'b+c@own.test', 'zoe@other.test']

const ALIASES: Readonly<Record<string, readonly string[]>> = {
  'info@own.test': ['anna@own.test', 'bruno@own.test', 'far@away.test'],
  'one@own.test': ['anna@own.test'],
  'abroad@own.test': ['far@away.test'],
  'chain@own.test': ['link@own.test'],
  'link@own.test': ['info@own.test', 'anna@own.test'],
  'loop@own.test': ['loop2@own.test'],
  'loop2@own.test': ['loop@own.test'],
  'self@own.test': ['self@own.test', 'anna@own.test'],
  'dead@own.test': ['gone@own.test'],
  'postmaster@other.test': ['zoe@other.test'],
  'deep0@own.test': ['deep1@own.test'],
  'bad@own.test': ['not an address', 'anna@own.test'],
  'note@own.test': ['anna+list@own.test'],
}

let reads = 0

function open(accounts: readonly string[] = ACCOUNTS) {
  const reader: DirectoryReader = {
    domain: name =>
      name === 'own.test' || name === 'other.test'
        ? { catchAll: undefined }
        : name === 'all.test'
          ? { catchAll: 'anna@own.test' }
          : undefined,
    account(address) {
      reads++
      const id = accounts.indexOf(address)
      return id === -1 ? undefined : { id, address, hash: 'x' }
    },
    alias(address) {
      const deep = /^deep(\d+)@own\.test$/.exec(address)
      return deep ? [`deep${Number(deep[1]) + 1}@own.test`] : ALIASES[address]
    },
    firstAccount: of => {
      const address = accounts.find(account => of === undefined || account.endsWith(`@${of}`))
      return address === undefined ? undefined : { id: accounts.indexOf(address), address }
    },
  }
  return openDirectory(reader, 'mx.own.test')
}

const addressOf = (text: string) => parseAddress(text, { smtputf8: true }) ?? assert.fail(text)

/** The account, the targets, or the word. */
function meaning(text: string, directory = open()): string {
  const found = directory.meaning(addressOf(text))
  if (found.is === 'account') return found.address
  return found.is === 'alias' ? found.targets.map(formatAddress).join(' ') : found.is
}

const MEANINGS: readonly (readonly [address: string, meaning: string])[] = [
  ['anna@own.test', 'anna@own.test'],
  ['ANNA@Own.Test', 'anna@own.test'],
  ['anna+shop@own.test', 'anna@own.test'],
  ['anna+shop+more@own.test', 'anna@own.test'],
  ['b+c@own.test', 'b+c@own.test'],
  ['+anna@own.test', 'unknown'],
  ['nobody@own.test', 'unknown'],
  ['info@own.test', 'anna@own.test bruno@own.test far@away.test'],
  ['info+note@own.test', 'anna@own.test bruno@own.test far@away.test'],
  ['one@own.test', 'anna@own.test'],
  ['abroad@own.test', 'far@away.test'],
  ['chain@own.test', 'anna@own.test bruno@own.test far@away.test'],
  ['loop@own.test', 'unknown'],
  ['self@own.test', 'anna@own.test'],
  ['dead@own.test', 'unknown'],
  ['deep0@own.test', 'unknown'],
  ['bad@own.test', 'anna@own.test'],
  ['note@own.test', 'anna@own.test'],
  ['postmaster@own.test', 'anna@own.test'],
  ['abuse@other.test', 'zoe@other.test'],
  ['postmaster@other.test', 'zoe@other.test'],
  ['anything@all.test', 'anna@own.test'],
  ['postmaster@mx.own.test', 'anna@own.test'],
  ['user@mx.own.test', 'unknown'],
]

for (const [address, expected] of MEANINGS) {
  test(`${address} means ${expected}`, () => assert.equal(meaning(address), expected))
}

test('postmaster is accepted also where there is no account at all', () => {
  assert.equal(meaning('postmaster@own.test', open([])), 'unread')
})

test('own domains, and who may send as whom', () => {
  const directory = open()
  for (const [name, own] of [
    ['own.test', true],
    ['all.test', true],
    ['mx.own.test', true],
    ['sub.own.test', false],
    ['', false],
  ] as const) {
    assert.equal(directory.isOwnDomain(name), own, name)
  }
  for (const [login, address, may] of [
    ['anna@own.test', 'Anna+x@own.test', true],
    ['anna@own.test', 'info@own.test', true],
    ['anna@own.test', 'any@all.test', true],
    ['anna@own.test', 'bruno@own.test', false],
    ['zoe@other.test', 'info@own.test', false],
    ['anna@own.test', 'anna@away.test', false],
  ] as const) {
    assert.equal(directory.maySendAs(login, addressOf(address)), may, `${login} as ${address}`)
  }
})

test('what was read is kept until the directory changes', () => {
  const directory = open()
  meaning('anna@own.test', directory)
  const before = reads
  meaning('anna@own.test', directory)
  assert.equal(reads, before)
  directory.forget()
  meaning('anna@own.test', directory)
  assert.ok(reads > before)
})

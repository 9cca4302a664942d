import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Meaning } from '../directory/directory.ts'
import { type Address, formatAddress, parseAddress } from '../mail/address.ts'
import type { Notify, Recipient } from '../mail/envelope.ts'
import { expand } from './routing.ts'

const address = (text: string): Address => parseAddress(text, { smtputf8: true }) ?? assert.fail(text)

const ALIASES: Readonly<Record<string, readonly string[]>> = {
  'one@own.test': ['anna@own.test'],
  'list@own.test': ['anna@own.test', 'far@away.test'],
}

const DIRECTORY = {
  isOwnDomain: (name: string) => name === 'own.test',
  meaning({ local, domain }: Address): Meaning {
    const targets = ALIASES[`${local}@${domain}`]
    return targets ? { is: 'alias', targets: targets.map(address) } : { is: 'account', id: 1, address: 'anna@own.test' }
  },
}

function recipient(text: string, notify?: readonly Notify[]): Recipient {
  return { address: address(text), notify, original: { type: 'rfc822', address: text } }
}

const shown = ({ address, notify, original }: Recipient): string =>
  `${formatAddress(address)} ${notify?.join('+') ?? '-'} ${original?.address}`

const CASES: readonly (readonly [recipients: readonly Recipient[], ends: readonly string[], expanded: number])[] = [
  [[], [], 0],
  [[recipient('a@away.test')], ['a@away.test - a@away.test'], 0],
  [[recipient('anna@own.test', [])], ['anna@own.test  anna@own.test'], 0],
  // RFC 3461 §5.2.7.1: an alias of one keeps everything
  [[recipient('one@own.test', ['SUCCESS', 'FAILURE'])], ['anna@own.test SUCCESS+FAILURE one@own.test'], 0],
  // RFC 3461 §5.2.7.3: of several, SUCCESS is answered now
  [
    [recipient('list@own.test', ['SUCCESS', 'FAILURE'])],
    ['anna@own.test FAILURE list@own.test', 'far@away.test FAILURE list@own.test'],
    1,
  ],
  [[recipient('list@own.test', ['SUCCESS'])], ['anna@own.test  list@own.test', 'far@away.test  list@own.test'], 1],
  // Each address once, the first one counts.
  [[recipient('anna@own.test'), recipient('one@own.test', [])], ['anna@own.test - anna@own.test'], 0],
  [[recipient('a@away.test'), recipient('a@away.test', [])], ['a@away.test - a@away.test'], 0],
  [[recipient('Anna@own.test'), recipient('anna@own.test')], ['Anna@own.test - Anna@own.test'], 0],
  // RFC 5321 §2.4: elsewhere the case of a local part may make a difference
  [[recipient('A@away.test'), recipient('a@away.test')], ['A@away.test - A@away.test', 'a@away.test - a@away.test'], 0],
]

for (const [recipients, ends, expanded] of CASES) {
  test(`${recipients.map(shown).join(', ')} becomes ${ends.join(', ')}`, () => {
    const found = expand(recipients, DIRECTORY)
    assert.deepEqual(found.recipients.map(shown), ends)
    assert.equal(found.expanded.length, expanded)
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMailboxName } from '../store/mailbox-name.ts'
import type { SourceMailbox } from './import-source.ts'
import { targetsOf } from './import-targets.ts'

/** `[Gmail]/Sent Mail \Sent`: levels with slashes, then perhaps a use. */
function source(text: string): SourceMailbox {
  const [name = '', use] = text.split(' \\')
  return { levels: name.split('/'), specialUse: use === undefined ? undefined : `\\${use}`, async *messages() {} }
}

function named(sources: readonly string[], into?: string): string[] {
  const targets = targetsOf(sources.map(source), into === undefined ? undefined : parseMailboxName(into))
  return targets.map(({ name, use }) => (use === undefined ? String(name) : `${name} ${use}`))
}

const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ['INBOX', 'inbox', 'a/b'],
    ['INBOX', 'INBOX', 'a/b'],
  ],
  [
    ['Sent Items', 'Spam', 'Entwürfe'],
    ['Sent Items \\Sent', 'Spam \\Junk', 'Entwürfe \\Drafts'],
  ],
  // The one of our own name takes it, the others stay what they are.
  [
    ['Spam', 'Junk'],
    ['Spam', 'Junk \\Junk'],
  ],
  [
    ['Sent', 'Odeslané \\Sent'],
    ['Sent', 'Odeslané \\Sent'],
  ],
  [
    ['[Gmail]/Sent Mail \\Sent', '[Gmail]/All Mail \\All'],
    ['[Gmail]/Sent Mail \\Sent', '[Gmail]/All Mail \\Archive'],
  ],
  [
    ['[Gmail]/Papierkorb', 'a/Trash'],
    ['[Gmail]/Papierkorb \\Trash', 'a/Trash'],
  ],
  [
    ['Archive', '[Gmail]/All Mail \\All'],
    ['Archive \\Archive', '[Gmail]/All Mail'],
  ],
  // What no mailbox may be called.
  [
    ['50%', 'a\0b', ' ..', '../x', 'user/anna', 'a//b'],
    ['50_', 'a_b', '_', '_/x', 'user_/anna', 'a/_/b'],
  ],
  [
    ['x'.repeat(1001), 'x/'.repeat(21)],
    ['undefined', 'undefined'],
  ],
]
for (const [sources, targets] of cases)
  test(sources.join(', ').slice(0, 60), () => assert.deepEqual(named(sources), targets))

test('into one mailbox', () => {
  assert.deepEqual(named(['INBOX', 'Sent', 'a/b'], 'Old'), ['Old', 'Old/Sent', 'Old/a/b'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMailboxName } from '../store/mailbox-name.ts'
import { fileName, levelOfFile, levelsOfMaildir, maildirFolder } from './folder-names.ts'

for (const [level, name] of [
  ['Größe', 'Größe'],
  ['.hidden', '%2Ehidden'],
  ['a.', 'a%2E'],
  ['a:b\\c', 'a%3Ab%5Cc'],
  ['cur', '%63ur'],
  ['x.mbox', 'x%2Embox'],
  ['flags.tsv', 'flags%2Etsv'],
  ['x'.repeat(241), undefined],
] as const) {
  test(`${level.slice(0, 20)} as a file`, () => {
    assert.equal(fileName(level), name)
    if (name !== undefined) assert.equal(levelOfFile(name), level)
  })
}

for (const [mailbox, folder] of [
  ['INBOX', ''],
  ['Sent', '.Sent'],
  ['a/b', '.a.b'],
  ['v1.2/~x', '.v1\\2e2.\\7ex'],
  ['Größe & so', '.Gr&APYA3w-e &- so'],
  ['x'.repeat(240), undefined],
] as const) {
  test(`${mailbox.slice(0, 20)} as a Maildir`, () => {
    assert.equal(maildirFolder(mailbox), folder)
    if (folder) assert.deepEqual(levelsOfMaildir(folder), mailbox.split('/'))
  })
}

test('no name leads out of its folder, and each comes back', () => {
  const level = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('..', '.', 'new', '.eml', 'a.SBD'))
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 3 }), levels => {
      const name = parseMailboxName(levels.join('/'))
      if (name === undefined) return
      for (const one of name.split('/')) {
        const file = fileName(one) ?? ''
        assert.doesNotMatch(file, /^\.|\/|\\|^$/)
        assert.equal(levelOfFile(file), one)
      }
      const folder = maildirFolder(name)
      assert.doesNotMatch(folder ?? '', /\//)
      if (folder) assert.deepEqual(levelsOfMaildir(folder), name.split('/'))
    }),
    { numRuns: 1000 },
  )
})

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { bodyPath } from '../bodies.ts'
import { databasePath } from './database.ts'
import { appending, clock, fakeStorage, nextId } from './fake-mail.ts'

const DAMAGES: readonly (readonly [name: string, sql: string, said: RegExp])[] = [
  [
    'a counter',
    'UPDATE mailbox SET unseen = unseen + 1 WHERE id = 1',
    /INBOX, is said to have 5 unseen mails, and has 4/,
  ],
  ['the next UID', 'UPDATE mailbox SET uid_next = 3 WHERE id = 1', /would give the UID 3 next, but 6 is used/],
  ['a MODSEQ', 'UPDATE mail SET modseq = 99 WHERE uid = 3', /has the MODSEQ \d+, but 99 in it/],
  ['a keyword', 'DELETE FROM keyword', /uses a keyword at place 5 that has no name/],
  [
    'usage',
    "UPDATE account SET bytes = 1 WHERE address = 'anna@home.test'",
    /anna@home.test is counted with 5 mails of 1 bytes/,
  ],
  ['usage of the domain', 'UPDATE domain SET mails = 9', /home.test is counted with 9 mails/],
  [
    'a message',
    'DELETE FROM message WHERE id = (SELECT message FROM mail WHERE uid = 2)',
    /have lost their message: UID 2/,
  ],
  ['a mail', 'DELETE FROM mail WHERE uid = 2', /is in no mailbox and not in the queue/],
  ['a size', 'UPDATE mail SET size = 3 WHERE uid = 2', /have another size than their message: UID 2/],
  ['a description', 'DELETE FROM description', /has no description, and waits for none/],
  [
    'descriptions left behind',
    'UPDATE description SET message = 1 WHERE message = (SELECT message FROM mail WHERE uid = 2)',
    /has a description, but is gone/,
  ],
  ['what vanished', 'INSERT INTO vanished VALUES (1, 2, 1, 9)', /are there, although they vanished: UID 1, 2, 3, 5, 6/],
  ['a mailbox', 'DELETE FROM mailbox WHERE id = 1', /rows of mail for a mailbox 1 that is not there/],
  ['packed columns', "INSERT INTO packed VALUES (99, 0, 1, x'')", /rows of packed for a mailbox 99 that is not there/],
  [
    'the index',
    'INSERT INTO search_block (mailbox, block, rows) VALUES (1, 0, 2)',
    /block 0 in the search index, which is not full/,
  ],
]

for (const [name, sql, said] of DAMAGES) {
  test(`the check finds a damage to ${name}`, t => {
    const { data, ask, problems } = fakeStorage(close => t.after(close))
    const flags = { system: 0, keywords: ['$Work'] }
    const messages = [
      appending(10, { system: 1, keywords: [] }),
      ...Array.from({ length: 5 }, () => appending(10, flags)),
    ]
    ask('append', { mailbox: 1, owner: 1, messages, replaces: undefined })
    ask('expunge', { mailbox: 1, uids: [[4, 4]], which: 'all' })
    assert.deepEqual(problems(), [])
    const database = new DatabaseSync(databasePath(data))
    database.exec(sql)
    database.close()
    assert.match(problems().join('\n'), said)
  })
}

test('files without a message, messages without their file, and files that were cut', t => {
  const { data, ask, problems } = fakeStorage(close => t.after(close))
  const head = Buffer.from('Received: x\r\n')
  const stored = ['whole', 'cut', 'lost'].map(text => {
    const message = appending()
    const path = bodyPath(data, message.id)
    writeFileSync(path, text)
    return { ...message, path, content: { in: 'file' as const, path, head, size: head.length + text.length } }
  })
  ask('append', { mailbox: 1, owner: 1, messages: stored, replaces: undefined })
  assert.deepEqual(problems(), [])
  writeFileSync(stored[1]?.path ?? '', 'c')
  rmSync(stored[2]?.path ?? '')
  writeFileSync(bodyPath(data, nextId()), 'nobody')
  writeFileSync(join(data, 'bodies', 'strange'), '')
  const said = problems().join('\n')
  assert.match(said, /has 14 bytes instead of 16 with bodies/)
  assert.match(said, /has lost its file/)
  assert.match(said, /belongs to no message/)
  assert.match(said, /bodies\/strange is not a file of ours/)
  assert.equal(problems().length, 4)
  clock.now += 1
})

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { checkStorage } from './check.ts'
import { databasePath, openWriter } from './database.ts'
import { openEngine } from './engine.ts'
import { swept } from './fake-mail.ts'
import { openStorageReader } from './reader.ts'
import { migrate } from './schema.ts'

/** A folder of data as this version made it, with its database open. */
function dataOfVersion(version: number, t: TestContext): { data: string; old: DatabaseSync } {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-migration-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  mkdirSync(join(data, 'bodies'))
  const old = new DatabaseSync(databasePath(data))
  old.exec('PRAGMA journal_mode = WAL')
  migrate(old, version)
  return { data, old }
}

test('data of the first version get mailboxes, counters and what waits for a description', t => {
  const { data, old } = dataOfVersion(1, t)
  old.exec(`
    INSERT INTO domain VALUES ('home.test', NULL, 1);
    INSERT INTO account (address, hash, at) VALUES ('anna@home.test', 'x', 1), ('"b@x"@home.test', 'x', 1), ('carl@home.test', 'x', 1);
    DELETE FROM account WHERE address = 'carl@home.test';
    INSERT INTO mailbox (account, name, uid_validity, uid_next) VALUES (1, 'INBOX', 1700, 6), (3, 'INBOX', 1800, 2);
    INSERT INTO message VALUES (10, 1, 4, '', '<>', '{"returnPath":"<>"}', 0, x'61626364'), (11, 1, 2, '', '<>', '{"returnPath":"<>"}', 0, x'6162');
    INSERT INTO mail VALUES (1, 2, 10, 1000, 'Né'), (1, 5, 11, 2000, ''), (2, 1, 10, 3000, '');
  `)
  old.close()

  openWriter(data).close()
  const reader = openStorageReader(data)
  t.after(() => reader.close())
  const { mail } = reader
  assert.deepEqual(
    mail
      .mailboxes(1)
      .map(row => [row.name, row.specialUse.join(), row.exists, row.unseen, row.size, row.uidNext, row.modseq]),
    [
      ['Archive', '\\Archive', 0, 0, 0, 1, 1],
      ['Drafts', '\\Drafts', 0, 0, 0, 1, 1],
      ['INBOX', '', 2, 2, 9, 6, 1],
      ['Junk', '\\Junk', 0, 0, 0, 1, 1],
      ['Sent', '\\Sent', 0, 0, 0, 1, 1],
      ['Trash', '\\Trash', 0, 0, 0, 1, 1],
    ],
  )
  assert.equal(mail.mailboxNamed(1, 'INBOX')?.uidValidity, 1700)
  assert.equal(mail.mailboxNamed(2, 'INBOX')?.exists, 0)
  assert.deepEqual(mail.subscriptions(2), ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'])
  const validities = [1, 2].flatMap(account => mail.mailboxes(account).map(row => row.uidValidity))
  assert.equal(new Set(validities).size, 12)
  assert.ok(validities.every(validity => validity === 1700 || validity > 1800))
  assert.deepEqual(mail.mail(1, 2), {
    uid: 2,
    message: 10,
    at: 1000,
    saved: 1000,
    head: 'Né',
    size: 7,
    flags: 0,
    modseq: 1,
  })
  assert.deepEqual(mail.undescribed(10), [10, 11])
  assert.equal(mail.quota(1).account.usedBytes, 9)
  assert.equal(mail.quota(2).domain.usedMails, 2)
  assert.equal(mail.mailbox(2), undefined, 'nobody has it any more')
  assert.deepEqual(checkStorage({ data, alone: true, now: 1.8e12, progress: () => undefined }).problems, [])
})

test('of data of the third version the columns of full blocks are packed by the start', async t => {
  const { data, old } = dataOfVersion(3, t)
  old.exec(`
    INSERT INTO account (id, address, hash, at, mails, bytes) VALUES (1, 'anna@home.test', 'x', 1, 2350, 2350);
    INSERT INTO mailbox (id, account, name, uid_validity, uid_next, modseq, mails, unseen, bytes, indexed)
      VALUES (1, 1, 'INBOX', 1700, 2500, 9, 2350, 2349, 2350, 3), (2, 0, '2', 1800, 2500, 9, 0, 0, 0, 3);
    INSERT INTO message VALUES (10, 1, 1, '', '<>', '{"returnPath":"<>"}', 0, x'61');
    INSERT INTO undescribed VALUES (10);
    WITH RECURSIVE n (uid) AS (VALUES (150) UNION ALL SELECT uid + 1 FROM n WHERE uid < 2499)
      INSERT INTO mail (mailbox, uid, flags, modseq, message, at, saved, size, head) SELECT 1, uid, uid = 700, 8, 10, 1, 1, 1, '' FROM n;
  `)
  old.close()

  const engine = openEngine({
    data,
    timeline: { maxAge: 1e12, maxSize: 1e6 },
    now: () => 1.8e12,
    notify: () => undefined,
    log: () => undefined,
  })
  engine.sweepMailboxes()
  await swept()
  const reader = openStorageReader(data)
  const { uids, flags } = reader.mail.mails(1)
  assert.deepEqual([uids.length, uids[0], flags[550]], [2350, 150, 1])
  reader.close()
  engine.close()
  const database = new DatabaseSync(databasePath(data))
  t.after(() => database.close())
  const packed = database.prepare('SELECT mailbox, block, modseq FROM packed ORDER BY block').all()
  assert.deepEqual(
    packed.map(row => Object.values(row)),
    [
      [1, 0, 9],
      [1, 1, 9],
    ],
  )
  assert.deepEqual(checkStorage({ data, alone: true, now: 1.8e12, progress: () => undefined }).problems, [])
})

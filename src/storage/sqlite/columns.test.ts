/** What is read packed, with what changed since, beside the rows that it stands for. */
import assert from 'node:assert/strict'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { MailColumns } from '../mail-reader.ts'
import { openColumns } from './columns.ts'
import { databasePath } from './database.ts'
import { BLOCK } from './descriptions.ts'
import { appending, fakeStorage, type FakeStorage } from './fake-mail.ts'

const INBOX = 1

function open(end: (close: () => void) => void) {
  const closes: (() => void)[] = []
  const storage = fakeStorage(close => closes.push(close))
  const database = new DatabaseSync(databasePath(storage.data))
  const { rows } = openColumns(database)
  end(() => {
    database.close()
    for (const close of closes) close()
  })
  const { ask } = storage
  return {
    ...storage,
    database,
    rows,
    fill: (mails: number, mailbox = INBOX): void => {
      const messages = Array.from({ length: mails }, () => appending(1))
      ask('append', { mailbox, owner: 1, messages, replaces: undefined })
    },
    flag: (uids: readonly UidRange[], system: number): void => {
      const flags = { system, keywords: [] }
      ask('store', { mailbox: INBOX, uids, how: 'set', flags, unchangedSince: undefined })
    },
    expunge: (uids: readonly UidRange[]): void => {
      ask('expunge', { mailbox: INBOX, uids, which: 'all' })
    },
    /** [block, MODSEQ, whether it holds anything] */
    packed: (mailbox = INBOX) =>
      database
        .prepare('SELECT block, modseq, length(bytes) > 0 AS holds FROM packed WHERE mailbox = ? ORDER BY block')
        .all(mailbox)
        .map(row => [row['block'], row['modseq'], row['holds']]),
    of: (sql: string): SQLOutputValue | undefined => Object.values(database.prepare(sql).get() ?? {})[0],
  }
}

function lists({ uids, flags, modseqs }: MailColumns): readonly (readonly number[])[] {
  return [[...uids], [...flags], [...modseqs]]
}

/** Each so-many-th UID up to one. */
function every(step: number, last: number): UidRange[] {
  return Array.from({ length: Math.floor(last / step) }, (_, n) => [(n + 1) * step, (n + 1) * step] as const)
}

type Step =
  | { readonly do: 'fill'; readonly mails: number }
  | { readonly do: 'flag' | 'expunge'; readonly uids: readonly UidRange[]; readonly system: number }
  | { readonly do: 'many'; readonly step: number; readonly gone: boolean }
  | { readonly do: 'rename' | 'sweep' | 'forget' }

const range: fc.Arbitrary<UidRange> = fc
  .tuple(fc.integer({ min: 1, max: 4500 }), fc.integer({ min: 0, max: 300 }))
  .map(([first, more]) => [first, first + more])
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fill' as const), mails: fc.constantFrom(1, 300, 1000, 1100) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('flag' as const, 'expunge' as const),
      uids: fc.tuple(range),
      system: fc.nat(31),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('many' as const),
      step: fc.integer({ min: 2, max: 12 }),
      gone: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('sweep' as const, 'rename' as const, 'forget' as const) }) },
)

function perform(one: Step, storage: ReturnType<typeof open>, name: string): void {
  switch (one.do) {
    case 'fill':
      return storage.fill(one.mails)
    case 'flag':
      return storage.flag(one.uids, one.system)
    case 'expunge':
      return storage.expunge(one.uids)
    case 'many':
      return one.gone ? storage.expunge(every(one.step, 5000)) : storage.flag(every(one.step, 5000), one.step)
    case 'rename':
      storage.ask('mailbox', { is: 'rename', mailbox: INBOX, name })
      return
    case 'sweep':
      return storage.engine.sweepMailboxes()
    case 'forget':
      // As when more vanished than is kept.
      storage.database.exec('DELETE FROM vanished; UPDATE mailbox SET lost = modseq, vanished = 0')
  }
}

function compare({ mail, rows }: Pick<FakeStorage, 'mail'> & { rows: (mailbox: number) => MailColumns }): void {
  for (const { id } of mail.mailboxes(1)) assert.deepEqual(lists(mail.mails(id)), lists(rows(id)))
}

suite('packed columns', () => {
  test('whatever was done since, they are what the rows say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14, size: 'max' }), async steps => {
        let close = (): void => undefined
        const storage = open(end => {
          close = end
        })
        try {
          storage.fill(2500)
          for (const [n, one] of steps.entries()) {
            perform(one, storage, `box ${n}`)
            compare(storage)
          }
          await storage.swept()
          compare(storage)
          assert.deepEqual(storage.problems(), [])
        } finally {
          close()
        }
      }),
      { numRuns: 25 },
    )
  })

  test('are what is read: a row that changed without a MODSEQ is not seen, one with it is', t => {
    const { fill, flag, database, mail, problems } = open(close => t.after(close))
    fill(2 * BLOCK)
    database.exec('UPDATE mail SET flags = 4 WHERE uid IN (7, 2048)')
    flag([[9, 9]], 1)
    const { flags } = mail.mails(INBOX)
    assert.deepEqual([flags[6], flags[8], flags[2047]], [0, 1, 4])
    assert.match(problems().join('\n'), /has packed columns that are not those of its mails, from UID 7 on/)
  })

  test('that are damaged are not read, and the check says so', t => {
    for (const sql of [
      "bytes = x''",
      'bytes = substr(bytes, 9)',
      "bytes = bytes || x'00'",
      "bytes = replace(bytes, x'07000000', x'09000000')",
    ]) {
      const { fill, database, mail, rows, problems } = open(close => t.after(close))
      fill(2 * BLOCK)
      database.exec(`UPDATE packed SET ${sql} WHERE block = 1 OR ${sql.includes('replace') ? 1 : 0}`)
      assert.deepEqual(lists(mail.mails(INBOX)), lists(rows(INBOX)))
      assert.match(problems().join('\n'), /has packed columns that are damaged, of block \d/)
    }
  })

  test('are there of a block as soon as it is full, by whatever filled it', t => {
    const { fill, ask, deliver, mail, packed } = open(close => t.after(close))
    fill(BLOCK - 2)
    assert.deepEqual(packed(), [])
    deliver(1, 1)
    assert.deepEqual(packed(), [[0, 3, 1]])
    const archive = mail.mailboxNamed(1, 'Archive')?.id ?? 0
    ask('copy', { how: 'copy', from: INBOX, to: archive, uids: [[1, BLOCK]] })
    assert.deepEqual(packed(archive), [[0, 2, 1]])
  })

  test('of a block with few mails are not kept', async t => {
    const { fill, flag, expunge, swept, packed } = open(close => t.after(close))
    fill(3 * BLOCK)
    assert.deepEqual(
      packed().map(([block]) => block),
      [0, 1, 2],
    )
    expunge([[BLOCK + 100, 2 * BLOCK - 1]])
    flag([[1, BLOCK + 99]], 1)
    flag([[1, BLOCK + 99]], 2)
    await swept()
    assert.deepEqual(
      packed().map(([block]) => block),
      [0, 2],
    )
  })

  test('are packed anew when much changed or vanished, and not before', async t => {
    for (const change of ['flag', 'expunge'] as const) {
      const storage = open(close => t.after(close))
      storage.fill(10 * BLOCK)
      const before = storage.packed()
      storage[change](every(5, 10 * BLOCK), 1)
      await storage.swept()
      assert.deepEqual(storage.packed(), before)
      storage[change]([[1, 7]], 1)
      await storage.swept()
      const modseq = storage.of(`SELECT modseq FROM mailbox WHERE id = ${INBOX}`)
      assert.deepEqual(
        storage.packed(),
        before.map(([block]) => [block, modseq, 1]),
      )
      storage.flag([[11, 12]], 2)
      await storage.swept()
      assert.equal(storage.packed()[0]?.[1], modseq)
      assert.equal(storage.of('SELECT count(*) FROM mailbox WHERE repack > 0'), 0)
    }
  })

  test('are packed anew by the next start where the last one did not come to it', async t => {
    const { fill, engine, database, swept, packed } = open(close => t.after(close))
    fill(3 * BLOCK)
    database.exec("UPDATE packed SET modseq = 0, bytes = x''; UPDATE mailbox SET repack = modseq WHERE id = 1")
    engine.sweepMailboxes()
    await swept()
    assert.deepEqual(
      packed().map(([block, , holds]) => [block, holds]),
      [
        [0, 1],
        [1, 1],
        [2, 1],
      ],
    )
  })

  test('go with an emptied INBOX into its new mailbox', async t => {
    const { fill, ask, mail, swept, packed } = open(close => t.after(close))
    fill(2 * BLOCK)
    ask('mailbox', { is: 'rename', mailbox: INBOX, name: 'old' })
    const old = mail.mailboxNamed(1, 'old')?.id ?? 0
    assert.deepEqual(
      [packed(), packed(old)],
      [
        [],
        [
          [0, 0, 0],
          [1, 0, 0],
        ],
      ],
    )
    await swept()
    assert.deepEqual(packed(old), [
      [0, 2, 1],
      [1, 2, 1],
    ])
  })

  test('go with their mailbox', async t => {
    const { fill, ask, engine, mail, rows, swept, packed, problems } = open(close => t.after(close))
    const archive = mail.mailboxNamed(1, 'Archive')?.id ?? 0
    fill(2 * BLOCK, archive)
    assert.equal(packed(archive).length, 2)
    ask('mailbox', { is: 'delete', mailbox: archive })
    engine.sweepMailboxes()
    assert.deepEqual(lists(mail.mails(archive)), lists(rows(archive)))
    assert.equal(rows(archive).uids.length, 2 * BLOCK - 500)
    await swept()
    assert.deepEqual(packed(archive), [])
    assert.deepEqual(problems(), [])
  })
})

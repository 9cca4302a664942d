/** What was exported and is imported again is what it was: bytes, flags, dates, and the mailboxes it was in. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import fc from 'fast-check'
import { hasBit } from '../mail/flags.ts'
import { createBody } from '../storage/bodies.ts'
import { fakeStorage, nextId } from '../storage/sqlite/fake-mail.ts'
import { describeContent } from '../store/describe-content.ts'
import { emlFormat } from './export-eml.ts'
import { maildirFormat } from './export-maildir.ts'
import { mboxFormat } from './export-mbox.ts'
import { exportAll, type Exported } from './export-run.ts'
import { folderSource, type SourceFormat } from './import-folder.ts'
import { importAll, type Imported } from './import-run.ts'
import { targetsOf } from './import-targets.ts'
import type { MailWriter } from './mail-writer.ts'

const closes: (() => void)[] = []
const storage = fakeStorage(close => closes.push(close))
const folder = mkdtempSync(join(tmpdir(), 'round-trip-'))
after(() => {
  for (const close of closes) close()
  rmSync(folder, { recursive: true, force: true })
})

const FORMATS = { maildir: maildirFormat, mbox: mboxFormat, eml: emlFormat }
const QUIET = { show: () => undefined, end: () => undefined }
const writer: MailWriter = {
  append: async of => storage.ask('append', { ...of, owner: 1, replaces: undefined }),
  change: async of => storage.ask('mailbox', of),
  nextId: async () => nextId(),
  createBody: id => createBody(storage.data, id),
  close: () => undefined,
}

interface Mail {
  readonly text: string
  /** ms since 1970 */
  readonly at: number
  readonly system: number
  readonly keywords: readonly string[]
}

type Mailboxes = Readonly<Record<string, readonly Mail[]>>

let accounts = 0
let targets = 0

function newAccount(): number {
  const address = `a${++accounts}@home.test`
  storage.ask('directory', { is: 'add-account', address, hash: 'x' })
  return storage.reader.account(address)?.id ?? 0
}

async function fill(account: number, mailboxes: Mailboxes): Promise<void> {
  for (const [name, mails] of Object.entries(mailboxes)) {
    storage.ask('mailbox', { is: 'create', account, name, specialUse: [] })
    const mailbox = storage.mail.mailboxNamed(account, name)?.id ?? 0
    for (const { text, at, system, keywords } of mails) {
      const content = { in: 'memory', bytes: Buffer.from(text, 'latin1') } as const
      const message = {
        id: nextId(),
        at,
        content,
        description: await describeContent(content),
        flags: { system, keywords },
      }
      const appended = storage.ask('append', { mailbox, owner: 1, messages: [message], replaces: undefined })
      assert.equal(appended.is, 'appended')
    }
  }
}

/** All mailboxes; keywords in one order. */
async function contents(account: number): Promise<Mailboxes> {
  const all: Record<string, Mail[]> = {}
  for (const { id, name } of storage.mail.mailboxes(account)) {
    const keywords = storage.mail.keywords(id)
    all[name] = await Promise.all(
      storage.mail.mailRows(id, [1, 2 ** 32 - 1], 1000).map(async row => {
        const content = storage.reader.content(row.message)
        assert.ok(content?.in === 'memory')
        const named = keywords.filter(([place]) => hasBit(row.flags, place)).map(([, keyword]) => keyword)
        const text = row.head + Buffer.from(content.bytes).toString('latin1')
        return { text, at: row.at, system: row.flags % 32, keywords: named.sort() }
      }),
    )
  }
  return all
}

function exportTo(account: number, format: SourceFormat, target: string): Promise<Exported> {
  const mailboxes = storage.mail.mailboxes(account)
  return exportAll({ mailboxes, reader: storage.reader, format: FORMATS[format](target, false), progress: QUIET })
}

async function importFrom(account: number, source: string, format?: SourceFormat): Promise<Imported> {
  const sources = await folderSource(source, format)
  const { reader } = storage
  return importAll({
    account,
    targets: targetsOf(sources, undefined),
    reader,
    writer,
    progress: QUIET,
    now: () => 1.8e12,
  })
}

const line = fc.oneof(
  fc.constantFrom(
    '',
    'From me',
    '>From you',
    'From a Sat Feb  3 04:05:06 2024',
    'Status: RO',
    'a\rb',
    '\r',
    'ends with \r',
    '.',
  ),
  fc.string({ maxLength: 20 }).map(text => text.replaceAll(/[\n\0]|[^\0-\xff]/g, '?')),
)
const header = fc.constantFrom(
  'From: a@b.test',
  'Subject: x\r\n folded',
  'Status: RO',
  'X-Status: A',
  'X-Keywords: other',
  'X-UID: 7',
  'Date: Sat, 3 Feb 2024 04:05:06 +0000',
)
const lines = (of: fc.Arbitrary<string>) =>
  fc.array(of, { maxLength: 6 }).map(all => all.map(one => `${one}\r\n`).join(''))
const keywords = fc.uniqueArray(fc.constantFrom('$Forwarded', '$Junk', 'later', 'Work'), { maxLength: 4 })
const mail = fc
  .tuple(lines(header), lines(line), fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 31 }), keywords)
  .map(
    ([head, body, seconds, system, names]): Mail => ({
      text: `${head}\r\n${body}`,
      at: seconds * 1000,
      system,
      keywords: names.toSorted(),
    }),
  )
const level = fc.oneof(
  fc.constantFrom(
    'cur',
    'a.b',
    '.hidden',
    'x.mbox',
    'Größe',
    '~',
    '\\2e',
    'a & b',
    'mbox',
    'flags.tsv',
    'c:d',
    'Spam',
    'new.',
  ),
  fc.stringMatching(/^[a-z日]{1,5}$/),
)
const name = fc.array(level, { minLength: 1, maxLength: 3 }).map(levels => levels.join('/'))
const mailboxes = fc
  .array(
    fc.tuple(fc.oneof(fc.constantFrom('INBOX', 'Sent', 'Junk', 'INBOX/old'), name), fc.array(mail, { maxLength: 5 })),
    {
      maxLength: 4,
    },
  )
  .map(entries => Object.fromEntries(entries))

for (const format of ['maildir', 'mbox', 'eml'] as const) {
  suite(format, () => {
    test('comes back as it was, and a second time adds nothing', async () => {
      const property = async (given: Mailboxes): Promise<void> => {
        const [from, to] = [newAccount(), newAccount()]
        await fill(from, given)
        const target = join(folder, `${++targets}`)
        const exported = await exportTo(from, format, target)
        assert.deepEqual(exported.failures, [])
        const imported = await importFrom(to, target, format === 'eml' ? 'eml' : undefined)
        assert.deepEqual(imported.failures, [])
        assert.equal(imported.imported, exported.exported)
        const there = await contents(to)
        assert.deepEqual(there, await contents(from))
        const again = await importFrom(to, target, format === 'eml' ? 'eml' : undefined)
        assert.deepEqual([again.imported, again.already], [0, exported.exported])
        assert.deepEqual(await contents(to), there)
      }
      await fc.assert(fc.asyncProperty(mailboxes, property), { numRuns: 60 })
    })

    test('a large message goes through as a file', async () => {
      const [from, to] = [newAccount(), newAccount()]
      const text = `Subject: large\r\n\r\n${`${'0123456789'.repeat(7)}\r\n`.repeat(20_000)}`
      await fill(from, { INBOX: [{ text, at: 1e12, system: 1, keywords: [] }] })
      const target = join(folder, `${++targets}`)
      await exportTo(from, format, target)
      const imported = await importFrom(to, target)
      assert.deepEqual([imported.imported, imported.bytes], [1, text.length])
      const inbox = storage.mail.mailboxNamed(to, 'INBOX')?.id ?? 0
      const [row] = storage.mail.mailRows(inbox, [1, 10], 10)
      const content = storage.reader.content(row?.message ?? 0)
      assert.ok(content?.in === 'file')
      // What was imported as a file is exported as one.
      const back = join(folder, `${++targets}`)
      await exportTo(to, format, back)
      const last = newAccount()
      assert.equal((await importFrom(last, back)).bytes, text.length)
    })
  })
}

suite('a second export', () => {
  for (const format of ['maildir', 'eml'] as const) {
    test(`into the same ${format} adds only what is new`, async () => {
      const account = newAccount()
      const one = { text: 'A: b\r\n\r\n1\r\n', at: 1e12, system: 1, keywords: ['first'] }
      await fill(account, { INBOX: [one] })
      const target = join(folder, `${++targets}`)
      assert.equal((await exportTo(account, format, target)).exported, 1)
      await fill(account, { INBOX: [{ ...one, keywords: ['second'] }] })
      const { exported, already } = await exportTo(account, format, target)
      assert.deepEqual([exported, already], [1, 1])
      const to = newAccount()
      await importFrom(to, target)
      const { INBOX } = await contents(to)
      assert.deepEqual(
        INBOX?.map(row => row.keywords),
        [['first'], ['second']],
      )
    })
  }

  test('an mbox file is not added to', async () => {
    const account = newAccount()
    const target = join(folder, `${++targets}`)
    await exportTo(account, 'mbox', target)
    const { failed, failures } = await exportTo(account, 'mbox', target)
    assert.equal(failed, 6)
    assert.match(failures[0]?.reason ?? '', /is there already/)
    assert.ok(readdirSync(target).every(one => one.endsWith('.mbox')))
  })
})

suite('import', () => {
  test('what was deleted since does not come back; what is new does', async () => {
    const account = newAccount()
    const path = join(folder, `${++targets}.mbox`)
    const message = (n: number): string => `From a@b Sat Feb  3 04:05:06 2024\nSubject: ${n}\n\nhi\n\n`
    writeFileSync(path, message(1) + message(2) + message(1))
    assert.equal((await importFrom(account, path)).imported, 3)
    const inbox = storage.mail.mailboxNamed(account, 'INBOX')?.id ?? 0
    storage.ask('expunge', { mailbox: inbox, uids: [[1, 1]], which: 'all' })
    writeFileSync(path, message(1) + message(2) + message(1) + message(3) + message(1))
    const { imported, already } = await importFrom(account, path)
    assert.deepEqual([imported, already], [2, 3])
    assert.deepEqual(storage.problems(), [])
  })

  test('the same flags that changed in the file change nothing, and double nothing', async () => {
    const account = newAccount()
    const path = join(folder, `${++targets}.mbox`)
    writeFileSync(path, 'From a@b Sat Feb  3 04:05:06 2024\nStatus: O\nSubject: x\n\nhi\n')
    assert.equal((await importFrom(account, path)).imported, 1)
    writeFileSync(path, 'From a@b Sat Feb  3 04:05:06 2024\nStatus: RO\nSubject: x\nContent-Length: 3\n\nhi\n')
    assert.equal((await importFrom(account, path)).already, 1)
  })

  test('a full account stops it, with all that had room in it', async () => {
    const account = newAccount()
    const path = join(folder, `${++targets}.mbox`)
    writeFileSync(path, 'From a@b Sat Feb  3 04:05:06 2024\nSubject: x\n\nhi\n\n'.repeat(5))
    const of = `a${accounts}@home.test`
    storage.ask('directory', { is: 'set-quota', of, each: false, bytes: undefined, mails: 3 })
    const { imported, stopped } = await importFrom(account, path)
    assert.equal(imported, 3)
    assert.match(stopped?.message ?? '', /account is full/)
    storage.ask('directory', { is: 'set-quota', of, each: false, bytes: undefined, mails: undefined })
    const rest = await importFrom(account, path)
    assert.deepEqual([rest.imported, rest.already, rest.stopped], [2, 3, undefined])
  })

  test('keywords that cannot be kept are left out and counted', async () => {
    const account = newAccount()
    const path = join(folder, `${++targets}.mbox`)
    const names = Array.from({ length: 50 }, (_, n) => `k${n}`).join(' ')
    writeFileSync(path, `From a@b Sat Feb  3 04:05:06 2024\nX-Keywords: ${names} (no)\n\nhi\n`)
    const { imported, keywordsLeft } = await importFrom(account, path)
    assert.deepEqual([imported, keywordsLeft], [1, 3])
  })

  test('empty files, and what cannot be read', async () => {
    const account = newAccount()
    const path = join(folder, `${++targets}`)
    await exportTo(account, 'eml', path)
    writeFileSync(join(path, 'INBOX', '1.eml'), '')
    writeFileSync(join(path, 'INBOX', '2.eml'), 'Subject: x\n\nhi\n')
    const { imported, failures } = await importFrom(account, path)
    assert.deepEqual([imported, failures], [1, [{ where: join(path, 'INBOX', '1.eml'), reason: 'it is empty' }]])
  })
})

/**
 * Mail that moves: from a running Dovecot by IMAP, with 500 messages, their flags and dates; to a Maildir that Dovecot reads; from and to the
 * mbox files and Maildirs of Python's mailbox module.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { openStorageReader } from '../../src/storage/sqlite/reader.ts'
import { hasBit, SYSTEM_FLAGS } from '../../src/mail/flags.ts'
import { type Dovecot, DOVECOT_PASSWORD, startDovecot } from './dovecot.ts'
import { missingRights, needs, succeed } from './program.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const ANNA = 'anna@staffetta.test'
const needed = needs(['dovecot', 'openssl', 'python3'], missingRights())

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

interface Message {
  readonly text: string
  readonly flags: readonly string[]
  /** Seconds since 1970. */
  readonly at: number
}

type Mailboxes = Readonly<Record<string, readonly Message[]>>

const FLAGS = [
  [],
  ['\\Seen'],
  ['\\Seen', '\\Answered'],
  ['\\Flagged', '$Forwarded'],
  ['\\Draft', '$Junk', 'later'],
  ['\\Deleted'],
]

function message(n: number): Message {
  const body = `${'.'.repeat(n % 3)}From line ${n}: gr\u00fc\u00dfe\r\nFrom here at 10:30 in 2024\r\n\r\n`.repeat(
    1 + (n % 20),
  )
  const large = n === 77 ? `${'0123456789'.repeat(7)}\r\n`.repeat(20_000) : ''
  const header = `From: <b@old.test>\r\nTo: <${ANNA}>\r\nSubject: number ${n}\r\nMessage-ID: <${n}@old.test>\r\n`
  return { text: `${header}\r\n${body}${large}`, flags: FLAGS[n % FLAGS.length] ?? [], at: 1_500_000_000 + n * 86_400 }
}

const some = (from: number, count: number): Message[] => Array.from({ length: count }, (_, n) => message(from + n))
const GIVEN: Mailboxes = {
  INBOX: some(0, 300),
  'Sent Items': some(300, 100),
  Spam: some(400, 50),
  'Projekte/Größe': some(450, 50),
}
/** As they are called with us. */
const EXPECTED: Mailboxes = {
  INBOX: GIVEN['INBOX'] ?? [],
  Sent: GIVEN['Sent Items'] ?? [],
  Junk: GIVEN['Spam'] ?? [],
  'Projekte/Größe': GIVEN['Projekte/Größe'] ?? [],
}

suite('moving mail', { skip: needed.skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'import-'))
  const data = join(folder, 'data')
  let dovecot: Dovecot

  const staffetta = (args: readonly string[], input?: string): Promise<Buffer> =>
    succeed({
      name: process.execPath,
      args: [MAIN, ...args, '--data', data],
      ...(input === undefined ? {} : { input }),
    })

  before(async () => {
    dovecot = await startDovecot(['judge', 'reader'])
    await staffetta(['domain', 'add', 'staffetta.test'])
  })

  after(async () => {
    await dovecot?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const addAccount = (address: string): Promise<Buffer> =>
    staffetta(['account', 'add', address, '--password-stdin'], 'correct horse')

  async function withClient<T>(user: string, use: (client: ImapFlow) => Promise<T>): Promise<T> {
    const client = new ImapFlow({
      host: dovecot.host,
      port: dovecot.imaps,
      secure: true,
      auth: { user, pass: DOVECOT_PASSWORD },
      tls: { rejectUnauthorized: false },
      logger: false,
    })
    await client.connect()
    try {
      return await use(client)
    } finally {
      await client.logout()
    }
  }

  async function give(client: ImapFlow, mailbox: string, messages: readonly Message[]): Promise<void> {
    for (const { text, flags, at } of messages)
      assert.ok(await client.append(mailbox, Buffer.from(text), [...flags], new Date(at * 1000)))
  }

  interface Summary {
    readonly imported: number
    readonly already: number
    readonly failed: number
  }

  async function importFrom(address: string, source: readonly string[], input?: string): Promise<Summary> {
    const { imported, already, failed }: Summary = JSON.parse(
      (await staffetta(['import', address, ...source, '--json'], input)).toString(),
    )
    return { imported, already, failed }
  }

  const fromDovecot = (): Promise<Summary> =>
    importFrom(
      ANNA,
      [`imaps://judge@${dovecot.host}:${dovecot.imaps}/`, '--insecure', '--password-stdin'],
      DOVECOT_PASSWORD,
    )

  /** What our storage has. */
  async function contents(address: string): Promise<Mailboxes> {
    const reader = openStorageReader(data)
    try {
      const all: Record<string, Message[]> = {}
      for (const { id, name, exists } of reader.mail.mailboxes(reader.account(address)?.id ?? 0)) {
        if (exists === 0) continue
        const keywords = reader.mail.keywords(id)
        const rows = reader.mail.mailRows(id, [1, 2 ** 32 - 1], 1000)
        const texts = await Promise.all(
          rows.map(({ uid }) => staffettaText(reader, rows.find(row => row.uid === uid)?.message ?? 0)),
        )
        all[name] = rows.map((row, n) => ({
          text: texts[n] ?? '',
          flags: [
            ...SYSTEM_FLAGS.filter(([bit]) => (row.flags & bit) !== 0).map(([, flag]) => flag),
            ...keywords.filter(([place]) => hasBit(row.flags, place)).map(([, keyword]) => keyword),
          ],
          at: row.at / 1000,
        }))
      }
      return all
    } finally {
      reader.close()
    }
  }

  /** Mail by mail, so that what differs can be read. */
  function same(found: Mailboxes, expected: Mailboxes): void {
    const counts = (of: Mailboxes) => Object.fromEntries(Object.entries(of).map(([name, all]) => [name, all.length]))
    assert.deepEqual(counts(found), counts(expected))
    for (const [name, messages] of Object.entries(expected)) {
      for (const [n, message] of messages.entries()) {
        const other = found[name]?.[n]
        assert.equal(other?.text, message.text, `${name} ${n}`)
        assert.deepEqual([other.flags.toSorted(), other.at], [message.flags.toSorted(), message.at], `${name} ${n}`)
      }
    }
  }

  test('500 messages come from Dovecot as they are there, with flags and dates', async () => {
    await addAccount(ANNA)
    await withClient('judge', async client => {
      for (const [mailbox, messages] of Object.entries(GIVEN)) {
        if (mailbox !== 'INBOX') await client.mailboxCreate(mailbox)
        await give(client, mailbox, messages)
      }
    })
    const dry = await importFrom(
      ANNA,
      [`imaps://judge@${dovecot.host}:${dovecot.imaps}/`, '--insecure', '--password-stdin', '--dry-run'],
      DOVECOT_PASSWORD,
    )
    assert.deepEqual(dry, { imported: 500, already: 0, failed: 0 })
    assert.deepEqual(await contents(ANNA), {})
    assert.deepEqual(await fromDovecot(), { imported: 500, already: 0, failed: 0 })
    same(await contents(ANNA), EXPECTED)
  })

  test('a second run adds only what is new', async () => {
    assert.deepEqual(await fromDovecot(), { imported: 0, already: 500, failed: 0 })
    const more = some(500, 3)
    await withClient('judge', client => give(client, 'INBOX', more))
    assert.deepEqual(await fromDovecot(), { imported: 3, already: 500, failed: 0 })
    same(await contents(ANNA), { ...EXPECTED, INBOX: [...(EXPECTED['INBOX'] ?? []), ...more] })
  })

  test('Dovecot reads the exported Maildir: mailboxes, contents, flags, dates', async () => {
    await staffetta(['export', ANNA, dovecot.maildir('reader')])
    dovecot.own('reader')
    const expected = await contents(ANNA)
    const found = await withClient('reader', async client => {
      const all: Record<string, Message[]> = {}
      for (const { path, flags } of await client.list()) {
        if (flags.has('\\Noselect')) continue
        const { exists } = await client.mailboxOpen(path, { readOnly: true })
        if (exists === 0) continue
        const rows = await client.fetchAll('1:*', { flags: true, internalDate: true, source: true, uid: true })
        all[path] = rows.map(row => ({
          text: row.source?.toString() ?? '',
          flags: [...(row.flags ?? [])].filter(flag => flag !== '\\Recent'),
          at: new Date(row.internalDate ?? 0).getTime() / 1000,
        }))
      }
      return all
    })
    same(found, expected)
  })

  test("Dovecot's own Maildir is imported as it is", async () => {
    const address = 'maildir@staffetta.test'
    await addAccount(address)
    assert.deepEqual(await importFrom(address, [dovecot.maildir('judge')]), { imported: 503, already: 0, failed: 0 })
    same(await contents(address), await contents(ANNA))
  })

  test("mbox files: Python's are read, and ours by Python", async () => {
    const [address, theirs, ours] = ['mbox@staffetta.test', join(folder, 'theirs.mbox'), join(folder, 'ours.mbox')]
    await addAccount(address)
    const script = join(folder, 'mbox.py')
    writeFileSync(script, PYTHON)
    await succeed({ name: 'python3', args: [script, 'write', theirs] })
    assert.deepEqual(await importFrom(address, [theirs]), { imported: 3, already: 0, failed: 0 })
    const { INBOX = [] } = await contents(address)
    assert.deepEqual(
      INBOX.map(one => one.flags),
      [['\\Seen'], ['\\Seen', '\\Answered', '\\Flagged'], []],
    )
    assert.match(INBOX[1]?.text ?? '', /^Subject: 1\r\n\r\nFrom me\r\n$/)
    await staffetta(['export', address, ours, '--format', 'mbox', '--mailbox', 'INBOX'])
    const read = await succeed({ name: 'python3', args: [script, 'read', ours] })
    assert.equal(read.toString(), "['0', 'RO', 'hi\\n']\n['1', 'ROAF', '>From me\\n']\n['2', 'O', 'hi\\n']\n")
  })

  test('a Maildir of Python is imported, and one that changed in between brings only what is new', async () => {
    const address = 'python@staffetta.test'
    await addAccount(address)
    const script = join(folder, 'maildir.py')
    const path = join(folder, 'PythonMaildir')
    writeFileSync(script, PYTHON)
    await succeed({ name: 'python3', args: [script, 'maildir', path] })
    assert.deepEqual(await importFrom(address, [path]), { imported: 2, already: 0, failed: 0 })
    cpSync(join(path, 'new'), join(path, 'cur'), { recursive: true })
    const all = await contents(address)
    assert.deepEqual(
      Object.entries(all).map(([name, rows]) => [name, rows.map(one => [one.flags, one.at])]),
      [
        ['INBOX', [[['\\Seen', '\\Answered', '\\Flagged'], 1_600_000_000]]],
        ['lists', [[[], 1_600_000_000]]],
      ],
    )
  })
})

async function staffettaText(reader: ReturnType<typeof openStorageReader>, id: number): Promise<string> {
  const content = reader.content(id)
  if (content?.in === 'memory') return Buffer.from(content.bytes).toString()
  assert.ok(content)
  const file = await succeed({ name: 'cat', args: [content.path] })
  return Buffer.concat([content.head, file]).toString()
}

/** The module quotes a line `From ` with one `>` and takes it back never. */
const PYTHON = `
import mailbox, sys, os
how, path = sys.argv[1:]
if how == 'write':
    box = mailbox.mbox(path)
    for n, flags in enumerate(['R', 'ROAF', '']):
        message = mailbox.mboxMessage('Subject: %d\\n\\n%s\\n' % (n, 'From me' if n == 1 else 'hi'))
        message.set_flags(flags)
        box.add(message)
    box.flush()
elif how == 'read':
    for message in mailbox.mbox(path, create=False):
        print([message['subject'], message.get_flags(), message.get_payload()])
else:
    box = mailbox.Maildir(path)
    for where, flags in [(box, 'FRS'), (box.add_folder('lists'), '')]:
        message = mailbox.MaildirMessage('Subject: x\\n\\nhi\\n')
        if flags:
            message.set_subdir('cur')
        message.set_flags(flags)
        message.set_date(1600000000)
        where.add(message)
`

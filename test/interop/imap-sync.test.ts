/**
 * Programs that keep a Maildir and the mailboxes of an account alike: a first run brings everything, byte for byte; a second one changes
 * nothing on either side; then what changes on each side arrives on the other.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { addressOf, contents, fill, letter, look, type MailboxServer, manyMessages } from './mailboxes.ts'
import { sameMessages, startMailboxServer, withImap } from './mailboxes.ts'
import { needs, succeed } from './program.ts'
import { PASSWORD } from './staffetta.ts'

const ANNA = 'anna'
const BRUNO = 'bruno'
const NAME = 'Reisen/Österreich & Größe'
/** RFC 3501 §5.1.3: as it is on the wire, and in mbsync's folders. */
const MODIFIED_UTF7 = 'Reisen/&ANY-sterreich &- Gr&APYA3w-e'

const needed = needs(['mbsync', 'offlineimap', 'script', 'openssl'])

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

/** The program keeps lines with LF. */
const withCrlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
const withLf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')

/** Files of a Maildir folder. */
const filesIn = (folder: string): string[] =>
  ['new', 'cur'].flatMap(name => readdirSync(join(folder, name)).map(file => join(folder, name, file)))

function fileOf(folder: string, subject: string): string | undefined {
  return filesIn(folder).find(file => new RegExp(`^Subject: ${subject}$`, 'm').test(readFileSync(file, 'latin1')))
}

const flagsOf = (file: string | undefined): string | undefined => file?.slice(file.lastIndexOf(',') + 1)

/** The flags of the message; a program that finds another name knows that they changed. */
function setFlags(folder: string, subject: string, flags: string): void {
  const file = fileOf(folder, subject)
  assert.ok(file)
  renameSync(file, join(folder, 'cur', `${basename(file).replace(/:2,.*$/, '')}:2,${flags}`))
}

let names = 0
function deliver(folder: string, message: Buffer, flags: string): void {
  for (const name of ['new', 'cur', 'tmp']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'cur', `${Date.now()}.${++names}.client:2,${flags}`), withLf(message))
}

/** Names and times of all files. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\/(?:new|cur)\//.test(name))
    .map(name => `${name} ${statSync(join(folder, name)).mtimeMs}`)
    .sort()
}

suite('synchronising with a Maildir', { skip: needed.skip }, () => {
  let server: MailboxServer

  before(async () => {
    server = await startMailboxServer([ANNA, BRUNO])
  })

  after(() => server?.stop())

  const newFolder = (name: string): string => {
    const folder = join(server.folder, name)
    mkdirSync(folder)
    return folder
  }

  /** Of all mailboxes: what any change would change. */
  async function state(name: string): Promise<string[]> {
    return await withImap(server, name, async client => {
      const query = { messages: true, uidNext: true, uidValidity: true, unseen: true, highestModseq: true } as const
      const found = await client.list({ statusQuery: query })
      return found.map(({ path, status, subscribed }) => {
        const { messages, uidNext, uidValidity, unseen, highestModseq } = status ?? {}
        return [path, messages, uidNext, uidValidity, unseen, highestModseq, subscribed].join(' ')
      })
    })
  }

  interface Sync {
    readonly name: string
    readonly mail: string
    readonly inbox: string
    /** Of NAME, and of one that is made there. */
    readonly named: string
    readonly another: string
    readonly run: () => Promise<string>
    /** Removes 'gone here' from the inbox as its users do. */
    readonly remove: () => void
  }

  async function unchanged({ name, mail, run }: Sync): Promise<string> {
    const before = [await state(name), snapshot(mail)]
    const output = await run()
    assert.deepEqual([await state(name), snapshot(mail)], before)
    return output
  }

  /** Both sides have `there`, `seen`, `gone here`, `gone there`. */
  async function bothWays(sync: Sync): Promise<void> {
    const { name, inbox, named, another, run } = sync
    setFlags(inbox, 'seen', 'FS')
    sync.remove()
    deliver(inbox, letter('new here'), 'RS')
    deliver(another, letter('in a new mailbox'), '')
    await withImap(server, name, async client => {
      await client.mailboxOpen('INBOX')
      const uidOf = async (subject: string) => (await client.search({ subject }, { uid: true })) || []
      await client.messageFlagsAdd(await uidOf('there'), ['\\Answered', '\\Flagged'], { uid: true })
      await client.messageDelete(await uidOf('gone there'), { uid: true })
      await client.append('INBOX', letter('new there'), ['\\Seen'])
      await client.append(NAME, letter('new in it'))
    })
    await run()
    const far = new Map((await look(server, name))?.map(({ subject, flags }) => [subject, flags]))
    assert.deepEqual(far.get('seen'), ['\\Flagged', '\\Seen'])
    assert.deepEqual(far.get('new here'), ['\\Answered', '\\Seen'])
    assert.equal(far.has('gone here'), false)
    assert.equal(far.has('gone there'), false)
    assert.equal(flagsOf(fileOf(inbox, 'there')), 'FR')
    assert.equal(flagsOf(fileOf(inbox, 'new there')), 'S')
    assert.equal(fileOf(inbox, 'gone there'), undefined)
    assert.equal(fileOf(inbox, 'gone here'), undefined)
    assert.ok(fileOf(named, 'new in it'))
    assert.deepEqual(
      (await look(server, name, 'Ärger'))?.map(({ subject }) => subject),
      ['in a new mailbox'],
    )
  }

  async function prepare(name: string, all: readonly Buffer[]): Promise<void> {
    await withImap(server, name, client => client.mailboxCreate(NAME))
    await withImap(server, name, client => client.mailboxSubscribe(NAME))
    await fill(server, name, NAME, [letter('in it')])
    await fill(server, name, 'INBOX', [
      ...['there', 'seen', 'gone here', 'gone there'].map(text => letter(text)),
      ...all,
    ])
  }

  /** Its last line: what was new (+), had other flags (*), went (#), far and near. */
  function summary(output: string): string {
    return /F: .*/.exec(output.slice(output.lastIndexOf('C: ')).trim())?.[0] ?? output
  }

  test('mbsync', async () => {
    const all = manyMessages('CRLF').filter(bytes => bytes.includes('\r\n\r\n'))
    await prepare(ANNA, all)
    const mail = newFolder('mbsync')
    const rc = join(server.folder, 'mbsyncrc')
    const account = `Host localhost\nPort ${server.imap}\nUser ${addressOf(ANNA)}\nPass "${PASSWORD}"`
    const near = `Path ${mail}/\nInbox ${mail}/INBOX\nSubFolders Verbatim`
    const channel = 'Far :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\nCopyArrivalDate yes'
    const parts = [
      `IMAPAccount a\n${account}\nSSLType STARTTLS\nCertificateFile ${server.certificate}`,
      `IMAPStore far\nAccount a`,
      `MaildirStore near\n${near}`,
      `Channel c\n${channel}`,
    ]
    writeFileSync(rc, `${parts.join('\n\n')}\n`)
    // Only a terminal gets the summary.
    const run = async () =>
      summary((await succeed({ name: 'script', args: ['-qec', `mbsync -c ${rc} -a`, '/dev/null'] })).toString())
    const inbox = join(mail, 'INBOX')
    const sync: Sync = {
      name: ANNA,
      mail,
      inbox,
      named: join(mail, MODIFIED_UTF7),
      another: join(mail, '&AMQ-rger'),
      run,
      remove: () => setFlags(inbox, 'gone here', 'ST'),
    }

    const total = all.length + 5
    assert.equal(await run(), `F: +0/0 *0/0 #0/0  N: +${total}/${total} *0/0 #0/0`)
    const found = filesIn(inbox).map(file => withCrlf(readFileSync(file)))
    // It marks what it copies, to find it again after a crash.
    const own = found.map(bytes => Buffer.from(bytes.toString('latin1').replace(/^X-TUID: .{12}\r\n/m, ''), 'latin1'))
    sameMessages(own, await contents(server, ANNA))
    assert.ok(fileOf(sync.named, 'in it'))
    assert.deepEqual(readdirSync(mail).filter(name => /^(?:Archive|Drafts|Junk|Sent|Trash)$/.test(name)).length, 5)
    const nothing = 'F: +0/0 *0/0 #0/0  N: +0/0 *0/0 #0/0'
    assert.equal(await unchanged(sync), nothing)
    await bothWays(sync)
    assert.equal(await unchanged(sync), nothing)
  })

  test('offlineimap', async () => {
    const all = manyMessages('CRLF').filter((bytes, n) => n < 60 && bytes.includes('\r\n\r\n'))
    await prepare(BRUNO, all)
    const mail = newFolder('offlineimap')
    const rc = join(server.folder, 'offlineimaprc')
    const there = `remotehost = localhost\nremoteport = ${server.imaps}\nremoteuser = ${addressOf(BRUNO)}\nremotepass = ${PASSWORD}`
    const parts = [
      `[general]\naccounts = a\nmetadata = ${server.folder}/offlineimap-state\nui = basic\nsocktimeout = 30`,
      '[Account a]\nlocalrepository = near\nremoterepository = far\nutf8foldernames = yes',
      `[Repository near]\ntype = Maildir\nlocalfolders = ${mail}`,
      `[Repository far]\ntype = IMAP\n${there}\nssl = yes\nsslcacertfile = ${server.certificate}`,
    ]
    writeFileSync(rc, `${parts.join('\n\n')}\n`)
    const run = async () => (await succeed({ name: 'offlineimap', args: ['-o', '-c', rc] })).toString()
    const folder = (name: string) => join(mail, name)
    const inbox = folder('INBOX')
    const sync: Sync = {
      name: BRUNO,
      mail,
      inbox,
      named: folder(NAME.replace('/', '.')),
      another: folder('Ärger'),
      run,
      // It leaves \Deleted alone; what isn't there any more it deletes.
      remove: () => unlinkSync(fileOf(inbox, 'gone here') ?? ''),
    }

    await run()
    sameMessages(
      filesIn(inbox).map(file => withCrlf(readFileSync(file))),
      await contents(server, BRUNO),
    )
    assert.ok(fileOf(sync.named, 'in it'))
    assert.doesNotMatch(await unchanged(sync), /Copy|Delet|Adding|Updat/)
    await bothWays(sync)
    await unchanged(sync)
  })
})

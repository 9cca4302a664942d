/** Libraries that programs reach mailboxes with over IMAP: Python's imaplib and imapflow. */
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { FetchMessageObject, ImapFlow, ImapFlowOptions } from 'imapflow'
import { addressOf, attached, contents, COUNT, fill, hash, letter, look } from './mailboxes.ts'
import { type MailboxServer, manyMessages, sameMessages, startMailboxServer, withImap } from './mailboxes.ts'
import { needs, succeed, until } from './program.ts'
import { PASSWORD } from './staffetta.ts'

const needed = needs(['python3', 'openssl'])

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

suite('libraries for IMAP', { skip: needed.skip }, () => {
  const all = manyMessages('any')
  let server: MailboxServer

  before(async () => {
    server = await startMailboxServer(['large', 'imaplib', 'imapflow', 'idle', 'qresync'])
    await fill(server, 'large', 'INBOX', all)
  })

  after(() => server?.stop())

  // ---- imaplib

  async function imaplib(security: 'starttls' | 'tls', name: string, ...what: string[]): Promise<unknown> {
    const port = security === 'tls' ? server.imaps : server.imap
    const there = [`${port}`, security, server.certificate, addressOf(name), PASSWORD]
    const args = [join(import.meta.dirname, 'imap.py'), ...there, ...what]
    const seen: unknown = JSON.parse((await succeed({ name: 'python3', args })).toString())
    return seen
  }

  test('imaplib fetches 1,000 messages and one with 10 MB byte for byte', async () => {
    assert.deepEqual(await imaplib('tls', 'large', 'fetch', 'INBOX'), { hashes: all.map(hash) })
  })

  test('imaplib appends, each message after the invitation to send it', async () => {
    const messages = manyMessages('CRLF').filter((_, n) => n < 50 || n === COUNT - 1) // it makes all lines end with CRLF
    const folder = join(server.folder, 'messages')
    mkdirSync(folder)
    const files = messages.map((bytes, n) => {
      const file = join(folder, `${n}.eml`)
      writeFileSync(file, bytes)
      return file
    })
    const uids = messages.map((_, n) => n + 1)
    assert.deepEqual(await imaplib('starttls', 'imaplib', 'append', 'INBOX', ...files), { uids })
    assert.deepEqual(await imaplib('starttls', 'imaplib', 'fetch', 'INBOX'), { hashes: messages.map(hash) })
    sameMessages(await contents(server, 'imaplib'), messages)
  })

  for (const [n, security] of (['starttls', 'tls'] as const).entries()) {
    test(`imaplib, ${security}: commands of many kinds, IDLE by hand, UTF8=ACCEPT`, async () => {
      assert.deepEqual(await imaplib(security, 'imaplib', 'talk', `talk-${security}`), {
        exists: '3',
        date: '1 (INTERNALDATE "17-Jul-1996 09:44:25 +0000" FLAGS (\\Seen $Work \\Recent))',
        sort: '2 1 3',
        thread: '(1 3)(2)',
        search: '3',
        text: '2',
        'bad charset': 'NO',
        partial: 'irs',
        copy: '[COPYUID',
        move: 'OK',
        archive: `Archive (MESSAGES ${3 * (n + 1)} UNSEEN ${n + 1} UIDNEXT ${3 * (n + 1) + 1})`,
        subscribed: '() "/" Archive',
        quota: `INBOX ${addressOf('imaplib')}`,
        rights: `talk-${security} lrswipkxteacd`,
        namespace: '(("" "/")) (("user/" "/")) NIL',
        missing: 'NO',
        expunged: 2,
        idle: [
          '* 1 EXISTS',
          '* 1 FETCH (FLAGS (\\Answered \\Flagged \\Recent))',
          '* 1 FETCH (FLAGS (\\Answered \\Flagged \\Deleted \\Recent))',
          '* 1 EXPUNGE',
          'X1 OK Done',
        ],
        utf8: ['(\\HasNoChildren) "/" "Grüße"'],
        'utf8 select': '0',
        'utf8 search': '1',
      })
    })
  }

  // ---- imapflow

  /** Fails when the server refused anything, or imapflow could not make sense of it. `commands`: what it sent. */
  async function imapflow(
    name: string,
    options: Partial<ImapFlowOptions>,
    use: (client: ImapFlow, commands: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const commands: string[] = []
    const complaints: unknown[] = []
    const note = (entry: unknown): void => {
      if (typeof entry !== 'object' || entry === null || !('msg' in entry) || typeof entry.msg !== 'string') return
      if (!('src' in entry)) return
      if (entry.src === 'c') commands.push(entry.msg)
      if (entry.src === 's' && /^\S+ (?:BAD|NO (?!\[ALREADYEXISTS\])) /.test(entry.msg)) complaints.push(entry.msg)
    }
    const complain = (entry: unknown): number => complaints.push(entry)
    const logger = { debug: note, info: note, warn: complain, error: complain }
    await withImap(server, name, client => use(client, commands), { ...options, logger })
    assert.deepEqual(complaints, [])
    assert.ok(commands.length > 0)
  }

  const STARTTLS = () => ({ port: server.imap, secure: false, doSTARTTLS: true, host: 'localhost' })
  const uidsOf = (found: FetchMessageObject[]): number[] => found.map(({ uid }) => uid)

  for (const security of ['starttls', 'tls'] as const) {
    test(`imapflow, ${security}: 1,000 messages and one with 10 MB byte for byte, whole and in parts`, async () => {
      await imapflow('large', security === 'tls' ? {} : STARTTLS(), async (client, commands) => {
        await client.mailboxOpen('INBOX', { readOnly: true })
        const found = await client.fetchAll('1:*', { source: true, size: true, bodyStructure: true, envelope: true })
        sameMessages(
          found.map(({ source }) => source ?? Buffer.alloc(0)),
          all,
        )
        assert.deepEqual(
          found.map(({ size }) => size),
          all.map(({ length }) => length),
        )
        const whole = await client.download(`${COUNT}`)
        assert.ok(whole.content)
        assert.equal(hash(await buffer(whole.content)), hash(all.at(-1) ?? Buffer.alloc(0)))
        for (const binary of [false, true]) {
          const part = await client.download(`${COUNT}`, '2', { binary })
          assert.ok(part.content)
          assert.equal(hash(await buffer(part.content)), hash(attached()))
        }
        assert.ok(commands.some(text => /COMPRESS DEFLATE/.test(text)))
        assert.ok(commands.some(text => /ENABLE .*IMAP4REV2/i.test(text)))
        assert.ok(commands.some(text => /BINARY/.test(text)))
      })
    })
  }

  for (const disableIMAP4rev2 of [true, false]) {
    test(`imapflow, ${disableIMAP4rev2 ? 'IMAP4rev1' : 'IMAP4rev2'}: mailboxes, flags, search, copies`, async () => {
      await imapflow('imapflow', { disableIMAP4rev2 }, async client => {
        const list = await client.list({ statusQuery: { messages: true, unseen: true } })
        const uses = new Map(list.map(({ path, specialUse }) => [path, specialUse]))
        assert.deepEqual(
          ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'].map(name => uses.get(name)),
          ['\\Archive', '\\Drafts', '\\Inbox', '\\Junk', '\\Sent', '\\Trash'],
        )
        const name = 'Über alles/Größe & 日本'
        assert.equal((await client.mailboxCreate(name)).created, true)
        assert.equal((await client.mailboxCreate(name)).created, false)
        const renamed = await client.mailboxRename(name, 'Über alles/neu')
        assert.equal(renamed.newPath, 'Über alles/neu')
        await client.mailboxSubscribe(renamed.newPath)
        assert.equal((await client.list()).find(({ path }) => path === renamed.newPath)?.subscribed, true)

        await client.mailboxOpen(renamed.newPath)
        const date = new Date('2026-07-17T02:44:25Z')
        const appended = await client.append(renamed.newPath, letter('größer als alles'), ['\\Seen', '$Work'], date)
        assert.ok(appended !== false && appended.uid === 1)
        for (const subject of ['two', 'three'])
          await client.append(renamed.newPath, letter(subject, 'Grüße aus Köln\r\n'))
        const first = await client.fetchOne('1', {
          flags: true,
          internalDate: true,
          envelope: true,
          headers: ['subject'],
        })
        assert.ok(first !== false)
        assert.deepEqual(
          [...(first.flags ?? [])].filter(flag => flag !== '\\Recent'),
          ['\\Seen', '$Work'],
        )
        assert.deepEqual(first.internalDate, date)
        assert.equal(first.envelope?.subject, 'größer als alles')
        assert.equal(first.headers?.toString(), 'Subject: größer als alles\r\n\r\n')
        assert.deepEqual(await client.search({ subject: 'GRÖSSER ALS' }, { uid: true }), [1])
        assert.deepEqual(await client.search({ body: 'köln', seen: false }, { uid: true }), [2, 3])
        assert.deepEqual(
          await client.search({ or: [{ keyword: '$Work' }, { subject: 'three' }] }, { uid: true }),
          [1, 3],
        )
        assert.deepEqual(await client.search({ emailId: first.emailId ?? '' }, { uid: true }), [1])

        const { highestModseq } = await client.mailboxOpen(renamed.newPath)
        assert.equal(await client.messageFlagsAdd('2', ['\\Flagged'], { uid: true }), true)
        const changed = await client.fetchAll('1:*', { flags: true }, { uid: true, changedSince: highestModseq ?? 0n })
        assert.deepEqual(uidsOf(changed), [2])
        assert.equal(await client.messageFlagsSet('2', ['\\Answered'], { uid: true, unchangedSince: 1 }), true)
        assert.ok((await look(server, 'imapflow', renamed.newPath))?.[1]?.flags.includes('\\Flagged'))

        const copied = await client.messageCopy('1:2', 'Archive', { uid: true })
        assert.ok(copied !== false && copied.uidMap?.size === 2)
        const moved = await client.messageMove('3', 'Trash', { uid: true })
        assert.ok(moved !== false && moved.uidMap?.size === 1)
        await client.messageDelete('1', { uid: true })
        assert.deepEqual(uidsOf(await client.fetchAll('1:*', { uid: true })), [2])
        const status = await client.status('Archive', { messages: true, unseen: true, uidNext: true })
        assert.ok(status !== false && status.messages !== undefined && status.messages >= 2)
        const quota = await client.getQuota('INBOX')
        assert.ok(quota !== false)
        await client.mailboxClose()
        await client.mailboxDelete(renamed.newPath)
        await client.mailboxDelete('Über alles')
        assert.equal(await look(server, 'imapflow', renamed.newPath), undefined)
      })
    })
  }

  test('imapflow hears in IDLE what others do', async () => {
    await imapflow('idle', {}, async client => {
      await client.mailboxOpen('INBOX')
      const heard: string[] = []
      client.on('exists', ({ count, prevCount }) => heard.push(`exists ${prevCount} ${count}`))
      client.on('flags', ({ seq, flags }) => heard.push(`flags ${seq} ${flags.has('\\Flagged')}`))
      client.on('expunge', ({ seq }) => heard.push(`expunge ${seq}`))
      const idling = client.idle()
      await until('IDLE', () => (client.idling ? true : undefined))
      const hears = (what: string) =>
        until(`${what}: ${heard.join(', ')}`, () => (heard.includes(what) ? true : undefined))
      await withImap(server, 'idle', async other => {
        await other.append('INBOX', letter('pushed'))
        await hears('exists 0 1')
        await other.mailboxOpen('INBOX')
        await other.messageFlagsAdd('1', ['\\Flagged'])
        await hears('flags 1 true')
        await other.messageDelete('1')
        await hears('expunge 1')
      })
      await client.noop()
      await idling
    })
  })

  test('imapflow is told by QRESYNC what happened while it was away', async () => {
    const messages = ['one', 'two', 'three', 'four'].map(subject => letter(subject))
    await fill(server, 'qresync', 'INBOX', messages)
    const state = await withImap(server, 'qresync', client => client.mailboxOpen('INBOX'))
    await withImap(server, 'qresync', async client => {
      await client.mailboxOpen('INBOX')
      await client.messageFlagsAdd('2', ['\\Flagged'], { uid: true })
      await client.messageDelete('1,3', { uid: true })
      await client.append('INBOX', letter('five'))
    })
    await imapflow('qresync', { qresync: true }, async (client, commands) => {
      const heard: string[] = []
      client.on('flags', ({ uid, flags }) => heard.push(`flags ${uid} ${[...flags].join(' ')}`))
      client.on('expunge', ({ uid, vanished, earlier }) => heard.push(`expunge ${uid} ${vanished} ${earlier}`))
      const { highestModseq, uidValidity } = state
      const now = await client.mailboxOpen('INBOX', { changedSince: highestModseq ?? 0n, uidValidity })
      assert.equal(now.exists, 3)
      assert.deepEqual(heard.sort(), ['expunge 1 true true', 'expunge 3 true true', 'flags 2 \\Flagged', 'flags 5 '])
      assert.ok(commands.some(text => /QRESYNC \(/.test(text)))
    })
  })
})

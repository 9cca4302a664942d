/** Programs that people read their mail with, or have it fetched by, over IMAP: what they do is looked at with other eyes afterwards. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { corpus, difference } from './corpus.ts'
import { addressOf, contents, fill, letter, look, type MailboxServer, manyMessages } from './mailboxes.ts'
import { sameMessages, startMailboxServer, withImap } from './mailboxes.ts'
import { call, type Done, needs, succeed } from './program.ts'
import { PASSWORD } from './staffetta.ts'

const people = { from: 'bruno@staffetta.test', to: 'anna@staffetta.test', international: undefined }
const needed = needs(['curl', 'fetchmail', 'getmail', 'mutt', 'neomutt', 'script', 'openssl'])

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

const withCrlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1')

suite('clients of IMAP', { skip: needed.skip }, () => {
  const some = corpus(people).map(({ bytes }) => bytes)
  const large = manyMessages('CRLF').at(-1) ?? Buffer.alloc(0)
  let server: MailboxServer

  before(async () => {
    server = await startMailboxServer(['curl', 'fetchmail', 'getmail', 'mutt', 'neomutt'])
  })

  after(() => server?.stop())

  function newFolder(name: string, ...others: string[]): string {
    const folder = join(server.folder, name)
    for (const path of [folder, ...others.map(other => join(folder, other))]) mkdirSync(path)
    return folder
  }

  const filesIn = (folder: string): Buffer[] => readdirSync(folder).map(name => readFileSync(join(folder, name)))

  // ---- curl

  /** `place`: what stands behind the host in the URL. */
  function curl(security: 'starttls' | 'tls', place: string, ...more: string[]): Promise<Done> {
    const url = security === 'tls' ? `imaps://localhost:${server.imaps}` : `imap://localhost:${server.imap}`
    const login = ['--ssl-reqd', '--cacert', server.certificate, '--user', `${addressOf('curl')}:${PASSWORD}`]
    return call({ name: 'curl', args: ['-sS', '--max-time', '30', ...login, ...more, `${url}/${place}`] })
  }

  async function output(done: Promise<Done>): Promise<Buffer> {
    const { code, stdout, stderr } = await done
    assert.equal(code, 0, stderr)
    return stdout
  }

  const said = async (done: Promise<Done>): Promise<string> => (await output(done)).toString('latin1')

  for (const security of ['starttls', 'tls'] as const) {
    test(`curl, ${security}: lists, appends, fetches, searches, and says what it is told to say`, async () => {
      const inbox = `curl-${security}`
      assert.match(await said(curl(security, '')), /^\* LIST \([^)]*\\Drafts[^)]*\) "\/" Drafts\r\n/m)
      await output(curl(security, '', '-X', `CREATE ${inbox}`))
      const all = [...some, letter('to be found'), large]
      for (const [n, bytes] of all.entries()) {
        const file = join(server.folder, `${security}-${n}.eml`)
        writeFileSync(file, bytes)
        await output(curl(security, inbox, '-T', file))
      }
      sameMessages(await contents(server, 'curl', inbox), all)
      for (const [n, bytes] of all.entries())
        assert.equal(difference(await output(curl(security, `${inbox};UID=${n + 1}`)), bytes), undefined)
      const last = some.length + 1
      assert.equal(await said(curl(security, `${inbox};MAILINDEX=${last};SECTION=TEXT`)), 'Good morning.\r\n')
      const field = `${inbox};UID=${last};SECTION=HEADER.FIELDS%20(SUBJECT)`
      assert.equal(await said(curl(security, field)), 'Subject: to be found\r\n\r\n')
      assert.equal(await said(curl(security, `${inbox}?SUBJECT%20found`)), `* SEARCH ${last}\r\n`)
      assert.equal(await said(curl(security, `${inbox}?TEXT%20nowhere`)), '* SEARCH\r\n')
      const stored = await said(curl(security, inbox, '-X', `STORE 1:${last - 1} +FLAGS (\\Deleted)`))
      assert.match(stored, /^\* 1 FETCH \(FLAGS \(.*\\Deleted.*\)\)\r\n/)
      assert.match(await said(curl(security, inbox, '-X', 'EXPUNGE')), /^(?:\* \d EXPUNGE\r\n){5}$/)
      const status = await said(curl(security, '', '-X', `STATUS ${inbox} (MESSAGES UIDNEXT)`))
      assert.equal(status, `* STATUS ${inbox} (MESSAGES 2 UIDNEXT ${all.length + 1})\r\n`)
    })
  }

  test('curl hears what is wrong', async () => {
    assert.equal((await curl('tls', 'INBOX;UIDVALIDITY=1;UID=1')).code, 78)
    assert.equal((await curl('tls', 'Nowhere;UID=1')).code, 67)
    assert.equal((await curl('tls', '', '-X', 'NONSENSE')).code, 21)
    assert.equal((await curl('tls', '', '--user', `${addressOf('curl')}:wrong`)).code, 67)
  })

  // ---- fetchmail and getmail

  /** A delivery agent that writes each message into a file of its own. */
  async function fetchmail(protocol: 'imap' | 'pop3', folder: string, how: string): Promise<number> {
    const rc = join(server.folder, 'fetchmailrc')
    const port = protocol === 'imap' ? server.imap : server.pop3s
    const tls = protocol === 'imap' ? 'sslproto "TLS1.2+"' : 'ssl sslproto "TLS1.2+"'
    const checked = `${tls} sslcertck sslcertfile "${server.certificate}" sslcommonname "mx.staffetta.test"`
    const user = `user "${addressOf('fetchmail')}" password "${PASSWORD}" ${checked} ${how} no rewrite`
    const mda = `mda "cat > $(mktemp ${folder}/XXXXXX)"`
    writeFileSync(rc, `poll localhost protocol ${protocol} service ${port} ${user} ${mda}\n`, { mode: 0o600 })
    const env = { HOME: server.folder, FETCHMAILHOME: server.folder }
    const { code, stdout, stderr } = await call({ name: 'fetchmail', args: ['--invisible', '-f', rc], env })
    assert.ok(code <= 1, `${code}: ${stdout.toString().slice(-2000)} ${stderr.slice(-2000)}`)
    return code
  }

  test('fetchmail fetches each message once, by IMAP and by POP3, and then takes it away', async () => {
    const all = [...some, large]
    const found = (folder: string) => filesIn(folder).map(withCrlf)
    await fill(server, 'fetchmail', 'INBOX', all)
    const kept = newFolder('fetchmail-imap')
    assert.equal(await fetchmail('imap', kept, 'keep'), 0)
    sameMessages(found(kept), all)
    assert.equal(await fetchmail('imap', kept, 'keep'), 1) // nothing new
    assert.deepEqual(
      (await look(server, 'fetchmail'))?.map(({ flags }) => flags),
      all.map(() => ['\\Seen']),
    )
    const pop3 = newFolder('fetchmail-pop3')
    assert.equal(await fetchmail('pop3', pop3, 'fetchall no keep'), 0)
    sameMessages(found(pop3), all)
    assert.deepEqual(await look(server, 'fetchmail'), [])
    await fill(server, 'fetchmail', 'INBOX', some)
    const taken = newFolder('fetchmail-taken')
    assert.equal(await fetchmail('imap', taken, 'no keep'), 0)
    sameMessages(found(taken), some)
    assert.deepEqual(await look(server, 'fetchmail'), [])
  })

  test('getmail fetches each message of several mailboxes once', async () => {
    const maildir = newFolder('getmail', 'new', 'cur', 'tmp')
    for (const path of [server.folder, maildir, ...['new', 'cur', 'tmp'].map(name => join(maildir, name))])
      chmodSync(path, 0o777)
    const there = `server = localhost\nport = ${server.imaps}\nusername = ${addressOf('getmail')}\npassword = ${PASSWORD}`
    const text = [
      `[retriever]\ntype = SimpleIMAPSSLRetriever\n${there}\nmailboxes = ("INBOX", "Archive")\nca_certs = ${server.certificate}`,
      `[destination]\ntype = Maildir\npath = ${maildir}/`,
      ...(process.getuid?.() === 0 ? ['user = nobody'] : []), // it delivers nothing as root
      '[options]\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n',
    ]
    writeFileSync(join(server.folder, 'getmailrc'), text.join('\n'))
    const getmail = async () =>
      (await succeed({ name: 'getmail', args: [`--getmaildir=${server.folder}`, '--rcfile=getmailrc'] })).toString()
    const [inbox, archive] = [[...some, large], [letter('kept')]]
    await fill(server, 'getmail', 'INBOX', inbox)
    await fill(server, 'getmail', 'Archive', archive)
    assert.match(await getmail(), new RegExp(`\\b${inbox.length + 1} messages \\(`))
    const ownFields = /^Return-Path: <unknown>\r\n|^X-getmail-retrieved-from-mailbox: .*\r\n/gm
    const withoutOwn = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll(ownFields, ''), 'latin1')
    sameMessages(filesIn(join(maildir, 'new')).map(withCrlf).map(withoutOwn), [...inbox, ...archive])
    await fill(server, 'getmail', 'INBOX', [letter('new')])
    assert.match(await getmail(), /\b1 messages? \(/)
    assert.match(await getmail(), /\b0 messages \(/)
  })

  // ---- mutt and neomutt

  /** The keys, as `push` takes them, in a terminal; ends when the program does. */
  async function mutt(name: 'mutt' | 'neomutt', keys: string): Promise<void> {
    const rc = join(server.folder, `${name}rc`)
    const settings = [
      `set folder="imaps://localhost:${server.imaps}/" spoolfile="+INBOX" record="+Sent" postponed="+Drafts" mbox_type=mbox`,
      `set imap_user="${addressOf(name)}" imap_pass="${PASSWORD}" certificate_file="${server.certificate}"`,
      `set header_cache="${server.folder}/${name}-headers" imap_condstore=yes imap_qresync=yes ssl_force_tls=yes`,
      'set quit=yes delete=yes move=no mark_old=no confirmappend=no confirmcreate=no copy=yes wait_key=no',
      'set pipe_decode=no resolve=no sleep_time=0 net_inc=0 read_inc=0 write_inc=0 sort=mailbox-order',
      `set from="${addressOf(name)}" sendmail="/bin/true" editor="/bin/true" edit_headers=yes abort_nosubject=no`,
      `push "${keys}<quit>"`,
    ]
    writeFileSync(rc, `${settings.join('\n')}\n`)
    // In the foreground: a group of its own may not read from the terminal, and waits for ever to be allowed to.
    const terminal = `stty rows 24 columns 80; timeout --foreground 40 ${name} -n -F ${rc}`
    const env = { TERM: 'xterm', HOME: server.folder, LC_ALL: 'C.UTF-8' }
    await succeed({ name: 'script', args: ['-qec', terminal, `${server.folder}/${name}.typescript`], env })
  }

  for (const name of ['mutt', 'neomutt'] as const) {
    test(`${name} opens, shows, saves, flags, moves, deletes, and takes up where it left`, async () => {
      const subjects = ['shown', 'saved', 'flagged', 'moved', 'deleted', 'untouched']
      const saved = letter('saved', 'From here\r\n.\r\nto there.\r\n')
      await fill(
        server,
        name,
        'INBOX',
        subjects.map(text => (text === 'saved' ? saved : letter(text))),
      )
      const file = join(server.folder, `${name}.eml`)
      const at = (subject: string, keys: string) => `<first-entry><search>~s ${subject}<enter>${keys}`
      await mutt(
        name,
        [
          '<first-entry><display-message><exit>',
          at('saved', `<pipe-message>cat > ${file}<enter>`),
          at('flagged', '<flag-message>'),
          at('moved', '<save-message>=Archive<enter>'),
          at('deleted', '<delete-message>'),
        ].join(''),
      )
      assert.equal(difference(withCrlf(readFileSync(file)), saved), undefined)
      const left = new Map((await look(server, name))?.map(({ subject, flags }) => [subject, flags]))
      assert.deepEqual([...left.keys()], ['shown', 'saved', 'flagged', 'untouched'])
      assert.deepEqual(left.get('shown'), ['\\Seen'])
      assert.deepEqual(left.get('flagged'), ['\\Flagged'])
      assert.deepEqual(left.get('untouched'), [])
      assert.deepEqual(
        (await look(server, name, 'Archive'))?.map(({ subject }) => subject),
        ['moved'],
      )

      // Meanwhile others change something; what it kept of the mailbox is brought up to date.
      await withImap(server, name, async client => {
        await client.mailboxOpen('INBOX')
        await client.messageDelete('1')
        await client.append('INBOX', letter('newer'))
      })
      await mutt(name, `${at('newer', '<flag-message>')}<change-folder>=Archive<enter>${at('moved', '<flag-message>')}`)
      const now = (await look(server, name))?.map(({ subject, flags }) => `${subject} ${flags.join(' ')}`)
      assert.deepEqual(now, ['saved ', 'flagged \\Flagged', 'untouched ', 'newer \\Flagged'])
      assert.deepEqual((await look(server, name, 'Archive'))?.[0]?.flags.includes('\\Flagged'), true)
    })
  }
})

/**
 * Programs that fetch mail by POP3: 1,000 messages and one with 10 MB come to each of them byte for byte. Those that write lines with LF
 * (fetchmail, getmail) are compared after that; all of them before the trace fields that they or we put on top.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { corpus, difference, withoutTrace } from './corpus.ts'
import { call, freePort, needs, succeed, until } from './program.ts'
import { PASSWORD, type Staffetta, startStaffetta } from './staffetta.ts'

const ANNA = 'anna@staffetta.test'
const BRUNO = 'bruno@staffetta.test'
const COUNT = 1000

const needed = needs(['curl', 'python3', 'fetchmail', 'getmail', 'openssl'])

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

/** In the order in which they are handed in; the last has an attachment of 10 MB. */
function messages(): Buffer[] {
  const special = corpus({ from: BRUNO, to: ANNA, international: undefined }).map(({ bytes }) => bytes)
  const many = Array.from({ length: COUNT - special.length }, (_, n) =>
    Buffer.from(
      `From: <${BRUNO}>\r\nTo: <${ANNA}>\r\nSubject: number ${n}\r\nMessage-ID: <${n}@client.test>\r\n\r\n${`${'.'.repeat(n % 4)}line of ${n}\r\n`.repeat(n % 97)}`,
    ),
  )
  return [...special, ...many, attachment()]
}

function attachment(): Buffer {
  const octets = Buffer.alloc(10 * 1024 * 1024)
  for (let at = 0; at < octets.length; at += 4) octets.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  const lines = octets.toString('base64').replaceAll(/.{76}/g, '$&\r\n')
  const header = `From: <${BRUNO}>\r\nTo: <${ANNA}>\r\nSubject: large\r\nMessage-ID: <large@client.test>\r\nMIME-Version: 1.0\r\n`
  const parts = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee there.\r\n--b\r\n'
  const part = 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n'
  return Buffer.from(`${header}${parts}${part}${lines}\r\n--b--\r\n`)
}

/** All in one session, pipelined (RFC 2920, RFC 3030). */
async function handIn(port: number, to: string, all: readonly Buffer[]): Promise<void> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let heard = ''
  socket.on('data', (text: string) => (heard += text))
  socket.write('EHLO client.test\r\n')
  for (const bytes of all) {
    socket.write(`MAIL FROM:<${BRUNO}> BODY=8BITMIME\r\nRCPT TO:<${to}>\r\nBDAT ${bytes.length} LAST\r\n`)
    socket.write(bytes)
  }
  socket.end('QUIT\r\n')
  await once(socket, 'close')
  assert.equal(heard.match(/^250 2\.0\.0 queued as /gm)?.length, all.length, heard.slice(-500))
}

const withCrlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1')

suite('POP3', { skip: needed.skip }, () => {
  const all = messages()
  /** getmail starts a process for each. */
  const some = all.filter((_, n) => n < 25 || n === COUNT)
  const folder = mkdtempSync(join(tmpdir(), 'pop3-'))
  let server: Staffetta
  let pop3 = 0
  let pop3s = 0

  before(async () => {
    ;[pop3, pop3s] = [await freePort(), await freePort()]
    const host = '127.0.0.1'
    server = await startStaffetta({
      hostname: 'mx.staffetta.test',
      domains: ['staffetta.test'],
      accounts: [ANNA, BRUNO],
      config: { listeners: { pop3: { port: pop3, host }, pop3s: { port: pop3s, host } } },
    })
    for (const [address, mails] of [
      [ANNA, all],
      [BRUNO, some],
    ] as const) {
      await handIn(server.ports.smtp, address, mails)
      const arrived = async () => ((await list(address)).length === mails.length ? true : undefined)
      await until(`${mails.length} messages for ${address}`, arrived)
    }
  })

  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** The lines of LIST. */
  async function list(address: string): Promise<string[]> {
    const args = ['-sSk', '--max-time', '10', '--user', `${address}:${PASSWORD}`, `pop3s://127.0.0.1:${pop3s}/`]
    const lines = (await succeed({ name: 'curl', args })).toString().split('\n')
    return lines.filter(line => line.trim() !== '')
  }

  const newFolder = (name: string): string => {
    const path = join(folder, name)
    mkdirSync(path)
    return path
  }

  const filesIn = (path: string): Buffer[] =>
    readdirSync(path)
      .filter(name => name.endsWith('.eml'))
      .map(name => readFileSync(join(path, name)))

  /** Each message once, and nothing else. `form`: the line ends that a program writes. */
  function check(found: readonly Buffer[], wanted: readonly Buffer[], form: 'CRLF' | 'LF' = 'CRLF'): void {
    const left = new Set(wanted.map(bytes => bytes.toString('latin1')))
    for (const bytes of found) {
      const own = withoutTrace(form === 'LF' ? withCrlf(bytes) : bytes)
      if (left.delete(own.toString('latin1'))) continue
      const id = /^Message-ID: .*\r\n/m.exec(own.toString('latin1'))?.[0] ?? 'none'
      assert.fail(difference(own, wanted.find(each => each.includes(id)) ?? Buffer.alloc(0)) ?? `twice: ${id}`)
    }
    assert.equal(left.size, 0)
  }

  test('curl, with STLS', async () => {
    const path = newFolder('curl')
    const login = ['--ssl-reqd', '-k', '--user', `${ANNA}:${PASSWORD}`]
    const url = `pop3://127.0.0.1:${pop3}/[1-${all.length}]`
    await succeed({ name: 'curl', args: ['-sS', ...login, '-o', join(path, '#1.eml'), url] })
    check(filesIn(path), all)
  })

  async function poplib(name: string, security: 'stls' | 'tls', then: string): Promise<string> {
    const path = newFolder(name)
    const port = security === 'tls' ? pop3s : pop3
    const there = ['127.0.0.1', `${port}`, security, ANNA, PASSWORD, path, then]
    await succeed({ name: 'python3', args: [join(import.meta.dirname, 'pop3.py'), ...there] })
    return path
  }

  const uidsIn = (path: string): string[] => readFileSync(join(path, 'uids'), 'latin1').split('\n')

  test('poplib, with STLS and with TLS: sizes, headers and unique ids are right, and those stay the same', async () => {
    const [stls, tls] = [await poplib('stls', 'stls', 'keep'), await poplib('tls', 'tls', 'keep')]
    check(filesIn(stls), all)
    check(filesIn(tls), all)
    assert.equal(new Set(uidsIn(stls)).size, all.length)
    assert.deepEqual(uidsIn(tls), uidsIn(stls))
  })

  /** What was fetched; fetchmail ends with 1 when there was nothing new. */
  async function fetchmail(name: string, how: 'keep' | 'fetchall no keep'): Promise<Buffer[]> {
    const output = join(folder, `${name}.bsmtp`)
    const rc = join(folder, `${name}.rc`)
    const account = `user "${ANNA}" password "${PASSWORD}" ssl sslproto "TLS1.2+" no sslcertck ${how} no rewrite`
    const text = `poll 127.0.0.1 protocol pop3 service ${pop3s} uidl ${account} bsmtp "${output}"\n`
    writeFileSync(rc, text, { mode: 0o600 })
    const env = { HOME: folder, FETCHMAILHOME: folder }
    const args = ['--invisible', '-f', rc, '-i', join(folder, 'ids')]
    const { code, stderr, stdout } = await call({ name: 'fetchmail', args, env })
    assert.ok(code === 0 || code === 1, `${code}: ${stderr.slice(-2000)}${stdout.toString().slice(-2000)}`)
    return code === 1 ? [] : unwrapped(readFileSync(output))
  }

  test('fetchmail that leaves the mail there fetches each message once', async () => {
    check(await fetchmail('first', 'keep'), all, 'LF')
    assert.deepEqual(await fetchmail('second', 'keep'), [])
  })

  async function getmail(path: string): Promise<string> {
    const text = [
      '[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1',
      `port = ${pop3s}\nusername = ${BRUNO}\npassword = ${PASSWORD}`,
      `[destination]\ntype = Maildir\npath = ${path}/`,
      ...(process.getuid?.() === 0 ? ['user = nobody'] : []), // it delivers nothing as root
      '[options]\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n',
    ]
    writeFileSync(join(folder, 'getmailrc'), text.join('\n'))
    const args = [`--getmaildir=${folder}`, '--rcfile=getmailrc']
    return (await succeed({ name: 'getmail', args })).toString()
  }

  test('getmail that leaves the mail there fetches each message once', async () => {
    const path = newFolder('Maildir')
    for (const name of ['new', 'cur', 'tmp']) mkdirSync(join(path, name))
    for (const name of ['..', '', 'new', 'cur', 'tmp']) chmodSync(join(path, name), 0o777)
    assert.match(await getmail(path), new RegExp(`\\b${some.length} messages \\(`))
    const found = readdirSync(join(path, 'new')).map(name => readFileSync(join(path, 'new', name)))
    check(found, some, 'LF')
    assert.match(await getmail(path), /\b0 messages \(/)
  })

  test('what is removed is gone, what was not is there under its unique id, and nothing comes twice', async () => {
    await poplib('half', 'tls', 'delete-half')
    const left = uidsIn(await poplib('other-half', 'tls', 'keep'))
    const odd = uidsIn(join(folder, 'tls')).filter((_, at) => at % 2 === 0)
    assert.deepEqual(left, odd)
    assert.equal((await fetchmail('rest', 'fetchall no keep')).length, left.length)
    assert.deepEqual(await fetchmail('none', 'fetchall no keep'), [])
    assert.deepEqual(await list(ANNA), [])
  })
})

/** The contents in what a program wrote as an SMTP client would. */
function unwrapped(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = bytes.indexOf('DATA\r\n'); at !== -1; ) {
    const end = bytes.indexOf('\r\n.\r\n', at + 4)
    const content = bytes.toString('latin1', at + 6, end + 2).replaceAll('\r\n..', '\r\n.')
    found.push(Buffer.from(content, 'latin1'))
    at = bytes.indexOf('DATA\r\n', end)
  }
  return found
}

/** Whole sessions of POP3 over a connection without a socket, on a mailbox in memory. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { Content } from '../mail/content.ts'
import { type Id, parseId } from '../mail/id.ts'
import { type Connection, HIGH_WATER } from '../net/connection.ts'
import type { FetchRow, MailboxRow } from '../storage/mail-reader.ts'
import type { Expunge } from '../storage/mail-operations.ts'
import type { LoginResult } from './login.ts'
import { createPop3, type Pop3, type Pop3Options, type Pop3Session } from './pop3.ts'

const MINUTE = 60_000
const FOLDER = mkdtempSync(join(tmpdir(), 'staffetta-pop3-'))
after(() => rmSync(FOLDER, { recursive: true }))

const HEAD = 'Return-Path: <>\r\n'

interface Mail {
  readonly uid: number
  readonly content: Content
}

function text(uid: number, bytes: string): Mail {
  return { uid, content: { in: 'memory', bytes: Buffer.from(bytes) } }
}

function file(uid: number, bytes: string): Mail {
  const path = join(FOLDER, String(uid))
  const stamped = 'Received: here\r\n'
  writeFileSync(path, bytes)
  return { uid, content: { in: 'file', path, head: Buffer.from(stamped), size: stamped.length + bytes.length } }
}

const sizeOf = ({ content }: Mail): number =>
  HEAD.length + (content.in === 'memory' ? content.bytes.length : content.size)

interface World {
  readonly pop3: Pop3
  readonly mails: Mail[]
  readonly expunged: Expunge[]
  now: number
}

const LIMITS = { errors: 5, idleTimeout: 5 * MINUTE, sessionTimeout: 60 * MINUTE, mailboxIdleTimeout: 30 * MINUTE }

function world(mails: Mail[], changes: Partial<Pop3Options> = {}): World {
  const expunged: Expunge[] = []
  const row: MailboxRow = {
    id: 5,
    account: 1,
    owner: 'anna@example.org',
    name: 'INBOX',
    uidValidity: 77,
    uidNext: 1000,
    modseq: 1,
    exists: mails.length,
    unseen: 0,
    deleted: 0,
    size: 0,
    recentFrom: 1,
    specialUse: [],
  }
  const rowOf = (mail: Mail): FetchRow => ({
    uid: mail.uid,
    message: idOf(mail.uid),
    at: 0,
    saved: 0,
    head: HEAD,
    size: sizeOf(mail),
    flags: 0,
    modseq: 1,
    envelope: undefined,
    body: undefined,
    structure: undefined,
    content: mail.content.in === 'memory' ? mail.content.bytes : undefined,
  })
  const it: World = {
    mails,
    expunged,
    now: 0,
    pop3: createPop3({
      hostname: 'mx.example.org',
      storage: {
        ask(name, input) {
          assert.equal(name, 'expunge')
          const asked = input as Expunge
          expunged.push(asked)
          for (const [first, last] of asked.uids) {
            for (let at = mails.length - 1; at >= 0; at--) {
              const uid = mails[at]?.uid ?? 0
              if (uid >= first && uid <= last) mails.splice(at, 1)
            }
          }
          return Promise.resolve({ ok: { is: 'expunged', modseq: 2, uids: [] } as never })
        },
      },
      reader: {
        mailboxNamed: (account, name) => (account === 1 && name === 'INBOX' ? row : undefined),
        mails: () => {
          const uids = Uint32Array.from(mails.map(({ uid }) => uid))
          return { uids, flags: new Float64Array(uids.length), modseqs: new Float64Array(uids.length) }
        },
        column: (_mailbox, _name, [first, last]) =>
          mails.filter(({ uid }) => uid >= first && uid <= last).map(mail => [mail.uid, sizeOf(mail)]),
        fetchRows: (_mailbox, [first, last], limit) =>
          mails
            .filter(({ uid }) => uid >= first && uid <= last)
            .slice(0, limit)
            .map(rowOf),
      },
      content: id => mails.find(({ uid }) => idOf(uid) === id)?.content,
      logIn: async ({ user, password }): Promise<LoginResult> => {
        if (user === 'busy') return { is: 'busy' }
        if (user === 'blocked') return { is: 'blocked' }
        if (user === 'none' && password === 'secret') return { is: 'right', account: { id: 2, address: 'none' } }
        if (user !== 'anna' || password !== 'secret') return { is: 'wrong' }
        return { is: 'right', account: { id: 1, address: 'anna@example.org' } }
      },
      limits: LIMITS,
      now: () => it.now,
      tlsPossible: () => true,
      mayLogInInClear: () => true,
      complain: error => assert.fail(String(error)),
      ...changes,
    }),
  }
  return it
}

function idOf(uid: number): Id {
  return parseId(uid.toString(36).padStart(11, '0')) ?? assert.fail('no id')
}

interface Client {
  readonly session: Pop3Session
  /** Sends lines, and answers what is heard until nothing more comes. */
  say(...lines: string[]): Promise<string>
  /** Takes nothing until then. */
  stuck: boolean
  readonly ended: boolean
  readonly patience: number | undefined
  readonly most: number
}

function connect({ pop3 }: World, tls = false): Client {
  let said: string[] = []
  let unsent = 0
  let most = 0
  let ended = false
  let patience: number | undefined
  const take = (): void => {
    if (client.stuck || unsent === 0) return
    unsent = 0
    client.session.drained()
  }
  const secure = { protocol: 'TLSv1.3', cipher: 'x', servername: undefined }
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 110 } },
    tls: tls ? secure : undefined,
    get unsent() {
      return unsent
    },
    write(bytes) {
      if (ended) return
      said.push(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1'))
      unsent += bytes.length
      most = Math.max(most, unsent)
      setImmediate(take)
    },
    pause() {},
    resume() {},
    startTls: () => setImmediate(() => client.session.secured(secure)),
    deadline: ms => {
      patience = ms
    },
    end: () => {
      ended = true
    },
    destroy: () => {
      ended = true
    },
  }
  const client: Client = {
    session: pop3.serve(connection),
    stuck: false,
    async say(...lines) {
      if (lines.length > 0) client.session.data(Buffer.from(lines.map(line => `${line}\r\n`).join('')))
      for (let quiet = 0, before = -1; quiet < 20; quiet = said.length === before ? quiet + 1 : 0) {
        before = said.length
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      const heard = said.join('')
      said = []
      return heard
    },
    get ended() {
      return ended
    },
    get patience() {
      return patience
    },
    get most() {
      return most
    },
  }
  client.session.start()
  return client
}

const ONE = 'Subject: one\r\n\r\n.dot\r\nline\r\n..\r\n'
const TWO = 'Subject: two\r\n\r\nno end of line'

/** C: a line of the client. S: a line of the server, or `S+ what it begins with`. */
async function talk(it: World, dialogue: string, tls = false): Promise<Client> {
  const client = connect(it, tls)
  const lines = dialogue
    .split('\n')
    .map(line => line.trimStart())
    .filter(line => line !== '')
  let heard = (await client.say()).split('\r\n').slice(0, -1)
  for (const line of lines) {
    const rest = line.slice(3)
    if (line.startsWith('C: ')) {
      assert.deepEqual(heard, [], `before ${line}`)
      heard = (await client.say(rest)).split('\r\n').slice(0, -1)
    } else if (line.startsWith('S: ')) {
      assert.equal(heard.shift(), rest)
    } else {
      const next = heard.shift() ?? '(nothing)'
      assert.ok(next.startsWith(rest), `${next} begins with ${rest}`)
    }
  }
  assert.deepEqual(heard, [])
  return client
}

test('a session', async () => {
  const it = world([text(3, ONE), text(7, TWO), file(9, ONE)])
  const client = await talk(
    it,
    `
    S: +OK mx.example.org POP3 Staffetta
    C: USER anna
    S+ +OK
    C: PASS secret
    S: +OK 3 messages (161 octets)
    C: STAT
    S: +OK 3 161
    C: LIST
    S: +OK 3 messages (161 octets)
    S: 1 49
    S: 2 47
    S: 3 65
    S: .
    C: LIST 2
    S: +OK 2 47
    C: UIDL
    S+ +OK
    S: 1 77.3
    S: 2 77.7
    S: 3 77.9
    S: .
    C: UIDL 3
    S: +OK 3 77.9
    C: RETR 1
    S: +OK 49 octets
    S: Return-Path: <>
    S: Subject: one
    S: 
    S: ..dot
    S: line
    S: ...
    S: .
    C: TOP 1 1
    S+ +OK
    S: Return-Path: <>
    S: Subject: one
    S: 
    S: ..dot
    S: .
    C: RETR 2
    S: +OK 47 octets
    S: Return-Path: <>
    S: Subject: two
    S: 
    S: no end of line
    S: .
    C: RETR 3
    S: +OK 65 octets
    S: Return-Path: <>
    S: Received: here
    S: Subject: one
    S: 
    S: ..dot
    S: line
    S: ...
    S: .
    C: TOP 3 0
    S+ +OK
    S: Return-Path: <>
    S: Received: here
    S: Subject: one
    S: 
    S: .
    C: DELE 2
    S+ +OK
    C: DELE 2
    S+ -ERR That message is marked
    C: RETR 2
    S+ -ERR There is no such message
    C: LIST 2
    S+ -ERR There is no such message
    C: STAT
    S: +OK 2 114
    C: RSET
    S: +OK 3 messages (161 octets)
    C: DELE 1
    S+ +OK
    C: DELE 3
    S+ +OK
    C: DELE 4
    S+ -ERR There is no such message
    C: NOOP
    S+ +OK
    C: QUIT
    S: +OK 2 messages removed
    `,
  )
  assert.ok(client.ended)
  assert.deepEqual(it.expunged, [
    {
      mailbox: 5,
      which: 'all',
      uids: [
        [3, 3],
        [9, 9],
      ],
    },
  ]) // prettier-ignore
})

const REFUSALS: readonly (readonly [what: string, dialogue: string])[] = [
  [
    'the log-in',
    `
    S+ +OK
    C: STAT
    S: -ERR Please log in first
    C: PASS secret
    S+ -ERR Please say who it is first
    C: USER nobody
    S+ +OK
    C: PASS secret
    S: -ERR [AUTH] The user name (a whole address) or the password is wrong
    C: PASS secret
    S+ -ERR Please say who it is first
    C: USER busy
    S+ +OK
    C: PASS secret
    S+ -ERR [SYS/TEMP] Too many want to log in
    S: -ERR Too many commands were refused; please check the client and connect again
    `,
  ],
  [
    'what a log-in can run into',
    `
    S+ +OK
    C: USER blocked
    S+ +OK
    C: PASS secret
    S+ -ERR [SYS/TEMP] Too many log-ins
    C: USER none
    S+ +OK
    C: PASS secret
    S+ -ERR [SYS/PERM] This account has no INBOX
    C: USER anna
    S+ +OK
    C: PASS 
    S+ -ERR [AUTH]
    C: QUIT
    S+ +OK
    `,
  ],
  [
    'SASL',
    `
    S+ +OK
    C: AUTH PLAIN AGFubmEAd3Jvbmc=
    S+ -ERR [AUTH]
    C: AUTH PLAIN
    S: + 
    C: *
    S: -ERR The login was cancelled
    C: AUTH CRAM-MD5
    S+ -ERR That mechanism
    C: AUTH LOGIN
    S: + VXNlcm5hbWU6
    C: YW5uYQ==
    S: + UGFzc3dvcmQ6
    C: c2VjcmV0
    S: +OK 1 messages (49 octets)
    C: AUTH PLAIN
    S: -ERR You are logged in already
    `,
  ],
  [
    'an initial response',
    `
    S+ +OK
    C: AUTH plain AGFubmEAc2VjcmV0
    S: +OK 1 messages (49 octets)
    C: QUIT
    S: +OK Goodbye
    `,
  ],
  [
    'a web browser',
    `
    S+ +OK
    C: GET / HTTP/1.1
    S: -ERR This is a mail server, and that is not POP3
    `,
  ],
  [
    'CAPA',
    `
    S+ +OK
    C: CAPA
    S+ +OK
    S: TOP
    S: USER
    S: SASL PLAIN LOGIN
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UIDL
    S: STLS
    S: UTF8 USER
    S: .
    C: UTF8
    S+ +OK
    C: AUTH PLAIN AGFubmEAc2VjcmV0
    S+ +OK
    C: CAPA
    S+ +OK
    S: TOP
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UIDL
    S: UTF8 USER
    S: IMPLEMENTATION Staffetta
    S: .
    `,
  ],
]

for (const [what, dialogue] of REFUSALS) {
  test(what, async () => {
    await talk(world([text(1, ONE)]), dialogue)
  })
}

test('without TLS nothing is heard that tells a secret', async () => {
  const it = world([text(1, ONE)], { mayLogInInClear: () => false })
  await talk(
    it,
    `
    S+ +OK
    C: USER anna
    S: -ERR Please start TLS first, with STLS
    C: AUTH PLAIN AGFubmEAc2VjcmV0
    S: -ERR Please start TLS first, with STLS
    C: CAPA
    S+ +OK
    S: TOP
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UIDL
    S: STLS
    S: UTF8 USER
    S: .
    C: STLS
    S: +OK Ready to start TLS
    C: STLS
    S: -ERR TLS is on already
    C: USER anna
    S+ +OK
    C: PASS secret
    S+ +OK
    `,
  )
})

test('what comes in plain text behind STLS is not heard', async () => {
  const it = world([], { mayLogInInClear: () => false })
  const client = connect(it)
  assert.match(await client.say('STLS', 'USER anna', 'PASS secret'), /^\+OK .*\r\n\+OK Ready to start TLS\r\n$/)
  assert.match(await client.say('QUIT'), /^\+OK Goodbye\r\n$/)
})

test('a server without a certificate', async () => {
  const it = world([], { mayLogInInClear: () => false, tlsPossible: () => false })
  await talk(it, 'S+ +OK\nC: STLS\nS+ -ERR There is no TLS\nC: USER anna\nS+ -ERR Nobody logs in without TLS')
})

const LOGIN = ['USER anna', 'PASS secret']

test('a pipeline is answered in its order, the large messages too', async () => {
  const large = `Subject: large\r\n\r\n${'.0123456789\r\n'.repeat(40_000)}`
  const it = world([text(1, ONE), file(2, large), text(3, TWO)])
  const client = connect(it)
  const heard = await client.say(...LOGIN, 'RETR 1', 'RETR 2', 'RETR 3', 'DELE 2', 'QUIT')
  assert.ok(heard.includes(`Received: here\r\n${large.replaceAll('\r\n.', '\r\n..')}.\r\n+OK 47 octets\r\n`))
  assert.match(heard, /\+OK Will be removed[^\r]*\r\n\+OK 1 messages removed\r\n$/)
  assert.deepEqual(
    it.mails.map(({ uid }) => uid),
    [1, 3],
  ) // prettier-ignore
})

test('who does not read is not sent more than a little', async () => {
  const large = `Subject: large\r\n\r\n${'0123456789\r\n'.repeat(100_000)}`
  const it = world([file(1, large), ...Array.from({ length: 30_000 }, (_, at) => text(at + 2, 'x'))])
  const client = connect(it)
  await client.say(...LOGIN)
  client.stuck = true
  await client.say('RETR 1', 'LIST', 'UIDL', 'LIST')
  assert.ok(client.most < HIGH_WATER + 70_000, `${client.most} bytes`)
  assert.equal(client.patience, LIMITS.mailboxIdleTimeout)
  client.stuck = false
  client.session.drained()
  const rest = await client.say()
  assert.equal(rest.match(/\r\n\.\r\n/g)?.length, 4)
  assert.ok(client.most < 2 * HIGH_WATER + 70_000, `${client.most} bytes`)
})

test('a message that another session removed, and a file that cannot be read', async () => {
  const it = world([text(1, ONE), file(2, ONE)])
  const client = connect(it)
  await client.say(...LOGIN)
  rmSync(join(FOLDER, '2'))
  assert.match(await client.say('RETR 2'), /^-ERR \[SYS\/TEMP\] That message cannot be read/)
  it.mails.length = 0
  assert.match(
    await client.say('RETR 1', 'TOP 1 0', 'DELE 1', 'QUIT'),
    /^(-ERR .* by another session\r\n){2}\+OK .*\r\n\+OK 1 m/,
  )
})

test('one message after the other, among them what is marked, in a file, or removed by another session', async () => {
  const it = world([text(1, ONE), text(2, TWO), text(3, '.'), file(4, ONE), text(5, ONE), text(6, TWO), text(7, '')])
  const client = connect(it)
  await client.say(...LOGIN, 'DELE 3')
  it.mails.splice(4, 1)
  const stuffed = ONE.replaceAll('\r\n.', '\r\n..')
  assert.equal(await client.say('RETR 1'), `+OK 49 octets\r\n${HEAD}${stuffed}.\r\n`)
  assert.equal(await client.say('RETR 2'), `+OK 47 octets\r\n${HEAD}${TWO}\r\n.\r\n`)
  // What was read together with the second is still sent, and whole.
  it.mails.length = 0
  const gone = '-ERR That message was removed by another session\r\n'
  assert.equal(await client.say('RETR 3'), '-ERR There is no such message\r\n')
  await client.say('RSET')
  assert.equal(await client.say('RETR 3'), `+OK 18 octets\r\n${HEAD}..\r\n.\r\n`)
  assert.equal(await client.say('RETR 4'), gone)
  assert.equal(await client.say('RETR 5'), gone)
  assert.equal(await client.say('TOP 6 0'), `+OK The top of it follows\r\n${HEAD}Subject: two\r\n\r\n.\r\n`)
  assert.equal(await client.say('RETR 7'), `+OK 17 octets\r\n${HEAD}.\r\n`)
  assert.equal(await client.say('RETR 6'), gone)
})

test('a file that ends too early ends the session: half a message is not taken for a whole one, nor removed', async () => {
  const it = world([file(1, ONE)])
  writeFileSync(join(FOLDER, '1'), 'Subject: one\r\n')
  const client = connect(it)
  await client.say(...LOGIN)
  assert.ok(!(await client.say('RETR 1', 'DELE 1', 'QUIT')).endsWith('\r\n.\r\n'))
  assert.ok(client.ended)
  assert.deepEqual(it.expunged, [])
})

test('who goes without QUIT has removed nothing', async () => {
  const it = world([text(1, ONE)])
  const client = connect(it)
  await client.say(...LOGIN, 'DELE 1')
  client.session.closed('peer')
  assert.deepEqual(it.expunged, [])
})

test('what cannot be removed is said', async () => {
  const failed = { failed: { why: 'failed', detail: 'no disk' } } as const
  const it = world([text(1, ONE)], { storage: { ask: () => Promise.resolve(failed) } })
  const client = connect(it)
  assert.match(
    await client.say(...LOGIN, 'DELE 1', 'QUIT'),
    /-ERR \[SYS\/TEMP\] The marked messages could not be removed\r\n$/,
  )
})

test('a database that cannot be read ends the session, not the thread', async () => {
  const fail = (): never => {
    throw new Error('disk I/O error')
  }
  for (const broken of [{ content: fail }, { logIn: async () => fail() }]) {
    const complaints: string[] = []
    const complain = (error: unknown): void => void complaints.push(String(error))
    const client = connect(world([file(1, ONE)], { ...broken, complain }))
    await client.say(...LOGIN, 'RETR 1', 'QUIT')
    assert.ok(client.ended)
    assert.deepEqual(complaints, ['Error: disk I/O error'])
  }
})

test('one account has a bounded number of sessions, and leaves room when it goes', async () => {
  const it = world([])
  const clients = Array.from({ length: 20 }, () => connect(it))
  for (const client of clients) assert.match(await client.say(...LOGIN), /\+OK 0 messages/)
  assert.match(await connect(it).say(...LOGIN), /-ERR \[IN-USE\]/)
  clients[0]?.session.closed('peer')
  await clients[1]?.say('QUIT')
  assert.match(await connect(it).say(...LOGIN), /\+OK 0 messages/)
  assert.match(await connect(it).say(...LOGIN), /\+OK 0 messages/)
  assert.match(await connect(it).say(...LOGIN), /-ERR \[IN-USE\]/)
})

test('silence: five minutes before the log-in, half an hour after; an hour in all without a log-in', async () => {
  const it = world([])
  const client = connect(it)
  assert.equal(client.patience, 5 * MINUTE)
  it.now = 57 * MINUTE
  await client.say('CAPA')
  assert.equal(client.patience, 3 * MINUTE)
  await client.say(...LOGIN)
  assert.equal(client.patience, 30 * MINUTE)
  client.session.deadline()
  assert.equal(await client.say(), '')
  assert.ok(client.ended)
  const drip = connect(it)
  it.now += 61 * MINUTE
  drip.session.data(Buffer.from('x'))
  assert.ok(drip.ended)
})

test('when we stop, who waits for nothing hears of it', async () => {
  const client = connect(world([]))
  await client.say(...LOGIN)
  client.session.shutdown()
  assert.match(await client.say(), /^-ERR \[SYS\/TEMP\] The server is being restarted/)
  assert.ok(client.ended)
})

test('a maildrop of several slices is whole', async () => {
  const it = world(Array.from({ length: 4001 }, (_, at) => text(at * 3 + 1, 'x')))
  const client = connect(it)
  assert.match(await client.say(...LOGIN, 'STAT'), new RegExp(`\\+OK 4001 ${4001 * (HEAD.length + 1)}\r\n$`))
  const list = (await client.say('UIDL')).split('\r\n')
  assert.deepEqual([list.length, list[4001], list[4002]], [4004, '4001 77.12001', '.'])
})

test('any bytes, in any pieces: nothing fails, and memory is bounded', async () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        'USER anna\r\n',
        'PASS secret\r\n',
        'RETR 1\r\n',
        'LIST\r\n',
        'DELE 1\r\n',
        'TOP 1 1\r\n',
        '\r',
        '\n',
      ),
      fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('latin1')),
      fc.constant('A'.repeat(20_000)),
    ),
    { maxLength: 40 },
  )
  await fc.assert(
    fc.asyncProperty(pieces, async all => {
      const client = connect(world([text(1, ONE)]))
      for (const piece of all) client.session.data(Buffer.from(piece, 'latin1'))
      await new Promise(resolve => setImmediate(resolve))
      client.session.closed('peer')
    }),
    { numRuns: 200 },
  )
})

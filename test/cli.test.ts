/** The command line as people use it: the real program as a child process, with the server down and with the server up. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { call, freePort, type Program, run, until } from './interop/program.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')
const PASSWORD = 'correct horse'

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function staffetta(
  args: readonly string[],
  input?: string,
  env?: Readonly<Record<string, string>>,
): Promise<Said> {
  const done = await call({
    name: process.execPath,
    args: [MAIN, ...args],
    ...(input === undefined ? {} : { input }),
    ...(env === undefined ? {} : { env }),
  })
  // A mistake of the person never shows where in the program it was noticed.
  assert.doesNotMatch(done.stderr, /\n\s+at .*\.ts:\d+/, `a stack for: ${args.join(' ')}`)
  return { code: done.code, stdout: done.stdout.toString(), stderr: done.stderr }
}

function folderOf(name: string): string {
  return mkdtempSync(join(tmpdir(), `staffetta-cli-${name}-`))
}

async function says(program: Program, pattern: RegExp): Promise<void> {
  await until(program.output, () => {
    assert.ok(!program.hasEnded(), program.output())
    return pattern.test(program.output()) ? true : undefined
  })
}

/** Fields of the rows of a listing. */
async function rowsOf(args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await staffetta([...args, '--json'])
  assert.equal(code, 0, stderr)
  const value: unknown = JSON.parse(stdout)
  assert.ok(Array.isArray(value))
  return value
}

suite('without data', () => {
  const folder = folderOf('none')
  after(() => rmSync(folder, { recursive: true, force: true }))

  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['--version', 0, /^\d+\.\d+\.\d+\n$/],
    ['--help', 0, /queue .*what waits for delivery[^]*Exit codes/],
    ['queue --help', 0, /reroute[^]*staffetta queue retry/],
    ['send --help', 0, /--to <address>[^]*Exit code/],
    ['nonsense', 64, /unknown command 'nonsense'/],
    ['domain add', 64, /missing required argument 'name'/],
    ['domain list --nonsense', 64, /unknown option/],
    [`domain list --data ${folder}`, 1, /there is nothing in the data folder/],
    [`domain list --data ${folder} -c x.json`, 64, /give one of them/],
    ['domain list -c does-not-exist.json', 78, /does-not-exist\.json/],
    ['check-config does-not-exist.json', 78, /does-not-exist\.json/],
    [`check --storage --data ${folder}`, 1, /there is nothing in the data folder/],
    [`check --data ${folder}`, 64, /say what to check/],
    [`state --data ${folder}`, 69, /no server is running/],
    [`queue hold --data ${folder}`, 64, /say --all/],
    [`queue show hello --data ${folder}`, 64, /is not an id/],
    [`queue list --older-than soon --data ${folder}`, 64, /is not a time/],
    [`mail list anna --data ${folder}`, 64, /is not an address/],
    ['send --subject Hello', 64, /add --to/],
    ['send --to anna@staffetta.test --tls maybe', 64, /is not a way to use TLS/],
    ['send --to anna@staffetta.test --mx --server x', 64, /give one of them/],
    ['send --to anna@staffetta.test --body x --server 127.0.0.1:1 --quiet', 75, /connection refused/],
    ['dev --smtp-port 70000', 64, /is not a port/],
  ]
  for (const [command, code, says] of cases) {
    test(command.replaceAll(folder, 'FOLDER'), async () => {
      const said = await staffetta(command.split(' '), '')
      assert.match(said.stdout + said.stderr, says)
      assert.equal(said.code, code)
    })
  }
})

suite('with the server down', () => {
  const folder = folderOf('down')
  const data = ['--data', join(folder, 'data')]
  after(() => rmSync(folder, { recursive: true, force: true }))

  const steps: readonly (readonly [string, string | undefined, number, RegExp])[] = [
    ['domain add Example.org', undefined, 0, /^mail for example\.org is taken\n$/],
    ['domain add example.org', undefined, 1, /is there already/],
    ['domain add bücher.test --catch-all anna@example.org', undefined, 0, /bücher\.test \(xn--bcher-kva\.test\)/],
    [
      'domain list',
      undefined,
      0,
      /^DOMAIN +CATCH-ALL +USED +LIMIT +EACH +SINCE\nexample\.org +- +0 B +- +- +\d{4}-\d\d-\d\d\nbücher\.test/,
    ],
    ['account list', undefined, 0, /There is no account yet/],
    ['alias list', undefined, 0, /There is no alias yet/],
    ['account add anna@elsewhere.test --password-stdin', PASSWORD, 1, /staffetta domain add elsewhere\.test/],
    ['account add anna@example.org --password-stdin', 'short', 64, /8 characters or more/],
    ['account add anna@example.org --password-stdin', '', 64, /empty/],
    ['account add Anna@Example.org --password-stdin', `${PASSWORD}\n`, 0, /^anna@example\.org has a mailbox now\n$/],
    ['account add anna@example.org --password-stdin', PASSWORD, 1, /is there already/],
    ['account quota anna@example.org', undefined, 0, /^anna@example\.org: no limit; in use: 0 B, 0 messages\n$/],
    ['import anna@example.org imaps://anna@localhost:1/ --password-stdin', '', 64, /the password is empty/],
    ['account add bob@example.org', '', 64, /--password-stdin/],
    ['account password anna@example.org --password-stdin', 'another horse', 0, /has a new password/],
    ['account password nobody@example.org --password-stdin', PASSWORD, 1, /there is no account nobody@example\.org/],
    ['account list', undefined, 0, /^ADDRESS +MESSAGES +USED +LIMIT +SINCE\nanna@example\.org +0 +0 B +- /],
    ['alias set office@example.org anna@example.org bob@far.test', undefined, 0, /office@example\.org → anna@/],
    ['alias add info@example.org anna@example.org', undefined, 0, /info@example\.org → anna@/],
    ['alias set office@far.test anna@example.org', undefined, 1, /staffetta domain add far\.test/],
    ['alias set office@example.org not-an-address', undefined, 64, /is not an address/],
    ['alias set anna@example.org bob@far.test', undefined, 0, /has no effect/],
    ['alias list', undefined, 0, /office@example\.org +anna@example\.org\n +bob@far\.test/],
    ['alias remove info@example.org', undefined, 0, /is no alias any more/],
    ['alias remove info@example.org', undefined, 1, /there is no alias/],
    ['domain remove example.org', undefined, 1, /still has accounts or aliases/],
    ['domain remove bücher.test', undefined, 0, /is not taken any more/],
    ['domain remove bücher.test', undefined, 1, /there is no domain/],
    ['mail list anna@example.org', undefined, 0, /is empty/],
    ['mail show anna@example.org 1', undefined, 1, /has no message 1/],
    ['queue list', undefined, 0, /The queue is empty/],
    ['queue summary', undefined, 0, /The queue is empty/],
    ['queue retry', undefined, 1, /nothing that waits fits/],
    ['trace nobody@example.org', undefined, 1, /nothing is known/],
    ['account remove anna@example.org', undefined, 0, /is removed/],
    ['account remove anna@example.org', undefined, 1, /there is no account/],
  ]
  for (const [command, input, code, says] of steps) {
    test(`${command}: ${code}`, async () => {
      const said = await staffetta([...command.split(' '), ...data], input)
      assert.match(said.stdout + said.stderr, says)
      assert.equal(said.code, code)
    })
  }
})

suite('with the dev server up', () => {
  const folder = folderOf('dev')
  const data = ['--data', join(folder, 'data')]
  let server: Program
  let ports: readonly number[] = []
  let to: readonly string[] = []

  before(async () => {
    const kinds = ['smtp', 'submission', 'submissions', 'imap', 'imaps', 'pop3', 'pop3s']
    ports = await Promise.all(kinds.map(freePort))
    const [smtp = 0] = ports
    const options = kinds.flatMap((kind, place) => [`--${kind}-port`, String(ports[place])])
    server = run({ name: process.execPath, args: [MAIN, 'dev', ...data, ...options] })
    await says(server, /--help\n/)
    to = ['--server', `127.0.0.1:${smtp}`]
  })
  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const arrived = (address: string, count: number): Promise<Record<string, unknown>[]> =>
    until(`${count} messages for ${address}`, async () => {
      const rows = await rowsOf(['mail', 'list', address, ...data])
      return rows.length >= count ? rows : undefined
    })

  test('it has sent itself a message, and shows its way', async () => {
    const text = server.output()
    assert.match(text, /accepted \d+ B from localhost \[127\.0\.0\.1\] \(smtp\)/)
    assert.match(text, /delivered: anna@staffetta\.test, in the mailbox of/)
    assert.ok(
      text.split('\n').every(line => line.length <= 110),
      text,
    )
    const [first] = await rowsOf(['mail', 'list', 'anna@staffetta.test', ...data])
    assert.equal(first?.['subject'], 'Welcome to Staffetta')
    assert.ok(text.includes(String(first?.['id'])))
  })

  test('it says where mail is read, and its certificate is for the name that it says', async () => {
    const text = server.output()
    const [, , , imap, imaps, pop3, pop3s] = ports
    assert.match(text, new RegExp(`^IMAP +localhost:${imap} +STARTTLS +localhost:${imaps} +TLS$`, 'm'))
    assert.match(text, new RegExp(`^POP3 +localhost:${pop3} +STARTTLS +localhost:${pop3s} +TLS$`, 'm'))
    assert.match(text, new RegExp(`^curl -u anna@\\S+ 'imap://localhost:${imap}/INBOX;`, 'm'))
    const [, path = ''] = /^TLS +(\S+cert\.pem)/m.exec(text) ?? []
    const certificate = new X509Certificate(readFileSync(path))
    assert.equal(certificate.checkHost('localhost'), 'localhost')
  })

  test('a second server does not start on the same data, and says why', async () => {
    const { code, stderr } = await staffetta(['dev', ...data, '--smtp-port', String(await freePort())])
    assert.equal(code, 69)
    assert.match(stderr, /another process is using the data folder/)
  })

  test('send shows the dialogue, and what became of each recipient', async () => {
    const recipients = ['--to', 'anna@staffetta.test', '--cc', 'nobody@staffetta.test']
    const said = await staffetta(
      ['send', ...to, ...recipients, '--subject', 'Grüße', '--header', 'X-Test: yes'],
      'Hallo\n',
    )
    assert.equal(said.code, 1)
    assert.match(
      said.stderr,
      /C: EHLO[^]*S: 220 2\.0\.0[^]*encrypted: TLSv1\.3[^]*C: RCPT TO:<anna@[^]*bytes of content/,
    )
    assert.match(said.stdout, /^anna@staffetta\.test +accepted +250 2\.0\.0 queued as [0-9a-z]{11}\n/)
    assert.match(said.stdout, /nobody@staffetta\.test +refused +550 5\.1\.1 /)
    const rows = await arrived('anna@staffetta.test', 2)
    assert.equal(rows[1]?.['subject'], 'Grüße')
    const { stdout } = await staffetta(['mail', 'show', 'anna@staffetta.test', '2', '--headers', ...data])
    assert.match(stdout, /^Return-Path: <[^]*\nX-Test: yes\n[^]*\nSubject: Grüße\n/)
  })

  test('a whole message arrives byte for byte, also one that is kept in a file', async () => {
    const body = `.\r\n..dots\r\n${'0123456789'.repeat(90)}\r\n`.repeat(600)
    const message = `From: bruno@staffetta.test\r\nSubject: large\r\n\r\n${body}`
    const file = join(folder, 'message.eml')
    writeFileSync(file, message)
    const args = ['--raw', '--file', file, '--from', 'bruno@staffetta.test', '--to', 'bruno@staffetta.test', '--quiet']
    assert.equal((await staffetta(['send', ...to, ...args])).code, 0)
    await arrived('bruno@staffetta.test', 1)
    const { stdout } = await staffetta(['mail', 'show', 'bruno@staffetta.test', '1', ...data])
    assert.match(stdout, /^Return-Path: <bruno@staffetta\.test>\r\nDelivered-To: bruno@staffetta\.test\r\nReceived: /)
    assert.equal(stdout.slice(stdout.indexOf('From: ')), message)
  })

  test('log-in, TLS from the first byte, and certificates', async () => {
    const [, submission = 0, submissions = 0] = ports
    const one = [
      '--to',
      'anna@staffetta.test',
      '--from',
      'bruno@staffetta.test',
      '--user',
      'bruno@staffetta.test',
      '--body',
      'x',
    ]
    const right = { STAFFETTA_PASSWORD: 'staffetta' }
    const start = await staffetta(['send', '--server', `127.0.0.1:${submission}`, ...one], '', right)
    assert.equal(start.code, 0, start.stderr)
    assert.match(start.stderr, /C: AUTH PLAIN \*{4}\nS: 235/)
    assert.doesNotMatch(start.stderr, /c3RhZmZldHRh|staffetta\0/)
    const implicit = ['send', '--server', `127.0.0.1:${submissions}`, '--tls', 'implicit', ...one]
    const untrusted = await staffetta(implicit, '', right)
    assert.equal(untrusted.code, 75)
    assert.match(untrusted.stderr, /--ca FILE, or add --insecure/)
    assert.equal((await staffetta([...implicit, '--insecure', '--quiet'], '', right)).code, 0)
    const wrong = await staffetta([...implicit, '--insecure', '--password-stdin'], 'not the password\n')
    assert.equal(wrong.code, 75)
    assert.match(wrong.stdout, /535 5\.7\.8/)
  })

  test('HTML and attachments', async () => {
    const page = join(folder, 'page.html')
    writeFileSync(page, '<p>Hi</p>')
    const before = (await rowsOf(['mail', 'list', 'bruno@staffetta.test', ...data])).length
    const args = [
      '--to',
      'Bruno <bruno@staffetta.test>',
      '--body',
      'Hi',
      '--html',
      page,
      '--attach',
      page,
      '--json',
      '--quiet',
    ]
    const said = await staffetta(['send', ...to, ...args])
    assert.equal(said.code, 0, said.stderr)
    const [outcome]: { is: string; recipient: string }[] = JSON.parse(said.stdout)
    assert.deepEqual([outcome?.is, outcome?.recipient], ['accepted', 'bruno@staffetta.test'])
    await arrived('bruno@staffetta.test', before + 1)
    const shown = await staffetta(['mail', 'show', 'bruno@staffetta.test', String(before + 1), ...data])
    assert.match(shown.stdout, /multipart\/mixed[^]*multipart\/alternative[^]*text\/html[^]*filename=page\.html/)
    const missing = await staffetta([
      'send',
      ...to,
      '--to',
      'anna@staffetta.test',
      '--body',
      'x',
      '--attach',
      '/does/not/exist',
    ])
    assert.equal(missing.code, 64)
  })

  test('trace finds by id, address, Message-ID and what was said', async () => {
    const [first] = await rowsOf(['mail', 'list', 'anna@staffetta.test', ...data])
    const id = String(first?.['id'])
    const byId = await staffetta(['trace', id, ...data])
    assert.match(byId.stdout, new RegExp(`^Message ${id}\\n\\d{4}-\\d\\d-\\d\\d\\n[^]*accepted[^]*delivered: anna@`))
    const [, messageId = ''] = /Message-ID (<.*>)/.exec(byId.stdout) ?? []
    assert.equal((await staffetta(['trace', messageId, ...data])).stdout, byId.stdout)
    const [, session = ''] = /in session (\w+)/.exec(byId.stdout) ?? []
    assert.equal((await staffetta(['trace', session, ...data])).stdout, byId.stdout)
    const several = await staffetta(['trace', 'anna@staffetta.test', '--limit', '2', ...data])
    assert.equal(several.stdout.split('\n').length, 5, several.stdout) // heading, two, the advice, the end
    const refused = await staffetta(['trace', 'nobody@staffetta.test', ...data])
    assert.match(refused.stdout, /^Session \w+\n[^]*refused [^]*at a recipient\n +we said: 550 5\.1\.1/)
    const [json] = await rowsOf(['trace', id, ...data])
    assert.deepEqual(json?.['waiting'], [])
    assert.ok(Array.isArray(json?.['events']) && json['events'].length === 2)
  })

  test('the directory changes under the running server', async () => {
    const mail = ['send', ...to, '--to', 'dora@staffetta.test', '--body', 'x', '--quiet']
    assert.equal((await staffetta(mail)).code, 1)
    assert.equal(
      (await staffetta(['account', 'add', 'dora@staffetta.test', '--password-stdin', ...data], PASSWORD)).code,
      0,
    )
    assert.equal((await staffetta(mail)).code, 0)
    await arrived('dora@staffetta.test', 1)
    const kept = await staffetta(['account', 'remove', 'dora@staffetta.test', ...data])
    assert.equal(kept.code, 1)
    assert.match(kept.stderr, /has 1 message in its mailboxes; add --with-mail/)
    assert.equal((await staffetta(['account', 'remove', 'dora@staffetta.test', '--with-mail', ...data])).code, 0)
    assert.equal((await staffetta(mail)).code, 1)
  })

  test('mail for elsewhere is caught', async () => {
    assert.equal((await staffetta(['send', ...to, '--to', 'someone@example.org', '--body', 'x', '--quiet'])).code, 0)
    await arrived('caught@staffetta.test', 1)
  })

  test('check --storage, beside the server', async () => {
    const said = await staffetta(['check', '--storage', ...data])
    assert.match(said.stdout, /mailboxes, [\d,]+ mails?, [\d,]+ messages?: nothing is wrong\n$/)
    assert.equal(said.code, 0)
    const { stdout } = await staffetta(['check', '--storage', '--json', ...data])
    assert.deepEqual(JSON.parse(stdout).problems, [])
  })

  test('state', async () => {
    const threads = await rowsOf(['state', ...data])
    assert.ok(threads.length > 0)
    assert.deepEqual(Object.keys(threads[0] ?? {}).slice(0, 2), ['slot', 'sessions'])
    assert.match((await staffetta(['state', ...data])).stdout, /^THREAD +SESSIONS +DELAY p99/)
  })
})

suite('the queue', () => {
  const folder = folderOf('queue')
  const file = join(folder, 'staffetta.json')
  const config = ['-c', file]
  let server: Program | undefined
  let port = 0

  const start = async (): Promise<void> => {
    server = run({ name: process.execPath, args: [MAIN, 'serve', ...config] })
    await says(server, /serving mx\.staffetta\.test: smtp on 127\.0\.0\.1:\d+/)
  }
  const stop = async (): Promise<void> => {
    assert.equal(await server?.stop(), 0)
    server = undefined
  }
  const queue = (...args: string[]): Promise<Said> => staffetta(['queue', ...args, ...config])
  const waiting = (...args: string[]) => rowsOf(['queue', 'list', ...args, ...config])
  const ids = async (...args: string[]): Promise<string[]> => (await waiting(...args)).map(row => String(row['id']))

  before(async () => {
    port = await freePort()
    writeFileSync(
      file,
      JSON.stringify({
        hostname: 'mx.staffetta.test',
        data: 'data',
        listeners: { smtp: { host: '127.0.0.1', port } },
        relayFrom: ['127.0.0.0/8'],
        queue: { hold: true },
        routes: [{ to: '*', relay: { host: '127.0.0.1', port: 1, tls: 'none' } }],
        log: { file: 'log' },
      }),
    )
    assert.equal((await staffetta(['check-config', file])).code, 0)
    assert.equal((await staffetta(['domain', 'add', 'staffetta.test', ...config])).code, 0)
    assert.equal(
      (await staffetta(['account', 'add', 'anna@staffetta.test', '--password-stdin', ...config], PASSWORD)).code,
      0,
    )
    await start()
    const recipients = ['b@far.test', 'c@far.test', 'anna@staffetta.test'].flatMap(address => ['--to', address])
    const send = ['send', '--server', `127.0.0.1:${port}`, '--body', 'x', '--quiet']
    assert.equal((await staffetta([...send, '--from', 'anna@staffetta.test', ...recipients])).code, 0)
    assert.equal((await staffetta([...send, '--from', '', '--to', 'd@other.test'])).code, 0)
  })
  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('is listed, chosen from and summed up', async () => {
    assert.equal((await waiting()).length, 4)
    assert.equal((await waiting('--domain', 'far.test')).length, 2)
    assert.equal((await waiting('--sender', 'anna')).length, 3)
    assert.equal((await waiting('--recipient', 'd@')).length, 1)
    assert.equal((await waiting('--state', 'held')).length, 4)
    assert.equal((await waiting('--older-than', '2 hours')).length, 0)
    assert.equal((await waiting('--limit', '1')).length, 1)
    assert.match((await queue('list')).stdout, /^\w{11} {2}from anna@staffetta\.test, .*\n {2}→ b@far\.test +held\n/)
    assert.match((await queue('list', '--domain', 'no.test')).stdout, /Nothing in the queue fits/)
    assert.match((await queue('summary')).stdout, /^DESTINATION[^]*relay:127\.0\.0\.1:1 +- +- +- +3 /)
    const [id = ''] = await ids()
    assert.match(
      (await queue('show', id)).stdout,
      /^\w{11}\nAccepted [^]*Sender +anna@[^]*→ anna@staffetta\.test +held/,
    )
    assert.match((await queue('show', id, '--content')).stdout, /^Received: from [^]*\r\n\r\nx\r\n$/)
  })

  test('orders that would be for everything must say so', async () => {
    for (const order of ['hold', 'release', 'bounce', 'delete']) assert.equal((await queue(order)).code, 64)
    assert.equal((await queue('reroute', '--to', 'x.test')).code, 64)
    assert.equal((await waiting('--state', 'held')).length, 4)
  })

  test('nothing to do is told apart from done', async () => {
    for (const args of [['hold', '--all'], ['retry'], ['delete', '--domain', 'no.test']]) {
      const said = await queue(...args)
      assert.equal(said.code, 1)
      assert.match(said.stderr, /nothing .*; see: staffetta queue list/)
    }
  })

  test('what is released goes its way; what can not be delivered waits, and is tried on demand', async () => {
    const released = await queue('release', '--domain', 'staffetta.test')
    assert.equal(released.stdout, '1 recipient released\n')
    await until('the delivery', async () => ((await waiting()).length === 3 ? true : undefined))
    assert.equal((await rowsOf(['mail', 'list', 'anna@staffetta.test', ...config])).length, 1)
    assert.equal((await queue('release', '--domain', 'other.test')).code, 0)
    const tried = (attempts: number) =>
      until(`attempt ${attempts}`, async () => {
        const [row] = await waiting('--domain', 'other.test')
        return Number(row?.['attempts']) >= attempts && row?.['state'] !== 'leased' ? row : undefined
      })
    assert.match(String((await tried(1))['reply']), /connection refused/)
    assert.equal((await queue('retry', '--reply', 'Connection Refused')).stdout, '1 recipient tried now\n')
    await tried(2)
    const traced = await staffetta(['trace', 'd@other.test', ...config])
    assert.match(
      traced.stdout,
      /deferred: d@other\.test[^]*an operator said: retry[^]*tried 2 times[^]*\nNow\n {2}→ d@other/,
    )
  })

  test('it is sent another way', async () => {
    const rerouted = await queue('reroute', '--to', '[::1]:2', '--domain', 'other.test')
    assert.equal(rerouted.stdout, '1 recipient sent another way\n')
    const [row] = await waiting('--domain', 'other.test')
    assert.equal(row?.['destination'], 'to:::1:2')
  })

  test('with the server down it is held, released and deleted all the same', async () => {
    await stop()
    assert.equal((await queue('hold', '--domain', 'other.test')).stdout, '1 recipient held\n')
    assert.equal((await queue('release', '--domain', 'other.test')).stdout, '1 recipient released\n')
    assert.equal((await queue('delete', '--recipient', 'c@')).stdout, '1 recipient deleted\n')
    assert.equal((await waiting()).length, 2)
    await start()
  })

  test('what is given up is reported to its sender', async () => {
    const [id = ''] = await ids('--domain', 'far.test')
    assert.equal((await queue('bounce', id, '--reason', 'The host is gone')).stdout, '1 recipient given up\n')
    await until('the report', async () => {
      const rows = await rowsOf(['mail', 'list', 'anna@staffetta.test', ...config])
      return rows.some(row => row['sender'] === '') ? true : undefined
    })
    const { stdout } = await staffetta(['trace', id, ...config])
    assert.match(stdout, /given up: b@far\.test[^]*The host is gone[^]*report to the sender: message \w{11}/)
  })

  test('a message without a sender leaves the queue without a report', async () => {
    assert.equal((await queue('bounce', '--domain', 'other.test')).code, 0)
    await until('its end', async () => ((await waiting('--domain', 'other.test')).length === 0 ? true : undefined))
    assert.match((await queue('list')).stdout, /The queue is empty/)
    await stop()
  })
})

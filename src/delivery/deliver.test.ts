import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Route, TlsPolicy } from '../config/settings.ts'
import { createFakeResolver, type FakeZone } from '../dns/fake.ts'
import { parseAddress } from '../mail/address.ts'
import type { Content } from '../mail/content.ts'
import type { BodyType, Envelope, Recipient } from '../mail/envelope.ts'
import { createNetwork } from '../net/dial.ts'
import { selfSigned } from '../net/self-signed.ts'
import { createDelivery, type DeliveryOptions, type Job } from './deliver.ts'
import { type FakeHost, type FakeHostOptions, HANG_UP, startFakeHost } from './fake-host.ts'
import type { Outcome } from '../mail/outcome.ts'

const LIMITS = { lifetime: undefined, concurrency: undefined, rate: undefined }
const ALL = ['PIPELINING', 'CHUNKING', '8BITMIME', 'SIZE 100000000', 'DSN']
const folder = await mkdtemp(join(tmpdir(), 'delivery-'))
after(() => rm(folder, { recursive: true }))

function delivery(zone: FakeZone = {}, options: Partial<DeliveryOptions> = {}) {
  return createDelivery({
    network: createNetwork(),
    resolver: createFakeResolver(zone),
    random: () => 0,
    clock: performance,
    hostname: 'us.test',
    concurrency: 5,
    connectTimeout: 5000,
    mailbox: async (_route, job) => job.recipients.map(() => taken),
    callFunction: () => Promise.reject(new Error('broken function')),
    ...options,
  })
}

const taken: Outcome = { is: 'delivered', to: 'mailbox', reply: undefined, reports: false }

function relay(host: FakeHost, tls: TlsPolicy = 'none', name = '127.0.0.1'): Route {
  return { via: 'relay', host: name, port: host.port, tls, auth: undefined, ...LIMITS }
}

function job(
  to: string[],
  content: string | Buffer | Content = 'Subject: x\r\n\r\nhello\r\n',
  more: Partial<Envelope> = {},
): Job {
  const envelope: Envelope = {
    returnPath: '<>',
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    holdUntil: undefined,
    ...more,
  }
  const inside: Content =
    typeof content === 'string' || Buffer.isBuffer(content) ? { in: 'memory', bytes: Buffer.from(content) } : content
  return { id: 'x', envelope, content: inside, recipients: to.map(recipient) }
}

function recipient(text: string): Recipient {
  const address = parseAddress(text, { smtputf8: true })
  assert.ok(address)
  return { address, notify: undefined, original: undefined }
}

function shown(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(outcome => {
    if (outcome.is === 'delivered') return `delivered ${outcome.reply?.code}`
    const about = outcome.is === 'deferred' ? `deferred ${outcome.of}` : 'bounced'
    return `${about} ${outcome.status} ${outcome.reply?.code ?? '-'}`
  })
}

/** Starts hosts, delivers one job after the other to the first, and closes everything. */
async function run(options: FakeHostOptions, jobs: Job[], route?: (host: FakeHost) => Route) {
  const host = await startFakeHost(options)
  const { deliver, close } = delivery()
  const outcomes: string[][] = []
  for (const each of jobs) outcomes.push(shown(await deliver(route?.(host) ?? relay(host), each)))
  await close()
  await host.close()
  return { host, outcomes }
}

test('one connection, one write per message with PIPELINING and CHUNKING', async () => {
  const jobs = Array.from({ length: 5 }, (_, i) => job(['a@x.test'], `Subject: ${i}\r\n\r\n.\r\nhello`))
  const { host, outcomes } = await run({ offers: ALL }, jobs)
  assert.deepEqual(outcomes.flat(), Array(5).fill('delivered 250'))
  assert.equal(host.connections, 1)
  assert.deepEqual(
    host.contents.map(String),
    Array.from({ length: 5 }, (_, i) => `Subject: ${i}\r\n\r\n.\r\nhello`),
  )
  assert.equal(host.chunks, 7) // EHLO, five messages, QUIT
  assert.deepEqual(host.commands.slice(1, 4), ['MAIL FROM:<> SIZE=22', 'RCPT TO:<a@x.test>', 'BDAT 22 LAST'])
  assert.equal(host.commands.at(-1), 'QUIT')
})

test('DATA: dots are stuffed, the last CRLF is added', async () => {
  const { host, outcomes } = await run({}, [job(['a@x.test'], '.a\r\n..\r\n.\r\nb'), job(['a@x.test'], 'c\r\n')])
  assert.deepEqual(outcomes.flat(), ['delivered 250', 'delivered 250'])
  assert.deepEqual(host.contents.map(String), ['.a\r\n..\r\n.\r\nb\r\n', 'c\r\n'])
})

const THREE = ['a@x.test', 'b@x.test', 'c@x.test']
const partly = (command: string) =>
  command.includes('b@') ? '550 5.1.1 who' : command.includes('c@') ? '450 4.2.1 busy' : undefined

test('each recipient has its own outcome', async () => {
  for (const offers of [[], ['PIPELINING'], ['CHUNKING'], ALL]) {
    const { outcomes, host } = await run({ offers, answer: partly }, [
      job(THREE),
      job(['b@x.test', 'c@x.test']),
      job(['a@x.test']),
    ])
    assert.deepEqual(outcomes, [
      ['delivered 250', 'bounced 5.1.1 550', 'deferred recipient 4.2.1 450'],
      ['bounced 5.1.1 550', 'deferred recipient 4.2.1 450'],
      ['delivered 250'],
    ])
    assert.equal(host.connections, 1)
  }
})

test('refusals of MAIL, DATA and the content', async () => {
  const cases: [string, string, string][] = [
    ['MAIL', '550 5.7.1 no', 'bounced 5.7.1 550'],
    ['MAIL', '451 4.7.1 not yet', 'deferred recipient 4.7.1 451'],
    ['RCPT', '550 no status', 'bounced 5.0.0 550'],
    ['DATA', '451 later', 'deferred recipient 4.0.0 451'],
    ['DATA', '554 5.7.1 no', 'bounced 5.7.1 554'],
    ['.', '554 5.7.1 spam', 'bounced 5.7.1 554'],
    ['.', '452 4.3.1 full', 'deferred recipient 4.3.1 452'],
    ['MAIL', `421 4.3.2 bye${HANG_UP}`, 'deferred destination 4.3.2 421'],
    ['RCPT', `421 4.3.2 bye${HANG_UP}`, 'deferred destination 4.3.2 421'],
    ['.', `421 4.3.2 bye${HANG_UP}`, 'deferred destination 4.3.2 421'],
    ['.', HANG_UP, 'deferred destination 4.4.2 -'],
    ['RCPT', 'what?', 'deferred destination 4.5.0 -'],
    ['EHLO', `421 bye${HANG_UP}`, 'deferred destination 4.3.2 421'],
    ['EHLO', '451 4.0.0 later', 'deferred destination 4.0.0 451'],
  ]
  for (const [verb, reply, expected] of cases) {
    const answer = (command: string) => (command.startsWith(verb) ? reply : undefined)
    const { outcomes } = await run({ answer }, [job(['a@x.test'])])
    assert.deepEqual(outcomes, [[expected]], `${verb} ${reply}`)
  }
})

test('421 midway: what was said before it stands', async () => {
  const answer = (command: string) =>
    command.includes('b@') ? '550 5.1.1 who' : command.includes('c@') ? `421 4.3.2 bye${HANG_UP}` : undefined
  const { outcomes } = await run({ offers: ALL, answer }, [job(THREE)])
  assert.deepEqual(outcomes, [
    ['deferred destination 4.3.2 421', 'bounced 5.1.1 550', 'deferred destination 4.3.2 421'],
  ])
})

test('limits of the host: RCPTMAX, MAILMAX, 452 (RFC 9422, RFC 5321 §4.5.3.1.10)', async () => {
  const rcptmax = await run({ offers: [...ALL, 'LIMITS RCPTMAX=2'] }, [job(THREE)])
  assert.deepEqual(rcptmax.outcomes, [Array(3).fill('delivered 250')])
  assert.equal(rcptmax.host.contents.length, 2)
  assert.equal(rcptmax.host.connections, 1)
  const both = await run({ offers: ['LIMITS RCPTMAX=1 MAILMAX=1'] }, [job(THREE)])
  assert.deepEqual(both.outcomes, [Array(3).fill('delivered 250')])
  assert.equal(both.host.connections, 3)
  let room = 0
  const answer = (command: string) => {
    if (command.startsWith('MAIL')) room = 1
    return command.startsWith('RCPT') && room-- <= 0 ? '452 4.5.3 too many' : undefined
  }
  const full = await run({ offers: ALL, answer }, [job(THREE)])
  assert.deepEqual(full.outcomes, [Array(3).fill('delivered 250')])
  assert.equal(full.host.contents.length, 3)
})

test('the next host is tried where one is in trouble, and not where it has decided', async () => {
  const good = await startFakeHost()
  // The same port on other addresses of loopback is nobody, so both hosts need the same port: the first is reached by its path only here.
  const zone = (first: string[]) => ({
    'x.test': {
      mx: [
        [10, 'mx1.test'],
        [20, 'mx2.test'],
      ] as const,
    },
    'mx1.test': { a: first },
    'mx2.test': { a: ['127.0.0.1'] },
  })
  const route: Route = { via: 'mx', tls: 'none', port: good.port, ...LIMITS }
  const { deliver, close } = delivery(zone(['127.0.0.9', '127.0.0.8']))
  const [outcome] = await deliver(route, job(['a@x.test']))
  assert.equal(outcome?.is === 'delivered' ? outcome.to : outcome, `mx2.test [127.0.0.1]:${good.port}`)
  await close()
  await good.close()
})

test('greeting, EHLO, MAIL 4xx: all hosts are asked once; the last word is the outcome', async () => {
  for (const [verb, reply] of [
    ['MAIL', '451 4.7.1 not yet'],
    ['EHLO', '451 4.7.1 no'],
    ['', '554 5.7.1 go away'],
  ] as const) {
    const host = await startFakeHost({
      ...(verb === '' ? { greeting: reply } : {}),
      answer: command => (verb !== '' && command.startsWith(verb) ? reply : undefined),
    })
    const { deliver, close } = delivery({
      'x.test': {
        mx: [
          [1, 'a.test'],
          [2, 'b.test'],
        ],
      },
      'a.test': { a: ['127.0.0.1'] },
      'b.test': { a: ['127.0.0.1'] },
    })
    const [outcome] = await deliver({ via: 'mx', tls: 'none', port: host.port, ...LIMITS }, job(['a@x.test']))
    assert.equal(outcome?.is, 'deferred')
    assert.equal(outcome.status, '4.7.1')
    assert.match(outcome.to ?? '', /^b\.test/)
    assert.equal(host.connections, 2)
    await close()
    await host.close()
  }
})

test('what DNS says', async () => {
  const { deliver, close } = delivery({
    'null.test': { mx: [[0, '']] },
    'broken.test': { fail: 'SERVFAIL' },
    'dead.test': { a: ['127.0.0.1'] },
  })
  const host = await startFakeHost()
  await host.close()
  const route: Route = { via: 'mx', tls: 'none', port: host.port, ...LIMITS }
  const outcomes = await deliver(
    route,
    job(['a@null.test', 'a@missing.tld', 'a@broken.test', 'b@null.test', 'a@dead.test']),
  )
  assert.deepEqual(shown(outcomes), [
    'bounced 5.1.10 -',
    'bounced 5.1.2 -',
    'deferred destination 4.4.3 -',
    'bounced 5.1.10 -',
    'deferred destination 4.4.1 -',
  ])
  await close()
})

const CERTIFICATE = selfSigned('host.test')

test('TLS by policy', async () => {
  const tls = { ...CERTIFICATE }
  const broken = { key: tls.key, cert: tls.cert }
  const cases: [FakeHostOptions, TlsPolicy, string, string | undefined, number][] = [
    [{ offers: ['STARTTLS'], tls }, 'opportunistic', 'delivered 250', undefined, 1],
    [{ offers: ['STARTTLS'], tls }, 'required', 'delivered 250', tls.cert, 1],
    [{ offers: ['STARTTLS'], tls }, 'required', 'deferred destination 4.7.5 -', undefined, 1],
    [{ offers: [] }, 'required', 'deferred destination 4.7.5 -', tls.cert, 1],
    [{ offers: [] }, 'opportunistic', 'delivered 250', undefined, 1],
    // Says STARTTLS, but cannot: a new connection without.
    [
      { offers: ['STARTTLS'], answer: command => (command === 'STARTTLS' ? `220 go${HANG_UP}` : undefined) },
      'opportunistic',
      'delivered 250',
      undefined,
      2,
    ],
    [
      { offers: ['STARTTLS'], answer: command => (command === 'STARTTLS' ? `220 go${HANG_UP}` : undefined) },
      'required',
      'deferred destination 4.7.5 -',
      broken.cert,
      1,
    ],
    // Plain text smuggled in after the reply to STARTTLS.
    [
      { offers: ['STARTTLS'], answer: command => (command === 'STARTTLS' ? '220 go\r\n250 ok' : undefined) },
      'required',
      'deferred destination 4.7.5 -',
      tls.cert,
      1,
    ],
  ]
  for (const [options, policy, expected, ca, connections] of cases) {
    const host = await startFakeHost(options)
    const { deliver, close } = delivery({ 'host.test': { a: ['127.0.0.1'] } }, { ca })
    const outcomes = await deliver(relay(host, policy, 'host.test'), job(['a@x.test']))
    assert.deepEqual(shown(outcomes), [expected], `${policy} ${JSON.stringify(options.offers)}`)
    assert.equal(host.connections, connections)
    await close()
    await host.close()
  }
})

test('LMTP: an answer for each accepted recipient, over TCP and a Unix socket', async () => {
  const answer = (command: string) =>
    command.includes('b@') ? '550 5.1.1 who' : command === '.' ? '250 2.0.0 a\r\n452 4.2.2 c is full' : undefined
  const expected = [['delivered 250', 'bounced 5.1.1 550', 'deferred recipient 4.2.2 452']]
  for (const path of [undefined, join(folder, 'lmtp')]) {
    const options = { offers: ['PIPELINING'], answer, ...(path === undefined ? {} : { path }) }
    const { outcomes, host } = await run(options, [job(THREE)], ({ port }) => ({
      via: 'lmtp',
      to: path === undefined ? { host: '127.0.0.1', port } : { path },
      ...LIMITS,
    }))
    assert.deepEqual(outcomes, expected)
    assert.equal(host.commands[0], 'LHLO us.test')
  }
})

test('a connection that died while idle costs nothing, content that may have arrived is not sent again', async () => {
  const dying = await run(
    { offers: ALL, answer: (command, n) => (n === 1 && command === 'BDAT' ? '250 2.0.0 ok' : undefined) },
    [job(['a@x.test'])],
  )
  assert.deepEqual(dying.outcomes, [['delivered 250']])
  let messages = 0
  // The second message on the first connection is answered with 421.
  const shutting = await run(
    {
      offers: ALL,
      answer: (command, n) =>
        n === 1 && command.startsWith('MAIL') && ++messages > 1 ? `421 4.4.2 idle${HANG_UP}` : undefined,
    },
    [job(['a@x.test']), job(['b@x.test'])],
  )
  assert.deepEqual(shutting.outcomes, [['delivered 250'], ['delivered 250']])
  assert.equal(shutting.host.connections, 2)
  // Both hosts of the domain are this one.
  const doubtful = await startFakeHost({ offers: ALL, answer: command => (command === 'BDAT' ? HANG_UP : undefined) })
  const { deliver, close } = delivery({
    'x.test': {
      mx: [
        [1, 'a.test'],
        [2, 'b.test'],
      ],
    },
    'a.test': { a: ['127.0.0.1'] },
    'b.test': { a: ['127.0.0.1'] },
  })
  const outcomes = await deliver({ via: 'mx', tls: 'none', port: doubtful.port, ...LIMITS }, job(['a@x.test']))
  assert.deepEqual(shown(outcomes), ['deferred destination 4.4.2 -'])
  assert.equal(doubtful.contents.length, 1)
  await close()
  await doubtful.close()
})

test('not more sessions at once than the destination may have', async () => {
  const host = await startFakeHost({ offers: ALL })
  const { deliver, close } = delivery()
  const route: Route = { ...relay(host), concurrency: 2 }
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => deliver(route, job(['a@x.test']))))
  assert.deepEqual(outcomes.flatMap(shown), Array(20).fill('delivered 250'))
  assert.equal(host.connections, 2)
  await close()
  await host.close()
})

const EIGHT =
  'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngrüße\r\n'

test('what the host cannot carry is converted or bounced, never bent', async () => {
  const cases: [string[], string | Buffer, BodyType, boolean, string[], string, RegExp | undefined][] = [
    [ALL, EIGHT, '8BITMIME', false, ['a@x.test'], 'delivered 250', /gr\xc3\xbc\xc3\x9fe/],
    [[], EIGHT, '8BITMIME', false, ['a@x.test'], 'delivered 250', /gr=C3=BC=C3=9Fe/],
    [[], EIGHT, '7BIT', false, ['a@x.test'], 'delivered 250', /gr=C3=BC=C3=9Fe/],
    [[], 'Subject: ü\r\n\r\nx\r\n', '8BITMIME', false, ['a@x.test'], 'bounced 5.6.3 -', undefined],
    [[], 'Subject: ü\r\n\r\nx\r\n', '8BITMIME', true, ['a@x.test'], 'bounced 5.6.9 -', undefined],
    [['SMTPUTF8', '8BITMIME'], 'Subject: ü\r\n\r\nx\r\n', '8BITMIME', true, ['ü@x.test'], 'delivered 250', /\xc3\xbc/],
    [['8BITMIME'], 'Subject: u\r\n\r\nx\r\n', '8BITMIME', true, ['ü@x.test'], 'bounced 5.6.7 -', undefined],
    [['8BITMIME'], 'Subject: u\r\n\r\nx\r\n', '8BITMIME', true, ['u@x.test'], 'delivered 250', /x/],
    [['SIZE 5'], 'Subject: u\r\n\r\nx\r\n', '7BIT', false, ['u@x.test'], 'bounced 5.3.4 -', undefined],
    [
      ['CHUNKING', 'BINARYMIME'],
      'A: b\r\n\r\n\n\u0000\n',
      'BINARYMIME',
      false,
      ['u@x.test'],
      'delivered 250',
      /\n\0\n$/,
    ],
    [
      ['8BITMIME'],
      'MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n\n\u0000\n',
      'BINARYMIME',
      false,
      ['u@x.test'],
      'delivered 250',
      /base64/,
    ],
  ]
  for (const [offers, content, body, smtputf8, to, expected, arrived] of cases) {
    const { outcomes, host } = await run({ offers }, [job(to, content, { body, smtputf8 })])
    assert.deepEqual(outcomes.flat(), [expected], `${offers.join()} ${body}`)
    if (arrived !== undefined) assert.match(host.contents[0]?.toString('latin1') ?? '', arrived)
    else assert.equal(host.contents.length, 0)
  }
})

test('a large file goes out no faster than the host takes it', async () => {
  const path = join(folder, 'large')
  const line = `${'.'.repeat(70)}\r\n`
  const bytes = Buffer.from(line.repeat(Math.ceil((10 * 1024 * 1024) / line.length)))
  await writeFile(path, bytes)
  const head = Buffer.from('Received: x\r\n\r\n')
  const content: Content = { in: 'file', path, head, size: bytes.length + head.length }
  const expected = createHash('sha256').update(head).update(bytes).digest('hex')
  for (const offers of [['8BITMIME'], ['8BITMIME', 'CHUNKING', 'PIPELINING']]) {
    const { outcomes, host } = await run({ offers, slow: 1 }, [job(['a@x.test'], content), job(['a@x.test'])])
    assert.deepEqual(outcomes.flat(), ['delivered 250', 'delivered 250'])
    assert.equal(
      createHash('sha256')
        .update(host.contents[0] ?? '')
        .digest('hex'),
      expected,
    )
    assert.equal(host.connections, 1)
  }
})

test('a file that is shorter than it was said to be is not delivered by halves', async () => {
  const path = join(folder, 'short')
  await writeFile(path, 'only this\r\n')
  for (const offers of [['8BITMIME'], ALL]) {
    const { outcomes, host } = await run({ offers }, [
      job(['a@x.test'], { in: 'file', path, head: Buffer.alloc(0), size: 1000 }),
    ])
    assert.deepEqual(outcomes.flat(), ['deferred recipient 4.3.0 -'])
    assert.equal(host.contents.length, 0)
  }
  const missing = await run({ offers: ALL }, [
    job(['a@x.test'], { in: 'file', path: join(folder, 'none'), head: Buffer.alloc(0), size: 9 }),
  ])
  assert.deepEqual(missing.outcomes.flat(), ['deferred recipient 4.3.0 -'])
})

test('a host that answers in the middle of the content', async () => {
  const path = join(folder, 'middle')
  await writeFile(path, Buffer.alloc(5_000_000, 'x'))
  const content: Content = { in: 'file', path, head: Buffer.alloc(0), size: 5_000_000 }
  const answer = (command: string) => (command === 'DATA' ? '354 go\r\n552 5.3.4 too big' : undefined)
  const { outcomes } = await run({ offers: ['8BITMIME'], answer, slow: 1 }, [job(['a@x.test'], content)])
  assert.deepEqual(outcomes.flat(), ['bounced 5.3.4 552'])
})

test('refusals by route, mailboxes and functions', async () => {
  const { deliver, close } = delivery()
  const refuse: Route = { via: 'refuse', code: 550, status: '5.7.1', text: 'not here', ...LIMITS }
  assert.deepEqual(shown(await deliver(refuse, job(THREE))), Array(3).fill('bounced 5.7.1 550'))
  assert.deepEqual(shown(await deliver({ ...refuse, code: 450, status: '4.7.1' }, job(['a@x.test']))), [
    'deferred recipient 4.7.1 450',
  ])
  assert.deepEqual(await deliver({ via: 'mailbox', account: undefined, ...LIMITS }, job(['a@x.test'])), [taken])
  assert.deepEqual(shown(await deliver({ via: 'function', index: 0, ...LIMITS }, job(['a@x.test']))), [
    'deferred recipient 4.3.0 -',
  ])
  await close()
})

test('after a pause the content waits for the answers, so that a host that has gone loses nothing', async () => {
  const host = await startFakeHost({ offers: ALL })
  let now = 0
  const { deliver, close } = delivery({}, { clock: { now: () => now } })
  for (const pause of [0, 500, 1500]) {
    now += pause
    assert.deepEqual(shown(await deliver(relay(host), job(['a@x.test']))), ['delivered 250'])
  }
  // EHLO, one write for each of the first two messages, two for the third.
  assert.equal(host.chunks, 5)
  assert.equal(host.connections, 1)
  await close()
  await host.close()
})

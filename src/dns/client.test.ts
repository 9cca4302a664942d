import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import {
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  type Answer as PacketRecord,
  type DecodedPacket,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  decode,
  encode,
} from 'dns-packet'
import { type ResolverOptions, createResolver } from './client.ts'

type Via = 'udp' | 'tcp'
/** What the server sends for a query, in this order. */
type Script = (query: DecodedPacket, via: Via) => readonly Buffer[]

interface TestServer {
  /** 'address:port' */
  readonly address: string
  readonly queries: { readonly via: Via; readonly packet: DecodedPacket; readonly port: number }[]
  /** A datagram to a resolver's port, from another port. */
  readonly spoof: (bytes: Buffer, port: number) => Promise<void>
}

/** A name server on a free port of the loopback interface, over UDP and TCP. */
async function startServer(t: TestContext, script: Script, host = '127.0.0.1'): Promise<TestServer> {
  const queries: TestServer['queries'] = []
  const tcp = createServer(socket => {
    socket.on('error', () => socket.destroy())
    socket.on('data', chunk => {
      const packet = decode(chunk.subarray(2))
      queries.push({ via: 'tcp', packet, port: socket.remotePort ?? 0 })
      for (const bytes of script(packet, 'tcp')) socket.write(bytes)
    })
  })
  await new Promise<void>(resolve => tcp.listen(0, host, resolve))
  const { port } = tcp.address() as AddressInfo
  const type = host.includes(':') ? 'udp6' : 'udp4'
  const [udp, stranger] = [createSocket(type), createSocket(type)]
  udp.on('message', (bytes, from) => {
    const packet = decode(bytes)
    queries.push({ via: 'udp', packet, port: from.port })
    for (const reply of script(packet, 'udp')) udp.send(reply, from.port, from.address)
  })
  await new Promise<void>(resolve => udp.bind(port, host, resolve))
  await new Promise<void>(resolve => stranger.bind(0, host, resolve))
  t.after(() => {
    udp.close()
    stranger.close()
    tcp.close()
  })
  return {
    address: type === 'udp6' ? `[${host}]:${port}` : `${host}:${port}`,
    queries,
    spoof: (bytes, to) => new Promise(resolve => stranger.send(bytes, to, host, () => resolve())),
  }
}

interface Reply {
  readonly rcode?: number
  readonly flags?: number
  readonly answers?: PacketRecord[]
  readonly authorities?: PacketRecord[]
  readonly additionals?: PacketRecord[]
  readonly id?: number
  readonly name?: string
  readonly questions?: DecodedPacket['questions']
}

function reply(query: DecodedPacket, content: Reply): Buffer {
  const [question] = query.questions ?? []
  return encode({
    type: 'response',
    id: content.id ?? query.id,
    flags: RECURSION_DESIRED | RECURSION_AVAILABLE | (content.flags ?? 0) | (content.rcode ?? 0),
    questions: content.questions ?? [{ type: question?.type ?? 'A', name: content.name ?? question?.name ?? '' }],
    answers: content.answers ?? [],
    authorities: content.authorities ?? [],
    additionals: content.additionals ?? [],
  })
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

function open(t: TestContext, servers: readonly string[], options: Partial<ResolverOptions> = {}) {
  const resolver = createResolver({
    servers,
    random: randomInt,
    clock: { now: () => performance.now() },
    timeout: 100,
    rounds: 2,
    hostsFile: '/nonexistent',
    ...options,
  })
  t.after(() => resolver.close())
  return resolver
}

const soa: PacketRecord = {
  type: 'SOA',
  name: 'test',
  ttl: 900,
  data: { mname: 'ns.test', rname: 'hostmaster.test', minimum: 120 },
}
const a = (name: string, data: string, ttl = 300): PacketRecord => ({ type: 'A', name, ttl, data })
const cname = (name: string, data: string, ttl = 300): PacketRecord => ({ type: 'CNAME', name, ttl, data })
const mx = (exchange: string, preference = 10): PacketRecord => ({
  type: 'MX',
  name: 'x.test',
  ttl: 300,
  data: { preference, exchange },
})
const found = (records: readonly unknown[], ttl = 300, authentic = false) => ({ is: 'found', records, ttl, authentic })
const chain = (length: number) => [
  ...Array.from({ length }, (_, n) => cname(n === 0 ? 'x.test' : `x${n}.test`, `x${n + 1}.test`)),
  a(`x${length}.test`, '192.0.2.1'),
]

/** One reply of one server, and the answer that comes of it. */
const MEANINGS: readonly [what: string, type: 'a' | 'aaaa' | 'mx' | 'txt', content: Reply, answer: object][] = [
  [
    'records, with the lowest TTL',
    'a',
    { answers: [a('x.test', '192.0.2.1', 60), a('X.Test', '192.0.2.2', 30)] },
    found(['192.0.2.1', '192.0.2.2'], 30),
  ],
  [
    'an IPv6 address',
    'aaaa',
    { answers: [{ type: 'AAAA', name: 'x.test', ttl: 9, data: '2001:db8::1' }] },
    found(['2001:db8::1'], 9),
  ],
  ['the AD bit', 'a', { flags: AUTHENTIC_DATA, answers: [a('x.test', '192.0.2.1')] }, found(['192.0.2.1'], 300, true)],
  [
    'a TTL with its highest bit set (RFC 2181 §8)',
    'a',
    { answers: [a('x.test', '192.0.2.1', 0x80000000)] },
    found(['192.0.2.1'], 0),
  ],
  [
    'records of another name',
    'a',
    { answers: [a('y.test', '192.0.2.1')], authorities: [soa] },
    { is: 'none', name: 'exists', authentic: false, ttl: 120 },
  ],
  [
    'MX in any order',
    'mx',
    { answers: [mx('B.test', 20), mx('a.test', 10), mx('c.test', 20)] },
    found([
      { preference: 10, exchange: 'a.test' },
      { preference: 20, exchange: 'b.test' },
      { preference: 20, exchange: 'c.test' },
    ]),
  ],
  ['a null MX (RFC 7505)', 'mx', { answers: [mx('.', 0)] }, found([{ preference: 0, exchange: '' }])],
  [
    'an MX that no host can have beside a good one',
    'mx',
    { answers: [mx('a b.test'), mx('a.test')] },
    found([{ preference: 10, exchange: 'a.test' }]),
  ],
  [
    'only an MX that no host can have',
    'mx',
    { answers: [mx('a\r\nb.test')] },
    { is: 'failed', reason: 'no usable record (127.0.0.1)' },
  ],
  [
    'TXT in several strings',
    'txt',
    {
      answers: [
        { type: 'TXT', name: 'x.test', ttl: 300, data: ['v=spf1 ', '-all'] },
        { type: 'TXT', name: 'x.test', ttl: 300, data: 'other' },
      ],
    },
    found(['v=spf1 -all', 'other']),
  ],
  [
    'a chain of aliases',
    'a',
    { answers: [a('z.test', '192.0.2.1'), cname('x.test', 'Y.test'), cname('y.test', 'z.test', 20)] },
    found(['192.0.2.1'], 20),
  ],
  ['8 aliases', 'a', { answers: chain(8) }, found(['192.0.2.1'])],
  ['9 aliases', 'a', { answers: chain(9) }, { is: 'failed', reason: 'circle of aliases, or too many (127.0.0.1)' }],
  [
    'a circle of aliases',
    'a',
    { answers: [cname('x.test', 'y.test'), cname('y.test', 'x.test')] },
    { is: 'failed', reason: 'circle of aliases, or too many (127.0.0.1)' },
  ],
  [
    'an alias of a missing name (RFC 6604)',
    'a',
    { rcode: 3, answers: [cname('x.test', 'y.test', 7)], authorities: [soa] },
    { is: 'none', name: 'missing', authentic: false, ttl: 7 },
  ],
  [
    'NXDOMAIN',
    'a',
    { rcode: 3, flags: AUTHENTIC_DATA, authorities: [soa] },
    { is: 'none', name: 'missing', authentic: true, ttl: 120 },
  ],
  ['NXDOMAIN without SOA', 'a', { rcode: 3 }, { is: 'none', name: 'missing', authentic: false }],
  ['NODATA', 'mx', { authorities: [soa] }, { is: 'none', name: 'exists', authentic: false, ttl: 120 }],
  [
    'NODATA without SOA, with authority',
    'mx',
    { flags: AUTHORITATIVE_ANSWER, authorities: [{ type: 'NS', name: 'test', data: 'ns.test' }] },
    { is: 'none', name: 'exists', authentic: false },
  ],
  [
    'a referral',
    'mx',
    { authorities: [{ type: 'NS', name: 'test', data: 'ns.test' }] },
    { is: 'failed', reason: 'referral instead of an answer (127.0.0.1)' },
  ],
  ['SERVFAIL', 'a', { rcode: 2 }, { is: 'failed', reason: 'SERVFAIL (127.0.0.1)' }],
  ['REFUSED without the question', 'a', { rcode: 5, questions: [] }, { is: 'failed', reason: 'REFUSED (127.0.0.1)' }],
  [
    'an extended rcode (RFC 6891 §6.1.3)',
    'a',
    {
      answers: [a('x.test', '192.0.2.1')],
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: 1232,
          extendedRcode: 1,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    },
    { is: 'failed', reason: 'RCODE 16 (127.0.0.1)' },
  ],
]

for (const [what, type, content, answer] of MEANINGS) {
  test(`${what}: ${JSON.stringify(answer)}`, async t => {
    const server = await startServer(t, query => [reply(query, content)])
    assert.deepEqual(await open(t, [server.address])[type]('X.test.'), answer)
  })
}

/** What is not for us is passed over, and the true answer behind it is taken. */
const FOREIGN: readonly [what: string, forge: (query: DecodedPacket) => Buffer][] = [
  ['another id', query => reply(query, { id: ((query.id ?? 0) + 1) & 0xffff, answers: [a('x.test', '203.0.113.6')] })],
  ['another name', query => reply(query, { name: 'y.test', answers: [a('y.test', '203.0.113.6')] })],
  ['another type', query => reply(query, { questions: [{ type: 'AAAA', name: 'x.test' }] })],
  ['another class', query => reply(query, { questions: [{ type: 'A', name: 'x.test', class: 'CH' }] })],
  ['no question', query => reply(query, { questions: [], answers: [a('x.test', '203.0.113.6')] })],
  [
    'two questions',
    query =>
      reply(query, {
        questions: [
          { type: 'A', name: 'x.test' },
          { type: 'A', name: 'x.test' },
        ],
      }),
  ],
  ['our own query', query => encode({ ...query, type: 'query' })],
  ['too few bytes', () => Buffer.from('nonsense')],
]

for (const [what, forge] of FOREIGN) {
  test(`a message with ${what} is not the answer`, async t => {
    const server = await startServer(t, query => [forge(query), reply(query, { answers: [a('x.test', '192.0.2.1')] })])
    assert.deepEqual(await open(t, [server.address]).a('x.test'), found(['192.0.2.1']))
    assert.equal(server.queries.length, 1)
  })
}

test('a message from another port is not the answer', async t => {
  let spoofed = false
  const server: TestServer = await startServer(t, query => {
    const forged = reply(query, { answers: [a('x.test', '203.0.113.6')] })
    if (!spoofed) void server.spoof(forged, server.queries[0]?.port ?? 0)
    if (spoofed) return [reply(query, { answers: [a('x.test', '192.0.2.1')] })]
    spoofed = true
    return []
  })
  assert.deepEqual(await open(t, [server.address]).a('x.test'), found(['192.0.2.1']))
  assert.equal(server.queries.length, 2)
})

test('a query: RD, AD, EDNS with 1232 bytes, one question, a new id and port each time', async t => {
  const server = await startServer(t, query => [reply(query, { rcode: 3 })])
  const resolver = open(t, [server.address])
  for (let i = 0; i < 8; i++) await resolver.txt('X.test')
  for (const { packet } of server.queries) {
    assert.equal(packet.flags, RECURSION_DESIRED | AUTHENTIC_DATA)
    assert.deepEqual(packet.questions, [{ name: 'x.test', type: 'TXT', class: 'IN' }])
    const [opt] = packet.additionals ?? []
    assert.ok(opt?.type === 'OPT' && opt.udpPayloadSize === 1232 && !opt.flag_do)
  }
  assert.ok(new Set(server.queries.map(query => query.packet.id)).size > 4)
  assert.ok(new Set(server.queries.map(query => query.port)).size > 4)
})

test('a truncated answer is asked for again over TCP, even when cut within a record', async t => {
  const records = Array.from({ length: 200 }, (_, n) => a('x.test', `192.0.2.${n}`))
  const server = await startServer(t, (query, via) => {
    if (via === 'udp') return [reply(query, { flags: TRUNCATED_RESPONSE, answers: records }).subarray(0, 1001)]
    const bytes = framed(reply(query, { answers: records }))
    return [bytes.subarray(0, 1), bytes.subarray(1, 700), bytes.subarray(700)]
  })
  const answer = await open(t, [server.address]).a('x.test')
  assert.equal(answer.is === 'found' && answer.records.length, 200)
  assert.deepEqual(
    server.queries.map(query => query.via),
    ['udp', 'tcp'],
  )
})

for (const [what, bytes] of [
  ['says something else', (query: DecodedPacket) => framed(reply(query, { name: 'y.test' }))],
  ['is truncated too', (query: DecodedPacket) => framed(reply(query, { flags: TRUNCATED_RESPONSE }))],
] as const) {
  test(`a server that ${what} over TCP has no answer`, async t => {
    const server = await startServer(t, (query, via) => [
      via === 'udp' ? reply(query, { flags: TRUNCATED_RESPONSE }) : bytes(query),
    ])
    assert.deepEqual(await open(t, [server.address]).a('x.test'), {
      is: 'failed',
      reason: 'malformed answer (127.0.0.1)',
    })
  })
}

/** Servers that have no answer, so that the next one is asked: how often they are, and what is said when there is no other. */
const NO_ANSWER: readonly [what: string, script: Script, asked: number, reason: string][] = [
  ['says SERVFAIL', query => [reply(query, { rcode: 2 })], 1, 'SERVFAIL'],
  ['says REFUSED', query => [reply(query, { rcode: 5 })], 1, 'REFUSED'],
  [
    'is cut within a record',
    query => [reply(query, { answers: [a('x.test', '192.0.2.1')] }).subarray(0, -2)],
    1,
    'malformed answer',
  ],
  [
    'is cut within a text',
    query => [reply(query, { answers: [{ type: 'TXT', name: 'x.test', data: 'a long text' }] }).subarray(0, -2)],
    1,
    'malformed answer',
  ],
  ['keeps silent', () => [], 2, 'no answer in time'],
]

for (const [what, script, asked, reason] of NO_ANSWER) {
  test(`a server that ${what} is followed by the next`, async t => {
    const [bad, good] = [
      await startServer(t, script),
      await startServer(t, query => [reply(query, { answers: [a('x.test', '192.0.2.1')] })]),
    ]
    assert.deepEqual(await open(t, [bad.address, good.address]).a('x.test'), found(['192.0.2.1']))
    assert.equal(bad.queries.length, 1)
  })

  test(`a server that ${what}, alone: failed`, async t => {
    const server = await startServer(t, script)
    const resolver = open(t, [server.address])
    assert.deepEqual(await resolver.a('x.test'), { is: 'failed', reason: `${reason} (127.0.0.1)` })
    assert.equal(server.queries.length, asked)
  })
}

test('a server that was silent comes last for half a minute', async t => {
  let now = 0
  const clock = { now: () => now }
  const [dead, good] = [await startServer(t, () => []), await startServer(t, query => [reply(query, { rcode: 3 })])]
  const resolver = open(t, [dead.address, good.address], { clock })
  for (const [time, asked] of [
    [0, 1],
    [29_999, 1],
    [30_001, 2],
  ] as const) {
    now = time
    assert.equal((await resolver.a('x.test')).is, 'none')
    assert.equal(dead.queries.length, asked)
  }
})

test('a question ends with its patience, whatever rounds are left', async t => {
  let now = 0
  const server = await startServer(t, () => {
    now += 10_000
    return []
  })
  const resolver = open(t, [server.address], { clock: { now: () => now }, rounds: 9, timeout: 20 })
  assert.equal((await resolver.a('x.test')).is, 'failed')
  assert.equal(server.queries.length, 2)
})

test('a server without EDNS is asked without (RFC 6891 §6.2.2)', async t => {
  const server = await startServer(t, query => [
    (query.additionals ?? []).length > 0
      ? reply(query, { rcode: 1, questions: [] })
      : reply(query, { answers: [a('x.test', '192.0.2.1')] }),
  ])
  assert.deepEqual(await open(t, [server.address]).a('x.test'), found(['192.0.2.1']))
})

test('a port where nobody listens is no answer', async t => {
  const gone = createSocket('udp4')
  await new Promise<void>(resolve => gone.bind(0, '127.0.0.1', resolve))
  const { port } = gone.address()
  await new Promise<void>(resolve => gone.close(resolve))
  assert.equal((await open(t, [`127.0.0.1:${port}`]).a('x.test')).is, 'failed')
})

test('a server over IPv6', async t => {
  const server = await startServer(t, query => [reply(query, { answers: [a('x.test', '192.0.2.1')] })], '::1')
  assert.deepEqual(await open(t, [server.address]).a('x.test'), found(['192.0.2.1']))
})

test('PTR: the reverse name is asked for, and names that no host can have are left out', async t => {
  const ptr = (data: string): PacketRecord => ({ type: 'PTR', name: '1.2.0.192.in-addr.arpa', ttl: 300, data })
  const server = await startServer(t, query => [reply(query, { answers: [ptr('MX.test'), ptr('evil)\r\n.test')] })])
  const resolver = open(t, [server.address])
  assert.deepEqual(await resolver.ptr('192.0.2.1'), found(['mx.test']))
  assert.equal(server.queries[0]?.packet.questions?.[0]?.name, '1.2.0.192.in-addr.arpa')
})

test('what needs no server is answered without one', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'dns-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const hostsFile = join(folder, 'hosts')
  writeFileSync(hostsFile, '192.0.2.25 relay.test\n')
  const server = await startServer(t, query => [reply(query, { rcode: 2 })])
  const resolver = open(t, [server.address], { hostsFile })
  const missing = { is: 'none', name: 'missing', authentic: false }
  const noData = { is: 'none', name: 'exists', authentic: false }
  assert.deepEqual(await resolver.a('Relay.test'), found(['192.0.2.25'], 0))
  assert.deepEqual(await resolver.aaaa('relay.test'), noData)
  assert.deepEqual(await resolver.a('a.localhost'), found(['127.0.0.1'], 0))
  assert.deepEqual(await resolver.mx('localhost'), noData)
  assert.deepEqual(await resolver.ptr('127.0.0.2'), found(['localhost'], 0))
  assert.deepEqual(await resolver.ptr('nonsense'), missing)
  for (const bad of ['', '.', 'a..test', `${'a'.repeat(64)}.test`, '192.0.2.1', 'mail.invalid']) {
    assert.deepEqual(await resolver.a(bad), missing)
    assert.deepEqual(await resolver.mx(bad), missing)
    assert.deepEqual(await resolver.txt(bad), missing)
  }
  assert.equal(server.queries.length, 0)
})

test('questions beyond the limit wait for their turn, and fail when too many wait', async t => {
  let most = 0
  let open_ = 0
  const server = await startServer(t, query => {
    most = Math.max(most, ++open_)
    setImmediate(() => open_--)
    return [reply(query, { rcode: 3 })]
  })
  const resolver = open(t, [server.address], { concurrency: 2, timeout: 5_000 })
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => resolver.a(`x${n}.test`)))
  assert.equal(answers.filter(answer => answer.is === 'none').length, 82)
  assert.equal(answers.filter(answer => answer.is === 'failed' && answer.reason === 'too many questions').length, 18)
  assert.ok(most <= 2)
})

test('close ends what is under way, and what is asked afterwards', async t => {
  const server = await startServer(t, () => [])
  const resolver = open(t, [server.address], { timeout: 60_000, patience: 60_000 })
  const answer = resolver.a('x.test')
  while (server.queries.length === 0) await new Promise(resolve => setImmediate(resolve))
  resolver.close()
  assert.deepEqual(await answer, { is: 'failed', reason: 'closed' })
  assert.deepEqual(await resolver.a('x.test'), { is: 'failed', reason: 'closed' })
})

test('a server that cannot be read in the configuration is our mistake', t => {
  assert.throws(() => open(t, ['dns.example.test']), /dns\.example\.test/)
})

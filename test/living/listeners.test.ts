/** Listeners other than that for the world's mail servers: behind a proxy, for a program on this machine, for people. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { call, freePort, needs } from '../interop/program.ts'
import { ANNA, BRUNO, newPlace, PASSWORD, type Place } from './place.ts'
import { greeted, handIn, plain, type Talk, talkTo } from './talk.ts'

let place: Place
let behindProxy = 0
let submission = 0

before(async () => {
  behindProxy = await freePort()
  submission = await freePort()
  const host = '127.0.0.1'
  place = await newPlace({
    listeners: {
      smtp: { port: behindProxy, host, proxyFrom: ['127.0.0.1'] },
      submission: { port: submission, host },
      lmtp: { path: 'lmtp.sock' },
    },
    relayFrom: ['127.0.0.1'],
  })
  await place.start()
})
after(() => place.remove())

suite('PROXY protocol', () => {
  const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

  /** Version 2, PROXY, TCP over IPv4, from 203.0.113.9:4000 to 192.0.2.1:25. */
  const version2 = Buffer.concat([
    Buffer.from(SIGNATURE),
    Buffer.from([0x21, 0x11, 0, 12, 203, 0, 113, 9, 192, 0, 2, 1, 4000 >> 8, 4000 & 0xff, 0, 25]),
  ])

  async function via(header: string | Buffer): Promise<Talk> {
    const talk = await talkTo({ port: behindProxy })
    talk.write(header)
    return talk
  }

  for (const [name, header, client] of [
    ['version 1', 'PROXY TCP4 203.0.113.7 192.0.2.1 4000 25\r\n', '[203.0.113.7]'],
    ['version 1 with IPv6', 'PROXY TCP6 2001:db8::7 2001:db8::1 4000 25\r\n', '[IPv6:2001:db8::7]'],
    ['version 2', version2, '[203.0.113.9]'],
  ] as const) {
    test(`${name}: the real client stands in Received, and has no rights of the proxy`, async () => {
      const talk = await via(header)
      assert.match(await talk.reply(), /^220 /)
      await talk.say('EHLO client.example')
      assert.match(await handIn(talk, 'tim@example.net', 'far@elsewhere.test', ''), /^550 5\.7\.1 /)
      await talk.say('RSET')
      assert.match(await handIn(talk, 'tim@example.net', ANNA, `Subject: Via ${name}\r\n\r\nx`), /^250 /)
      const text = await place.mail(ANNA, `Subject: Via ${name}\r\n`)
      assert.ok(text.includes(`Received: from client.example (${client})`), text)
    })
  }

  for (const [name, header] of [
    ['no header at all', 'EHLO client.example\r\n'],
    ['version 1 with a wrong address', 'PROXY TCP4 203.0.113.777 192.0.2.1 4000 25\r\n'],
    ['version 1 that is too long', `PROXY TCP4 ${'1'.repeat(200)}\r\n`],
    ['version 2 with a wrong version', Buffer.concat([Buffer.from(SIGNATURE), Buffer.from([0x31, 0x11, 0, 0])])],
    [
      'version 2 with too short an address',
      Buffer.concat([Buffer.from(SIGNATURE), Buffer.from([0x21, 0x11, 0, 2, 1, 2])]),
    ],
  ] as const) {
    test(`${name}: refused without a word`, async () => {
      assert.equal(await (await via(header)).reply(), 'closed')
    })
  }

  test('from others the header is no header', async () => {
    const talk = await talkTo({ port: behindProxy, from: '127.0.0.9' })
    assert.match(await talk.reply(), /^220 /)
    assert.match(await talk.say('PROXY TCP4 203.0.113.7 192.0.2.1 4000 25'), /^500 5\.5\.2 /)
    await talk.say('EHLO client.example')
    assert.match(await handIn(talk, 'tim@example.net', ANNA, 'Subject: Direct\r\n\r\nx'), /^250 /)
    assert.match(await place.mail(ANNA, 'Subject: Direct\r\n'), /^Received: from client\.example \(\[127\.0\.0\.9\]\)/m)
  })
})

const LMTP_CLIENT = `
import json, smtplib, sys
client = smtplib.LMTP(sys.argv[1])
said = [client.lhlo()[0] if hasattr(client, 'lhlo') else client.ehlo()[0], client.mail('tim@example.net')[0]]
said += [client.rcpt(to)[0] for to in ('${ANNA}', 'nobody@living.test', '${BRUNO}', '${ANNA}')]
said.append(client.docmd('DATA')[0])
client.send(b'Subject: By LMTP\\r\\n\\r\\nHello\\r\\n.\\r\\n')
replies = [client.getreply() for accepted in range(3)]
quit = client.docmd('QUIT')[0]
single = smtplib.LMTP(sys.argv[1])
refused = single.sendmail('tim@example.net', ['${BRUNO}'], b'Subject: By sendmail\\r\\n\\r\\nHello\\r\\n')
single.quit()
print(json.dumps([said, [[code, text.decode()] for code, text in replies], quit, refused]))
`

test('LMTP over a Unix socket, spoken by Python: a reply for each recipient', {
  skip: needs(['python3']).excuse,
}, async () => {
  const { code, stdout, stderr } = await call({
    name: 'python3',
    args: ['-c', LMTP_CLIENT, join(place.folder, 'lmtp.sock')],
  })
  assert.equal(code, 0, stderr)
  const [said, replies, quit, refused]: unknown[] = JSON.parse(stdout.toString())
  assert.deepEqual(said, [250, 250, 250, 550, 250, 250, 354])
  assert.ok(Array.isArray(replies))
  for (const [number, address] of [ANNA, BRUNO, ANNA].entries()) {
    const [status, text]: [number, string] = replies[number]
    assert.equal(status, 250)
    assert.match(text, /^2\.0\.0 /)
    assert.ok(text.includes(address), text)
  }
  assert.equal(quit, 221)
  assert.deepEqual(refused, {})
  assert.match(await place.mail(BRUNO, 'Subject: By sendmail'), /^Received: .* with LMTP/ms)
  const copies = (await place.list(`mail list ${ANNA}`)).filter(({ subject }) => subject === 'By LMTP')
  assert.equal(copies.length, 1) // one recipient, however often it was named
})

suite('submission', () => {
  const from = '127.0.0.10' // that may not relay
  async function loggedIn(): Promise<Talk> {
    const talk = await greeted({ port: submission, from })
    await talk.startTls()
    await talk.say('EHLO client.example')
    assert.match(await talk.say(`AUTH PLAIN ${plain(ANNA, PASSWORD)}`), /^235 2\.7\.0 /)
    return talk
  }

  test('no mail without a login, not even for us', async () => {
    const talk = await greeted({ port: submission, from })
    assert.match(await talk.say(`MAIL FROM:<${ANNA}>`), /^530 5\.7\.0 /)
    await talk.startTls()
    await talk.say('EHLO client.example')
    assert.match(await handIn(talk, ANNA, BRUNO, ''), /^530 5\.7\.0 /)
  })

  test('no login without TLS, and none is offered', async () => {
    const talk = await talkTo({ port: submission, from })
    await talk.reply()
    assert.doesNotMatch(await talk.say('EHLO client.example'), /AUTH/)
    assert.match(await talk.say(`AUTH PLAIN ${plain(ANNA, PASSWORD)}`), /^538 5\.7\.11 /)
  })

  test("nobody sends under another's address", async () => {
    const talk = await loggedIn()
    for (const sender of [BRUNO, 'tim@example.net', 'anna@example.net'])
      assert.match(await handIn(talk, sender, BRUNO, ''), /^553 5\.7\.1 /, sender)
    assert.match(await handIn(talk, 'Anna+shop@Living.test', BRUNO, 'Subject: Plus\r\n\r\nx'), /^250 /)
    assert.match(await handIn(await loggedIn(), ANNA, BRUNO, 'Subject: Mine\r\n\r\nx'), /^250 /)
  })

  test('Date and Message-ID are added where they are missing, and only there', async () => {
    const talk = await loggedIn()
    const count = (text: string, name: RegExp): number => text.match(name)?.length ?? 0
    const head = (text: string): string => text.slice(0, text.indexOf('\r\n\r\n'))
    assert.match(await handIn(talk, ANNA, BRUNO, 'Subject: Bare\r\n\r\nDate: in the text'), /^250 /)
    const bare = head(await place.mail(BRUNO, 'Subject: Bare'))
    assert.equal(count(bare, /^Date: \w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r?$/gm), 1, bare)
    assert.equal(count(bare, /^Message-ID: <[^<>\s]+@mx\.living\.test>\r?$/gim), 1, bare)
    const own = 'Date: Wed, 1 Jul 2026 10:00:00 +0200\r\nMESSAGE-ID: <own@living.test>\r\nSubject: Complete'
    assert.match(await handIn(talk, ANNA, BRUNO, `${own}\r\n\r\nx`), /^250 /)
    const complete = head(await place.mail(BRUNO, 'Subject: Complete'))
    assert.ok(complete.includes(own), complete)
    assert.equal(count(complete, /^Date:/gim), 1, complete)
    assert.equal(count(complete, /^Message-ID:/gim), 1, complete)
  })
})

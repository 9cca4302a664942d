/** Postfix 3.7 as previous and as next hop. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { decodeQuotedPrintable } from '../../src/mail/quoted-printable.ts'
import { bodyOf, corpus, headerOf } from './corpus.ts'
import { ANNA, CARLA, hopTests, isReportOn, JORG, post, read, startBeside } from './hops.ts'
import { arrives, type Postfix, startPostfix } from './postfix.ts'
import { missingRights, needs, until } from './program.ts'
import type { Staffetta } from './staffetta.ts'

const needed = needs(['openssl', 'postfix', 'postqueue'], missingRights())

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

const mailboxes = [CARLA, JORG]

hopTests({
  name: 'Postfix',
  skip: needed.skip,
  start: port =>
    startPostfix({
      hostname: 'mx.neighbour.test',
      mailboxes,
      transports: { 'staffetta.test': `relay:[127.0.0.1]:${port}` },
    }),
  isEmpty: async postfix => (await postfix.queue()).length === 0,
})

suite('a Postfix of another age: neither 8BITMIME nor SMTPUTF8, CHUNKING or DSN', { skip: needed.skip }, () => {
  let postfix: Postfix
  let server: Staffetta

  before(async () => {
    const parameters = { smtpd_discard_ehlo_keywords: '8bitmime, smtputf8, chunking, dsn' }
    postfix = await startPostfix({ hostname: 'mx.neighbour.test', mailboxes, parameters })
    server = await startBeside(postfix.port)
  })

  after(async () => {
    await server?.stop()
    await postfix?.stop()
  })

  const here = () => ({ host: server.host, port: server.ports.smtp })
  const messages = corpus({ from: ANNA, to: CARLA, international: JORG })
  const named = (name: string) => messages.filter(message => message.name === name)

  test('8-bit bodies arrive in 7 bits that say the same', async () => {
    for (const message of named('8-bit body')) {
      await post(here(), message)
      const found = await arrives(postfix, CARLA, bytes => bytes.includes(message.messageId))
      assert.match(headerOf(found), /^Content-Transfer-Encoding: quoted-printable/im)
      assert.ok(found.every(octet => octet < 128))
      assert.deepEqual(Buffer.from(decodeQuotedPrintable(bodyOf(found))), bodyOf(message.bytes))
    }
  })

  test('an international message comes back: 5.6.7', async () => {
    for (const message of named('SMTPUTF8')) {
      await post(here(), message)
      const report = read(await arrives(server, ANNA, isReportOn(message.messageId)))
      assert.match(report.recipients[0]?.status ?? '', /^5\.6\.[79]$/) // RFC 6531 §3.5: its address, its header
    }
  })

  test('a delivery to a host without DSN is reported by us, as relayed', async () => {
    for (const message of named('plain')) {
      await post(here(), message, { notify: ['success'], id: 'x', return: 'headers', recipient: CARLA })
      const report = read(await arrives(server, ANNA, isReportOn(message.messageId)))
      assert.equal(report.recipients[0]?.action, 'relayed') // RFC 3461 §5.2.2
    }
  })
})

suite('TLS that must be checked', { skip: needed.skip }, () => {
  let postfix: Postfix

  before(async () => {
    postfix = await startPostfix({ hostname: 'mx.neighbour.test', mailboxes })
  })

  after(() => postfix?.stop())

  for (const known of [true, false]) {
    test(known ? 'a certificate that we trust: delivered' : 'one that nobody vouches for: it waits', async t => {
      const env = known ? { NODE_EXTRA_CA_CERTS: postfix.certificate } : {}
      const server = await startBeside(postfix.port, undefined, { tls: 'required' }, env)
      t.after(() => server.stop())
      const [message] = corpus({ from: ANNA, to: CARLA, international: undefined })
      assert.ok(message)
      await post({ host: server.host, port: server.ports.smtp }, message)
      if (known) {
        await arrives(postfix, CARLA, bytes => bytes.includes(message.messageId))
      } else {
        await until('an attempt', async () =>
          (await server.queue()).some(row => /certificate|self-signed/i.test(JSON.stringify(row))) ? true : undefined,
        )
        assert.equal(
          postfix.mail(CARLA).some(bytes => bytes.includes(message.messageId)),
          false,
        )
      }
    })
  }
})

/** Where mail goes by DNS: our server asks unbound, which asks nsd, and the hosts they name take mail on loopback addresses. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { corpus } from './corpus.ts'
import { ANNA, isReportOn, post, read } from './hops.ts'
import { missingPrograms, type Names, start } from './names.ts'
import { arrives } from './postfix.ts'
import { needs, until } from './program.ts'
import { type Sink, startSink } from './sink.ts'
import { type Staffetta, startStaffetta } from './staffetta.ts'

const needed = needs(['openssl'], missingPrograms())

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

const ipv6 = existsSync('/proc/net/if_inet6') && / lo$/m.test(readFileSync('/proc/net/if_inet6', 'utf8'))

const hosts = `
one     A 127.0.0.2
two     A 127.0.0.3
busy    A 127.0.0.4
closed  A 127.0.0.5
both    A 127.0.0.5
both    A 127.0.0.2
six     AAAA ::1
mx      A 127.0.0.1
alone   A 127.0.0.2
`
const zones = {
  'hosts.test': hosts,
  'preference.test': '@ MX 20 two.hosts.test.\n@ MX 10 one.hosts.test.',
  'closed.test': '@ MX 10 closed.hosts.test.\n@ MX 20 two.hosts.test.',
  'busy.test': '@ MX 10 busy.hosts.test.\n@ MX 20 two.hosts.test.',
  'gone.test': '@ MX 10 absent.hosts.test.\n@ MX 20 two.hosts.test.',
  'addresses.test': '@ MX 10 both.hosts.test.',
  'six.test': '@ MX 10 six.hosts.test.',
  'plain.test': '@ A 127.0.0.2',
  'alias.test': 'www CNAME preference.test.',
  'null.test': '@ MX 0 .',
  'nothing.test': '@ TXT "no mail here"',
  'backup.test': '@ MX 10 one.hosts.test.\n@ MX 20 mx.hosts.test.\n@ MX 30 two.hosts.test.',
  'ours.test': '@ MX 10 mx.hosts.test.\n@ MX 20 two.hosts.test.',
  'equal.test': '@ MX 10 one.hosts.test.\n@ MX 10 two.hosts.test.',
}

suite('names', { skip: needed.skip }, () => {
  let names: Names
  let server: Staffetta
  let sinks: Readonly<Record<string, Sink>> = {}

  before(async () => {
    const port = randomInt(20_000, 32_000) // the same on every address
    names = await start({ zones, lame: ['lame.test'] })
    sinks = {
      one: await startSink('127.0.0.2', port),
      two: await startSink('127.0.0.3', port),
      busy: await startSink('127.0.0.4', port, '421 4.3.2 not now'),
      ...(ipv6 ? { six: await startSink('::1', port) } : {}),
    }
    server = await startStaffetta({
      hostname: 'mx.hosts.test',
      domains: ['staffetta.test'],
      accounts: [ANNA],
      config: { dns: { servers: [names.resolver] }, routes: [{ to: '*', mx: { port } }] },
    })
  })

  after(async () => {
    await server?.stop()
    for (const sink of Object.values(sinks)) await sink.stop()
    await names?.stop()
  })

  const send = async (to: string) => {
    const [message] = corpus({ from: ANNA, to, international: undefined })
    assert.ok(message)
    await post({ host: server.host, port: server.ports.smtp }, message)
    return message
  }
  const whoHas = (messageId: string) =>
    Object.entries(sinks)
      .filter(([, sink]) => sink.has(messageId))
      .map(([name]) => name)

  for (const [domain, host, why] of [
    ['preference.test', 'one', 'the lowest preference first'],
    ['PREFERENCE.Test', 'one', 'names have no case'],
    ['closed.test', 'two', 'the next host when nothing listens at the first'],
    ['busy.test', 'two', 'the next host when the first greets with 421'],
    ['gone.test', 'two', 'the next host when the first has no address'],
    ['addresses.test', 'one', 'every address of a host'],
    ['plain.test', 'one', 'a domain without MX is its own host'],
    ['www.alias.test', 'one', 'an alias stands for its name'],
    ['backup.test', 'one', 'we are a backup: only hosts nearer than we are'],
    ...(ipv6 ? [['six.test', 'six', 'IPv6'] as const] : []),
  ] as const) {
    test(`${domain}: ${why}`, async () => {
      const { messageId } = await send(`someone@${domain}`)
      const found = await until(
        () => `delivery to ${domain}: ${server.log().slice(-3000)}`,
        () => (whoHas(messageId).length > 0 ? whoHas(messageId) : undefined),
      )
      assert.deepEqual(found, [host])
    })
  }

  test('equal preferences share the mail', async () => {
    const ids: string[] = []
    for (let n = 0; n < 24; n++) ids.push((await send('someone@equal.test')).messageId)
    const found = await until('all deliveries', () => {
      const all = ids.map(whoHas)
      return all.every(each => each.length === 1) ? all.flat() : undefined
    })
    // A delivery that finds a connection open may use it; which host is first is chance for each lookup, so the pair may stay together.
    assert.ok(found.every(name => name === 'one' || name === 'two'))
  })

  for (const [to, status, why] of [
    ['someone@null.test', '5.1.10', 'null MX'],
    ['someone@missing.test', '5.1.2', 'no such domain'],
    ['someone@nothing.test', '5.4.4', 'neither MX nor address'],
    ['someone@ours.test', '5.4.6', 'we are the best host, but the domain is not ours'],
  ] as const) {
    test(`${to} comes back with ${status}: ${why}`, async () => {
      const { messageId } = await send(to)
      const report = read(await arrives(server, ANNA, isReportOn(messageId)))
      assert.deepEqual(
        report.recipients.map(({ final, action, status }) => ({ address: final.address, action, status })),
        [{ address: to, action: 'failed', status }],
      )
      assert.deepEqual(whoHas(messageId), [])
    })
  }

  test('a lame domain waits, until an operator gives it up', async () => {
    const { messageId } = await send('someone@lame.test')
    const row = await until(
      () => `an attempt: ${server.log().slice(-3000)}`,
      async () => {
        const rows = (await server.queue()).map(each => JSON.stringify(each))
        return rows.find(each => each.includes('lame.test') && each.includes('SERVFAIL'))
      },
    )
    assert.ok(row)
    assert.equal((await server.mail(ANNA)).some(isReportOn(messageId)), false)
    await server.command(['queue', 'bounce', '--domain', 'lame.test', '--reason', 'Nobody is there'])
    const report = read(await arrives(server, ANNA, isReportOn(messageId)))
    assert.equal(report.recipients[0]?.action, 'failed')
    assert.match(report.recipients[0]?.diagnostic?.text ?? '', /Nobody is there/)
    assert.deepEqual(await server.queue(), [])
  })
})

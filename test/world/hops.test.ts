import assert from 'node:assert/strict'
import { isAscii } from 'node:buffer'
import { suite, test } from 'node:test'
import { createWorld } from './world.ts'

suite('from server to server', () => {
  test('a message from one of us to another arrives, with the trace of both', async () => {
    await using world = createWorld({ seed: 51 })
    const one = await world.server({ hostname: 'mx.one.test', accounts: ['ann@one.test'] })
    const two = await world.server({ hostname: 'mx.two.test', accounts: ['bob@two.test'] })
    await one.send({ from: 'ann@one.test', to: 'bob@two.test', rcpt: 'NOTIFY=SUCCESS,FAILURE' })
    await world.advance('1 min')
    const [mail, ...more] = two.mailbox('bob@two.test')
    assert.deepEqual(more, [])
    assert.deepEqual(
      [...(mail?.text.matchAll(/^Received: from (\S+) .*by (\S+)/gm) ?? [])].map(([, from, by]) => [from, by]),
      [
        ['mx.one.test', 'mx.two.test'],
        ['client.test', 'mx.one.test'],
      ],
    )
    // The second knows DSN, so it is the one that reports.
    const [report, ...others] = one.mailbox('ann@one.test')
    assert.deepEqual(others, [])
    assert.match(report?.text ?? '', /^Reporting-MTA: dns; ?mx\.two\.test\r$/m)
    assert.match(report?.text ?? '', /^Action: delivered\r$/m)
  })

  test('two servers that send each other round in a circle: it ends with 5.4.6, once', async () => {
    await using world = createWorld({ seed: 52 })
    const setup = (hostname: string, other: string) => ({
      hostname,
      accounts: [`ann@${hostname}`],
      config: {
        relayFrom: ['10.0.0.0/8', '192.0.2.0/24'],
        routes: [
          { to: 'round.test', relay: { host: other, port: 25, tls: 'none' as const } },
          { to: '*', mx: true as const },
        ],
      },
    })
    const one = await world.server(setup('mx.one.test', 'mx.two.test'))
    const two = await world.server(setup('mx.two.test', 'mx.one.test'))
    await one.send({ from: 'ann@mx.one.test', to: 'bob@round.test' })
    await world.advance('1 hour')
    const [bounce, ...more] = one.mailbox('ann@mx.one.test')
    assert.deepEqual(more, [])
    assert.match(bounce?.text ?? '', /^Status: 5\.4\.6\r$/m)
    assert.deepEqual([...one.queue(), ...two.queue()], [])
  })

  test('a domain whose MX is ourselves, by name or by address, does not come back to us', async () => {
    await using world = createWorld({ seed: 53 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    world.zone['byname.test'] = { mx: [[10, 'mx.home.test']] }
    world.zone['alias.home.test'] = { a: [home.address] }
    world.zone['byaddress.test'] = { mx: [[10, 'alias.home.test']] }
    const better = world.peer('mx1.backup.test')
    better.state = 'refusing'
    const worse = world.peer('mx3.backup.test')
    world.zone['backup.test'] = {
      mx: [
        [10, 'mx1.backup.test'],
        [20, 'mx.home.test'],
        [30, 'mx3.backup.test'],
      ],
    }
    await home.send({ from: 'ann@home.test', to: ['x@byname.test', 'y@byaddress.test', 'z@backup.test'] })
    const own = world.dialled.length
    await world.advance('1 min')
    const statuses = home.mailbox('ann@home.test').map(({ text }) => /^Status: (\S+)\r$/m.exec(text)?.[1])
    assert.deepEqual(statuses, ['5.4.6', '5.4.6'])
    assert.ok(!world.dialled.slice(own).some(({ to }) => to.startsWith(home.address)))
    // We are the backup: only the better host may be tried, and not the one that is worse than we are.
    await world.advance('3 hours')
    assert.equal(worse.connections, 0)
    better.state = 'up'
    await world.advance('4 hours')
    assert.equal(better.taken.length, 1)
  })

  test('an internationalised address to a host without SMTPUTF8 comes back with 5.6.7', async () => {
    await using world = createWorld({ seed: 54 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const [plain, modern] = [
      world.peer('mx.plain.test'),
      world.peer('mx.modern.test', { offers: ['SMTPUTF8', '8BITMIME', 'PIPELINING'] }),
    ]
    world.zone['plain.test'] = { mx: [[10, 'mx.plain.test']] }
    world.zone['modern.test'] = { mx: [[10, 'mx.modern.test']] }
    const { reply } = await home.send({
      from: 'ann@home.test',
      to: ['jürgen@plain.test', 'jürgen@modern.test', 'plain@plain.test'],
      content: Buffer.from('From: <ann@home.test>\r\nSubject: Hello\r\n\r\nHi\r\n'),
      mail: 'SMTPUTF8',
    })
    assert.match(reply, /^250/)
    await world.advance('1 min')
    assert.deepEqual(
      modern.taken.map(({ to }) => to.map(latin1 => Buffer.from(latin1, 'latin1').toString())),
      [['jürgen@modern.test']],
    )
    // What needs no UTF-8 goes on; the address that does is told of.
    assert.deepEqual(
      plain.taken.map(({ to }) => to),
      [['plain@plain.test']],
    )
    const [bounce, ...more] = home.mailbox('ann@home.test')
    assert.deepEqual(more, [])
    assert.match(bounce?.text ?? '', /^Status: 5\.6\.7\r$/m)
    assert.match(bounce?.text ?? '', /jürgen@plain\.test/)
  })

  test('an 8-bit message is converted for a host without 8BITMIME, and left alone for one with it', async () => {
    await using world = createWorld({ seed: 55 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const [seven, eight] = [
      world.peer('mx.seven.test', { offers: ['PIPELINING'] }),
      world.peer('mx.eight.test', { offers: ['8BITMIME'] }),
    ]
    world.zone['seven.test'] = { mx: [[10, 'mx.seven.test']] }
    world.zone['eight.test'] = { mx: [[10, 'mx.eight.test']] }
    const text = 'Grüße aus Köln\r\n'
    const header =
      'From: <ann@home.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n'
    await home.send({
      from: 'ann@home.test',
      to: ['x@seven.test', 'y@eight.test'],
      content: Buffer.from(`${header}\r\n${text}`),
      mail: 'BODY=8BITMIME',
    })
    await world.advance('1 min')
    const converted = seven.taken[0]?.content ?? ''
    assert.ok(isAscii(Buffer.from(converted, 'latin1')))
    assert.match(converted, /^Content-Transfer-Encoding: quoted-printable\r$/im)
    assert.match(converted, /Gr=C3=BC=C3=9Fe aus K=C3=B6ln\r\n$/)
    assert.ok(
      Buffer.from(eight.taken[0]?.content ?? '', 'latin1')
        .toString()
        .endsWith(`\r\n\r\n${text}`),
    )
    assert.match(eight.taken[0]?.mail ?? '', /BODY=8BITMIME/)
  })

  test('FUTURERELEASE: not before its time, and the five days begin then', async () => {
    await using world = createWorld({ seed: 56 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const away = world.peer('mx.away.test')
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    const sent = world.now()
    const { reply } = await home.send({
      from: 'ann@home.test',
      to: ['x@away.test', 'ann@home.test'],
      mail: 'HOLDFOR=864000',
      port: 587,
    })
    assert.match(reply, /^250/)
    await world.advance('9 days')
    assert.equal(away.taken.length, 0)
    assert.deepEqual(home.mailbox('ann@home.test'), [])
    await world.advance('25 hours')
    assert.equal(away.taken.length, 1)
    assert.ok((away.taken[0]?.at ?? 0) >= sent + 864_000_000)
    assert.equal(home.mailbox('ann@home.test').length, 1)
  })

  test('a recipient server that is down for a day loses nothing', async () => {
    await using world = createWorld({ seed: 57 })
    const one = await world.server({ hostname: 'mx.one.test', accounts: ['ann@one.test'] })
    world.zone['two.test'] = { mx: [[10, 'mx.two.test']] }
    world.zone['mx.two.test'] = { fail: 'SERVFAIL' }
    for (let i = 0; i < 50; i++) await one.send({ from: 'ann@one.test', to: 'bob@two.test' })
    await world.advance('1 day')
    const two = await world.server({ hostname: 'mx.two.test', accounts: ['bob@two.test'] })
    await world.advance('5 hours')
    assert.equal(two.mailbox('bob@two.test').length, 50)
    assert.deepEqual(one.queue(), [])
  })
})

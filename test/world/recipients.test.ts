import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createWorld } from './world.ts'

suite('who a message is for', () => {
  test('one host says 250, 550 and 451 to three recipients: each has its own end', async () => {
    await using world = createWorld({ seed: 21 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    let tries = 0
    const away = world.peer('mx.away.test', {
      answer(command) {
        if (command.includes('no@')) return '550 5.1.1 No such user'
        if (command.includes('RCPT TO:<later@')) return tries++ < 2 ? '451 4.2.1 Busy' : undefined
        return undefined
      },
    })
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    const { id } = await home.send({ from: 'ann@home.test', to: ['yes@away.test', 'no@away.test', 'later@away.test'] })
    await world.advance('1 min')
    assert.deepEqual(
      away.taken.map(({ to }) => to),
      [['yes@away.test']],
    )
    const [bounce] = home.mailbox('ann@home.test')
    assert.match(bounce?.text ?? '', /no@away\.test/)
    assert.match(bounce?.text ?? '', /^Diagnostic-Code: smtp; 550 5\.1\.1 No such user\r$/m)
    assert.equal(bounce?.text.match(/^Final-Recipient:/gim)?.length, 1)
    await world.advance('1 hour')
    assert.deepEqual(
      away.taken.map(({ to }) => to),
      [['yes@away.test'], ['later@away.test']],
    )
    const ends = world.timeline(id).filter(({ event }) => event === 'delivered' || event === 'bounced')
    assert.deepEqual(
      ends.map(({ event, recipient }) => `${event} ${String(recipient)}`),
      ['delivered yes@away.test', 'bounced no@away.test', 'delivered later@away.test'],
    )
    assert.equal(home.mailbox('ann@home.test').length, 1)
  })

  test('an alias of several, own and foreign, each once; aliases that go in circles end', async () => {
    await using world = createWorld({ seed: 22 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test', 'bob@home.test'],
      aliases: {
        'team@home.test': ['ann@home.test', 'all@home.test', 'carl@away.test'],
        'all@home.test': ['bob@home.test', 'team@home.test', 'ann@home.test'],
        'ring@home.test': ['gnir@home.test'],
        'gnir@home.test': ['ring@home.test'],
      },
    })
    const away = world.peer('mx.away.test')
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    const sent = await home.receive({ from: 'eve@else.test', to: ['team@home.test', 'bob@home.test'] })
    assert.match(sent.reply, /^250/)
    await world.advance('1 min')
    assert.equal(home.mailbox('ann@home.test').length, 1)
    assert.equal(home.mailbox('bob@home.test').length, 1)
    assert.deepEqual(
      away.taken.map(({ to, from }) => [from, ...to]),
      [['eve@else.test', 'carl@away.test']],
    )
    assert.match(home.mailbox('ann@home.test')[0]?.head ?? '', /^Return-Path: <eve@else\.test>\r\nDelivered-To: /)
    const ring = await home.receive({ from: 'eve@else.test', to: 'ring@home.test' })
    assert.match(ring.reply, /^550 5\.1\.1/)
  })

  test('catch-all, plus signs, case, postmaster and abuse', async () => {
    await using world = createWorld({ seed: 23 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test', 'rest@open.test'],
      domains: { 'open.test': 'rest@open.test' },
    })
    const accepted = await home.receive({
      from: 'eve@else.test',
      to: [
        'Ann+shop@HOME.test',
        'anything@open.test',
        'postmaster@home.test',
        'ABUSE@home.test',
        'Postmaster',
        'postmaster@open.test',
      ],
    })
    assert.deepEqual(
      accepted.recipients,
      Array.from({ length: 6 }, () => '250 2.1.5 OK'),
    )
    const refused = await home.receive({ from: 'eve@else.test', to: 'nobody@home.test' })
    assert.match(refused.reply, /^550 5\.1\.1/)
    await world.advance('1 min')
    const addresses = (account: string) =>
      home.mailbox(account).map(({ head }) => /^Delivered-To: (.*)\r$/m.exec(head)?.[1]?.toLowerCase())
    assert.deepEqual(
      new Set(addresses('ann@home.test')),
      new Set(['ann+shop@home.test', 'postmaster@home.test', 'abuse@home.test', 'postmaster@mx.home.test']),
    )
    assert.equal(addresses('rest@open.test').length, 2)
    assert.deepEqual(home.queue(), [])
  })

  test('strangers do not relay, in no spelling', async () => {
    await using world = createWorld({ seed: 24 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const away = world.peer('mx.away.test')
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    for (const to of [
      'bob@away.test',
      'bob%away.test@home.test',
      '@home.test:bob@away.test',
      '"bob@away.test"@home.test',
      'away.test!bob@home.test',
      'bob@[192.0.2.2]',
    ]) {
      const { reply } = await home.receive({ from: 'ann@home.test', to })
      assert.match(reply, /^5/, to)
    }
    await world.advance('1 day')
    assert.equal(away.taken.length, 0)
    assert.equal(away.connections, 0)
  })

  test('a full mailbox server behind LMTP answers for each', async () => {
    await using world = createWorld({ seed: 25 })
    const store = world.peer(
      'store.home.test',
      {
        lmtp: true,
        answer(command) {
          if (command === '. full@shop.test') return '552 5.2.2 Mailbox full'
          return command === '. busy@shop.test' && world.now() < until ? '451 4.2.0 Busy' : undefined
        },
      },
      24,
    )
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: {
        routes: [
          { to: 'shop.test', lmtp: { host: store.address, port: 24 } },
          { to: '*', mx: true },
        ],
      },
    })
    const until = world.now() + 60_000
    await home.send({ from: 'ann@home.test', to: ['ok@shop.test', 'full@shop.test', 'busy@shop.test'] })
    await world.advance('1 hour')
    assert.deepEqual(
      store.taken.map(({ to }) => to),
      [['ok@shop.test'], ['busy@shop.test']],
    )
    assert.match(home.mailbox('ann@home.test')[0]?.text ?? '', /552 5\.2\.2 Mailbox full/)
    assert.equal(home.mailbox('ann@home.test').length, 1)
  })
})

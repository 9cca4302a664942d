import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { msOf } from './clock.ts'
import { HANG_UP } from './peer.ts'
import { createWorld } from './world.ts'

suite('until it arrives, or is given up', () => {
  test('a dead host: a notice after 4 hours, a bounce after 5 days, each once', async () => {
    await using world = createWorld({ seed: 1 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const dead = world.peer('mx.dead.test')
    dead.state = 'silent'
    world.zone['dead.test'] = { mx: [[10, 'mx.dead.test']] }
    const sent = world.now()
    const { id } = await home.send({ from: 'ann@home.test', to: 'bob@dead.test' })

    await world.advance(msOf('4 hours') - 60_000)
    assert.deepEqual(home.mailbox('ann@home.test'), [])
    await world.advance('2 min')
    const [notice, ...more] = home.mailbox('ann@home.test')
    assert.deepEqual(more, [])
    assert.ok(notice)
    assert.match(notice.text, /^Action: delayed\r$/m)
    assert.match(notice.head, /^Return-Path: <>/)

    await world.advance('5 days')
    const [, bounce, ...others] = home.mailbox('ann@home.test')
    assert.deepEqual(others, [])
    assert.ok(bounce)
    assert.match(bounce.text, /^Action: failed\r$/m)
    assert.match(bounce.text, /^Status: 4\.4\.7\r$/m)
    assert.match(bounce.text, /^Final-Recipient: rfc822; bob@dead\.test\r$/im)
    assert.ok(Math.abs(bounce.at - sent - msOf('5 days')) < 60_000)
    assert.deepEqual(home.queue(), [])

    const tries = world.dialled.filter(({ to }) => to.startsWith(dead.address)).map(({ at }) => at - sent)
    const gaps = tries.slice(1).map((at, i) => (at - (tries[i] ?? 0)) / 60_000)
    // From five minutes doubled up to four hours, each shortened by at most a fifth.
    gaps.forEach((gap, i) => {
      const plain = Math.min(240, 5 * 2 ** i)
      assert.ok(gap <= plain + 1 && gap >= plain * 0.8 - 1, `${gap} minutes between try ${i + 1} and the next`)
    })
    assert.equal(home.timeline(id).filter(({ event }) => event === 'reported').length, 2)
  })

  test('the same seed is the same run; another one is not', async () => {
    async function run(seed: number): Promise<string> {
      await using world = createWorld({ seed })
      const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
      world.peer('mx.dead.test').state = 'refusing'
      world.zone['dead.test'] = { mx: [[10, 'mx.dead.test']] }
      const { id } = await home.send({ from: 'ann@home.test', to: 'bob@dead.test' })
      await world.advance('6 days')
      return JSON.stringify([home.timeline(id), home.mailbox('ann@home.test')])
    }
    const first = await run(7)
    assert.equal(await run(7), first)
    assert.notEqual(await run(8), first)
  })

  test('a greylisting host takes it at the second try', async () => {
    await using world = createWorld({ seed: 2 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const known = new Map<string, number>()
    const grey = world.peer('mx.grey.test', {
      answer(command, { now }) {
        if (!command.startsWith('RCPT')) return undefined
        const first = known.get(command) ?? now
        known.set(command, first)
        return now - first < 60_000 ? '451 4.7.1 Greylisted, please try again' : undefined
      },
    })
    world.zone['grey.test'] = { mx: [[10, 'mx.grey.test']] }
    const { id } = await home.send({ from: 'ann@home.test', to: 'bob@grey.test' })
    await world.advance('1 hour')
    assert.equal(grey.taken.length, 1)
    assert.equal(grey.commands.filter(command => command.startsWith('RCPT')).length, 2)
    assert.deepEqual(
      home.timeline(id).map(({ event }) => event),
      ['accepted', 'deferred', 'delivered'],
    )
    assert.match(String(home.timeline(id)[1]?.['reply']), /^451 4\.7\.1 Greylisted/)
    assert.deepEqual(home.mailbox('ann@home.test'), [])
  })

  test('when one host is down, or says 4xx as a greeting, the next one takes it at once', async () => {
    await using world = createWorld({ seed: 3 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const [down, busy, well] = [
      world.peer('mx1.away.test'),
      world.peer('mx2.away.test', { greeting: '421 4.3.2 not now' }),
      world.peer('mx3.away.test'),
    ]
    down.state = 'refusing'
    world.zone['away.test'] = {
      mx: [
        [30, 'mx3.away.test'],
        [10, 'mx1.away.test'],
        [20, 'mx2.away.test'],
      ],
    }
    await home.send({ from: 'ann@home.test', to: 'bob@away.test' })
    await world.advance('1 min')
    assert.equal(well.taken.length, 1)
    assert.deepEqual(
      world.dialled.filter(({ from }) => from === home.address).map(({ to }) => to),
      [`${down.address}:25`, `${busy.address}:25`, `${well.address}:25`],
    )
  })

  test('trouble with names waits; a missing domain and a null MX do not', async () => {
    await using world = createWorld({ seed: 4 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const later = world.peer('mx.later.test')
    world.zone['later.test'] = { fail: 'SERVFAIL' }
    world.zone['never.test'] = { mx: [[0, '']] }
    await home.send({ from: 'ann@home.test', to: ['a@later.test', 'b@never.test', 'c@missing.test'] })
    await world.advance('1 min')
    const statuses = home
      .mailbox('ann@home.test')
      .map(
        ({ text }) =>
          [/^Final-Recipient: rfc822; (.*)\r$/im.exec(text)?.[1], /^Status: (.*)\r$/m.exec(text)?.[1]] as const,
      )
    assert.deepEqual(
      new Map(statuses),
      new Map([
        ['b@never.test', '5.1.10'],
        ['c@missing.test', '5.1.2'],
      ]),
    )
    world.zone['later.test'] = { mx: [[10, 'mx.later.test']] }
    await world.advance('1 hour')
    assert.equal(later.taken.length, 1)
  })

  test('a route may have a lifetime of its own', async () => {
    await using world = createWorld({ seed: 5 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: {
        routes: [
          { to: 'hasty.test', mx: true, lifetime: '2 hours' },
          { to: '*', mx: true },
        ],
      },
    })
    world.peer('mx.hasty.test').state = 'refusing'
    world.zone['hasty.test'] = { mx: [[10, 'mx.hasty.test']] }
    world.zone['patient.test'] = { mx: [[10, 'mx.hasty.test']] }
    await home.send({ from: 'ann@home.test', to: ['a@hasty.test', 'b@patient.test'] })
    await world.advance('121 min')
    const [bounce, ...others] = home.mailbox('ann@home.test')
    assert.deepEqual(others, [])
    assert.match(bounce?.text ?? '', /^Action: failed\r\n/m)
    assert.match(bounce?.text ?? '', /a@hasty\.test/)
    assert.deepEqual(
      home.queue().map(({ recipient }) => recipient),
      ['b@patient.test'],
    )
  })

  test('a lost acknowledgement: it is sent again, and that is the only duplicate', async () => {
    await using world = createWorld({ seed: 6 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const away = world.peer('mx.away.test', {
      answer: (command, { connection }) => (command === '.' && connection === 1 ? HANG_UP : undefined),
    })
    const other = world.peer('mx2.away.test')
    world.zone['away.test'] = {
      mx: [
        [10, 'mx.away.test'],
        [20, 'mx2.away.test'],
      ],
    }
    const { id } = await home.send({ from: 'ann@home.test', to: 'bob@away.test' })
    await world.advance('1 min')
    // It may be there: not sent to another host in the same breath.
    assert.equal(away.taken.length, 1)
    assert.equal(other.taken.length, 0)
    await world.advance('1 day')
    assert.equal(away.taken.length, 2)
    assert.equal(other.taken.length, 0)
    assert.deepEqual(
      home
        .timeline(id)
        .map(({ event }) => event)
        .filter(event => event !== 'destination-delayed'),
      ['accepted', 'deferred', 'delivered'],
    )
    assert.deepEqual(home.queue(), [])
  })

  test('a session that breaks down between messages costs no message and doubles none', async () => {
    await using world = createWorld({ seed: 7 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const away = world.peer('mx.away.test', {
      answer: (command, { connection }) => (command.startsWith('MAIL') && connection % 2 === 1 ? HANG_UP : undefined),
    })
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    for (let i = 0; i < 5; i++) await home.send({ from: 'ann@home.test', to: `u${i}@away.test` })
    await world.advance('1 day')
    assert.deepEqual(
      away.taken.map(({ to }) => to[0]).toSorted((a = '', b = '') => a.localeCompare(b)),
      Array.from({ length: 5 }, (_, i) => `u${i}@away.test`),
    )
  })
})

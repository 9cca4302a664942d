import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createWorld } from './world.ts'

suite("destinations do not stand in each other's way", () => {
  test('one in trouble delays itself only, and is tried once each time, not for each message', async () => {
    await using world = createWorld({ seed: 11 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const [dead, well] = [world.peer('mx.dead.test'), world.peer('mx.well.test')]
    dead.state = 'refusing'
    world.zone['dead.test'] = { mx: [[10, 'mx.dead.test']] }
    world.zone['well.test'] = { mx: [[10, 'mx.well.test']] }
    for (let i = 0; i < 200; i++) await home.send({ from: 'ann@home.test', to: `u${i}@dead.test` })
    const before = world.now()
    await home.send({ from: 'ann@home.test', to: 'bob@well.test' })
    await world.advance(0)
    assert.equal(well.taken[0]?.at, before)

    await world.advance('3 hours')
    const tries = world.dialled.filter(({ to }) => to === `${dead.address}:25`)
    assert.ok(tries.length >= 4, 'it is tried again')
    assert.ok(tries.length <= 8, `${tries.length} connections to a dead host in three hours`)

    dead.state = 'up'
    await world.advance('4 hours')
    assert.equal(new Set(dead.taken.map(({ to }) => to[0])).size, 200)
    assert.equal(dead.taken.length, 200)
    assert.deepEqual(home.queue(), [])
  })

  test('a thousand messages of one sender to a slow host let another sender through', async () => {
    await using world = createWorld({ seed: 12 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test', 'bob@home.test'],
      config: { queue: { concurrency: 2 } },
    })
    const slow = world.peer('mx.slow.test', { slow: 10_000 })
    const well = world.peer('mx.well.test')
    world.zone['slow.test'] = { mx: [[10, 'mx.slow.test']] }
    world.zone['well.test'] = { mx: [[10, 'mx.well.test']] }
    for (let i = 0; i < 1000; i++) await home.send({ from: 'ann@home.test', to: `u${i}@slow.test` })
    const sent = world.now()
    await home.send({ from: 'bob@home.test', to: 'one@slow.test' })
    await home.send({ from: 'bob@home.test', to: 'two@well.test' })
    await world.advance('1 min')
    assert.equal(well.taken[0]?.at, sent)
    const single = slow.taken.find(({ from }) => from === 'bob@home.test')
    assert.ok(single, 'the single message was not taken within a minute')
    assert.ok(single.at - sent <= 30_000, `it waited ${(single.at - sent) / 1000} s`)

    await world.advance('2 hours')
    assert.equal(slow.taken.length, 1001)
    assert.equal(new Set(slow.taken.map(({ to }) => to[0])).size, 1001)
  })

  test('a host takes no more connections at once than its route allows, and no more messages than its rate', async () => {
    await using world = createWorld({ seed: 13 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: { routes: [{ to: '*', mx: true, concurrency: 3, rate: '1 / s' }] },
    })
    const away = world.peer('mx.away.test')
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    for (let i = 0; i < 100; i++) await home.send({ from: 'ann@home.test', to: `u${i}@away.test` })
    await world.advance('50 s')
    assert.ok(away.taken.length >= 45 && away.taken.length <= 52, `${away.taken.length} in 50 seconds`)
    assert.ok(away.connections <= 3)
    await world.advance('1 min')
    assert.equal(away.taken.length, 100)
  })

  test('after a restart the single message of one sender does not wait behind the thousand of another', async () => {
    await using world = createWorld({ seed: 14 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test', 'bob@home.test'],
      config: { queue: { concurrency: 2 } },
    })
    const slow = world.peer('mx.slow.test', { slow: 10_000 })
    world.zone['slow.test'] = { mx: [[10, 'mx.slow.test']] }
    for (let i = 0; i < 1000; i++) await home.send({ from: 'ann@home.test', to: `u${i}@slow.test` })
    await home.send({ from: 'bob@home.test', to: 'one@slow.test' })
    home.crash()
    const restarted = world.now()
    await world.advance('1 min')
    const single = slow.taken.find(({ from }) => from === 'bob@home.test')
    assert.ok(single && single.at - restarted <= 40_000, 'the single message waited')
  })

  test('a dozen slow hosts with long queues do not keep a retry to a fast one waiting', async () => {
    await using world = createWorld({ seed: 15 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: { queue: { concurrency: 2 } },
    })
    for (let i = 0; i < 12; i++) {
      world.peer(`mx.slow${i}.test`, { slow: 60_000 })
      world.zone[`slow${i}.test`] = { mx: [[10, `mx.slow${i}.test`]] }
    }
    let grey = true
    const fast = world.peer('mx.fast.test', {
      answer: command => (grey && command.startsWith('RCPT') ? '451 4.7.1 Later' : undefined),
    })
    world.zone['fast.test'] = { mx: [[10, 'mx.fast.test']] }
    const everybody = Array.from({ length: 12 }, (_, i) => `x@slow${i}.test`)
    for (let i = 0; i < 200; i++) await home.send({ from: 'ann@home.test', to: everybody })
    await home.send({ from: 'ann@home.test', to: 'one@fast.test' })
    grey = false
    home.crash()
    await world.advance('10 min')
    assert.equal(fast.taken.length, 1)
  })

  test('thousands of hosts that do not answer are all tried, and one that does is not kept waiting', async () => {
    await using world = createWorld({ seed: 16 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: { limits: { recipients: 3000 } },
    })
    const silent = world.peer('mx.silent.test')
    silent.state = 'silent'
    const well = world.peer('mx.well.test')
    world.zone['well.test'] = { mx: [[10, 'mx.well.test']] }
    const everybody = Array.from({ length: 2500 }, (_, i) => `x@silent${i}.test`)
    for (let i = 0; i < 2500; i++) world.zone[`silent${i}.test`] = { mx: [[10, 'mx.silent.test']] }
    await home.send({ from: 'ann@home.test', to: everybody })
    await home.send({ from: 'ann@home.test', to: 'bob@well.test' })
    const sent = world.now()
    await world.advance('2 min')
    assert.ok((well.taken[0]?.at ?? Infinity) <= sent + 31_000, 'one time-out at most')
    assert.equal(world.dialled.filter(({ to }) => to === `${silent.address}:25`).length, 2500)
  })

  test('fifty slow hosts with all that they may have under way leave room for others', async () => {
    await using world = createWorld({ seed: 17 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test', 'bob@home.test'] })
    const well = world.peer('mx.well.test')
    world.zone['well.test'] = { mx: [[10, 'mx.well.test']] }
    const everybody = Array.from({ length: 60 }, (_, i) => `x@slow${i}.test`)
    for (let i = 0; i < 60; i++) {
      world.peer(`mx.slow${i}.test`, { slow: 300_000 })
      world.zone[`slow${i}.test`] = { mx: [[10, `mx.slow${i}.test`]] }
    }
    for (let i = 0; i < 25; i++) await home.send({ from: 'ann@home.test', to: everybody })
    const sent = world.now()
    await home.send({ from: 'ann@home.test', to: ['one@well.test', 'bob@home.test'] })
    await world.advance('10 s')
    assert.equal(well.taken[0]?.at, sent)
    assert.equal(home.mailbox('bob@home.test').length, 1)
    await world.advance('1 hour')
    assert.deepEqual(home.queue(), [])
  })

  test('a host that takes two connections at once, and three messages on each, gets its mail without long waits', async () => {
    await using world = createWorld({ seed: 18 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const mails = new Map<number, number>()
    const narrow = world.peer('mx.narrow.test', {
      most: 2,
      slow: 1000,
      answer(command, { connection }) {
        if (!command.startsWith('MAIL')) return undefined
        mails.set(connection, (mails.get(connection) ?? 0) + 1)
        return (mails.get(connection) ?? 0) > 3 ? '421 4.7.0 Enough for one connection' : undefined
      },
    })
    world.zone['narrow.test'] = { mx: [[10, 'mx.narrow.test']] }
    for (let i = 0; i < 200; i++) await home.send({ from: 'ann@home.test', to: `u${i}@narrow.test` })
    await world.advance('10 min')
    assert.equal(narrow.taken.length, 200)
    assert.ok(narrow.connections < 100, `${narrow.connections} connections`)
  })

  test('several threads together keep the limits of a destination, and try one in trouble once each', async () => {
    await using world = createWorld({ seed: 19 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      threads: 4,
      config: {
        routes: [
          { to: 'narrow.test', mx: true, concurrency: 3 },
          { to: '*', mx: true },
        ],
      },
    })
    let most = 0
    const narrow = world.peer('mx.narrow.test', {
      slow: 1000,
      answer() {
        most = Math.max(most, narrow.open)
        return undefined
      },
    })
    const dead = world.peer('mx.dead.test')
    dead.state = 'refusing'
    world.zone['narrow.test'] = { mx: [[10, 'mx.narrow.test']] }
    world.zone['dead.test'] = { mx: [[10, 'mx.dead.test']] }
    for (let i = 0; i < 200; i++)
      await home.send({ from: 'ann@home.test', to: [`u${i}@narrow.test`, `u${i}@dead.test`] })
    await world.advance('3 hours')
    assert.equal(narrow.taken.length, 200)
    assert.ok(most <= 3, `${most} connections at once`)
    const tries = world.dialled.filter(({ to }) => to === `${dead.address}:25`).length
    assert.ok(tries <= 8 * 4, `${tries} connections to a dead host`)
    dead.state = 'up'
    await world.advance('4 hours')
    assert.equal(dead.taken.length, 200)
    assert.deepEqual(home.queue(), [])
  })
})

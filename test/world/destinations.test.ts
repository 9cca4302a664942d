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
})

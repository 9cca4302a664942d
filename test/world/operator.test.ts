import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createWorld } from './world.ts'

suite('what an operator does to the queue', () => {
  async function stuck(seed: number) {
    const world = createWorld({ seed })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test'] })
    const away = world.peer('mx.away.test')
    away.state = 'refusing'
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    const { id } = await home.send({ from: 'ann@home.test', to: ['one@away.test', 'two@away.test'] })
    await world.advance('1 min')
    assert.equal(home.queue().length, 2)
    return { world, home, away, id, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
  }

  test('hold: it stays beyond its time, nobody hears of it; release: it goes', async () => {
    await using at = await stuck(31)
    const { world, home, away, id } = at
    assert.equal(await home.change({ is: 'hold' }, { recipient: 'one@' }), 1)
    away.state = 'up'
    await world.advance('6 days')
    assert.deepEqual(
      away.taken.map(({ to }) => to),
      [['two@away.test']],
    )
    assert.deepEqual(
      home.queue().map(({ state, recipient }) => [state, recipient]),
      [['held', 'one@away.test']],
    )
    assert.deepEqual(home.mailbox('ann@home.test'), [])
    assert.equal(await home.change({ is: 'release' }), 1)
    await world.advance('1 min')
    // Its time is over, but who releases it wants it tried.
    assert.deepEqual(
      away.taken.map(({ to }) => to),
      [['two@away.test'], ['one@away.test']],
    )
    assert.deepEqual(home.queue(), [])
    assert.deepEqual(
      world
        .timeline(id)
        .filter(({ event }) => event === 'operator')
        .map(({ order }) => order),
      ['hold', 'release'],
    )
  })

  test('retry: at once, although the destination was to be left alone', async () => {
    await using at = await stuck(32)
    const { world, home, away } = at
    await world.advance('2 hours')
    away.state = 'up'
    assert.equal(await home.change({ is: 'retry' }), 2)
    await world.advance(0)
    assert.equal(away.taken.length, 1)
    assert.deepEqual(away.taken[0]?.to, ['one@away.test', 'two@away.test'])
  })

  test('reroute: to another host', async () => {
    await using at = await stuck(33)
    const { world, home } = at
    const detour = world.peer('detour.test')
    assert.equal(
      await home.change({ is: 'reroute', destination: `to:${detour.address}:25` }, { domain: 'away.test' }),
      2,
    )
    await world.advance('10 min')
    assert.deepEqual(
      detour.taken.flatMap(({ to }) => to),
      ['one@away.test', 'two@away.test'],
    )
    assert.deepEqual(home.queue(), [])
  })

  test('bounce: the sender hears the reason', async () => {
    await using at = await stuck(34)
    const { world, home, away } = at
    assert.equal(await home.change({ is: 'bounce', reason: 'Not to that company' }, { recipient: 'two@' }), 1)
    await world.advance('1 min')
    const [bounce, ...more] = home.mailbox('ann@home.test')
    assert.deepEqual(more, [])
    assert.match(bounce?.text ?? '', /Not to that company/)
    assert.match(bounce?.text ?? '', /^Final-Recipient: rfc822; two@away\.test\r$/im)
    assert.match(bounce?.text ?? '', /^Status: 5\./m)
    assert.deepEqual(
      home.queue().map(({ recipient }) => recipient),
      ['one@away.test'],
    )
    assert.equal(away.taken.length, 0)
  })

  test('delete: nobody hears of it', async () => {
    await using at = await stuck(35)
    const { world, home, away } = at
    assert.equal(await home.change({ is: 'delete' }, { sender: 'ann@' }), 2)
    away.state = 'up'
    await world.advance('6 days')
    assert.deepEqual(home.queue(), [])
    assert.equal(away.taken.length, 0)
    assert.deepEqual(home.mailbox('ann@home.test'), [])
  })

  test('a server that holds everything keeps it until it is released', async () => {
    await using world = createWorld({ seed: 36 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: { queue: { hold: true } },
    })
    await home.receive({ from: 'eve@else.test', to: 'ann@home.test' })
    await world.advance('1 day')
    assert.deepEqual(home.mailbox('ann@home.test'), [])
    await home.change({ is: 'release' })
    await world.advance('1 min')
    assert.equal(home.mailbox('ann@home.test').length, 1)
  })

  test('what was held beyond its time has all its time again when it is released', async () => {
    await using world = createWorld({ seed: 37 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test'],
      config: { queue: { hold: true, concurrency: 2 } },
    })
    const away = world.peer('mx.away.test', { slow: 1000 })
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    for (let i = 0; i < 500; i++) await home.send({ from: 'ann@home.test', to: `u${i}@away.test` })
    await world.advance('6 days')
    assert.equal(await home.change({ is: 'release' }), 500)
    await world.advance('1 hour')
    assert.equal(away.taken.length, 500)
    assert.deepEqual(
      home.queue({ domain: 'away.test' }).map(({ recipient }) => recipient),
      [],
    )
    assert.equal(world.dialled.length > 0 && home.mailbox('ann@home.test').length, 0)
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseReport } from '../../src/mail/report-parser.ts'
import { createWorld, type World } from './world.ts'
import type { MailIn, WorldServer } from './server.ts'

/** 'failed bob@away.test 5.1.1' for each recipient that a report speaks of. */
function told(reports: readonly MailIn[]): string[] {
  return reports.flatMap(({ text }) => {
    const report = parseReport(Buffer.from(text))
    assert.ok(report, 'a report that we cannot read ourselves')
    return report.recipients.map(({ action, final, status }) => `${action} ${final.address} ${status}`)
  })
}

async function home(world: World): Promise<WorldServer> {
  return world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test', 'bob@home.test'] })
}

suite('what the sender hears', () => {
  test('without NOTIFY: failures, and delays; nothing of success', async () => {
    await using world = createWorld({ seed: 41 })
    const at = await home(world)
    world.peer('mx.away.test', { answer: command => (command.includes('no@') ? '550 5.1.1 Nobody' : undefined) })
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    await at.send({ from: 'ann@home.test', to: ['yes@away.test', 'no@away.test', 'bob@home.test'] })
    await world.advance('1 day')
    assert.deepEqual(told(at.mailbox('ann@home.test')), ['failed no@away.test 5.1.1'])
  })

  test('NOTIFY=NEVER: nothing at all', async () => {
    await using world = createWorld({ seed: 42 })
    const at = await home(world)
    const away = world.peer('mx.away.test', {
      answer: command => (command.includes('no@') ? '550 5.1.1 Nobody' : undefined),
    })
    const dead = world.peer('mx.dead.test')
    dead.state = 'refusing'
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    world.zone['dead.test'] = { mx: [[10, 'mx.dead.test']] }
    await at.send({
      from: 'ann@home.test',
      to: ['yes@away.test', 'no@away.test', 'x@dead.test', 'bob@home.test'],
      rcpt: 'NOTIFY=NEVER',
    })
    await world.advance('6 days')
    assert.deepEqual(told(at.mailbox('ann@home.test')), [])
    assert.deepEqual(at.queue(), [])
    assert.equal(away.taken.length, 1)
  })

  test('NOTIFY=SUCCESS: delivered into a mailbox, relayed to a host without DSN; a host with DSN is told instead', async () => {
    await using world = createWorld({ seed: 43 })
    const at = await home(world)
    world.peer('mx.plain.test')
    const knows = world.peer('mx.knows.test', { offers: ['DSN', 'PIPELINING', '8BITMIME'] })
    world.zone['plain.test'] = { mx: [[10, 'mx.plain.test']] }
    world.zone['knows.test'] = { mx: [[10, 'mx.knows.test']] }
    await at.send({
      from: 'ann@home.test',
      to: ['bob@home.test', 'x@plain.test', 'y@knows.test'],
      mail: 'RET=HDRS ENVID=order+2B7',
      rcpt: 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2Bc@orig.test',
    })
    await world.advance('1 min')
    assert.deepEqual(
      new Set(told(at.mailbox('ann@home.test'))),
      new Set(['delivered bob@home.test 2.1.5', 'relayed x@plain.test 2.1.9']),
    )
    for (const { text } of at.mailbox('ann@home.test')) {
      assert.match(text, /^Original-Envelope-Id: order\+7\r$/m)
      assert.match(text, /^Original-Recipient: rfc822; ?b\+c@orig\.test\r$/m)
      assert.doesNotMatch(text, /How are you/)
    }
    assert.match(knows.taken[0]?.mail ?? '', /RET=HDRS/)
    assert.match(knows.taken[0]?.mail ?? '', /ENVID=order\+2B7/)
    assert.match(knows.taken[0]?.rcpts[0] ?? '', /NOTIFY=SUCCESS,FAILURE/)
    assert.match(knows.taken[0]?.rcpts[0] ?? '', /ORCPT=rfc822;b\+2Bc@orig\.test/)
  })

  test('NOTIFY=FAILURE: no word of a delay; NOTIFY=DELAY: of nothing else', async () => {
    await using world = createWorld({ seed: 44 })
    const at = await home(world)
    world.peer('mx.dead.test').state = 'refusing'
    world.zone['dead.test'] = { mx: [[10, 'mx.dead.test']] }
    await at.send({ from: 'ann@home.test', to: 'x@dead.test', rcpt: 'NOTIFY=FAILURE' })
    await at.send({ from: 'bob@home.test', to: 'y@dead.test', rcpt: 'NOTIFY=DELAY' })
    await world.advance('6 days')
    assert.deepEqual(told(at.mailbox('ann@home.test')), ['failed x@dead.test 4.4.7'])
    assert.deepEqual(told(at.mailbox('bob@home.test')), ['delayed y@dead.test 4.4.7'])
    assert.deepEqual(at.queue(), [])
  })

  test('RET: the whole message with a failure, or only its header', async () => {
    await using world = createWorld({ seed: 45 })
    const at = await home(world)
    world.peer('mx.away.test', { answer: command => (command.startsWith('RCPT') ? '550 5.7.1 No' : undefined) })
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    await at.send({ from: 'ann@home.test', to: 'x@away.test', mail: 'RET=FULL' })
    await at.send({ from: 'bob@home.test', to: 'x@away.test', mail: 'RET=HDRS' })
    await world.advance('1 min')
    assert.match(at.mailbox('ann@home.test')[0]?.text ?? '', /How are you/)
    const [headerOnly] = at.mailbox('bob@home.test')
    assert.match(headerOnly?.text ?? '', /^Subject: Hello\r$/m)
    assert.doesNotMatch(headerOnly?.text ?? '', /How are you/)
  })

  test('an alias of several with NOTIFY=SUCCESS: the sender hears that it was expanded, and of no member', async () => {
    await using world = createWorld({ seed: 46 })
    const at = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test', 'bob@home.test', 'cat@home.test'],
      aliases: { 'team@home.test': ['bob@home.test', 'cat@home.test'] },
    })
    await at.send({ from: 'ann@home.test', to: 'team@home.test', rcpt: 'NOTIFY=SUCCESS,FAILURE' })
    await world.advance('1 min')
    assert.deepEqual(told(at.mailbox('ann@home.test')), ['expanded team@home.test 2.1.5'])
    assert.equal(at.mailbox('bob@home.test').length, 1)
    assert.equal(at.mailbox('cat@home.test').length, 1)
  })

  test('never about a report: a bounce that bounces ends', async () => {
    await using world = createWorld({ seed: 47 })
    const at = await home(world)
    const away = world.peer('mx.away.test', {
      answer: command => (command.startsWith('RCPT') ? '550 5.1.1 No' : undefined),
    })
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    const { id } = await at.send({ from: 'ghost@away.test', to: 'x@away.test' })
    await world.advance('6 days')
    assert.deepEqual(at.queue(), [])
    assert.deepEqual(
      world.timeline(id).map(({ event }) => event),
      ['accepted', 'bounced', 'reported'],
    )
    assert.equal(
      away.commands.filter(command => command === 'MAIL FROM:<>' || command.startsWith('MAIL FROM:<> ')).length,
      1,
    )
    // A message that says it is a report gets none either, not even of a delay.
    away.state = 'refusing'
    await at.send({ from: '', to: 'x@away.test' })
    await world.advance('6 days')
    assert.deepEqual(at.queue(), [])
  })

  test('a report waits like other mail, and stays for as long', async () => {
    await using world = createWorld({ seed: 48 })
    const at = await home(world)
    world.peer('mx.away.test', { answer: command => (command.startsWith('RCPT') ? '550 5.1.1 No' : undefined) })
    const sender = world.peer('mx.sender.test')
    sender.state = 'refusing'
    world.zone['away.test'] = { mx: [[10, 'mx.away.test']] }
    world.zone['sender.test'] = { mx: [[10, 'mx.sender.test']] }
    await at.send({ from: 'eve@sender.test', to: 'x@away.test' })
    await world.advance('1 day')
    sender.state = 'up'
    await world.advance('5 hours')
    assert.equal(sender.taken.length, 1)
    assert.deepEqual(sender.taken[0]?.to, ['eve@sender.test'])
    assert.equal(sender.taken[0]?.from, '')
  })
})

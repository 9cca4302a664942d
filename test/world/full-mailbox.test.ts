import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createWorld } from './world.ts'

const LETTER = `Subject: hi\r\n\r\n${'x'.repeat(500)}\r\n`

suite('a mailbox that is full', () => {
  test('is told at RCPT, with 452, and takes mail again when there is room', async () => {
    await using world = createWorld({ seed: 31 })
    const home = await world.server({ hostname: 'mx.home.test', accounts: ['ann@home.test', 'bob@home.test'] })
    const quota = (mails: number | undefined, bytes: number | undefined) =>
      home.directory({ is: 'set-quota', of: 'ann@home.test', each: false, bytes, mails })
    const letter = { from: 'eve@else.test', to: ['ann@home.test', 'bob@home.test'], content: LETTER }
    await quota(1, undefined)
    assert.match((await home.receive(letter)).reply, /^250/)
    const [full, other] = (await home.receive(letter)).recipients
    assert.match(full ?? '', /^452 4\.2\.2 /)
    assert.match(other ?? '', /^250/)
    await quota(undefined, 100_000)
    const [large] = (await home.receive({ ...letter, mail: 'SIZE=200000' })).recipients
    assert.match(large ?? '', /^452 4\.2\.2 /)
    assert.match((await home.receive(letter)).recipients[0] ?? '', /^250/)
    await world.advance('1 min')
    assert.equal(home.mailbox('ann@home.test').length, 2)
    assert.equal(home.mailbox('bob@home.test').length, 4)
  })

  test('gets what was accepted for it all the same: nothing that was promised is lost', async () => {
    await using world = createWorld({ seed: 32 })
    const home = await world.server({
      hostname: 'mx.home.test',
      accounts: ['ann@home.test', 'bob@home.test'],
      aliases: { 'team@home.test': ['ann@home.test', 'bob@home.test'] },
    })
    await home.directory({ is: 'set-quota', of: 'ann@home.test', each: false, bytes: 10, mails: undefined })
    const sent = await home.receive({ from: 'eve@else.test', to: 'team@home.test', content: LETTER })
    assert.match(sent.reply, /^250/)
    assert.equal(home.mailbox('ann@home.test').length, 1)
    assert.deepEqual(home.queue(), []) // it was stored with the 250
  })
})

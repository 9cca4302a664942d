import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'

const ANNA = 'anna@example.org'
const IDLING = '+ We tell you what comes\r\n'

async function open(t: TestContext): Promise<{ server: FakeServer; anna: FakeClient }> {
  const server = await openFakeServer([ANNA])
  t.after(() => server.close())
  const anna = await server.connect(ANNA)
  await anna.say('SELECT INBOX')
  return { server, anna }
}

async function heard(client: FakeClient): Promise<string> {
  for (let turns = 0; turns < 20; turns++) await turn()
  return client.heard()
}

test('who idles hears of every change as it comes', async t => {
  const { server, anna } = await open(t)
  anna.send('i IDLE\r\n')
  assert.equal(await heard(anna), IDLING)
  await server.deliver(ANNA, '', 'x')
  assert.equal(await heard(anna), '* 1 EXISTS\r\n* 1 RECENT\r\n')
  const other = await server.connect(ANNA)
  await other.say('SELECT INBOX')
  await other.say('STORE 1 +FLAGS (\\Deleted)')
  assert.equal(await heard(anna), '* 1 FETCH (FLAGS (\\Deleted \\Recent))\r\n')
  await other.say('EXPUNGE')
  assert.equal(await heard(anna), '* 1 EXPUNGE\r\n')
  anna.send('DONE\r\n')
  assert.equal(await heard(anna), 'i OK Done\r\n')
})

test('what came before it idled is told at once', async t => {
  const { server, anna } = await open(t)
  await server.deliver(ANNA, '', 'x')
  anna.send('i IDLE\r\n')
  assert.equal(await heard(anna), `${IDLING}* 1 EXISTS\r\n* 1 RECENT\r\n`)
})

test('DONE that came with IDLE ends it; anything else is not understood', async t => {
  const { anna } = await open(t)
  anna.send('i IDLE\r\nDONE\r\n')
  assert.equal(await heard(anna), `${IDLING}i OK Done\r\n`)
  anna.send('i IDLE\r\nNOOP\r\n')
  assert.equal(await heard(anna), `${IDLING}i BAD DONE is expected\r\n`)
})

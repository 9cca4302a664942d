/** SIGTERM: greet no more, 421 to the idle, finish what is in flight, commit, exit 0. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../interop/program.ts'
import { ANNA, newPlace } from './place.ts'
import { greeted, handIn, type Talk, talkTo } from './talk.ts'

const SENDERS = 20

/** Sends until it is told to stop; half for a mailbox, half for a host that is down. Answers how many were acknowledged, and its last reply. */
async function load(port: number, number: number): Promise<{ acknowledged: number; last: string }> {
  const to = number % 2 === 0 ? ANNA : 'far@elsewhere.test'
  const talk = await greeted({ port })
  for (let acknowledged = 0; ; acknowledged++) {
    const last = await handIn(talk, 'tim@example.net', to, `Subject: ${number}.${acknowledged}\r\n\r\nHello`)
    if (!last.startsWith('250')) return { acknowledged, last }
  }
}

test('SIGTERM under load: nothing acknowledged is lost, and everybody hears why', async t => {
  const place = await newPlace({
    relayFrom: ['127.0.0.0/8'],
    routes: [{ to: '*', relay: { host: '127.0.0.1', port: 1, tls: 'none' } }],
    queue: { retryFirst: '1 hour' },
  })
  t.after(() => place.remove())
  await place.start()
  const { port } = place

  const idle: Talk[] = [await greeted({ port }), await greeted({ port }), await talkTo({ port })]
  await idle[2]?.reply()
  const open = await greeted({ port })
  await open.say('MAIL FROM:<tim@example.net>')
  const inFlight = await greeted({ port })
  for (const line of ['MAIL FROM:<tim@example.net>', `RCPT TO:<${ANNA}>`, 'DATA']) await inFlight.say(line)
  inFlight.write('Subject: in flight\r\n\r\nthe first half\r\n')
  const loads = Array.from({ length: SENDERS }, (_, number) => load(port, number))
  await until('load', () => (place.log().length > 200 ? true : undefined))

  const stopped = place.stop()
  for (const talk of idle) {
    assert.match(await talk.reply(), /^421 4\.3\.2 /)
    assert.equal(await talk.reply(), 'closed')
  }
  const done = await Promise.all(loads)
  for (const { last } of done) assert.match(last, /^421 4\.3\.2 |^closed$/)
  assert.match(await open.reply(), /^421 4\.3\.2 /)
  assert.match(await inFlight.say('the second half\r\n.'), /^250 2\.0\.0 queued as /)
  assert.match(await inFlight.reply(), /^421 4\.3\.2 |^closed$/)
  assert.equal(await stopped, 0, place.output())
  await assert.rejects(talkTo({ port }), /ECONNREFUSED/)

  const acknowledged = done.map(one => one.acknowledged)
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
  const near = 1 + sum(acknowledged.filter((_, number) => number % 2 === 0))
  const far = sum(acknowledged.filter((_, number) => number % 2 === 1))
  t.diagnostic(`${near} for a mailbox, ${far} for a host that is down`)
  assert.ok(far > 0)
  await place.start()
  await until('all of the mailbox', async () =>
    (await place.list(`mail list ${ANNA} --limit 100000`)).length >= near ? true : undefined,
  )
  assert.equal((await place.list(`mail list ${ANNA} --limit 100000`)).length, near)
  assert.equal((await place.list('queue list --limit 100000')).length, far)
  assert.match(await place.mail(ANNA, 'Subject: in flight'), /the first half\r\nthe second half\r\n/)
  assert.equal(await place.stop(), 0)
})

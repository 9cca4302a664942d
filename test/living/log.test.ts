/** What the server tells of itself: the log, its rotation, its state, and a timeline that does not grow without end. Never a password. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { freePort, until } from '../interop/program.ts'
import { ANNA, BRUNO, newPlace, parseLines, PASSWORD, type Place } from './place.ts'
import { greeted, handIn, plain } from './talk.ts'

const WRONG = 'Wr0ng battery and 7 staples'

suite('seeing', () => {
  let place: Place
  let submission = 0
  let smtp = 0
  let imaps = 0
  let pop3s = 0

  before(async () => {
    submission = await freePort()
    const port = await freePort()
    imaps = await freePort()
    pop3s = await freePort()
    const host = '127.0.0.1'
    const listeners = {
      smtp: { port, host },
      submission: { port: submission, host },
      imaps: { port: imaps, host },
      pop3s: { port: pop3s, host },
    }
    place = await newPlace({ listeners, limits: { errors: 10_000, messagesPerSession: 10_000 } })
    await place.start()
    smtp = port
  })
  after(() => place.remove())

  const events = (name: string): Record<string, unknown>[] => place.log().filter(({ event }) => event === name)

  test('one JSON line for each event', async () => {
    const talk = await greeted({ port: smtp })
    assert.match(await handIn(talk, 'tim@example.net', 'nobody@living.test', ''), /^550 5\.1\.1 /)
    await talk.say('RSET')
    assert.match(await handIn(talk, 'tim@example.net', ANNA, 'Message-ID: <1@example.net>\r\n\r\nHello'), /^250 /)
    await until('the log', () => (events('delivered').length > 0 ? true : undefined))
    assert.deepEqual(
      place.log().map(({ event }) => event),
      ['refused', 'accepted', 'delivered'],
    )
    const [refused, accepted, delivered] = place.log()
    for (const line of place.log()) {
      assert.ok(Math.abs(Number(line['time']) - Date.now()) < 60_000)
      assert.equal(line['level'], line['event'] === 'refused' ? 40 : 30)
    }
    assert.match(String(refused?.['reply']), /^550 5\.1\.1 /)
    assert.deepEqual(refused?.['detail'], { from: 'tim@example.net', to: 'nobody@living.test' })
    assert.equal(accepted?.['messageId'], '<1@example.net>')
    assert.equal(accepted?.['message'], delivered?.['message'])
    assert.equal(delivered?.['recipient'], ANNA)
  })

  test('no password, right or wrong, in any form, in log, timeline, data or output', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    for (const password of [PASSWORD, WRONG]) {
      const wanted = password === PASSWORD ? /^235 / : /^535 5\.7\.8 /
      const sessions = await Promise.all([1, 2, 3].map(() => greeted({ port: submission })))
      for (const talk of sessions) {
        await talk.startTls()
        await talk.say('EHLO client.example')
      }
      const [one, two, three] = sessions
      assert.ok(one && two && three)
      assert.match(await one.say(`AUTH PLAIN ${plain(ANNA, password)}`), wanted)
      assert.match(await two.say('AUTH PLAIN'), /^334/)
      assert.match(await two.say(plain(ANNA, password)), wanted)
      assert.match(await three.say('AUTH LOGIN'), /^334/)
      await three.say(base64(ANNA))
      assert.match(await three.say(base64(password)), wanted)
      if (password === PASSWORD)
        assert.match(await handIn(three, ANNA, BRUNO, 'Subject: Logged in\r\n\r\nHello'), /^250 /)
    }
    // Someone who does not wait for TLS, and one who takes the wrong line for it.
    const hasty = await greeted({ port: submission })
    assert.match(await hasty.say(`AUTH PLAIN ${plain(ANNA, PASSWORD)}`), /^538 5\.7\.11 /)
    assert.match(await hasty.say(`PASS ${PASSWORD}`), /^500 /)
    await place.mail(BRUNO, 'Subject: Logged in')
    await until('the log', () => (events('logged-in').length === 3 && events('refused').length >= 5 ? true : undefined))

    const secrets = [PASSWORD, WRONG].flatMap(password => [
      password,
      base64(password).replace(/=+$/, ''),
      plain(ANNA, password).replace(/=+$/, ''),
    ])
    const files = readdirSync(place.folder, { recursive: true, encoding: 'utf8' })
      .map(path => join(place.folder, path))
      .filter(path => statSync(path).isFile())
    assert.ok(files.some(path => path.endsWith('staffetta.log')) && files.some(path => path.endsWith('staffetta.db')))
    const places: [string, string][] = files.map(path => [path, readFileSync(path, 'latin1')])
    places.push(['its output', place.output()])
    places.push(['trace', (await place.command(`trace ${ANNA} --json`)).stdout.toString()])
    assert.ok(places.filter(([, text]) => text.includes(ANNA)).length >= 3) // what is there can be found
    for (const [where, text] of places)
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} stands in ${where}`)
  })

  test('who reads mail: by what, from where, and over which TLS', async () => {
    const before = events('logged-in').length
    await say(imaps, [`a LOGIN ${ANNA} "${PASSWORD}"`, 'b LOGOUT'])
    await say(pop3s, [`USER ${ANNA}`, `PASS ${PASSWORD}`, 'QUIT'])
    await say(imaps, [`a LOGIN ${ANNA} "${WRONG}"`, 'b LOGOUT'])
    const found = await until('the log', () => {
      const [logins, refused] = [events('logged-in').slice(before), events('refused').slice(-1)]
      return logins.length === 2 && JSON.stringify(refused).includes('imap') ? [...logins, ...refused] : undefined
    })
    const client = { address: '127.0.0.1', tls: 'TLSv1.3' }
    assert.deepEqual(
      found.map(({ event, login, client }) => [event, login, client]),
      [
        ['logged-in', ANNA, { ...client, via: 'imap' }],
        ['logged-in', ANNA, { ...client, via: 'pop3' }],
        ['refused', undefined, { ...client, via: 'imap' }],
      ],
    )
    assert.ok(!readFileSync(join(place.folder, 'staffetta.log'), 'utf8').includes(WRONG))
  })

  test('a log that was renamed is begun anew at SIGHUP, and no line is lost', async () => {
    const path = join(place.folder, 'staffetta.log')
    const before = place.log()
    const talk = await greeted({ port: smtp })
    const send = async (): Promise<void> =>
      assert.match(await handIn(talk, 'tim@example.net', ANNA, 'Subject: x\r\n\r\nx'), /^250 /)
    for (let number = 0; number < 20; number++) await send()
    renameSync(path, `${path}.1`)
    for (let number = 0; number < 20; number++) await send()
    assert.match(await place.hangUp(), /was read again/)
    for (let number = 0; number < 20; number++) await send()
    await until('the new file', () => (place.log().some(({ event }) => event === 'delivered') ? true : undefined))
    const all = (): Record<string, unknown>[] => [...parseLines(readFileSync(`${path}.1`, 'utf8')), ...place.log()]
    await until('all lines', () => (all().length === before.length + 120 ? true : undefined))
    assert.ok(place.log().length >= 20)
  })

  test('state: sessions and event loops of each thread', async () => {
    const talks = await Promise.all(Array.from({ length: 7 }, () => greeted({ port: smtp })))
    const rows = await place.list('state')
    assert.deepEqual(
      rows.map(({ slot }) => slot),
      [0, 1],
    )
    assert.ok(rows.reduce((sum, { sessions }) => sum + Number(sessions), 0) >= 7)
    for (const { loopDelayP99, loopDelayMax } of rows) {
      assert.ok(Number(loopDelayP99) >= 0)
      assert.ok(Number(loopDelayMax) >= Number(loopDelayP99))
    }
    for (const talk of talks) talk.end()
    const { stdout } = await place.command('state')
    assert.match(stdout.toString(), /^THREAD +SESSIONS +DELAY p99 +LONGEST\n +0 +\d+ +[\d.]+ ms +[\d.]+ ms\n +1 /)
  })

  test('the timeline is bounded: what is too much goes, the oldest first', async () => {
    const bytes = (): number => {
      const database = new DatabaseSync(join(place.folder, 'data/staffetta.db'), { readOnly: true })
      const row = database.prepare('SELECT coalesce(sum(length(events)), 0) AS bytes FROM timeline').get()
      database.close()
      return Number(row?.['bytes'])
    }
    const talk = await greeted({ port: smtp })
    const sender = `${'s'.repeat(64)}@${`${'d'.repeat(60)}.`.repeat(3)}test`
    await talk.say(`MAIL FROM:<${sender}>`)
    const refusals = 4000
    for (let number = 0; number < refusals; number++) talk.write(`RCPT TO:<${number}${'r'.repeat(59)}@living.test>\r\n`)
    for (let number = 0; number < refusals; number++) assert.match(await talk.reply(), /^550 5\.1\.1 /)
    await talk.say('RSET')
    assert.match(await handIn(talk, 'tim@example.net', ANNA, `Subject: The last\r\n\r\nx`), /^250 /)
    await place.mail(ANNA, 'Subject: The last')
    const bound = 1024 * 1024
    const much = bytes()
    assert.ok(much > 1.5 * bound, `${much}`)
    assert.match(await place.reload({ timeline: { maxSize: bound } }), /timeline cannot change while the server runs/)
    assert.equal(await place.stop(), 0)
    await place.start()
    await until('less history', () => (bytes() <= bound ? true : undefined))
    assert.ok(bytes() > bound / 2)
    const [newest] = (await place.list(`mail list ${ANNA}`)).slice(-1)
    const { code, stdout } = await place.command(`trace ${String(newest?.['id'])}`)
    assert.equal(code, 0)
    assert.match(stdout.toString(), /delivered: anna@living\.test/)
  })
})

/** Over TLS, whatever the certificate; the last of the lines makes the server end the session. */
async function say(port: number, lines: readonly string[]): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write(lines.map(line => `${line}\r\n`).join(''))
  socket.resume()
  await once(socket, 'close')
}

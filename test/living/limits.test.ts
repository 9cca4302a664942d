/** The limits of the configuration, as a client meets them. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { until } from '../interop/program.ts'
import { ANNA, newPlace, type Place } from './place.ts'
import { greeted, handIn, talkTo } from './talk.ts'

suite('limits', () => {
  let place: Place
  let port = 0

  before(async () => {
    place = await newPlace({
      threads: 1, // the limits of a source are divided among the threads
      limits: {
        connectionsPerSource: 3,
        errors: 4,
        idleCommands: 5,
        messagesPerSession: 2,
        recipients: 100,
        messageSize: '1 MB',
      },
    })
    await place.start()
    port = place.port
  })
  after(() => place.remove())

  test('connections of one source: one too many is told so; another source is welcome', async () => {
    const from = '127.0.0.31'
    const three = await Promise.all([1, 2, 3].map(() => greeted({ port, from })))
    const fourth = await talkTo({ port, from })
    assert.match(await fourth.reply(), /^421 4\.7\.0 Too many connections/)
    assert.equal(await fourth.reply(), 'closed')
    assert.match(await (await talkTo({ port, from: '127.0.0.32' })).reply(), /^220 /)
    assert.match((await three[0]?.say('QUIT')) ?? '', /^221 /)
    await until('room', async () => {
      const next = await talkTo({ port, from })
      const welcome = (await next.reply()).startsWith('220')
      next.end()
      return welcome ? true : undefined
    })
    for (const talk of three) talk.end()
  })

  test('errors: 421 and the end', async () => {
    const talk = await greeted({ port, from: '127.0.0.33' })
    for (let error = 0; error < 4; error++) assert.match(await talk.say('NONSENSE'), /^500 5\.5\.2 /)
    assert.match(await talk.reply(), /^421 4\.7\.0 /)
    assert.equal(await talk.reply(), 'closed')
  })

  test('commands that move no mail: 421 and the end', async () => {
    const talk = await greeted({ port, from: '127.0.0.34' })
    const heard: string[] = []
    for (let answer = ''; answer !== 'closed' && heard.length < 20; heard.push(answer)) answer = await talk.say('NOOP')
    assert.match(heard.at(-2) ?? '', /^421 4\.7\.0 /)
    assert.ok(heard.length >= 4 && heard.length <= 7, heard.join('; '))
  })

  test('messages in one session', async () => {
    const talk = await greeted({ port, from: '127.0.0.35' })
    for (const _ of [1, 2])
      assert.match(await handIn(talk, 'tim@example.net', ANNA, 'Subject: x\r\n\r\nx'), /^250 2\.0\.0 /)
    assert.match(await talk.say('MAIL FROM:<tim@example.net>'), /^421 4\./)
    assert.equal(await talk.reply(), 'closed')
  })

  test('recipients, and the size of a message', async () => {
    const talk = await greeted({ port, from: '127.0.0.36' })
    assert.match(await talk.say('MAIL FROM:<tim@example.net> SIZE=2000000'), /^552 5\.3\.4 /)
    await talk.say('MAIL FROM:<tim@example.net>')
    for (let number = 0; number < 100; number++) assert.match(await talk.say(`RCPT TO:<${ANNA}>`), /^250 /)
    assert.match(await talk.say(`RCPT TO:<${ANNA}>`), /^452 4\.5\.3 /)
    await talk.say('DATA')
    assert.match(await talk.say(`${'x'.repeat(78)}\r\n`.repeat(14_000) + '.'), /^552 5\.3\.4 /)
  })

  test('silence: 421 4.4.2 and the end', async t => {
    t.after(() => place.reload({ limits: {} }))
    assert.match(await place.reload({ limits: { idleTimeout: '1 s' } }), /was read again/)
    const talk = await greeted({ port, from: '127.0.0.37' })
    assert.match(await talk.reply(), /^421 4\.4\.2 /)
    assert.equal(await talk.reply(), 'closed')
    const unheard = await talkTo({ port, from: '127.0.0.38' })
    assert.match(await unheard.reply(), /^220 /)
    assert.match(await unheard.reply(), /^421 4\.4\.2 /)
  })
})

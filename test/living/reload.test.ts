/** SIGHUP: what can change changes for new sessions while old ones go on; a wrong file changes nothing, and says why. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate, needs } from '../interop/program.ts'
import { ANNA, newPlace, type Place } from './place.ts'
import { greeted, handIn, talkTo } from './talk.ts'

const { excuse } = needs(['openssl'])

suite('SIGHUP', { skip: excuse }, () => {
  let place: Place

  before(async () => {
    place = await newPlace()
    await makeCertificate(place.folder, 'mx.living.test')
    await place.start()
  })
  after(() => place.remove())

  /** What a new session hears of EHLO. */
  async function abilities(): Promise<string> {
    const talk = await talkTo({ port: place.port })
    await talk.reply()
    const answer = await talk.say('EHLO client.example')
    talk.end()
    return answer
  }

  test('limits and routes are new for new sessions, and an old one goes on', async () => {
    const old = await greeted({ port: place.port })
    await old.say('MAIL FROM:<tim@example.net>')
    const said = await place.reload({
      limits: { messageSize: '1 MB' },
      relayFrom: ['127.0.0.0/8'],
      routes: [{ to: 'closed.test', refuse: { code: 550, status: '5.4.1', text: 'That house is closed' } }],
    })
    assert.match(said, /the configuration was read again/)
    assert.match(await abilities(), /\n250-SIZE 1048576\n/)
    assert.match(await old.say(`RCPT TO:<${ANNA}>`), /^250 /)
    assert.match(await old.say('DATA'), /^354 /)
    assert.match(await old.say('Subject: An old session\r\n\r\nHello\r\n.'), /^250 /)
    assert.match(await handIn(old, 'tim@example.net', ANNA, 'Subject: Again\r\n\r\nHello'), /^250 /)
    assert.match(
      await handIn(await greeted({ port: place.port }), 'tim@example.net', 'bob@closed.test', 'Subject: x\r\n\r\nx'),
      /^550 5\.4\.1 That house is closed/,
    )
    await place.mail(ANNA, 'Subject: Again')
  })

  test('a new certificate is shown to new sessions', async () => {
    const fingerprint = async (): Promise<string> => (await greeted({ port: place.port })).startTls()
    const own = await fingerprint()
    const old = await greeted({ port: place.port })
    assert.equal(await old.startTls(), own)
    assert.match(await place.reload({ tls: { cert: 'cert.pem', key: 'key.pem' } }), /was read again/)
    const first = await fingerprint()
    assert.notEqual(first, own)
    await makeCertificate(place.folder, 'mx.living.test')
    assert.equal(await fingerprint(), first) // until we are told
    assert.match(await place.hangUp(), /was read again/)
    assert.notEqual(await fingerprint(), first)
    await old.say('EHLO client.example')
    assert.match(await handIn(old, 'tim@example.net', ANNA, 'Subject: x\r\n\r\nx'), /^250 /)
  })

  test('a wrong file is refused with the place of what is wrong in it, and nothing changes', async () => {
    const before = await abilities()
    const file = join(place.folder, 'staffetta.json')
    const said = await place.reload({ limits: { messageSize: 'fifty' } })
    assert.match(said, /the configuration stays as it was:\n/)
    assert.ok(said.includes(`${file}:`), said)
    assert.match(said, /staffetta\.json:\d+:\d+ +limits\.messageSize: "fifty" is not a size; write .*'50 MB'/)
    assert.equal(await abilities(), before)
    writeFileSync(file, '{ "hostname": "mx.living.test", ')
    assert.match(await place.hangUp(), /stays as it was:\n.*staffetta\.json:1:\d+ /)
    assert.equal(await abilities(), before)
  })

  test('a certificate that does not fit its key is refused, and the old one stays', async () => {
    const shown = await (await greeted({ port: place.port })).startTls()
    writeFileSync(join(place.folder, 'cert.pem'), 'no certificate')
    const said = await place.reload({ limits: { messageSize: '2 MB' } })
    assert.match(said, /stays as it was:\n.*cert/)
    assert.equal(await (await greeted({ port: place.port })).startTls(), shown)
    assert.match(await abilities(), /\n250-SIZE 1048576\n/)
    await makeCertificate(place.folder, 'mx.living.test')
  })

  test('what cannot change while the server runs is refused by name', async () => {
    const said = await place.reload({ hostname: 'other.living.test', data: 'elsewhere' })
    assert.match(said, /stays as it was:\n.*data, hostname cannot change while the server runs; restart/)
  })
})

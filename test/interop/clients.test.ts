/**
 * What mail clients hand in arrives byte for byte, on every kind of listener. The bytes compared are the whole message as the
 * client was given it, but for the trace fields that we put on top. Not compared byte for byte is what a client writes itself: Python's
 * send_message and nodemailer's composed message; there it is the body.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { clients, type Door, nodemailerTransport, python } from './clients.ts'
import { bodyOf, corpus, difference, large, type Message, type People, withoutTrace } from './corpus.ts'
import { arrives } from './postfix.ts'
import { needs } from './program.ts'
import { PASSWORD, type Staffetta, startStaffetta } from './staffetta.ts'

const ANNA = 'anna@staffetta.test'
const BRUNO = 'bruno@staffetta.test'
const people: People = { from: ANNA, to: BRUNO, international: 'jürgen@bücher.test' }

const needed = needs(['openssl', ...new Set(clients.flatMap(client => client.programs))])

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

const doors = ['plain', 'starttls', 'tls'] as const

suite('clients', { skip: needed.skip }, () => {
  let server: Staffetta

  before(async () => {
    server = await startStaffetta({
      hostname: 'mx.staffetta.test',
      domains: ['staffetta.test', 'bücher.test'],
      accounts: [ANNA, BRUNO, 'jürgen@bücher.test'],
      config: { relayFrom: [] },
    })
  })

  after(() => server?.stop())

  const door = (security: Door['security']): Door => {
    const port = { plain: server.ports.smtp, starttls: server.ports.submission, tls: server.ports.submissions }[
      security
    ]
    const login = security === 'plain' ? undefined : { user: ANNA, password: PASSWORD }
    return { host: server.host, port, security, login }
  }

  const arrived = ({ to, messageId }: Message) => arrives(server, to, bytes => bytes.includes(messageId))

  const check = async (message: Message): Promise<void> => {
    assert.equal(difference(withoutTrace(await arrived(message)), message.bytes), undefined, message.name)
  }

  for (const [index, client] of clients.entries()) {
    for (const security of doors) {
      test(`${client.name}, ${security}`, async t => {
        // The large one once for each client, on one listener after the other.
        const all = [...corpus(people), ...(doors[index % doors.length] === security ? [large(people)] : [])]
        const able = all.filter(message => client.utf8 || !message.utf8)
        if (able.length < all.length) t.diagnostic(`${client.name} does not speak SMTPUTF8`)
        for (const message of able) await client.send(door(security), message)
        for (const message of able) await check(message)
      })
    }
  }

  test('Python send_message writes the header anew; the body arrives byte for byte', async () => {
    const messages = corpus(people).filter(({ name }) => name === 'plain' || name === 'SMTPUTF8')
    for (const message of messages) {
      await python('object')(door('starttls'), message)
      assert.equal(difference(bodyOf(await arrived(message)), bodyOf(message.bytes)), undefined)
    }
  })

  test('a message that nodemailer composes', async () => {
    const transport = nodemailerTransport(door('tls'))
    const { messageId } = await transport.sendMail({ from: ANNA, to: BRUNO, subject: 'Grüße', text: '.one\n..\ntwo\n' })
    transport.close()
    const found = await arrives(server, BRUNO, bytes => bytes.includes(messageId))
    assert.equal(bodyOf(found).toString(), '.one\r\n..\r\ntwo\r\n')
  })

  test('nobody relays without login, and a login sends as itself only', async () => {
    const stranger = { ...corpus(people)[0], to: 'someone@elsewhere.test' } as Message
    const send = clients.find(client => client.name === 'Python smtplib')?.send
    assert.ok(send)
    await assert.rejects(send(door('plain'), stranger), /550[ ,].*5\.7\.1/)
    await assert.rejects(send({ ...door('starttls'), login: undefined }, stranger), /530[ ,].*5\.7\.0/)
    await assert.rejects(send(door('starttls'), { ...stranger, from: BRUNO, to: BRUNO }), /55\d|5\.7\.1/)
  })
})

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { collectMessage } from '../collector.ts'
import type { Connection } from '../../net/connection.ts'
import { AT, type FakeClient, type FakeServer, openFakeServer } from './fake-client.ts'
import { ImapLoop } from './loop.ts'

const ANNA = 'anna@example.org'
const BEN = 'ben@example.org'
const MINUTE = 60_000

async function open(t: TestContext): Promise<{ server: FakeServer; anna: FakeClient; other: FakeClient }> {
  const server = await openFakeServer([ANNA, BEN])
  t.after(() => server.close())
  const [anna, other] = [await server.connect(ANNA), await server.connect(ANNA)]
  return { server, anna, other }
}

/** What was complained of. */
function complaints({ services }: FakeServer): unknown[] {
  const heard: unknown[] = []
  Object.assign(services, { complain: (error: unknown) => heard.push(error) })
  return heard
}

async function turns(count = 50): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

/** What is heard next; the disk may be needed for it. */
async function line(client: FakeClient): Promise<string> {
  let heard = ''
  for (let i = 0; i < 200_000 && !heard.endsWith('\r\n'); i++) {
    await turn()
    heard += client.heard()
  }
  return heard
}

const LARGE = `A: b\r\n\r\n${'x'.repeat(100_000)}`

test('IDLE begins with what came before it', async t => {
  const { server, anna } = await open(t)
  await anna.say('SELECT INBOX')
  await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  anna.send('i IDLE\r\n')
  await turns()
  assert.equal(anna.heard(), '+ We tell you what comes\r\n* 1 EXISTS\r\n* 1 RECENT\r\n')
})

test('what went is told at once in IDLE also where it could not be told before', async t => {
  const { server, anna, other } = await open(t)
  for (let i = 0; i < 2; i++) await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  await anna.say('SELECT INBOX')
  await other.say('SELECT INBOX')
  await other.say('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.say('EXPUNGE')
  assert.doesNotMatch(await anna.say('FETCH 2 UID'), /EXPUNGE/)
  anna.send('i IDLE\r\n')
  await turns()
  assert.equal(anna.heard(), '+ We tell you what comes\r\n* 1 EXPUNGE\r\n')
})

test('a client that takes a large answer slowly is not cut off, one that takes nothing is, without a word in the message', async t => {
  const { server, anna } = await open(t)
  let now = AT
  Object.assign(server.services, { now: () => now })
  for (let i = 0; i < 6; i++) await server.deliver(ANNA, '', LARGE)
  await anna.say('SELECT INBOX')
  anna.stuck = true
  anna.send('f FETCH 1:* BODY.PEEK[]\r\n')
  for (let i = 0; i < 4; i++) {
    await turns()
    now += 29 * MINUTE
    anna.loop.deadline()
    assert.ok(!anna.loop.gone, `after ${i}`)
    anna.drain()
  }
  await turns()
  anna.heard()
  now += 31 * MINUTE
  anna.loop.deadline()
  assert.ok(anna.loop.gone)
  assert.doesNotMatch(anna.heard(), /BYE/)
})

test('a command that takes us long is no silence of the client', async t => {
  const { server, anna } = await open(t)
  let now = AT
  let answer = (): void => undefined
  const { storage } = server.services
  const ask: typeof storage.ask = async (name, input) => {
    await new Promise<void>(resolve => (answer = resolve))
    return storage.ask(name, input)
  }
  Object.assign(server.services, { now: () => now, storage: { ...storage, ask } })
  anna.send('c CREATE x\r\n')
  await turns()
  now += 31 * MINUTE
  anna.loop.deadline()
  assert.ok(!anna.loop.gone)
  answer()
  await turns()
  assert.match(anna.heard(), /^c OK /)
})

test('what NOTIFY fetches in IDLE is not cut by other news, by DONE, or by what keeps the connection alive', async t => {
  const { server, anna } = await open(t)
  await anna.say('NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[]) MessageExpunge))')
  await anna.say('SELECT INBOX')
  anna.send('i IDLE\r\n')
  await turns()
  anna.heard()
  anna.stuck = true
  await server.deliver(ANNA, '', LARGE)
  await turns()
  await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  anna.loop.deadline()
  await turns()
  anna.send('DONE\r\nn NOOP\r\n')
  for (let i = 0; i < 5; i++) {
    await turns()
    anna.drain()
  }
  await turns()
  const heard = anna.heard().replace(/x{100000}/, '…')
  assert.equal(
    heard,
    [
      '* 1 EXISTS\r\n* 1 RECENT\r\n* 1 FETCH (UID 1 BODY[] {100008}\r\nA: b\r\n\r\n…)\r\n',
      '* 2 EXISTS\r\n* 2 RECENT\r\n* 2 FETCH (UID 2 BODY[] {9}\r\nA: b\r\n\r\nc)\r\n',
      'i OK Done\r\nn OK Done\r\n',
    ].join(''),
  )
})

test('a mistake of ours ends the session, whether it is made at once or later, and no other', async t => {
  const { server, anna, other } = await open(t)
  const heard = complaints(server)
  const { reader } = server.services
  const sound = { ...reader }
  await other.say('SELECT INBOX')
  other.send('i IDLE\r\n')
  Object.assign(reader, {
    mailboxNamed() {
      throw new Error('the disk is on fire')
    },
  })
  assert.match(await anna.say('STATUS INBOX (MESSAGES)'), /^\* BYE \[SERVERBUG\]/)
  assert.ok(anna.loop.gone)
  const again = await server.connect(ANNA)
  assert.match(await again.say('APPEND INBOX {1+}\r\nx'), /^\* BYE \[SERVERBUG\]/)
  Object.assign(reader, sound)
  const ben = await server.connect(ANNA)
  await ben.say('SELECT INBOX')
  ben.send('i IDLE\r\n')
  await turns()
  other.heard()
  Object.assign(reader, {
    mailbox() {
      throw new Error('the disk is on fire')
    },
  })
  const { mailbox = 0, row } = other.loop.session.selected?.view ?? {}
  server.services.views.changed([{ account: row?.account ?? 0, mailbox, how: 'mail' }])
  Object.assign(reader, sound)
  // Both had to look, and could not.
  for (const client of [other, ben]) assert.match(client.heard(), /\* BYE \[SERVERBUG\]/)
  assert.equal(heard.length, 4)
  assert.doesNotMatch(await (await server.connect(ANNA)).say('SELECT INBOX'), /BYE/)
})

test('the contents of one command are in memory only as far as the memory for receiving goes', async t => {
  const { server, anna } = await open(t)
  const budget = { limit: 300_000, used: 0 }
  const { services, data } = server
  Object.assign(services, {
    collect: () => collectMessage(services.nextId(), data, budget),
  })
  const message = (last: string): string => ` {100008+}\r\n${LARGE}${last}`
  anna.send(`a APPEND INBOX${message('').repeat(6)}`)
  const files = (): number => readdirSync(join(data, 'bodies')).length
  for (let i = 0; i < 200_000 && files() < 3; i++) await turn()
  assert.equal(files(), 3)
  await turns()
  assert.ok(budget.used <= 400_100, `${budget.used} bytes`)
  anna.send('\r\n')
  assert.match(await line(anna), /^a OK \[APPENDUID \d+ 1:6\]/)
  assert.equal(budget.used, 0)
  anna.send(`b APPEND INBOX${message('')}`)
  anna.send(`${message('')} x\r\n`)
  assert.match(await line(anna), /^b BAD /)
  assert.equal(budget.used, 0)
})

test('who has a mailbox selected that is deleted hears that it is closed', async t => {
  const { anna, other } = await open(t)
  await anna.say('CREATE x')
  await anna.say('APPEND x {1+}\r\nx')
  await anna.say('SELECT x')
  await other.say('DELETE x')
  assert.equal(await anna.say('NOOP'), '* 1 EXPUNGE\r\n* OK [CLOSED] The mailbox was deleted\r\n. OK Done\r\n')
  assert.match(await anna.say('FETCH 1 UID'), /^\. BAD/)
})

test('rights that are taken away end what they allowed, also in a mailbox that is selected', async t => {
  const { server, anna } = await open(t)
  await anna.say('APPEND INBOX {1+}\r\nx')
  await anna.say(`SETACL INBOX ${BEN} lrswte`)
  const ben = await server.connect(BEN)
  await ben.say(`SELECT user/${ANNA}`)
  assert.match(await ben.say('STORE 1 +FLAGS (\\Seen)'), /\. OK/)
  await anna.say(`SETACL INBOX ${BEN} lr`)
  assert.match(await ben.say('STORE 1 -FLAGS (\\Seen)'), /^\. NO \[NOPERM\]/)
  ben.send('i IDLE\r\n')
  await turns()
  ben.heard()
  await anna.say(`DELETEACL INBOX ${BEN}`)
  await server.deliver(ANNA, '', 'A: b\r\n\r\nc')
  await turns()
  assert.equal(ben.heard(), '* BYE You may not read this mailbox any more\r\n')
  assert.ok(ben.loop.gone)
})

test('we stop: a command that is under way is answered first', async t => {
  const { anna, other } = await open(t)
  anna.send('a APPEND INBOX {1+}\r\nx\r\nb NOOP\r\n')
  anna.loop.shutdown()
  other.loop.shutdown()
  assert.match(other.heard(), /^\* BYE /)
  await turns()
  assert.match(anna.heard(), /^a OK [^\n]*\n\* BYE [^\n]*\n$/)
})

test('what is said of a literal that is too large is said to its command', async t => {
  const { server } = await open(t)
  const anna = await server.connect(ANNA)
  anna.send('x]y APPEND INBOX {999999999}\r\n')
  assert.match(anna.heard(), /^x\]y NO \[TOOBIG\]/)
})

/** A client that sends only as long as it is read. */
function connect({ services }: FakeServer) {
  let said = ''
  let paused = false
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 143 } },
    tls: undefined,
    unsent: 0,
    write: bytes => (said += Buffer.from(bytes).toString('latin1')),
    pause: () => (paused = true),
    resume: () => (paused = false),
    startTls: () => undefined,
    deadline: () => undefined,
    end: () => loop.closed(),
    destroy: () => loop.closed(),
  }
  const loop = new ImapLoop(connection, services, true, () => undefined)
  return {
    /** Answers what is heard; false: the server reads no further. */
    async say(...pieces: readonly string[]): Promise<string | false> {
      said = ''
      for (const piece of pieces) {
        for (let turns = 0; paused; turns++) {
          if (turns === 1000) return false
          await turn()
        }
        loop.data(Buffer.from(piece, 'latin1'))
      }
      for (let turns = 0; turns < 1000 && !said.endsWith('\r\n'); turns++) await turn()
      return said
    },
  }
}

test('a literal that is larger than what may wait is read to its end', async t => {
  const server = await openFakeServer([ANNA])
  t.after(() => server.close())
  const client = connect(server)
  assert.match((await client.say(`a LOGIN ${ANNA} x\r\n`)) || '', /^a OK /)
  const value = Array.from({ length: 12 }, () => 'x'.repeat(20_000))
  const size = value.length * 20_000
  assert.match(
    (await client.say(`b SETMETADATA INBOX (/private/comment ~{${size}+}\r\n`, ...value, ')\r\n')) || '',
    /^b NO /,
  )
  const half = ['y'.repeat(20_000), 'y'.repeat(12_000)]
  const command = `c SETMETADATA INBOX (/private/comment {32000+}\r\n`
  const second = ` /private/other {32000+}\r\n`
  const third = ` /private/third {32000+}\r\n`
  assert.match((await client.say(command, ...half, second, ...half, third, ...half, ')\r\n')) || '', /^c OK /)
})

/** Clients that ask for a whole mailbox and read nothing: the server's memory stays bounded, and others are served. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { hashPassword } from '../../src/directory/passwords.ts'
import { openImap } from '../crash/imap-talk.ts'
import { numbered } from '../crash/load.ts'
import { addAccounts, newRig, type Rig } from '../crash/server.ts'
import { startSink } from '../crash/sink.ts'

const ANNA = 'anna@home.test'
const PASSWORD = 'secret'
/** The mailbox: 40 messages that are files, and 500 that are rows; 50 MB. */
const LARGE = { count: 40, size: 13_000 * 78 }
const SMALL = { count: 500, size: 250 * 78 }
const MB = 1e6
/** At once, of each language. */
const CLIENTS = 20

async function setUp(t: TestContext): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-slow-'))
  const sink = await startSink()
  const rig = await newRig({ folder, sinkPort: sink.port })
  t.after(async () => {
    await rig.kill()
    await sink.down()
    rmSync(folder, { recursive: true, force: true })
  })
  await rig.start()
  await addAccounts(rig, [ANNA], await hashPassword(PASSWORD))
  const talk = await openImap(rig.imapPort, ANNA, PASSWORD)
  let seq = 0
  for (const { count, size } of [LARGE, SMALL]) {
    for (let n = 0; n < count; n++) assert.match((await talk.ask('APPEND INBOX', numbered(++seq, size))).tagged, /^OK/)
  }
  talk.close()
  return rig
}

/** Bytes. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** A client that says all it has to say at once, and reads nothing behind the greeting. */
function ask(port: number, text: string | Buffer): Socket {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  socket.once('data', () => socket.pause())
  socket.write(text)
  return socket
}

const FETCH = 'c FETCH 1:* (FLAGS BODY.PEEK[])\r\n'
const IMAP = `a LOGIN ${ANNA} ${PASSWORD}\r\nb SELECT INBOX\r\n${FETCH.repeat(20)}`
const COMPRESSED = Buffer.concat([
  Buffer.from(`a LOGIN ${ANNA} ${PASSWORD}\r\nz COMPRESS DEFLATE\r\n`),
  deflateRawSync(Buffer.from(`b SELECT INBOX\r\n${FETCH.repeat(20)}`), { finishFlush: constants.Z_SYNC_FLUSH }),
])
const POP3 = `USER ${ANNA}\r\nPASS ${PASSWORD}\r\n${Array.from({ length: LARGE.count }, (_, n) => `RETR ${n + 1}\r\n`).join('')}`
const KINDS = [
  ['IMAP', (rig: Rig) => rig.imapPort, IMAP],
  ['compressed IMAP', (rig: Rig) => rig.imapPort, COMPRESSED],
  ['POP3', (rig: Rig) => rig.pop3Port, POP3],
] as const

test(`${CLIENTS} clients that ask for 50 MB many times, and read nothing`, async t => {
  const rig = await setUp(t)
  for (const [language, portOf, text] of KINDS) {
    const before = memoryOf(rig.pid)
    const clients = Array.from({ length: CLIENTS }, () => ask(portOf(rig), text))
    const other = await openImap(rig.imapPort, ANNA, PASSWORD)
    let most = 0
    for (let round = 0; round < 30; round++) {
      assert.match((await other.ask('SELECT INBOX')).tagged, /^OK/)
      const { tagged, untagged } = await other.ask(`FETCH ${round + 1} BODY.PEEK[]`)
      assert.match(tagged, /^OK/)
      assert.ok((untagged[0]?.literals[0]?.length ?? 0) > LARGE.size)
      most = Math.max(most, memoryOf(rig.pid))
      await sleep(50)
    }
    other.close()
    for (const client of clients) client.destroy()
    const more = Math.round((most - before) / MB)
    t.diagnostic(`${language}: ${Math.round(before / MB)} MB before, ${more} MB more with ${CLIENTS} clients`)
    // Asked for are 1,000 MB and more. The kernel holds what fits its sockets, a session what is above its mark.
    assert.ok(more < 150, `${language}: ${more} MB more`)
  }
  assert.doesNotMatch(rig.output(), /crashed|Error/)
})

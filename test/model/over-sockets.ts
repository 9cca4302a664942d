/** The whole server, a process of its own with two protocol threads, spoken to over sockets. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashPassword } from '../../src/directory/passwords.ts'
import { checkStorage } from '../../src/storage/sqlite/check.ts'
import { openImap } from '../crash/imap-talk.ts'
import { addAccounts, newRig } from '../crash/server.ts'
import { ACCOUNT, PASSWORD, THREADS, type Wire, type World } from './wire.ts'

/** Nothing is relayed: a port on which nobody listens. */
const NO_SINK = 1
/** ms that a delivery may take. */
const PATIENCE = 30_000

export async function openOverSockets(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-model-'))
  const rig = await newRig({ folder, sinkPort: NO_SINK, threads: THREADS, limits: { errors: 100_000 } })
  await rig.start()
  await addAccounts(rig, [ACCOUNT], await hashPassword(PASSWORD))
  const wires: Wire[] = []

  async function open(port: number): Promise<Wire> {
    const wire = await newWire(port)
    wires.push(wire)
    return wire
  }

  /** What stands before the content of the last mail, and its INTERNALDATE. */
  async function lookAtLast(content: string): Promise<{ readonly head: string; readonly at: number }> {
    const talk = await openImap(rig.imapPort, ACCOUNT, PASSWORD)
    await talk.ask('EXAMINE INBOX')
    const { untagged } = await talk.ask('UID FETCH * (INTERNALDATE BODY.PEEK[])')
    talk.close()
    const found = untagged.find(({ literals }) => literals.length > 0)
    const text = found?.literals[0]?.toString('latin1') ?? ''
    assert.ok(text.endsWith(content), 'what was delivered is something else')
    const date = /INTERNALDATE "([^"]+)"/.exec(found?.text ?? '')?.[1] ?? ''
    return { head: text.slice(0, text.length - content.length), at: Date.parse(date.trim().replaceAll('-', ' ')) }
  }

  return {
    now: Date.now,
    exact: false,
    imap: () => open(rig.imapPort),
    pop3: () => open(rig.pop3Port),
    async deliver(content, stored) {
      const wire = await open(rig.lmtpPort)
      const stuffed = content.replaceAll(/^\./gm, '..')
      for (const [text, expected] of [
        ['', '220'],
        ['LHLO c.example\r\n', '250'],
        [`MAIL FROM:<>\r\n`, '250'],
        [`RCPT TO:<${ACCOUNT}>\r\n`, '250'],
        ['DATA\r\n', '354'],
        [`${stuffed}.\r\n`, '250'],
      ] as const) {
        wire.send(text)
        const said = await heard(wire)
        assert.ok(said.startsWith(expected), said)
      }
      wire.vanish()
      const { head, at } = await lookAtLast(content)
      stored(head, at)
    },
    turn: () => sleep(1),
    settle: () => Promise.resolve(),
    async close() {
      for (const wire of wires) wire.vanish()
      const exit = await rig.stop()
      const { problems } = checkStorage({ data: rig.data, alone: true, now: Date.now(), progress: () => undefined })
      const output = rig.output()
      rmSync(folder, { recursive: true, force: true })
      return exit === 0 ? problems : [...problems, `the server ended with ${exit}: ${output}`]
    },
  }
}

/** A whole reply. */
async function heard(wire: Wire): Promise<string> {
  let said = ''
  for (const end = Date.now() + PATIENCE; !/^\d{3} .*\r\n$/m.test(said); await sleep(1)) {
    assert.ok(Date.now() < end && !wire.gone, `no reply: ${said}`)
    said += wire.take()
  }
  return said
}

async function newWire(port: number): Promise<Wire> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let chunks: Buffer[] = []
  let gone = false
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('error', () => undefined) // it closes
  socket.on('close', () => {
    gone = true
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    send: text => void socket.write(text, 'latin1'),
    take() {
      const text = Buffer.concat(chunks).toString('latin1')
      chunks = []
      return text
    },
    get gone() {
      return gone
    },
    vanish: () => void socket.destroy(),
  }
}

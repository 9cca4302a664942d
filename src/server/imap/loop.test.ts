import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Connection } from '../../net/connection.ts'
import { type FakeServer, openFakeServer } from './fake-client.ts'
import { ImapLoop } from './loop.ts'

const ANNA = 'anna@example.org'

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

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Connection, ConnectionHandler } from '../net/connection.ts'
import type { Network } from '../net/network.ts'
import { listeningNetwork } from './dialogue.ts'

const DEAF: ConnectionHandler = { data() {}, drained() {}, secured() {}, deadline() {}, closed() {} }

/** A network with nobody at the other end: what is written goes nowhere, and the test says what comes. */
async function overhear(content: boolean): Promise<{ ours: Connection; theirs: ConnectionHandler; heard: string[] }> {
  const heard: string[] = []
  const nothing = (): void => undefined
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 25, local: { address: '192.0.2.9', port: 1 } },
    tls: undefined,
    unsent: 0,
    write: nothing,
    pause: nothing,
    resume: nothing,
    startTls: nothing,
    deadline: nothing,
    end: nothing,
    destroy: nothing,
  }
  let [theirs, ours] = [DEAF, connection]
  const fake: Network = {
    async connect(_to, open) {
      theirs = open(connection)
      return { is: 'connected', connection }
    },
  }
  const say = ({ by, text }: { by: string; text: string }): void => void heard.push(`${by.charAt(0)} ${text}`)
  const network = listeningNetwork(fake, { say, content, anyCertificate: false })
  await network.connect({ address: '192.0.2.1', port: 25, timeout: 1 }, wrapped => {
    ours = wrapped
    return DEAF
  })
  return { ours, theirs, heard }
}

suite('the dialogue of a client', () => {
  test('passwords are never in it, by PLAIN or LOGIN', async () => {
    const { ours, theirs, heard } = await overhear(true)
    ours.write('AUTH PLAIN AGFubmEAc2VjcmV0\r\n')
    theirs.data(Buffer.from('235 2.7.0 ok\r\n'))
    ours.write('AUTH LOGIN\r\n')
    theirs.data(Buffer.from('334 VXNlcm5hbWU6\r\n'))
    ours.write('YW5uYQ==\r\n')
    theirs.data(Buffer.from('334 UGFzc3dvcmQ6\r\n'))
    ours.write('c2VjcmV0\r\n')
    theirs.data(Buffer.from('535 5.7.8 no\r\n'))
    ours.write('QUIT\r\n')
    assert.deepEqual(heard.slice(1), [
      'c AUTH PLAIN ****',
      'h 235 2.7.0 ok',
      'c AUTH LOGIN',
      'h 334 VXNlcm5hbWU6',
      'c ****',
      'h 334 UGFzc3dvcmQ6',
      'c ****',
      'h 535 5.7.8 no',
      'c QUIT',
    ])
  })

  test('a reply of several lines is one line, the content its size', async () => {
    const { ours, theirs, heard } = await overhear(false)
    theirs.data(Buffer.from('250-a\r\n250-SI'))
    theirs.data(Buffer.from('ZE 100\r\n250 HELP\r\n'))
    ours.write('MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 5 LAST\r\n')
    ours.write(Buffer.from('ab'))
    ours.write(Buffer.from('c\r\n'))
    theirs.data(Buffer.from('250 ok\r\n'))
    theirs.closed('peer')
    assert.deepEqual(heard, [
      'n connected to 192.0.2.1:25',
      'h 250 a, SIZE 100, HELP',
      'c MAIL FROM:<>',
      'c RCPT TO:<a@b>',
      'c BDAT 5 LAST',
      'c (5 bytes of content)',
      'h 250 ok',
      'n closed by the host',
    ])
  })

  test('in full, everything is there as it is', async () => {
    const { ours, theirs, heard } = await overhear(true)
    theirs.data(Buffer.from('250-a\r\n250 b\r\n'))
    ours.write(Buffer.from('Subject: x\r\n\r\ny\r\n'))
    ours.write('.\r\n')
    assert.deepEqual(heard.slice(1), ['h 250-a', 'h 250 b', 'c Subject: x', 'c ', 'c y', 'c .'])
  })
})

/** The loop without a socket: what dialogues with the machine alone cannot say, above all how long it waits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../net/connection.ts'
import type { Reply } from '../mail/reply.ts'
import { queued } from '../smtp/replies.ts'
import type { Context, Event } from '../smtp/session.ts'
import { ACCEPT } from '../smtp/verdict.ts'
import type { Collector } from './collector.ts'
import { SmtpLoop, type SmtpService } from './smtp.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const TIMES = { idle: 5 * MINUTE, message: 15 * MINUTE, session: 60 * MINUTE }

const CONTEXT: Context = {
  kind: 'smtp',
  hostname: 'mx.example.org',
  limits: { messageSize: 100_000, recipients: 100, messagesPerSession: 50, errors: 10, idleCommands: 10 },
  startTls: true,
  tlsRequired: false,
  clearLogin: false,
  loginRequired: false,
  longestHold: 0,
  now: () => 0,
}

interface Stage {
  readonly loop: SmtpLoop<Collector>
  /** What was said since the last call. */
  heard(): string
  send(text: string): void
  /** ms until the connection says that time is over. */
  readonly patience: number | undefined
  readonly ended: boolean
  pass(ms: number): void
}

function stage(submit: () => Promise<readonly Reply[]> = async () => [queued('1')]): Stage {
  let now = 0
  let said = ''
  let ended = false
  let patience: number | undefined
  const nothing = (): void => undefined
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 25 } },
    tls: undefined,
    unsent: 0,
    write: bytes => {
      said += String(bytes)
    },
    pause: nothing,
    resume: nothing,
    startTls: nothing,
    deadline: ms => {
      patience = ms
    },
    end: () => {
      ended = true
    },
    destroy: nothing,
  }
  const accepted: Event = { on: 'verdict', verdict: ACCEPT }
  const service: SmtpService = {
    context: CONTEXT,
    times: TIMES,
    answer: () => accepted,
    collect: () => ({ take: nothing, pressure: () => undefined, discard: nothing }),
    submit,
    refused: nothing,
    closed: nothing,
  }
  const loop = new SmtpLoop(connection, service, () => now)
  loop.start()
  return {
    loop,
    heard() {
      const text = said
      said = ''
      return text
    },
    send: text => loop.data(Buffer.from(text)),
    get patience() {
      return patience
    },
    get ended() {
      return ended
    },
    pass(ms) {
      now += ms
    },
  }
}

const MAIL = 'EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n'

const DRIPS: readonly (readonly [string, string, number])[] = [
  ['a command without end', 'EHLO c.example\r\n', TIMES.session],
  ['a content without end', MAIL, TIMES.message],
  ['a refused chunk without end', 'EHLO c.example\r\nBDAT 999999999999 LAST\r\n', TIMES.session],
]

for (const [what, beginning, limit] of DRIPS) {
  test(`${what}, byte by byte, comes to its end when its time is over`, () => {
    const it = stage()
    it.send(beginning)
    it.heard()
    let bytes = 0
    // The connection tells its deadline up to a second late, and each byte moves it.
    for (; !it.ended && bytes < 100_000; bytes++) {
      it.pass(SECOND / 4)
      it.send('x')
    }
    assert.match(it.heard(), /^421 4\.4\.2 /)
    assert.ok(bytes / 4 <= limit / SECOND + 1, `${bytes} bytes were heard`)
  })
}

test('the queue is waited for as long as the client does, and no longer', () => {
  const it = stage(() => new Promise(() => {}))
  it.send(`${MAIL}x\r\n.\r\n`)
  assert.match(it.heard(), /354 [^\r]*\r\n$/)
  assert.equal(it.patience, 10 * MINUTE)
})

test('a content that is coming when we stop is taken, and then comes the farewell', async () => {
  const it = stage()
  it.send(`${MAIL}x\r\n`)
  it.heard()
  it.loop.shutdown()
  assert.equal(it.heard(), '')
  it.send('y\r\n.\r\nMAIL FROM:<a@b.example>\r\n')
  await new Promise(resolve => setImmediate(resolve))
  assert.match(it.heard(), /^250 2\.0\.0 queued as 1\r\n421 4\.3\.2 [^\r]*\r\n$/)
  assert.ok(it.ended)
})

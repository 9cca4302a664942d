/**
 * A hundred thousand random and mutated sessions against the loop itself: nothing is thrown, every session ends, every reply follows the
 * grammar, nothing is kept, and no message is taken that did not end as RFC 5321 §4.1.1.4 says. STAFFETTA_FUZZ: how many, STAFFETTA_SEED:
 * others.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Connection, TlsState } from '../../src/net/connection.ts'
import type { Collector } from '../../src/server/collector.ts'
import { type SmtpService, SmtpLoop } from '../../src/server/smtp.ts'
import { queued } from '../../src/smtp/replies.ts'
import type { Context } from '../../src/smtp/session.ts'
import { ACCEPT } from '../../src/smtp/verdict.ts'
import { newRandom } from './random.ts'
import { FALSE_ENDS, type Kind, newSession, pieces, wrongReplies } from './sessions.ts'

const SESSIONS = Number(process.env['STAFFETTA_FUZZ'] ?? 100_000)
const SEED = Number(process.env['STAFFETTA_SEED'] ?? 1)

const LIMITS = { messageSize: 100_000, recipients: 100, messagesPerSession: 20, errors: 10, idleCommands: 20 }
const TLS: TlsState = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', servername: undefined }
const REFUSED = { code: 550, status: '5.1.1', text: ['There is no such mailbox here'] } as const

/** A content as it was taken, and whether it was thrown away. */
interface Kept extends Collector {
  readonly bytes: () => Buffer
  at: 'open' | 'submitted' | 'discarded'
}

interface Taken {
  readonly content: Buffer
  readonly binary: boolean
  readonly sender: string
}

interface Result {
  readonly said: string
  readonly taken: readonly Taken[]
  readonly closed: number
  readonly open: number
}

function contextOf(kind: Kind): Context {
  return {
    kind,
    hostname: 'mx.fuzz.test',
    limits: LIMITS,
    startTls: true,
    tlsRequired: false,
    clearLogin: true,
    loginRequired: kind === 'submission',
    longestHold: 1000,
    now: () => 1.8e12,
  }
}

/** A connection without a socket: what comes while paused waits, as in a real one. */
function newLine() {
  let said = ''
  let paused = false
  let ended = false
  let tls: TlsState | undefined
  let waiting: Buffer[] = []
  let asked = false
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 25 } },
    get tls() {
      return tls
    },
    unsent: 0,
    write: bytes => {
      said += typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()
    },
    pause: () => (paused = true),
    resume: () => (paused = false),
    startTls: () => {
      asked = true
      waiting = []
    },
    deadline: () => undefined,
    end: () => (ended = true),
    destroy: () => (ended = true),
  }
  return {
    connection,
    said: () => said,
    /** Whether there is still something that can be handed over. */
    moves: () => asked || (!paused && !ended && waiting.length > 0),
    /** Hands over what may be handed over now. */
    bring(loop: { data(chunk: Buffer): void; secured(tls: TlsState): void }, chunk?: Buffer): void {
      if (chunk) waiting.push(chunk)
      if (asked) {
        asked = false
        tls = TLS
        loop.secured(TLS)
      }
      while (!paused && !ended && !asked && waiting.length > 0) loop.data(waiting.shift() ?? Buffer.alloc(0))
    },
  }
}

async function converse(input: Iterable<Buffer>, kind: Kind): Promise<Result> {
  const line = newLine()
  const contents: Kept[] = []
  const taken: Taken[] = []
  let closed = 0
  // A test waits only where the service made it wait: each `await` costs much under the test runner.
  let promised = false
  const later = <T>(value: T): Promise<T> => {
    promised = true
    return Promise.resolve(value)
  }
  const promises = async (): Promise<void> => {
    promised = false
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  }
  const service: SmtpService<Kept> = {
    context: contextOf(kind),
    times: { idle: 1e6, message: 1e6, session: 1e6 },
    answer(question) {
      if (question.about === 'auth') return later({ on: 'authenticated', account: 'anna@home.test' })
      const nobody = question.about === 'rcpt' && question.recipient.address.local === 'nobody'
      return { on: 'verdict', verdict: nobody ? { is: 'refuse', reply: REFUSED } : ACCEPT }
    },
    collect() {
      const parts: Buffer[] = []
      let pressed = 0
      const kept: Kept = {
        at: 'open',
        bytes: () => Buffer.concat(parts),
        take: part => void parts.push(Buffer.from(part)),
        pressure() {
          if (parts.length % 7 !== 6 || parts.length === pressed) return undefined
          pressed = parts.length
          return later(undefined)
        },
        discard() {
          if (kept.at === 'open') kept.at = 'discarded'
        },
      }
      contents.push(kept)
      return kept
    },
    submit({ client, envelope, recipients }, content) {
      content.at = 'submitted'
      const { returnPath, body } = envelope
      const sender = returnPath === '<>' ? '' : returnPath.local
      taken.push({ content: content.bytes(), binary: body === 'BINARYMIME', sender })
      return later(client.protocol === 'LMTP' ? recipients.map(() => queued('x')) : [queued('x')])
    },
    refused: () => undefined,
    closed: () => closed++,
  }
  const loop = new SmtpLoop(line.connection, service, () => 1.8e12)
  loop.start()
  for (const piece of input) {
    line.bring(loop, piece)
    if (promised) await promises()
  }
  while (promised || line.moves()) {
    await promises()
    line.bring(loop)
  }
  loop.closed()
  return { said: line.said(), taken, closed, open: contents.filter(of => of.at === 'open').length }
}

/** RFC 5321 §4.1.1.4, §4.5.2, in the plainest way: what was sent after a DATA up to the first CRLF.CRLF, without the dots that were put in. */
function sentByData(sent: string): string[] {
  return [...sent.matchAll(/DATA[ \t]*\r\n/gi)].flatMap(({ 0: { length }, index }) => {
    const start = index + length
    const end = sent.indexOf('\r\n.\r\n', start - 2)
    return end === -1 ? [] : [sent.slice(start, end + 2).replaceAll(/(^|\r\n)\./g, '$1')]
  })
}

interface Chunk {
  readonly bytes: string
  readonly whole: boolean
  readonly last: boolean
}

/** RFC 3030 §2: chunks one after the other, up to a last one. */
function isMadeOf(text: string, chunks: readonly Chunk[]): boolean {
  return chunks.some(({ bytes, whole, last }, i) => {
    if (!whole || !text.startsWith(bytes)) return false
    return last ? bytes.length === text.length : isMadeOf(text.slice(bytes.length), chunks.slice(i + 1))
  })
}

/** Whether the input holds this content, ended as it must be. */
function wasSent(input: Buffer, { content, binary }: Taken): boolean {
  const [sent, text] = [input.toString('latin1'), content.toString('latin1')]
  if (!binary && /(?<!\r)\n|\r(?!\n)/.test(text)) return false
  const chunks = [...sent.matchAll(/BDAT[ \t]+(\d+)([ \t]+LAST)?[ \t]*\r\n/gi)].map(
    ({ 0: { length }, 1: size, 2: last, index }) => {
      const start = index + length
      return {
        bytes: sent.slice(start, start + Number(size)),
        whole: start + Number(size) <= sent.length,
        last: last !== undefined,
      }
    },
  )
  if (isMadeOf(text, chunks)) return true
  return sentByData(sent).includes(text)
}

setFlagsFromString('--expose-gc')
const gc: unknown = runInNewContext('gc')

function heap(): number {
  assert.ok(typeof gc === 'function')
  gc()
  return process.memoryUsage().heapUsed
}

test(`${SESSIONS} sessions`, async t => {
  const kinds = ['smtp', 'submission', 'lmtp'] as const
  const marks: number[] = []
  let messages = 0
  for (let number = 0; number < SESSIONS; number++) {
    const random = newRandom(SEED * 1_000_003 + number)
    const kind = kinds[random(3)] ?? 'smtp'
    const input = newSession(random, kind)
    const { said, taken, closed, open } = await converse(pieces(input, random), kind)
    const where = `session ${number} of seed ${SEED} (${kind})`
    assert.match(said, /^220 /, where)
    assert.equal(wrongReplies(said, false), undefined, where)
    assert.equal(closed, 1, `${where}: closed ${closed} times`)
    assert.equal(open, 0, `${where}: a content was kept`)
    for (const message of taken) {
      assert.ok(
        wasSent(input, message),
        `${where}: taken, but not sent so: ${JSON.stringify(message.content.toString('latin1').slice(0, 300))}`,
      )
      assert.ok(message.content.length <= LIMITS.messageSize)
    }
    messages += taken.length
    if (number % Math.ceil(SESSIONS / 6) === 0) marks.push(heap())
  }
  assert.ok(messages > SESSIONS / 10, `only ${messages} messages came through`)
  const growth = heap() - (marks[2] ?? 0)
  assert.ok(growth < 20e6, `the heap grew by ${growth} bytes`)
  t.diagnostic(
    `${messages} messages taken; the heap changed by ${Math.round(growth / 1000)} KB from the first third to the end`,
  )
})

const OPENING = 'EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<anna@home.test>\r\nDATA\r\n'
const SMUGGLED = 'MAIL FROM:<smuggled@b.example>\r\nRCPT TO:<anna@home.test>\r\nDATA\r\nevil\r\n.\r\n'

test('no false end of a message lets another one in, wherever the packets are cut', async () => {
  for (const end of FALSE_ENDS) {
    const input = Buffer.from(`${OPENING}Subject: x\r\n\r\ntext${end}${SMUGGLED}QUIT\r\n`, 'latin1')
    const start = OPENING.length + 10
    for (let at = start; at < start + end.length + 20; at++) {
      for (const cuts of [[at], [at, at + 1], [at, at + 1, at + 2]]) {
        const parts = [0, ...cuts].map((from, i) => input.subarray(from, cuts[i] ?? input.length))
        const { taken, said } = await converse(parts, 'smtp')
        const name = `${JSON.stringify(end)} cut at ${cuts.join(', ')}`
        assert.ok(
          taken.every(of => of.sender !== 'smuggled'),
          `smuggled by ${name}`,
        )
        assert.ok(taken.length <= 1, name)
        // The one message, with the false end inside, is taken only where it holds no bare CR or LF.
        if (/(?<!\r)\n|\r(?!\n)/.test(end)) assert.deepEqual([taken.length, /\r\n5\d\d /.test(said)], [0, true], name)
      }
    }
  }
})

test('the true end is found wherever it is cut', async () => {
  const input = Buffer.from(
    `${OPENING}Subject: x\r\n\r\n..dot\r\n.\r\nMAIL FROM:<b@b.example>\r\nRCPT TO:<anna@home.test>\r\nBDAT 3 LAST\r\n.\r\nQUIT\r\n`,
  )
  for (let at = 1; at < input.length; at++) {
    const { taken } = await converse([input.subarray(0, at), input.subarray(at)], 'smtp')
    assert.deepEqual(
      taken.map(of => of.content.toString()),
      ['Subject: x\r\n\r\n.dot\r\n', '.\r\n'],
      `cut at ${at}`,
    )
  }
})

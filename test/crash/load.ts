/**
 * Clients of their own that hand in numbered messages as fast as they are taken, and write down what they were told: which numbers got the
 * final 250, and what the others got. A connection that is lost is opened anew; a message without an answer is not sent again.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { Random } from '../fuzz/random.ts'

export interface LoadOptions {
  readonly port: number
  /** LHLO: the port speaks LMTP, where each recipient has its own answer, so there should be one. Default: EHLO. */
  readonly hello?: 'EHLO' | 'LHLO'
  readonly connections: number
  readonly random: Random
  /** Bytes of the next message. */
  readonly size: (random: Random) => number
  readonly recipients: (random: Random) => readonly string[]
}

export interface Load {
  /** Whose 250 we have: number and recipients. */
  readonly acknowledged: ReadonlyMap<number, readonly string[]>
  /** Replies of 400 and above, each with how often it came. */
  readonly refusals: ReadonlyMap<string, number>
  /** What made no sense: answers outside of the grammar, unexpected codes. */
  readonly surprises: readonly string[]
  /** Resolves when all connections are closed. */
  stop(): Promise<void>
}

/** Numbers are never given twice in one process. */
let numbers = 0
export const nextNumber = (): number => ++numbers

export function startLoad(options: LoadOptions): Load {
  const acknowledged = new Map<number, readonly string[]>()
  const refusals = new Map<string, number>()
  const surprises: string[] = []
  let stopping = false

  const refused = (reply: string): void => {
    const words = reply.replaceAll(/\r\n$/g, '')
    refusals.set(words, (refusals.get(words) ?? 0) + 1)
  }

  async function handIn(talk: Talk): Promise<void> {
    const seq = nextNumber()
    const recipients = options.recipients(options.random)
    const content = numbered(seq, options.size(options.random))
    const sender = await talk.ask(`MAIL FROM:<load${seq % 10}@load.test> SIZE=${content.length}\r\n`)
    if (!sender.startsWith('250')) return refused(sender)
    for (const recipient of recipients) {
      const taken = await talk.ask(`RCPT TO:<${recipient}>\r\n`)
      if (taken.startsWith('250')) continue
      refused(taken)
      await talk.ask('RSET\r\n')
      return
    }
    const go = await talk.ask('DATA\r\n')
    if (!go.startsWith('354')) return refused(go)
    talk.say(content)
    const last = await talk.ask('.\r\n')
    if (last.startsWith('250')) acknowledged.set(seq, recipients)
    else if (/^[45]/.test(last)) refused(last)
    else surprises.push(last)
  }

  async function connection(): Promise<void> {
    while (!stopping) {
      const talk = openTalk(options.port)
      try {
        await talk.ask('')
        await talk.ask(`${options.hello ?? 'EHLO'} load.test\r\n`)
        for (let count = 0; count < 200 && !stopping; count++) {
          const before = refusals.size
          await handIn(talk)
          if (refusals.size !== before) await sleep(20)
        }
        await talk.ask('QUIT\r\n')
      } catch {
        await sleep(20) // the server is gone; it may come back
      }
      talk.close()
    }
  }

  const all = Promise.all(Array.from({ length: options.connections }, connection))
  return {
    acknowledged,
    refusals,
    surprises,
    async stop() {
      stopping = true
      await all
    },
  }
}

const TEXT = Buffer.from(
  Buffer.alloc(1_100_000, 'a quick brown fox jumps over a lazy dog, and so on and on; ')
    .toString('base64')
    .replaceAll(/(.{76})/g, '$1\r\n'),
)

/** A message with its number and a sum of its body, by which anybody can tell whether it is whole. */
export function numbered(seq: number, size: number): Buffer {
  const body = Buffer.concat([Buffer.from(`message ${seq}\r\n`), TEXT.subarray(seq % 70, size), Buffer.from('\r\n')])
  const header = `From: <load@load.test>\r\nSubject: number ${seq}\r\nX-Seq: ${seq}\r\nX-Sum: ${crc32(body)}\r\n\r\n`
  return Buffer.concat([Buffer.from(header), body])
}

/** A connection that answers one thing at a time; `ask` rejects when it is lost or silent for 30 s. */
export interface Talk {
  say(bytes: string | Buffer): void
  /** Says it, and resolves with the next reply, its lines as they came. */
  ask(bytes: string): Promise<string>
  close(): void
}

export function openTalk(port: number): Talk {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  let wake: (() => void) | undefined
  let lost = false
  const lose = (): void => {
    lost = true
    wake?.()
  }
  socket.setTimeout(30_000, () => socket.destroy())
  socket.on('error', lose)
  socket.on('close', lose)
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    wake?.()
  })
  return {
    say: bytes => void socket.write(bytes),
    async ask(bytes) {
      if (bytes !== '') socket.write(bytes)
      for (;;) {
        const reply = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(text)?.[0]
        if (reply !== undefined) {
          text = text.slice(reply.length)
          return reply
        }
        if (lost) throw new Error('the connection is lost')
        await new Promise<void>(resolve => (wake = resolve))
      }
    },
    close: () => socket.destroy(),
  }
}

/** One client of IMAP or POP3 whose connection is none: what it sends, how it is cut, how slowly it reads, how it goes. */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Connection, TlsState } from '../../src/net/connection.ts'
import type { MailSession } from '../../src/server/access.ts'
import { pick, type Random } from './random.ts'

const TLS: TlsState = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', servername: undefined }
/** Turns of the event loop in which a session must have used its input, or have ended. */
const TURNS = 200_000

export interface Conversation {
  readonly serve: (connection: Connection, gone: () => void) => MailSession
  readonly pieces: Iterable<Buffer>
  readonly random: Random
  /** What asks for an answer in every state; it is sent when all else was used. */
  readonly probe: Buffer
  /** The time becomes that at which a silent session is over. */
  readonly pass: () => void
}

export interface Heard {
  readonly said: Buffer
  /** What it was waited for in vain; undefined: all went as it must. */
  readonly hang: string | undefined
  /** How often the session said that it has ended. */
  readonly gone: number
  /** The most that waited to be sent. */
  readonly mostUnsent: number
  /** Written after the end. */
  readonly late: number
  /** The client went in the middle, so that the last response may be unfinished. */
  readonly cut: boolean
}

export async function converse({ serve, pieces, random, probe, pass }: Conversation): Promise<Heard> {
  const parts: Buffer[] = []
  let [unsent, mostUnsent, late, goneTimes, length] = [0, 0, 0, 0, 0]
  let [paused, ended, over, asked, cut] = [false, false, false, false, false]
  let tls: TlsState | undefined
  let waiting: Buffer[] = []
  const slow = random(10) === 0
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 143 } },
    get tls() {
      return tls
    },
    get unsent() {
      return unsent
    },
    write(bytes) {
      if (ended) late++
      else parts.push(typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes))
      unsent += bytes.length
      length += bytes.length
      mostUnsent = Math.max(mostUnsent, unsent)
    },
    pause: () => (paused = true),
    resume: () => (paused = false),
    startTls() {
      asked = true
      waiting = []
    },
    deadline: () => undefined,
    end: () => (ended = true),
    destroy: () => (ended = true),
  }
  const session = serve(connection, () => goneTimes++)
  session.start()

  /** What a turn of the event loop brings. */
  function happen(): void {
    if (asked) {
      asked = false
      tls = TLS
      session.secured(TLS)
    }
    if (unsent > 0 && (!slow || random(20) === 0)) {
      unsent = 0
      session.drained()
    }
    if (ended && !over) {
      over = true
      session.closed('us')
    }
    while (!paused && !ended && !asked && waiting.length > 0) session.data(waiting.shift() ?? Buffer.alloc(0))
  }

  /** Until nothing moves any more. false: it moves for too long, or reads no more. */
  async function settle(): Promise<boolean> {
    for (let turns = 0, quiet = 0; turns < TURNS; turns++) {
      const before = length
      happen()
      // A session that waits for something reads no further meanwhile.
      if (over || (!paused && !asked && unsent === 0 && waiting.length === 0)) quiet = length === before ? quiet + 1 : 0
      if (quiet >= QUIET) return true
      await turn()
    }
    return false
  }

  /** Compressed sessions work in other threads, for which nothing says when they are ready. */
  async function settleSlowly(): Promise<boolean> {
    for (let before = -1; before !== length; ) {
      before = length
      if (!(await settle())) return false
      await sleep(4)
    }
    return settle()
  }

  /** Until the session has ended. */
  async function finish(again: () => void): Promise<boolean> {
    for (let turns = 0; !over && turns < TURNS / 100; turns++) {
      // What was at work is not cut off by a deadline, but by the next one.
      if (turns % 50 === 0 && !ended) again()
      happen()
      await (compressed() ? sleep(1) : turn())
    }
    return over && settle()
  }

  const compressed = (): boolean => 'compressed' in session && session.compressed === true
  const rest = async (): Promise<boolean> => (compressed() ? settleSlowly() : settle())
  let hang: string | undefined
  const patience = random(6) === 0 ? random(30) : Number.POSITIVE_INFINITY
  let brought = 0
  for (const piece of pieces) {
    waiting.push(piece)
    if (++brought > patience) break
    happen()
    if (random(3) === 0) await turn()
  }
  cut = brought > patience && !over
  if (cut) {
    // It is gone in the middle of what it asked for.
    over = true
    session.closed('peer')
  }
  if (!(await rest())) hang = 'the input to be used'
  if (!over && !compressed() && hang === undefined) {
    waiting.push(probe)
    if (!(await settle())) hang = 'the probe to be used'
  }
  if (!over) {
    const way = pick(random, ['peer', 'deadline', 'shutdown'])
    const end = (): void => {
      if (way === 'shutdown') return session.shutdown()
      if (way === 'deadline') {
        pass()
        return session.deadline()
      }
      over = true
      return session.closed('peer')
    }
    if (!(await finish(end))) hang ??= `the end after ${way}`
  }
  return { said: Buffer.concat(parts), hang, gone: goneTimes, mostUnsent, late, cut }
}

/** Turns without anything new, after which nothing is expected. */
const QUIET = 3

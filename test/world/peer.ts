/** A foreign host that says what its script says, and remembers what it heard. */
import type { Connection, ConnectionHandler } from '../../src/net/connection.ts'
import type { Clock } from './clock.ts'
import type { Host } from './network.ts'

export interface Script {
  readonly greeting?: string
  /** EHLO keywords. Default: PIPELINING, 8BITMIME. */
  readonly offers?: readonly string[]
  /** LHLO, and a reply for each recipient after the content. */
  readonly lmtp?: boolean
  /**
   * The reply to a command, or of '.' when the content is complete ('. <address>' for each with LMTP). undefined: as a good host would.
   * HANG_UP: no word, and gone.
   */
  readonly answer?: (
    command: string,
    about: { readonly connection: number; readonly now: number },
  ) => string | undefined
  /** ms that it thinks before each reply to a content. */
  readonly slow?: number
  /** Connections at once; who comes when there are so many hears 421 in the greeting. */
  readonly most?: number
}

export const HANG_UP = '\u0000'

export interface Taken {
  /** ms since 1970 */
  readonly at: number
  readonly from: string
  readonly to: readonly string[]
  /** With the parameters. */
  readonly mail: string
  readonly rcpts: readonly string[]
  readonly content: string
}

export interface ScriptedPeer extends Host {
  readonly name: string
  readonly address: string
  /** What it said 250 to, and what it took before a HANG_UP. */
  readonly taken: Taken[]
  readonly commands: string[]
  connections: number
  open: number
}

export function peerOf(name: string, address: string, script: Script, clock: Clock): ScriptedPeer {
  const peer: ScriptedPeer = {
    name,
    address,
    state: 'up',
    taken: [],
    commands: [],
    connections: 0,
    open: 0,
    accept: connection => serve(connection, peer, script, clock),
  }
  return peer
}

/** What a line's angle brackets hold. */
export const pathIn = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? ''

function serve(connection: Connection, peer: ScriptedPeer, script: Script, clock: Clock): ConnectionHandler {
  const number = ++peer.connections
  peer.open++
  const full = peer.open > (script.most ?? Infinity)
  let input = ''
  let mail = ''
  let rcpts: string[] = []
  let inContent = false
  let waits = false

  const ask = (command: string): string | undefined =>
    script.answer?.(command, { connection: number, now: clock.now() })

  function say(reply: string): boolean {
    if (reply !== HANG_UP) {
      connection.write(`${reply}\r\n`)
      return reply.startsWith('2')
    }
    connection.destroy()
    return false
  }

  function command(line: string): void {
    peer.commands.push(line)
    const verb = line.slice(0, 4).toUpperCase()
    const said = ask(line)
    if (verb === 'QUIT') {
      connection.write('221 bye\r\n')
      connection.end()
    } else if (verb === 'EHLO' || verb === 'LHLO') {
      const lines = [peer.name, ...(script.offers ?? ['PIPELINING', '8BITMIME'])]
      say(said ?? lines.map((text, i) => `250${i === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n'))
    } else if (verb === 'MAIL') {
      mail = say(said ?? '250 2.1.0 ok') ? line : ''
      rcpts = []
    } else if (verb === 'RCPT') {
      if (say(said ?? '250 2.1.5 ok')) rcpts.push(line)
    } else if (verb === 'DATA') {
      const reply = said ?? (rcpts.length > 0 ? '354 go on' : '503 5.5.1 no recipient')
      say(reply)
      inContent = reply.startsWith('354')
    } else {
      say(said ?? '250 2.0.0 ok')
    }
  }

  function finish(content: string): void {
    const to = rcpts.map(pathIn)
    const of = { at: clock.now(), from: pathIn(mail), mail, content }
    const outcomes = script.lmtp
      ? rcpts.map(rcpt => ({ rcpts: [rcpt], reply: ask(`. ${pathIn(rcpt)}`) ?? '250 2.0.0 taken' }))
      : [{ rcpts, reply: ask('.') ?? '250 2.0.0 taken' }]
    for (const outcome of outcomes) {
      if (outcome.reply.startsWith('2') || outcome.reply === HANG_UP)
        peer.taken.push({ ...of, rcpts: outcome.rcpts, to: script.lmtp ? outcome.rcpts.map(pathIn) : to })
      say(outcome.reply)
    }
    mail = ''
    rcpts = []
  }

  function use(): void {
    while (!waits) {
      if (inContent) {
        const end = input.startsWith('.\r\n') ? 0 : input.indexOf('\r\n.\r\n') + 2
        if (end === 1) return
        const content = input.slice(0, end).replaceAll(/^\./gm, '')
        input = input.slice(end + 3)
        inContent = false
        if (script.slow === undefined) {
          finish(content)
          continue
        }
        waits = true
        clock.at(clock.now() + script.slow, () => {
          waits = false
          finish(content)
          use()
        })
        return
      }
      const end = input.indexOf('\r\n')
      if (end < 0) return
      const line = input.slice(0, end)
      input = input.slice(end + 2)
      command(line)
    }
  }

  say(full ? '421 4.7.0 Too many connections' : (script.greeting ?? `220 ${peer.name} ESMTP`))
  if (full) connection.end()
  return {
    data(chunk) {
      input += chunk.toString('latin1')
      use()
    },
    drained() {},
    secured() {},
    deadline() {},
    closed() {
      peer.open--
    },
  }
}

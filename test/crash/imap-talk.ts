/** A client of IMAP that asks one thing at a time. Texts are bytes as Latin-1. */
import { connect } from 'node:net'

export interface Response {
  /** Without its line end; a literal stands in it as `{size}`. */
  readonly text: string
  readonly literals: readonly Buffer[]
}

export interface Answer {
  /** Without the tag. */
  readonly tagged: string
  readonly untagged: readonly Response[]
}

export interface ImapTalk {
  /** A command without its tag, and a literal behind it. Rejects when the connection is lost, or silent for 60 s. */
  ask(command: string, literal?: Buffer): Promise<Answer>
  /** Sends this as it is, and reads nothing from now on. */
  ignore(text: string): void
  close(): void
}

/** Resolves when it is logged in. */
export async function openImap(port: number, user: string, password: string): Promise<ImapTalk> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let chunks: Buffer[] = []
  let kept = 0
  /** Bytes without which there is no whole response. */
  let needed = 1
  let wake: (() => void) | undefined
  let lost = false
  let tags = 0
  const lose = (): void => {
    lost = true
    wake?.()
  }
  socket.setTimeout(60_000, () => socket.destroy())
  socket.on('error', lose)
  socket.on('close', lose)
  socket.on('data', chunk => {
    chunks.push(chunk)
    kept += chunk.length
    if (kept >= needed) wake?.()
  })

  function take(): Response | undefined {
    const all = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)
    chunks = [all]
    const literals: Buffer[] = []
    let text = ''
    for (let at = 0; ; ) {
      const end = all.indexOf('\r\n', at)
      needed = all.length + 1
      if (end < 0) return undefined
      const line = all.toString('latin1', at, end)
      text += line
      at = end + 2
      const size = /\{(\d+)\}$/.exec(line)?.[1]
      if (size === undefined) {
        chunks = [all.subarray(at)]
        kept = all.length - at
        needed = 1
        return { text, literals }
      }
      needed = at + Number(size) + 2
      if (all.length < needed) return undefined
      literals.push(all.subarray(at, at + Number(size)))
      at += Number(size)
    }
  }

  async function next(): Promise<Response> {
    for (;;) {
      const response = kept >= needed ? take() : undefined
      if (response) return response
      if (lost) throw new Error('the connection is lost')
      await new Promise<void>(resolve => (wake = resolve))
    }
  }

  const talk: ImapTalk = {
    async ask(command, literal) {
      const tag = `t${++tags}`
      socket.write(`${tag} ${command}`)
      if (literal) {
        socket.write(` {${literal.length}+}\r\n`)
        socket.write(literal)
      }
      socket.write('\r\n')
      const untagged: Response[] = []
      for (;;) {
        const response = await next()
        if (response.text.startsWith(`${tag} `)) return { tagged: response.text.slice(tag.length + 1), untagged }
        untagged.push(response)
      }
    },
    ignore(text) {
      socket.setTimeout(0)
      socket.pause()
      socket.write(text)
    },
    close: () => socket.destroy(),
  }
  await next()
  const { tagged } = await talk.ask(`LOGIN ${user} "${password}"`)
  if (!tagged.startsWith('OK')) throw new Error(`the log-in: ${tagged}`)
  return talk
}

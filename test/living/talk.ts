/** A client that says exactly what it is told, and hears whole replies. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as secure } from 'node:tls'

export interface Talk {
  /** The next reply, its lines with LF between them; 'closed' when there is none any more. */
  reply(): Promise<string>
  /** Sends the text with CRLF, and resolves with the reply to it. */
  say(text: string): Promise<string>
  /** Sends the text as it is. */
  write(text: string | Buffer): void
  /** STARTTLS and the handshake, whatever the certificate. Resolves with its SHA-256 fingerprint. */
  startTls(): Promise<string>
  end(): void
}

export interface TalkTo {
  readonly port: number
  readonly host?: string
  /** The address that we come from. */
  readonly from?: string
}

/** ms without a reply after which something is wrong. */
const PATIENCE = 20_000

/** One whole reply (RFC 5321 §4.2.1). */
const REPLY = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/

/** Resolves when the connection stands, before the greeting. */
export async function talkTo({ port, host = '127.0.0.1', from }: TalkTo): Promise<Talk> {
  let socket: Socket = connect({ port, host, ...(from === undefined ? {} : { localAddress: from }) })
  await once(socket, 'connect')
  let text = ''
  let ended = false
  let wake = (): void => undefined
  listenTo(socket)

  function listenTo(to: Socket): void {
    const end = (): void => {
      ended = true
      wake()
    }
    to.on('data', chunk => {
      text += chunk.toString('latin1')
      wake()
    })
    to.on('error', end).on('close', end).on('end', end)
  }

  async function reply(): Promise<string> {
    const patience = setTimeout(() => socket.destroy(new Error('no reply')), PATIENCE)
    for (;;) {
      const found = REPLY.exec(text)?.[0]
      if (found === undefined && !ended) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
        continue
      }
      clearTimeout(patience)
      text = text.slice(found?.length ?? 0)
      return found?.trimEnd().replaceAll('\r\n', '\n') ?? 'closed'
    }
  }

  const write = (what: string | Buffer): void => void socket.write(what)
  const say = (what: string): Promise<string> => {
    write(`${what}\r\n`)
    return reply()
  }
  return {
    reply,
    say,
    write,
    async startTls() {
      const answer = await say('STARTTLS')
      if (!answer.startsWith('220')) throw new Error(answer)
      socket.removeAllListeners()
      const encrypted = secure({ socket, rejectUnauthorized: false })
      await once(encrypted, 'secureConnect')
      socket = encrypted
      listenTo(encrypted)
      return encrypted.getPeerCertificate().fingerprint256
    },
    end: () => void socket.end(),
  }
}

/** A session that has said hello. */
export async function greeted(to: TalkTo): Promise<Talk> {
  const talk = await talkTo(to)
  await talk.reply()
  await talk.say('EHLO client.example')
  return talk
}

/** Hands in a message; resolves with the reply to the first of its steps that was refused, or to its end. */
export async function handIn(talk: Talk, from: string, to: string, content: string): Promise<string> {
  for (const [line, wanted] of [
    [`MAIL FROM:<${from}>`, '250'],
    [`RCPT TO:<${to}>`, '250'],
    ['DATA', '354'],
  ] as const) {
    const answer = await talk.say(line)
    if (!answer.startsWith(wanted)) return answer
  }
  return talk.say(`${content}\r\n.`)
}

export const plain = (user: string, password: string): string =>
  Buffer.from(`\0${user}\0${password}`).toString('base64')

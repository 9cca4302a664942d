/** A mail program that hands in one message, word by word. */
import type { Clock } from './clock.ts'
import type { MemoryNetwork } from './network.ts'

export interface Mail {
  /** '' is the null return path. */
  readonly from: string
  readonly to: string | readonly string[]
  /** Default: a short text with a subject. */
  readonly content?: string | Buffer
  /** Behind MAIL FROM: 'RET=HDRS ENVID=7'. */
  readonly mail?: string
  /** Behind every RCPT TO: 'NOTIFY=NEVER'. */
  readonly rcpt?: string
  /** Default 25. */
  readonly port?: number
}

export interface Sent {
  /** The reply to the content, or to what was refused before. '': the server was not there, or went away. */
  readonly reply: string
  /** '' when it was refused. */
  readonly id: string
  /** To each RCPT. */
  readonly recipients: readonly string[]
}

export function createSender(network: MemoryNetwork, clock: Clock) {
  return {
    /** Turns the world until it has its answer. */
    async send(mail: Mail, from: string, address: string, port: number): Promise<Sent> {
      const done = hand(mail, from, address, port)
      await clock.settle()
      return done
    },
  }

  async function hand(mail: Mail, from: string, address: string, port: number): Promise<Sent> {
    let heard = ''
    let wake = (): void => undefined
    let closed = false
    const dialled = await network.from(from).connect({ address, port, timeout: 1000 }, () => ({
      data(chunk) {
        heard += chunk.toString()
        wake()
      },
      drained() {},
      secured() {},
      deadline() {},
      closed() {
        closed = true
        wake()
      },
    }))
    if (dialled.is === 'failed') return { reply: '', id: '', recipients: [] }
    const { connection } = dialled

    async function reply(): Promise<string> {
      for (;;) {
        const [whole] = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(heard) ?? []
        if (whole !== undefined) {
          heard = heard.slice(whole.length)
          return whole.trimEnd()
        }
        if (closed) return ''
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
    const say = (line: string): Promise<string> => {
      connection.write(`${line}\r\n`)
      return reply()
    }

    try {
      await reply()
      await say('EHLO client.test')
      const started = await say(`MAIL FROM:<${mail.from}>${mail.mail === undefined ? '' : ` ${mail.mail}`}`)
      if (!started.startsWith('250')) return { reply: started, id: '', recipients: [] }
      const recipients: string[] = []
      for (const to of typeof mail.to === 'string' ? [mail.to] : mail.to)
        recipients.push(await say(`RCPT TO:<${to}>${mail.rcpt === undefined ? '' : ` ${mail.rcpt}`}`))
      const go = await say('DATA')
      if (!go.startsWith('354'))
        return { reply: recipients.find(said => !said.startsWith('2')) ?? go, id: '', recipients }
      connection.write(contentOf(mail))
      const answer = await say('.')
      return { reply: answer, id: /queued as (\w+)/.exec(answer)?.[1] ?? '', recipients }
    } finally {
      connection.end()
    }
  }
}

function contentOf({ from, to, content }: Mail): Buffer {
  const text = content ?? `From: <${from}>\r\nTo: <${String(to)}>\r\nSubject: Hello\r\n\r\nHow are you?\r\n`
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  return Buffer.from(bytes.toString('latin1').replaceAll(/^\./gm, '..'), 'latin1')
}

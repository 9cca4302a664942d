/**
 * What a client and a host say to each other, as lines for people: a Network around the real one that listens in. Secrets are never in it,
 * and the content only where it is asked for.
 */
import type { ClientTls, Connection, ConnectionHandler, TlsState } from '../net/connection.ts'
import type { Destination, Network } from '../net/network.ts'
import { count } from './words.ts'

/** `client` and `host` said it; `note` is about the connection. */
export interface Line {
  readonly by: 'client' | 'host' | 'note'
  readonly text: string
}

export interface DialogueOptions {
  readonly say: (line: Line) => void
  /** Everything as it is: the lines of the content, and each line of a reply. Otherwise a reply is one line. */
  readonly content: boolean
  /** Any certificate will do. */
  readonly anyCertificate: boolean
}

export function listeningNetwork(network: Network, options: DialogueOptions): Network {
  const tlsOf = (tls: ClientTls): ClientTls => (options.anyCertificate ? { ...tls, verify: false } : tls)
  const note = (text: string): void => options.say({ by: 'note', text })
  return {
    async connect(to, open) {
      const where = placeText(to)
      const secure = to.secure && tlsOf(to.secure)
      const dialled = await network.connect({ ...to, secure }, connection => {
        note(`connected to ${where}`)
        if (connection.tls) note(tlsText(connection.tls))
        const ear = createEar(options)
        return listening(open(speaking(connection, ear, tlsOf)), ear, note)
      })
      if (dialled.is === 'failed') note(`${where}: ${dialled.reason}`)
      return dialled
    },
  }
}

function placeText(to: Destination): string {
  if ('path' in to) return to.path
  return to.address.includes(':') ? `[${to.address}]:${to.port}` : `${to.address}:${to.port}`
}

function tlsText({ protocol, cipher }: TlsState): string {
  return `from here on encrypted: ${protocol}, ${cipher}`
}

function speaking(connection: Connection, ear: Ear, tlsOf: (tls: ClientTls) => ClientTls): Connection {
  return {
    get peer() {
      return connection.peer
    },
    get tls() {
      return connection.tls
    },
    get unsent() {
      return connection.unsent
    },
    write(bytes) {
      ear.client(bytes)
      connection.write(bytes)
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    startTls: tls => connection.startTls(tls && tlsOf(tls)),
    deadline: ms => connection.deadline(ms),
    end: () => connection.end(),
    destroy: () => connection.destroy(),
  }
}

function listening(handler: ConnectionHandler, ear: Ear, note: (text: string) => void): ConnectionHandler {
  return {
    data(chunk) {
      ear.host(chunk)
      handler.data(chunk)
    },
    drained: () => handler.drained(),
    secured(tls) {
      note(tlsText(tls))
      handler.secured(tls)
    },
    deadline: () => handler.deadline(),
    closed(why, detail) {
      ear.end()
      note(why === 'us' ? 'closed' : `closed by the host${detail === undefined ? '' : `: ${detail}`}`)
      handler.closed(why, detail)
    },
  }
}

interface Ear {
  client(bytes: Uint8Array | string): void
  host(chunk: Buffer): void
  end(): void
}

/** Characters of a line without an end that are kept. */
const LINE_MOST = 4096
const REPLY_MOST = 16_384

function createEar({ say, content }: DialogueOptions): Ear {
  let secret = false
  let bytes = 0
  let half = ''
  let reply = ''

  function contentEnds(): void {
    if (bytes > 0) say({ by: 'client', text: `(${count(bytes, 'byte')} of content)` })
    bytes = 0
  }

  function command(line: string): void {
    contentEnds()
    const [, auth] = /^(AUTH \S+)/i.exec(line) ?? []
    if (auth !== undefined) {
      secret = true
      say({ by: 'client', text: line === auth ? auth : `${auth} ****` })
    } else say({ by: 'client', text: secret ? '****' : line })
  }

  return {
    client(written) {
      if (typeof written === 'string') {
        for (const line of written.split('\r\n').slice(0, -1)) if (line !== '' || secret) command(line)
        return
      }
      if (content) {
        const text = Buffer.from(written.buffer, written.byteOffset, written.byteLength).toString()
        for (const line of text.replace(/\r\n$/, '').split('\r\n')) say({ by: 'client', text: line })
      } else bytes += written.length
    },

    host(chunk) {
      contentEnds()
      const lines = (half + chunk.toString()).split('\r\n')
      half = (lines.pop() ?? '').slice(0, LINE_MOST)
      for (const line of lines) {
        // RFC 4954 §4: 334 asks for more of it; whatever else is said ends the exchange.
        if (!line.startsWith('334')) secret = false
        if (content) {
          say({ by: 'host', text: line })
          continue
        }
        // RFC 5321 §4.2.1: a hyphen after the code: there is more of this reply.
        reply = reply === '' ? line.replace(/^(\d{3})-/, '$1 ') : `${reply.slice(0, REPLY_MOST)}, ${line.slice(4)}`
        if (/^\d{3}-/.test(line)) continue
        say({ by: 'host', text: reply })
        reply = ''
      }
    },

    end: contentEnds,
  }
}

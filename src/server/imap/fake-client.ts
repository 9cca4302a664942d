/** For tests: whole dialogues of IMAP on a real storage in the same process; only the connection is none. Texts are bytes as Latin-1. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { idSource } from '../../mail/id.ts'
import { type Connection, HIGH_WATER } from '../../net/connection.ts'
import { openEngine } from '../../storage/sqlite/engine.ts'
import { storageIn } from '../../storage/sqlite/fake-storage.ts'
import { openStorageReader } from '../../storage/sqlite/reader.ts'
import { openViews, type Views } from '../../store/views.ts'
import { collectMessage } from '../collector.ts'
import type { Account } from '../login.ts'
import { ImapLoop } from './loop.ts'
import type { ImapServices } from './session.ts'

/** The time of these tests: it stands. */
export const AT = Date.UTC(2026, 6, 17, 2, 44, 25)
const DAY = 24 * 3_600_000
/** Turns of the event loop that an answer may take. */
const TURNS = 200_000

export interface FakeServer {
  readonly services: ImapServices
  /** Where its files are. */
  readonly data: string
  /** Logged in, with nothing heard yet. */
  connect(address: string): Promise<FakeClient>
  /** A message as it comes by SMTP, with these lines before it, into INBOX. */
  deliver(address: string, head: string, content: string): Promise<void>
  close(): void
}

export interface FakeClient {
  /** Sends a command without its tag, and what else is given behind it as it is. Answers all that is heard, up to the tagged response, whose tag is `.`. */
  say(command: string, ...more: string[]): Promise<string>
  /** Sends this as it is. */
  send(text: string): void
  /** What was heard since the last `say`. */
  heard(): string
  /** As long as it is on, nothing that is written leaves. */
  stuck: boolean
  /** Takes what waits. */
  drain(): void
  /** The most that ever waited to be sent, in bytes. */
  readonly mostUnsent: number
  readonly loop: ImapLoop
}

/** Accounts of these addresses, each with the mailboxes that every account has. */
export async function openFakeServer(
  addresses: readonly string[],
  limits: Partial<ImapServices['limits']> = {},
): Promise<FakeServer> {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-imap-'))
  let views: Views | undefined
  const engine = openEngine({
    data,
    timeline: { maxAge: DAY, maxSize: 1e6 },
    now: () => AT,
    notify: notice => {
      if (notice.is === 'mailboxes') views?.changed(notice.changed)
    },
    log: () => undefined,
  })
  const storage = storageIn(engine)
  for (const name of new Set(addresses.map(address => address.slice(address.indexOf('@') + 1)))) {
    await storage.ask('directory', { is: 'add-domain', name, catchAll: undefined })
  }
  for (const address of addresses) await storage.ask('directory', { is: 'add-account', address, hash: '' })
  const reader = openStorageReader(data)
  views = openViews(reader.mail)
  const nextId = idSource(0, 0, () => AT)
  const budget = { limit: 1e9, used: 0 }
  const accountNamed = (address: string): Account | undefined => {
    const found = reader.account(address)
    return found && { id: found.id, address: found.address }
  }
  const services: ImapServices = {
    hostname: 'mail.example.org',
    storage,
    reader: reader.mail,
    views,
    content: id => reader.content(id),
    logIn: ({ user }) => {
      const account = accountNamed(user)
      return Promise.resolve(account ? { is: 'right', account } : { is: 'wrong' })
    },
    accountNamed,
    nextId,
    now: () => AT,
    owner: 1,
    limits: { messageSize: 50_000_000, idleBeforeLogin: 60_000, idle: 1_800_000, ...limits },
    tlsPossible: () => false,
    collect: () => collectMessage(nextId(), data, budget),
    discard: content => {
      if (content.in === 'file') rmSync(content.path, { force: true })
    },
    complain: error => {
      throw error
    },
  }
  return {
    services,
    data,
    async connect(address) {
      const client = fakeClient(services)
      await client.say(`LOGIN ${address} secret`)
      return client
    },
    async deliver(address, head, content) {
      const id = nextId()
      const account = accountNamed(address)?.id ?? 0
      await storage.ask('submit', {
        id,
        at: AT,
        envelope: {
          returnPath: '<>',
          body: '8BITMIME',
          smtputf8: false,
          ret: undefined,
          envid: undefined,
          holdUntil: undefined,
        },
        content: { in: 'memory', bytes: Buffer.from(content, 'latin1') },
        description: undefined,
        sender: '',
        source: 'x',
        owner: 1,
        entries: [
          {
            n: 0,
            recipient: address,
            dsn: undefined,
            destination: 'x',
            due: AT,
            expires: AT + DAY,
            notice: 0,
            state: 'leased',
          },
        ],
        stored: [],
        events: [],
      })
      const results = [{ n: 0, is: 'stored', account, head }] as const
      await storage.ask('settle', { owner: 1, message: id, results, reports: [], delay: undefined, events: [] })
    },
    close() {
      reader.close()
      engine.close()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

function fakeClient(services: ImapServices): FakeClient {
  let heard: Buffer[] = []
  let unsent = 0
  let tags = 0
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 143 } },
    tls: undefined,
    get unsent() {
      return unsent
    },
    write(part) {
      // Copied when it is sent, as a socket does: what is written over before that would be seen.
      heard.push(typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.length))
      if (!client.stuck) return
      unsent += part.length
      client.mostUnsent = Math.max(client.mostUnsent, unsent)
    },
    pause: () => undefined,
    resume: () => undefined,
    startTls: () => undefined,
    deadline: () => undefined,
    end: () => loop.closed(),
    destroy: () => loop.closed(),
  }
  const loop = new ImapLoop(connection, services, true, () => undefined)

  async function until(end: string): Promise<string> {
    for (let turn = 0; turn < TURNS; turn++) {
      await new Promise(resolve => setImmediate(resolve))
      const last = Buffer.concat(heard.slice(-4)).toString('latin1')
      const at = last.lastIndexOf(`${end} `)
      if ((at === 0 || last[at - 1] === '\n') && last.endsWith('\r\n') && !last.slice(at, -2).includes('\n')) break
      if (loop.gone) break
    }
    return client.heard()
  }

  const client = {
    loop,
    stuck: false,
    mostUnsent: 0,
    async say(command: string, ...more: string[]) {
      const tag = `t${++tags}`
      loop.data(Buffer.from(`${tag} ${[command, ...more].join('')}\r\n`, 'latin1'))
      const text = await until(tag)
      const at = text.lastIndexOf(`${tag} `)
      return at < 0 ? text : `${text.slice(0, at)}.${text.slice(at + tag.length)}`
    },
    send: (text: string) => loop.data(Buffer.from(text, 'latin1')),
    heard() {
      const text = Buffer.concat(heard).toString('latin1')
      heard = []
      return text
    },
    drain() {
      const full = unsent >= HIGH_WATER
      unsent = 0
      if (full) loop.drained()
    },
  }
  return client
}

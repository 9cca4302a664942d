/**
 * A server in this process without sockets: the real storage engine with its group commit, and two threads' worth of readers, views and
 * sessions beside it, of which one hears later than the other what changed.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { idSource } from '../../src/mail/id.ts'
import type { Connection, ConnectionHandler } from '../../src/net/connection.ts'
import { collectMessage } from '../../src/server/collector.ts'
import { ImapLoop } from '../../src/server/imap/loop.ts'
import type { ImapServices } from '../../src/server/imap/session.ts'
import type { LoginResult } from '../../src/server/login.ts'
import { createPop3 } from '../../src/server/pop3.ts'
import type { MailReader } from '../../src/storage/mail-reader.ts'
import type { OperationName, Operations, StorageResult } from '../../src/storage/operations.ts'
import { checkStorage } from '../../src/storage/sqlite/check.ts'
import { openEngine } from '../../src/storage/sqlite/engine.ts'
import { openStorageReader, type StorageReader } from '../../src/storage/sqlite/reader.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { Asked } from '../../src/storage/wire.ts'
import { describeContent } from '../../src/store/describe-content.ts'
import { startIndexer } from '../../src/store/indexer.ts'
import { openViews, type Views } from '../../src/store/views.ts'
import type { Random } from '../fuzz/random.ts'
import { ACCOUNT, THREADS, type Uids, type Wire, type World } from './wire.ts'

export const START = Date.UTC(2026, 2, 14, 9, 26, 53)
const DAY = 24 * 3_600_000
/** ms from one rest to the next; in between the time stands. */
const TICK = 1234
/** Turns of the event loop that something may take. */
const TURNS = 100_000

interface Thread {
  readonly reader: StorageReader
  /** Between two of its answers others may have changed something. */
  readonly mail: MailReader
  readonly views: Views
}

export async function openInProcess(random: Random): Promise<World> {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-model-'))
  let clock = START
  const now = (): number => clock
  /** What somebody waits for. */
  let busy = 0
  const threads: Thread[] = []

  function later(turns: number, task: () => void): void {
    busy++
    const wait = (left: number): void => {
      if (left > 0) return void setImmediate(wait, left - 1)
      busy--
      task()
    }
    wait(turns)
  }

  const engine = openEngine({
    data,
    timeline: { maxAge: DAY, maxSize: 1e6 },
    now,
    notify: notice => {
      if (notice.is === 'undescribed') indexer?.wake()
      if (notice.is !== 'mailboxes') return
      for (const [n, { views }] of threads.entries())
        later(1 + (n === 0 ? 0 : random(4)), () => views.changed(notice.changed))
    },
    log: () => undefined,
  })

  let scheduled = false
  function commitLater(): void {
    if (scheduled) return
    scheduled = true
    later(1 + random(3), () => {
      scheduled = false
      while (engine.commit());
    })
  }

  /** The storage is another thread: it commits also while somebody reads. */
  function commitMeanwhile(): void {
    if (random(4) === 0) while (engine.commit());
  }

  function interrupted(reader: MailReader): MailReader {
    const then = <Value>(value: Value): Value => {
      commitMeanwhile()
      return value
    }
    return {
      ...reader,
      mailbox: id => then(reader.mailbox(id)),
      mails: id => then(reader.mails(id)),
      changes: (id, since, uidNext) => then(reader.changes(id, since, uidNext)),
      keywords: id => then(reader.keywords(id)),
      vanished: (id, since) => then(reader.vanished(id, since)),
      fetchRows: (id, range, limit, wants) => then(reader.fetchRows(id, range, limit, wants)),
      mailRows: (id, range, limit) => then(reader.mailRows(id, range, limit)),
      column: (id, name, range) => then(reader.column(id, name, range)),
    }
  }

  /** `stored` hears of each thing that is on disk now, but for what nobody waits for. */
  function storageOf(stored: (uids: Uids) => void): Storage {
    return {
      ask<Name extends OperationName>(name: Name, input: Operations[Name]['in']) {
        return new Promise<StorageResult<Operations[Name]['out']>>(resolve => {
          // As in `storage/port.ts`: TypeScript can't see through the union.
          const asked = { name, input } as Asked
          engine.ask(asked, result => {
            if (!isRecent(asked)) stored(uidsOf(result))
            resolve(result)
          })
          commitLater()
        })
      },
      record: () => undefined,
    }
  }

  const storage = storageOf(() => undefined)
  for (const change of [
    { is: 'add-domain', name: 'home.test', catchAll: undefined },
    { is: 'add-account', address: ACCOUNT, hash: '' },
  ] as const)
    await storage.ask('directory', change)
  for (let n = 0; n < THREADS; n++) {
    const reader = openStorageReader(data)
    const mail = interrupted(reader.mail)
    threads.push({ reader, mail, views: openViews(mail) })
  }
  const [first] = threads
  assert.ok(first)
  const account = first.reader.account(ACCOUNT)
  assert.ok(account)
  const nextId = idSource(0, 0, now)
  const indexer = startIndexer({
    reader: first.reader.mail,
    storage,
    content: id => first.reader.content(id),
    sleep: () => turn(),
    now,
  })
  const budget = { limit: 1e9, used: 0 }
  const complaints: unknown[] = []
  const logIn = (): Promise<LoginResult> => Promise.resolve({ is: 'right', account })

  function services({ reader, mail, views }: Thread, stored: (uids: Uids) => void): ImapServices {
    return {
      hostname: 'mx.home.test',
      storage: storageOf(stored),
      reader: mail,
      views,
      content: id => reader.content(id),
      logIn,
      accountNamed: address => (address === ACCOUNT ? account : undefined),
      nextId,
      now,
      owner: 1,
      limits: { messageSize: 50_000_000, idleBeforeLogin: DAY, idle: DAY },
      tlsPossible: () => false,
      collect: () => collectMessage(nextId(), data, budget),
      discard: content => {
        if (content.in === 'file') rmSync(content.path, { force: true })
      },
      complain: error => complaints.push(error),
    }
  }

  async function settle(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < 3; turns++) {
      await turn()
      quiet = busy > 0 ? 0 : quiet + 1
      assert.ok(turns < TURNS, 'it never comes to rest')
    }
    clock += TICK
    if (complaints.length > 0) throw complaints[0]
  }

  return {
    now,
    exact: true,
    imap(n, stored) {
      const thread = threads[n % THREADS] ?? first
      const { wire, connection, serve } = newWire()
      const loop = new ImapLoop(connection, services(thread, stored), true, () => undefined)
      serve(loop)
      loop.start()
      return Promise.resolve(wire)
    },
    pop3(stored) {
      const { wire, connection, serve } = newWire()
      const pop3 = createPop3({
        hostname: 'mx.home.test',
        storage: storageOf(stored),
        reader: first.reader.mail,
        content: id => first.reader.content(id),
        logIn,
        limits: { errors: 10, idleTimeout: DAY, sessionTimeout: DAY, mailboxIdleTimeout: DAY },
        now,
        tlsPossible: () => false,
        mayLogInInClear: () => true,
        complain: error => complaints.push(error),
      })
      const session = pop3.serve(connection)
      serve(session)
      session.start()
      return Promise.resolve(wire)
    },
    async deliver(text, stored) {
      const content = { in: 'memory', bytes: Buffer.from(text, 'latin1') } as const
      const id = nextId()
      const at = now()
      const description = random(2) === 0 ? await describeContent(content) : undefined
      const envelope = ENVELOPE
      const entry = {
        n: 0,
        recipient: ACCOUNT,
        dsn: undefined,
        destination: 'x',
        due: at,
        expires: at + DAY,
        notice: 0,
      }
      const entries = [{ ...entry, state: 'leased' }] as const
      const part = { id, at, envelope, content, description }
      const message = { ...part, sender: '', source: 'x', owner: 1, entries, stored: [], events: [] }
      await storage.ask('submit', message)
      const head = `Return-Path: <>\r\nDelivered-To: ${ACCOUNT}\r\n`
      const results = [{ n: 0, is: 'stored', account: account.id, head }] as const
      const settling = { owner: 1, message: id, results, reports: [], delay: undefined, events: [] }
      await storageOf(() => stored(head, now())).ask('settle', settling)
    },
    async turn() {
      await turn()
      if (complaints.length > 0) throw complaints[0]
    },
    settle,
    async close() {
      indexer.stop()
      await settle()
      for (const { reader } of threads) reader.close()
      engine.close()
      // What came before may have left its files: they are swept at the start.
      const { problems } = checkStorage({ data, alone: true, now: clock + DAY, progress: () => undefined })
      rmSync(data, { recursive: true, force: true })
      return problems
    },
  }
}

function uidsOf(result: StorageResult<Operations[OperationName]['out']>): Uids {
  if (!('ok' in result) || typeof result.ok !== 'object' || !('is' in result.ok)) return undefined
  if (result.ok.is === 'stored') return result.ok.changed
  return result.ok.is === 'expunged' ? result.ok.uids : undefined
}

/** RFC 3501 §2.3.2: what was shown as \Recent, which nobody waits for. */
const isRecent = ({ name, input }: Asked): boolean => name === 'mailbox' && input.is === 'recent'

const ENVELOPE = {
  returnPath: '<>',
  body: '8BITMIME',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  holdUntil: undefined,
} as const

function newWire() {
  let handler: ConnectionHandler | undefined
  let heard: Buffer[] = []
  let gone = false
  function end(): void {
    if (gone) return
    gone = true
    handler?.closed('us')
  }
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 143 } },
    tls: undefined,
    unsent: 0,
    write: part => heard.push(typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)),
    pause: () => undefined,
    resume: () => undefined,
    startTls: () => undefined,
    deadline: () => undefined,
    end,
    destroy: end,
  }
  const wire: Wire = {
    send: text => handler?.data(Buffer.from(text, 'latin1')),
    take() {
      const text = Buffer.concat(heard).toString('latin1')
      heard = []
      return text
    },
    get gone() {
      return gone
    },
    vanish() {
      if (gone) return
      gone = true
      handler?.closed('peer')
    },
  }
  return {
    wire,
    connection,
    serve: (of: ConnectionHandler): void => {
      handler = of
    },
  }
}

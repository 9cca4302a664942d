/** For tests: sessions on a real storage in the same process, without connections. What they write is kept as text. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Description } from '../../mail/description.ts'
import { type Flags, NO_FLAGS } from '../../mail/flags.ts'
import { idSource } from '../../mail/id.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { MailReader } from '../../storage/mail-reader.ts'
import { openEngine } from '../../storage/sqlite/engine.ts'
import { storageIn } from '../../storage/sqlite/fake-storage.ts'
import { openStorageReader } from '../../storage/sqlite/reader.ts'
import type { Storage } from '../../storage/storage.ts'
import type { View } from '../../store/view.ts'
import { openViews } from '../../store/views.ts'
import type { Account } from '../login.ts'
import { SelectedMailbox } from './selected.ts'
import type { Enabled, ImapServices, ImapSession, NotifyState, Selecting, Tagged } from './session.ts'

/** The time of these tests: it stands. */
export const NOW = 1.8e12
const DAY = 24 * 3_600_000

export interface FakeMail {
  readonly reader: MailReader
  readonly storage: Storage
  session(address: string): FakeSession
  /** A small mail into a mailbox of its own account. */
  append(address: string, mailbox: string, flags?: Flags): Promise<void>
  close(): void
}

/** Accounts of these addresses, each with the mailboxes that every account has. */
export async function openFakeMail(addresses: readonly string[]): Promise<FakeMail> {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-imap-'))
  const storage = openStorage(data, changed => views.changed(changed))
  const reader = openStorageReader(data)
  const views = openViews(reader.mail)
  await addAccounts(storage, addresses)
  const accountNamed = (address: string): Account | undefined => {
    const found = reader.account(address.toLowerCase())
    return found && { id: found.id, address: found.address }
  }
  const nextId = idSource(0, 0, () => NOW)
  const services: ImapServices = {
    hostname: 'mail.example.org',
    storage,
    reader: reader.mail,
    views,
    content: id => reader.content(id),
    logIn: () => Promise.resolve({ is: 'wrong' }),
    accountNamed,
    nextId,
    now: () => NOW,
    owner: 1,
    limits: { messageSize: 50_000_000, idleBeforeLogin: 60_000, idle: 1_800_000 },
    tlsPossible: () => false,
    collect: () => {
      throw new Error('nothing is sent to these sessions')
    },
    discard: () => undefined,
    complain: error => {
      throw error
    },
  }
  return {
    reader: reader.mail,
    storage,
    session: address => new FakeSession(services, accountNamed(address)),
    async append(address, name, flags = NO_FLAGS) {
      const mailbox = reader.mail.mailboxNamed(accountNamed(address)?.id ?? 0, name)?.id ?? 0
      const content = { in: 'memory', bytes: Buffer.from('Subject: x\r\n\r\nx\r\n') } as const
      const message = { id: nextId(), at: NOW, content, description: DESCRIPTION, flags }
      await storage.ask('append', { mailbox, owner: 1, messages: [message], replaces: undefined })
    },
    close() {
      reader.close()
      storage.close()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

type Changed = Parameters<ReturnType<typeof openViews>['changed']>[0]

function openStorage(data: string, changed: (mailboxes: Changed) => void): Storage & { close(): void } {
  const engine = openEngine({
    data,
    timeline: { maxAge: DAY, maxSize: 1e6 },
    now: () => NOW,
    notify: notice => {
      if (notice.is === 'mailboxes') changed(notice.changed)
    },
    log: () => undefined,
  })
  return { ...storageIn(engine), close: () => engine.close() }
}

async function addAccounts(storage: Storage, addresses: readonly string[]): Promise<void> {
  const domains = new Set(addresses.map(address => address.slice(address.indexOf('@') + 1)))
  for (const name of domains) await storage.ask('directory', { is: 'add-domain', name, catchAll: undefined })
  for (const address of addresses) await storage.ask('directory', { is: 'add-account', address, hash: '' })
}

const DESCRIPTION: Description = {
  header: 14,
  envelope: Buffer.from('(NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL)'),
  body: Buffer.from('("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)'),
  structure: Buffer.from('("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1 NIL NIL NIL NIL)'),
  part: {
    type: 'text/plain',
    charset: undefined,
    encoding: 'identity',
    start: 0,
    body: 14,
    end: 17,
    lines: 1,
    parts: [],
  },
  sent: undefined,
  sort: {
    subject: 'x',
    answer: false,
    from: '',
    to: '',
    cc: '',
    displayFrom: '',
    displayTo: '',
    messageId: '',
    references: [],
  },
  preview: 'x',
  signature: undefined,
}

export class FakeSession implements ImapSession {
  readonly services: ImapServices
  readonly tag = 'A1'
  readonly account: Account | undefined
  selected: SelectedMailbox | undefined
  readonly enabled = new Set<Enabled>()
  readonly tls = true
  readonly origin = { address: '192.0.2.1', tls: undefined }
  savedResult: readonly UidRange[] = []
  gone = false
  readonly mayLogIn = true
  readonly compressed = false
  notify: NotifyState | undefined
  #written = ''

  constructor(services: ImapServices, account: Account | undefined) {
    this.services = services
    this.account = account
  }

  get utf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4REV2')
  }

  /** Lines that were written since the last time. */
  lines(): string[] {
    const lines = this.#written.split('\r\n').slice(0, -1)
    this.#written = ''
    return lines
  }

  /** The lines that a command answers; the tagged one without its tag. */
  async run<Command>(
    executor: (command: Command, session: ImapSession) => Tagged | Promise<Tagged>,
    command: Command,
  ): Promise<string[]> {
    const { is, code, text } = await executor(command, this)
    await this.tell()
    return [...this.lines(), `${is} ${code === undefined ? text : `[${code}]`}`]
  }

  /** What the loop does at the end of each command, and when it hears of something. */
  async tell(): Promise<void> {
    const manner = { expunge: true, qresync: false, recent: false, write: (text: string) => this.write(text) }
    this.selected?.tell(manner)
    await this.notify?.tell()
  }

  tellNow(): void {
    void this.tell()
  }

  write(part: string | Uint8Array): void {
    this.#written += typeof part === 'string' ? part : Buffer.from(part).toString('utf8')
  }

  room(): Promise<void> | undefined {
    return undefined
  }

  select(view: View, how: Selecting): SelectedMailbox {
    this.selected = new SelectedMailbox(view, how, this)
    return this.selected
  }

  unselect(): void {
    if (this.selected) this.services.views.close(this.selected.view.mailbox)
    this.selected = undefined
  }

  enable(what: Enabled): void {
    this.enabled.add(what)
  }

  logIn(): void {}
  unauthenticate(): void {}
  afterwards(): void {}
  literal(): undefined {
    return undefined
  }
  line(): Promise<undefined> {
    return Promise.resolve(undefined)
  }
  idle(): void {}
}

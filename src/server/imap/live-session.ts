/** What the executors see of a session (`ImapSession`): who is logged in, what is selected, what is enabled; and how changes are told. */
import type { Content } from '../../mail/content.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { Connection } from '../../net/connection.ts'
import type { View } from '../../store/view.ts'
import { type Account, type Origin, originOf } from '../login.ts'
import { Contents } from './contents.ts'
import { withRights } from './names.ts'
import { Output } from './output.ts'
import { SelectedMailbox } from './selected.ts'
import type { Enabled, ImapServices, ImapSession, NotifyState, Selecting } from './session.ts'

/** What happens after a tagged response. */
export type Afterwards = 'starttls' | 'compress' | 'close'

/** What only the loop can do. */
export interface Conversation {
  line(): Promise<Buffer | undefined>
  idle(on: boolean): void
  tellNow(): void
  /** Somebody is in, or nobody any more. */
  loggedIn(is: boolean): void
}

const NOTHING_ENABLED: ReadonlySet<Enabled> = new Set()
const NOTHING_SAVED: readonly UidRange[] = []

export class LiveSession implements ImapSession {
  readonly services: ImapServices
  readonly out: Output
  readonly contents: Contents
  enabled: ReadonlySet<Enabled> = NOTHING_ENABLED
  account: Account | undefined
  selected: SelectedMailbox | undefined
  savedResult = NOTHING_SAVED
  notify: NotifyState | undefined
  tag = ''
  gone = false
  #afterwards: Afterwards | undefined
  readonly #connection: Connection
  readonly #mayLogInInClear: boolean
  readonly #conversation: Conversation

  constructor(connection: Connection, services: ImapServices, mayLogInInClear: boolean, conversation: Conversation) {
    this.services = services
    this.out = new Output(connection)
    this.contents = new Contents(services)
    this.#connection = connection
    this.#mayLogInInClear = mayLogInInClear
    this.#conversation = conversation
  }

  get tls(): boolean {
    return this.#connection.tls !== undefined
  }

  get origin(): Origin {
    return originOf(this.#connection)
  }

  get utf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4REV2')
  }

  get mayLogIn(): boolean {
    return this.tls || this.#mayLogInInClear
  }

  get compressed(): boolean {
    return this.out.compression !== undefined
  }

  write(part: string | Uint8Array): void {
    if (!this.gone) this.out.write(part)
  }

  room(): Promise<void> | undefined {
    return this.gone ? undefined : this.out.room()
  }

  line(): Promise<Buffer | undefined> {
    return this.gone ? Promise.resolve(undefined) : this.#conversation.line()
  }

  idle(on: boolean): void {
    this.#conversation.idle(on)
  }

  tellNow(): void {
    this.#conversation.tellNow()
  }

  logIn(account: Account): void {
    this.account = account
    this.#conversation.loggedIn(true)
  }

  unauthenticate(): void {
    this.#forget()
    this.account = undefined
    this.enabled = NOTHING_ENABLED
    this.savedResult = NOTHING_SAVED
    this.#conversation.loggedIn(false)
  }

  #forget(): void {
    this.unselect()
    this.notify?.end()
    this.notify = undefined
  }

  enable(what: Enabled): void {
    this.enabled = new Set([...this.enabled, what])
  }

  select(view: View, how: Selecting): SelectedMailbox {
    this.unselect()
    const selected = new SelectedMailbox(view, how, this)
    this.selected = selected
    return selected
  }

  unselect(): void {
    const { selected } = this
    if (!selected) return
    this.selected = undefined
    this.savedResult = NOTHING_SAVED // RFC 5182 §2.1
    const { view, readOnly, recentFrom, version } = selected
    const seen = selected.uidOf(version.exists)
    if (!readOnly && seen >= recentFrom) {
      void this.services.storage.ask('mailbox', { is: 'recent', mailbox: view.mailbox, uid: seen })
    }
    this.services.views.close(view.mailbox)
  }

  afterwards(what: Afterwards): void {
    this.#afterwards = what
  }

  literal(n: number): Content | undefined {
    return this.contents.get(n)
  }

  // ---- for the loop

  takeAfterwards(): Afterwards | undefined {
    const what = this.#afterwards
    this.#afterwards = undefined
    return what
  }

  /** What changed in the selected mailbox, and what NOTIFY asked for. A promise: nothing else may be written before it is settled. */
  tell(expunge: boolean, selected = true): Promise<void> | undefined {
    const gone =
      selected &&
      this.selected?.tell({
        write: text => this.write(text),
        expunge,
        qresync: this.enabled.has('QRESYNC'),
        recent: !this.enabled.has('IMAP4REV2'),
      })
    if (gone) {
      this.unselect()
      this.write('* OK [CLOSED] The mailbox was deleted\r\n')
    }
    return this.notify?.tell()
  }

  /** RFC 4314: of a mailbox of others, what may be done there may have become less since it was selected. false: not even read it. */
  mayStay(): boolean {
    const { selected, account } = this
    if (!selected || selected.view.row.account === account?.id || selected.view.gone) return true
    selected.rights = withRights(this, selected.view.row)?.rights ?? ''
    return selected.rights.includes('r')
  }

  /** The session is over. */
  end(): void {
    this.gone = true
    this.#forget()
    this.out.wake()
  }
}

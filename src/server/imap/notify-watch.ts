/** What a client that gave NOTIFY knows, and how it hears of what is different (RFC 5465 §5). */
import { createHash } from 'node:crypto'
import type { StatusItem } from '../../imap/command.ts'
import type { FetchItem } from '../../imap/fetch-item.ts'
import { mailboxName } from '../../imap/response.ts'
import type { MailboxRow } from '../../storage/mail-reader.ts'
import type { ChangedMailbox } from '../../storage/operations.ts'
import { fetch } from './fetch.ts'
import { attributesOf, isSelectable, listResponse, mailboxTree, type Tree } from './mailbox-tree.ts'
import { annotationsOf } from './metadata.ts'
import { accountOf } from './names.ts'
import type { Events, Interest } from './notify-interest.ts'
import type { ImapSession, NotifyState, Selected } from './session.ts'
import { statusResponse } from './status.ts'

/** Mailboxes of which there is something to tell; more: the client is too slow for us. */
const MAX_PENDING = 1000
/** In the place of a mailbox's number. */
const SERVER = 0

export interface WatchOptions {
  readonly tree: Tree
  readonly interest: Interest
  readonly selected: NotifyState['selected']
  /** Of new messages in the selected mailbox. */
  readonly fetch: readonly FetchItem[]
}

/** What was told of a mailbox. */
type Known = Pick<MailboxRow, 'uidNext' | 'exists' | 'modseq'> & { readonly name: string }

export function openWatch(session: ImapSession, options: WatchOptions): NotifyState {
  const watch = new Watch(session, options)
  return watch
}

class Watch implements NotifyState {
  readonly selected: NotifyState['selected']
  readonly #session: ImapSession
  readonly #options: WatchOptions
  #tree: Tree
  /** By number. */
  readonly #known = new Map<number, Known>()
  /** By number: digests of values by name of entry; only of what is wanted. */
  readonly #entries = new Map<number, ReadonlyMap<string, string>>()
  /** Numbers. */
  readonly #mail = new Set<number>()
  readonly #metadata = new Set<number>()
  #list = false
  #overflow = false
  #wakes = false
  /** How to stop listening, by account. */
  readonly #listening = new Map<number, () => void>()
  #following: { readonly selected: Selected; readonly stop: () => void; last: number } | undefined

  constructor(session: ImapSession, options: WatchOptions) {
    this.#session = session
    this.#options = options
    this.selected = options.selected
    this.#tree = options.tree
    this.#learn(options.tree)
    if (options.interest.has('ServerMetadataChange')) this.#entries.set(SERVER, this.#digests(SERVER))
    this.#follow()
  }

  end(): void {
    for (const stop of this.#listening.values()) stop()
    this.#listening.clear()
    this.#following?.stop()
    this.#following = undefined
  }

  tell(): Promise<void> | undefined {
    if (this.#overflow) {
      this.#giveUp()
      return undefined
    }
    const arrived = this.#follow()
    if (this.#list) this.#tellNames()
    for (const mailbox of this.#mail) this.#tellMail(mailbox)
    this.#mail.clear()
    for (const mailbox of this.#metadata) this.#tellMetadata(mailbox)
    this.#metadata.clear()
    return arrived === undefined ? undefined : this.#fetch(arrived)
  }

  /** RFC 5465 §5.8 */
  #giveUp(): void {
    this.end()
    this.#session.notify = undefined
    this.#session.write('* OK [NOTIFICATIONOVERFLOW] Too much happened; nothing is told unasked any more\r\n')
  }

  // ---- what we hear

  #heard({ mailbox, how }: ChangedMailbox): void {
    if (how === 'mail' && !this.#wants(mailbox)) return
    if (how === 'metadata' && !this.#entries.has(mailbox)) return
    if (how === 'mail') this.#mail.add(mailbox)
    else if (how === 'metadata') this.#metadata.add(mailbox)
    else this.#list = true
    if (this.#mail.size + this.#metadata.size > MAX_PENDING) this.#overflow = true
    this.#wake()
  }

  /** Of this mailbox's mail, while it is not selected. */
  #wants(mailbox: number): boolean {
    const known = this.#known.get(mailbox)
    return known !== undefined && mailbox !== this.#following?.selected.view.mailbox && this.#of(known.name).size > 0
  }

  /** All that one commit changed is told together. */
  #wake(): void {
    if (this.#wakes) return
    this.#wakes = true
    queueMicrotask(() => {
      this.#wakes = false
      if (this.#session.notify === this) this.#session.tellNow()
    })
  }

  /** Looks which mailbox is selected. Answers the UIDs that came to the client's knowledge since the last time. */
  #follow(): readonly [first: number, last: number] | undefined {
    const { selected, services } = this.#session
    const before = this.#following
    const last = selected ? selected.uidOf(selected.version.exists) : 0
    if (selected !== before?.selected) {
      before?.stop()
      // What came there in the meantime is compared once more.
      if (before) this.#mail.add(before.selected.view.mailbox)
      const listens = selected !== undefined && this.selected !== 'never'
      const stop = listens
        ? services.views.listen({ mailbox: selected.view.mailbox }, () => this.#wake())
        : () => undefined
      this.#following = selected && { selected, stop, last }
      return undefined
    }
    if (!before || last <= before.last) return undefined
    const arrived = [before.last + 1, last] as const
    before.last = last
    return arrived
  }

  // ---- what we say

  /** RFC 5465 §5.2: behind EXISTS, which the loop said. */
  async #fetch(uids: readonly [first: number, last: number]): Promise<void> {
    if (this.#options.fetch.length === 0 || this.selected === 'never') return
    await fetch(
      {
        name: 'FETCH',
        uid: true,
        set: [uids],
        items: this.#options.fetch,
        modifiers: { changedSince: undefined, vanished: false, partial: undefined },
      },
      this.#session,
    )
  }

  #of(name: string): Events {
    return this.#options.interest.of(name, other => this.#tree.get(other)?.subscribed ?? false)
  }

  /** RFC 5465 §5.1 to §5.3: of a mailbox that is not selected. */
  #tellMail(mailbox: number): void {
    const known = this.#known.get(mailbox)
    const row = known && this.#session.services.reader.mailbox(mailbox)
    if (!known || !row || mailbox === this.#session.selected?.view.mailbox) return
    const events = this.#of(known.name)
    const items = this.#itemsOf(events, known, row)
    this.#known.set(mailbox, { name: known.name, uidNext: row.uidNext, exists: row.exists, modseq: row.modseq })
    if (items.length > 0) this.#session.write(statusResponse(this.#session, known.name, row, items))
  }

  #itemsOf(events: Events, known: Known, row: MailboxRow): readonly StatusItem[] {
    const readable = this.#tree.get(known.name)
    if (row.modseq === known.modseq || !readable || !isSelectable(readable)) return []
    const moved = row.uidNext !== known.uidNext || row.exists !== known.exists
    if (!moved) return events.has('FlagChange') ? ['UIDVALIDITY', 'HIGHESTMODSEQ'] : []
    if (!events.has('MessageNew')) return []
    return ['UIDNEXT', 'MESSAGES', ...(this.#session.enabled.has('CONDSTORE') ? (['HIGHESTMODSEQ'] as const) : [])]
  }

  /** RFC 5465 §5.4, §5.5, §5.9: names that are new, gone, changed, or (un)subscribed. */
  #tellNames(): void {
    this.#list = false
    const [before, old] = [this.#tree, new Map(this.#known)]
    const now = mailboxTree(this.#session, true)
    const ids = new Set<number>()
    for (const { name, found } of now.values()) {
      if (!found) continue
      const was = old.get(found.row.id)?.name
      ids.add(found.row.id)
      if (was !== name) this.#tellName(now, name, was)
    }
    for (const [id, { name }] of old) if (!ids.has(id) && !now.get(name)?.found) this.#tellName(now, name, undefined)
    this.#tree = now
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      const subscribed = now.get(name)?.subscribed ?? false
      if (subscribed === (before.get(name)?.subscribed ?? false)) continue
      if (this.#of(name).has('SubscriptionChange')) this.#writeName(now, name, undefined)
    }
    this.#learn(now)
  }

  #tellName(tree: Tree, name: string, was: string | undefined): void {
    const wanted = [name, was].some(one => one !== undefined && this.#of(one).has('MailboxName'))
    if (wanted) this.#writeName(tree, name, was)
  }

  #writeName(tree: Tree, name: string, was: string | undefined): void {
    const node = tree.get(name) ?? { name, found: undefined, subscribed: false, hasChildren: false }
    const old = was === undefined ? undefined : `("OLDNAME" (${mailboxName(was, this.#session.utf8)}))`
    this.#session.write(listResponse(this.#session, name, attributesOf(node, true), old))
  }

  /** What there is now; what was told of a mailbox before stays. */
  #learn(tree: Tree): void {
    const accounts = new Set([accountOf(this.#session).id])
    const ids = new Set<number>()
    for (const { name, found } of tree.values()) {
      if (!found) continue
      const { id, account, uidNext, exists, modseq } = found.row
      ids.add(id)
      accounts.add(account)
      const { uidNext: next, exists: had, modseq: since } = this.#known.get(id) ?? { uidNext, exists, modseq }
      this.#known.set(id, { name, uidNext: next, exists: had, modseq: since })
      if (!this.#entries.has(id) && this.#of(name).has('MailboxMetadataChange'))
        this.#entries.set(id, this.#digests(id))
    }
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#forget(id)
    this.#listen(accounts)
  }

  #forget(mailbox: number): void {
    this.#known.delete(mailbox)
    this.#entries.delete(mailbox)
  }

  #listen(accounts: ReadonlySet<number>): void {
    for (const [account, stop] of this.#listening) {
      if (accounts.has(account)) continue
      stop()
      this.#listening.delete(account)
    }
    for (const account of accounts) {
      if (this.#listening.has(account)) continue
      this.#listening.set(
        account,
        this.#session.services.views.listen({ account }, change => this.#heard(change)),
      )
    }
  }

  /** RFC 5465 §5.6, §5.7: names of the entries that are new, gone or different. */
  #tellMetadata(mailbox: number): void {
    const before = this.#entries.get(mailbox)
    if (!before) return
    const now = this.#digests(mailbox)
    this.#entries.set(mailbox, now)
    const changed = [...new Set([...before.keys(), ...now.keys()])].filter(name => before.get(name) !== now.get(name))
    const name = mailbox === SERVER ? '""' : this.#shown(mailbox)
    if (changed.length > 0 && name !== undefined) this.#session.write(`* METADATA ${name} ${changed.join(' ')}\r\n`)
  }

  #shown(mailbox: number): string | undefined {
    const known = this.#known.get(mailbox)
    return known && mailboxName(known.name, this.#session.utf8)
  }

  #digests(mailbox: number): ReadonlyMap<string, string> {
    const name = this.#known.get(mailbox)?.name
    const found = name === undefined ? undefined : this.#tree.get(name)?.found
    if (mailbox !== SERVER && !found) return new Map()
    const digest = (value: Uint8Array): string => createHash('sha256').update(value).digest('base64')
    return new Map(annotationsOf(this.#session, found).map(({ name: entry, value }) => [entry, digest(value)]))
  }
}

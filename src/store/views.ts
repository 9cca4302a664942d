import type { ChangedMailbox } from '../storage/operations.ts'
import { openView, type View, type ViewReader } from './view.ts'

/** Hears of every change to one mailbox, or (`account`) of every change to an account's mailboxes. Who wants to know more refreshes the view. */
export type Listener = (change: ChangedMailbox) => void

export interface Views {
  /** The view of a mailbox, up to date, until `close`; undefined: there is no such mailbox. */
  open(mailbox: number): View | undefined
  close(mailbox: number): void
  /** Answers how to stop it. */
  listen(to: { readonly mailbox: number } | { readonly account: number }, listener: Listener): () => void
  /** How often names, rights or the existence of any mailbox changed: what was found out about them before is worth nothing after. */
  readonly renewals: number
  /** What the storage said. */
  changed(changes: readonly ChangedMailbox[]): void
}

/** Bytes of closed views that are kept, because who looked at a mailbox will look again. */
const KEPT = 16 * 1024 * 1024
const BYTES_PER_MAIL = 20
const BYTES_PER_VIEW = 2000

interface Shared {
  readonly view: View
  sessions: number
}

export function openViews(reader: ViewReader): Views {
  const open = new Map<number, Shared>()
  /** Without sessions, the longest unused first. */
  const kept = new Map<number, View>()
  const ofMailbox: Listeners = new Map()
  const ofAccount: Listeners = new Map()
  let renewals = 0

  function prune(): void {
    let bytes = 0
    for (const view of [...kept.values()].toReversed()) {
      bytes += BYTES_PER_VIEW + view.version.exists * BYTES_PER_MAIL
      if (bytes > KEPT) kept.delete(view.mailbox)
    }
  }

  return {
    open(mailbox) {
      const shared = open.get(mailbox)
      if (shared) {
        shared.view.refresh()
        if (shared.view.gone) return undefined
        shared.sessions++
        return shared.view
      }
      const known = kept.get(mailbox)
      kept.delete(mailbox)
      known?.refresh()
      const view = known ?? openView(reader, mailbox)
      if (!view || view.gone) return undefined
      open.set(mailbox, { view, sessions: 1 })
      return view
    },
    close(mailbox) {
      const shared = open.get(mailbox)
      if (!shared || --shared.sessions > 0) return
      open.delete(mailbox)
      if (shared.view.gone) return
      kept.set(mailbox, shared.view)
      prune()
    },
    listen(to, listener) {
      const [listeners, key] = 'mailbox' in to ? [ofMailbox, to.mailbox] : [ofAccount, to.account]
      add(listeners, key, listener)
      return () => remove(listeners, key, listener)
    },
    get renewals() {
      return renewals
    },
    changed(changes) {
      for (const change of changes) {
        if (change.how !== 'mail') renewals++
        tell(ofMailbox.get(change.mailbox), change)
        tell(ofAccount.get(change.account), change)
      }
    },
  }
}

/** Who listens to what: mostly one alone, who needs no set. */
type Listeners = Map<number, Listener | Set<Listener>>

function add(listeners: Listeners, key: number, listener: Listener): void {
  const others = listeners.get(key)
  if (!others) listeners.set(key, listener)
  else if (others instanceof Set) others.add(listener)
  else listeners.set(key, new Set([others, listener]))
}

function remove(listeners: Listeners, key: number, listener: Listener): void {
  const others = listeners.get(key)
  if (others instanceof Set) {
    others.delete(listener)
    if (others.size > 0) return
  } else if (others !== listener) return
  listeners.delete(key)
}

function tell(listeners: Listener | Set<Listener> | undefined, change: ChangedMailbox): void {
  if (listeners instanceof Set) for (const listener of listeners) listener(change)
  else listeners?.(change)
}

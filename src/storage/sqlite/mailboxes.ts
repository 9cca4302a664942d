import type { DatabaseSync } from 'node:sqlite'
import {
  type Impossible,
  MAX_MAILBOXES,
  MAX_METADATA_ENTRIES,
  MAX_METADATA_VALUE,
  type MailboxChange,
  type MailboxDone,
  type SpecialUse,
} from '../mail-operations.ts'
import type { KeywordTables } from './keywords.ts'
import type { BoxState, Ledger } from './ledger.ts'
import type { PackedTable } from './packed.ts'
import { FIRST_MAILBOXES } from './schema.ts'
import type { After } from './transaction.ts'
import type { VanishedTable } from './vanished.ts'

/** Bytes of a whole name, also of what a rename makes of those below. */
const MAX_NAME = 1000
/** Whom one mailbox may be shared with. */
const MAX_ACL = 1000

export interface MailboxParts {
  readonly ledger: Ledger
  readonly keywords: KeywordTables
  readonly vanished: VanishedTable
  readonly packed: PackedTable
}

/** The mailboxes themselves: their names, subscriptions, annotations and rights; inside the caller's transaction. */
export function mailboxTables(database: DatabaseSync, { ledger, keywords, vanished, packed }: MailboxParts) {
  const prepare = (sql: string) => database.prepare(sql)
  const hasAccount = prepare('SELECT 1 FROM account WHERE id = ?')
  const named = prepare('SELECT id FROM mailbox WHERE account = ? AND name = ?')
  const countOf = prepare('SELECT count(*) AS mailboxes FROM mailbox WHERE account = ?')
  const uses = prepare("SELECT special_use FROM mailbox WHERE account = ? AND special_use <> ''")
  const insert = prepare(
    'INSERT INTO mailbox (account, name, uid_validity, uid_next, special_use) VALUES (?, ?, ?, 1, ?) RETURNING id',
  )
  const nextValidity = prepare(
    "UPDATE counter SET value = max(value + 1, ?) WHERE name = 'uid validity' RETURNING value",
  )
  // What is below a name stands between NAME/ and NAME0: 0 comes right after the slash.
  const below = "account = ?1 AND name > ?2 || '/' AND name < ?2 || '0'"
  const hasBelow = prepare(`SELECT 1 FROM mailbox WHERE ${below} LIMIT 1`)
  const longestBelow = prepare(`SELECT max(octet_length(name)) AS bytes FROM mailbox WHERE ${below}`)
  const renameBelow = prepare(
    `UPDATE mailbox SET name = ?3 || substr(name, length(?2) + 1) WHERE ${below} RETURNING id`,
  )
  const rename = prepare('UPDATE mailbox SET name = ? WHERE id = ?')
  const release = prepare('UPDATE mailbox SET account = 0, name = id WHERE id = ?')
  const releaseAll = prepare('UPDATE mailbox SET account = 0, name = id WHERE account = ? RETURNING id')
  const emptyInto = prepare('UPDATE mail SET mailbox = ?1, modseq = ?2, saved = ?3 WHERE mailbox = ?4')
  const moveBlocks = prepare('UPDATE search_block SET mailbox = ? WHERE mailbox = ?')
  const takeIndexed = prepare('UPDATE mailbox SET indexed = (SELECT indexed FROM mailbox WHERE id = ?) WHERE id = ?')
  const uidsOf = prepare('SELECT uid FROM mail WHERE mailbox = ? ORDER BY uid')
  const setRecent = prepare('UPDATE mailbox SET recent_from = max(recent_from, ?) WHERE id = ?')
  const subscribe = prepare('INSERT OR IGNORE INTO subscription (account, name) VALUES (?, ?)')
  const unsubscribe = prepare('DELETE FROM subscription WHERE account = ? AND name = ?')
  const subscriptions = prepare('SELECT count(*) AS names FROM subscription WHERE account = ?')
  const entries = prepare('SELECT count(*) AS entries FROM metadata WHERE mailbox = ? AND account = ?')
  const hasEntry = prepare('SELECT 1 FROM metadata WHERE mailbox = ? AND account = ? AND name = ?')
  const setEntry = prepare('INSERT OR REPLACE INTO metadata (mailbox, account, name, value) VALUES (?, ?, ?, ?)')
  const removeEntry = prepare('DELETE FROM metadata WHERE mailbox = ? AND account = ? AND name = ?')
  const setAcl = prepare('INSERT OR REPLACE INTO acl (mailbox, identifier, rights) VALUES (?, ?, ?)')
  const removeAcl = prepare('DELETE FROM acl WHERE mailbox = ? AND identifier = ?')
  const identifiers = prepare('SELECT count(*) AS identifiers FROM acl WHERE mailbox = ?')
  const ofAccount = ['subscription', 'metadata'].map(table => prepare(`DELETE FROM ${table} WHERE account = ?`))

  function idOf(account: number, name: string): number | undefined {
    const id = named.get(account, name)?.['id']
    return id === undefined ? undefined : Number(id)
  }

  /** RFC 9051 §2.3.1.1: a name that comes again has a larger UIDVALIDITY; ours is never given twice at all. */
  function make(account: number, name: string, use: readonly SpecialUse[], now: number, after: After): number {
    const validity = Number(nextValidity.get(Math.floor(now / 1000))?.['value'])
    const id = Number(insert.get(account, name, validity, use.join(' '))?.['id'])
    after.changed.add(account, id, 'list')
    return id
  }

  /** `a/b/c`: `a` and `a/b`, as far as they are missing. */
  function missingAbove(account: number, name: string): string[] {
    const names: string[] = []
    for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
      const above = name.slice(0, at)
      if (idOf(account, above) === undefined) names.push(above)
    }
    return names
  }

  /** Parents that are missing (RFC 9051 §6.3.4) are made with it; undefined: it was not done for this reason. */
  function refuseNew(account: number, name: string, itself: 0 | 1): Impossible | undefined {
    if (idOf(account, name) !== undefined) return { is: 'exists' }
    if (Buffer.byteLength(name) > MAX_NAME) return { is: 'limit' }
    const more = missingAbove(account, name).length + itself
    return Number(countOf.get(account)?.['mailboxes']) + more > MAX_MAILBOXES ? { is: 'limit' } : undefined
  }

  function create(of: Extract<MailboxChange, { is: 'create' }>, now: number, after: After): MailboxDone | Impossible {
    const { account, name, specialUse } = of
    if (!hasAccount.get(account)) return { is: 'missing' }
    const refused = refuseNew(account, name, 1)
    if (refused) return refused
    // RFC 6154 §3: whether two mailboxes may have the same use is ours to decide. Then none would be the one.
    const given = new Set(uses.all(account).flatMap(row => String(row['special_use']).split(' ')))
    if (specialUse.some(use => given.has(use))) return { is: 'cannot' }
    for (const above of missingAbove(account, name)) make(account, above, [], now, after)
    return { is: 'done', mailbox: make(account, name, specialUse, now, after) }
  }

  function remove(mailbox: number, after: After): MailboxDone | Impossible {
    const box = ledger.mailbox(mailbox)
    if (!box) return { is: 'missing' }
    if (box.name === 'INBOX') return { is: 'cannot' }
    if (hasBelow.get(box.account, box.name)) return { is: 'has-children' }
    ledger.use(box.account, -box.mails, -box.bytes)
    after.changed.add(box.account, mailbox, 'list')
    ledger.flush()
    after.sweep = true
    release.run(mailbox) // from here on it is nobody's; what was in it goes in batches: `sweep.ts`
    return { is: 'done', mailbox }
  }

  /** RFC 9051 §6.3.6: the mails go into a new mailbox, INBOX stays, and what is below it too. They keep their UIDs, and so their search index. */
  function empty(inbox: BoxState, name: string, now: number, after: After): number {
    const uids = uidsOf.all(inbox.id).map(({ uid }) => Number(uid))
    const id = make(inbox.account, name, [], now, after)
    const box = ledger.mailbox(id)
    if (!box || uids.length === 0) return id
    inbox.modseq++
    box.modseq++
    const { uidNext, mails, unseen, deleted, bytes } = inbox
    Object.assign(box, { uidNext, mails, unseen, deleted, bytes })
    Object.assign(inbox, { mails: 0, unseen: 0, deleted: 0, bytes: 0 })
    keywords.copy(inbox.id, id)
    emptyInto.run(id, box.modseq, now, inbox.id)
    vanished.add(inbox, uids)
    moveBlocks.run(id, inbox.id)
    packed.moved(inbox, box, after)
    ledger.flush()
    takeIndexed.run(inbox.id, id)
    after.changed.add(inbox.account, inbox.id, 'mail')
    after.changed.add(inbox.account, id, 'mail')
    return id
  }

  function renameTo(mailbox: number, name: string, now: number, after: After): MailboxDone | Impossible {
    const box = ledger.mailbox(mailbox)
    if (!box) return { is: 'missing' }
    const { account, name: old } = box
    const refused = refuseNew(account, name, old === 'INBOX' ? 1 : 0)
    if (refused) return refused
    if (old !== 'INBOX' && name.startsWith(`${old}/`)) return { is: 'cannot' }
    const longest = old === 'INBOX' ? 0 : Number(longestBelow.get(account, old)?.['bytes'] ?? 0)
    if (longest + Buffer.byteLength(name) - Buffer.byteLength(old) > MAX_NAME) return { is: 'limit' }
    // RFC 9051 §6.3.6: names above the new one that are missing are made.
    for (const above of missingAbove(account, name)) make(account, above, [], now, after)
    if (old === 'INBOX') return { is: 'done', mailbox: empty(box, name, now, after) }
    ledger.flush()
    rename.run(name, mailbox)
    after.changed.add(account, mailbox, 'list')
    for (const { id } of renameBelow.all(account, old, name)) after.changed.add(account, Number(id), 'list')
    return { is: 'done', mailbox }
  }

  function setSubscribed(account: number, name: string, on: boolean, after: After): MailboxDone | Impossible {
    if (!hasAccount.get(account)) return { is: 'missing' }
    if (on && Number(subscriptions.get(account)?.['names']) >= 2 * MAX_MAILBOXES) return { is: 'limit' }
    if (on) subscribe.run(account, name)
    else unsubscribe.run(account, name)
    after.changed.add(account, 0, 'list')
    return { is: 'done', mailbox: idOf(account, name) ?? 0 }
  }

  function setMetadata(of: Extract<MailboxChange, { is: 'metadata' }>, after: After): MailboxDone | Impossible {
    const { account, mailbox = 0 } = of
    const box = ledger.mailbox(mailbox)
    if (!hasAccount.get(account) || (mailbox !== 0 && !box)) return { is: 'missing' }
    let left = MAX_METADATA_ENTRIES - Number(entries.get(mailbox, account)?.['entries'])
    for (const { name, value } of of.entries) {
      if (value && value.length > MAX_METADATA_VALUE) return { is: 'limit' }
      const there = hasEntry.get(mailbox, account, name) !== undefined
      if (value && !there) left--
      else if (!value && there) left++
    }
    if (left < 0) return { is: 'limit' }
    for (const { name, value } of of.entries) {
      if (value) setEntry.run(mailbox, account, name, value)
      else removeEntry.run(mailbox, account, name)
    }
    after.changed.add(box?.account ?? account, mailbox, 'metadata')
    return { is: 'done', mailbox }
  }

  function setRights(mailbox: number, identifier: string, rights: string, after: After): MailboxDone | Impossible {
    const box = ledger.mailbox(mailbox)
    if (!box) return { is: 'missing' }
    if (rights !== '' && Number(identifiers.get(mailbox)?.['identifiers']) >= MAX_ACL) return { is: 'limit' }
    if (rights === '') removeAcl.run(mailbox, identifier)
    else setAcl.run(mailbox, identifier, rights)
    after.changed.add(box.account, mailbox, 'acl')
    return { is: 'done', mailbox }
  }

  return {
    change(of: MailboxChange, now: number, after: After): MailboxDone | Impossible {
      switch (of.is) {
        case 'create':
          return create(of, now, after)
        case 'delete':
          return remove(of.mailbox, after)
        case 'rename':
          return renameTo(of.mailbox, of.name, now, after)
        case 'subscribe':
          return setSubscribed(of.account, of.name, of.on, after)
        case 'metadata':
          return setMetadata(of, after)
        case 'acl':
          return setRights(of.mailbox, of.identifier, of.rights, after)
        case 'recent':
          if (!ledger.mailbox(of.mailbox)) return { is: 'missing' }
          setRecent.run(of.uid + 1, of.mailbox)
          return { is: 'done', mailbox: of.mailbox }
      }
    },

    /** Where the account's mail is delivered; made where it is missing. Throws NoSuchAccount. */
    inbox(account: number, now: number, after: After): BoxState {
      const box = ledger.inbox(account)
      if (box) return box
      const made = ledger.mailbox(make(account, 'INBOX', [], now, after))
      if (!made) throw new Error('the INBOX that was made is not there')
      return made
    },

    /** What every account has from the beginning. */
    createFirst(account: number, now: number, after: After): void {
      for (const [name, use] of FIRST_MAILBOXES) {
        make(account, name, use === '' ? [] : [use], now, after)
        subscribe.run(account, name)
      }
    },

    /** The account is gone: its mailboxes are nobody's, and are swept away. */
    releaseAll(account: number, after: After): void {
      after.sweep = true
      for (const { id } of releaseAll.all(account)) after.changed.add(account, Number(id), 'list')
      for (const statement of ofAccount) statement.run(account)
    },
  }
}

export type MailboxTables = ReturnType<typeof mailboxTables>

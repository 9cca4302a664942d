import type { SQLOutputValue } from 'node:sqlite'
import type { Content } from '../../mail/content.ts'
import type { Envelope } from '../../mail/envelope.ts'
import { bodyPath, sweepBodies } from '../bodies.ts'
import type { Id } from '../../mail/id.ts'
import type { QuotaRoot } from '../mail-reader.ts'
import type { Entry, EntryState, QueueFilter } from '../operations.ts'
import { openReader } from './database.ts'
import { where } from './filter.ts'
import { limitOf } from './ledger.ts'
import { openMailReader, rootOf } from './mail-reader.ts'
import { entryOf } from './queue.ts'

/** What is only read, in whichever thread needs it, without disturbing the one that writes. Each answer is of one moment. */
export function openStorageReader(data: string) {
  const database = openReader(data)
  const prepare = (sql: string) => database.prepare(sql)
  const content = prepare('SELECT size, file, bytes FROM message WHERE id = ?')
  const message = prepare('SELECT id, at, size, sender, source, envelope FROM message WHERE id = ?')
  const entriesOf = prepare('SELECT * FROM entry WHERE message = ? ORDER BY n')
  const domain = prepare('SELECT catch_all FROM domain WHERE name = ?')
  const domains = prepare('SELECT * FROM domain ORDER BY name LIMIT ?')
  const account = prepare('SELECT id, address, hash FROM account WHERE address = ?')
  const accounts = prepare(
    `SELECT account.id, address, account.at, account.mails, account.bytes, coalesce(account.max_mails, each_mails) AS max_mails,
       coalesce(account.max_bytes, each_bytes) AS max_bytes
     FROM account LEFT JOIN domain ON domain.name = account.domain ORDER BY address LIMIT ?`,
  )
  const ownLimits = prepare('SELECT max_bytes, max_mails FROM account WHERE id = ?')
  const firstAccount = prepare("SELECT id, address FROM account WHERE address LIKE ? ESCAPE '\\' ORDER BY id LIMIT 1")
  const alias = prepare('SELECT targets FROM alias WHERE address = ?')
  const aliases = prepare('SELECT address, targets, at FROM alias ORDER BY address LIMIT ?')
  const mails = prepare(
    `SELECT mail.uid AS uid, mail.message AS message, mail.at AS at, mail.head AS head, mail.size AS size, message.sender AS sender
     FROM mail JOIN mailbox ON mail.mailbox = mailbox.id JOIN message ON message.id = mail.message
     WHERE mailbox.account = ? AND mailbox.name = ? AND mail.uid > ? ORDER BY mail.uid LIMIT ?`,
  )
  const imported = prepare('SELECT 1 FROM imported WHERE mailbox = ? AND fingerprint = ?')
  const timeline = prepare('SELECT events FROM timeline WHERE subject = ? ORDER BY seq LIMIT 10000')
  const searchTimeline = prepare(
    "SELECT subject FROM timeline WHERE subject < ? AND events LIKE ? ESCAPE '\\' ORDER BY subject DESC LIMIT ?",
  )
  const counts = prepare(
    'SELECT destination, state, count(*) AS entries, min(message) AS oldest FROM entry GROUP BY destination, state LIMIT 1000',
  )

  return {
    mail: openMailReader(database),
    /** undefined: no such message (any more). */
    content(id: Id): Content | undefined {
      const row = content.get(id)
      const bytes = row?.['bytes']
      if (!row || !(bytes instanceof Uint8Array)) return undefined
      if (row['file'] === 0) return { in: 'memory', bytes }
      return { in: 'file', path: bodyPath(data, id), head: bytes, size: Number(row['size']) }
    },
    message(id: Id): StoredMessage | undefined {
      const row = message.get(id)
      return row && messageOf(row)
    },
    /** Entries that fit, in order of message, with the message's size and sender. */
    entries(filter: QueueFilter, now: number, limit: number): QueueListing[] {
      const { sql, values } = where(filter, now)
      return database
        .prepare(`SELECT * FROM entry WHERE ${sql} ORDER BY message, n LIMIT ?`)
        .all(...values, limit)
        .flatMap(row => {
          const of = message.get(Number(row['message']))
          return of ? [{ ...entryOf(row), state: stateOf(row), message: Number(row['message']), ...summary(of) }] : []
        })
    },
    entriesOf(id: Id): (Entry & { state: EntryState })[] {
      return entriesOf.all(id).map(row => ({ ...entryOf(row), state: stateOf(row) }))
    },
    destinations(): { destination: string; state: EntryState; entries: number; oldest: Id }[] {
      return counts.all().map(row => ({
        destination: String(row['destination']),
        state: stateOf(row),
        entries: Number(row['entries']),
        oldest: Number(row['oldest']),
      }))
    },
    domain(name: string): { catchAll: string | undefined } | undefined {
      const row = domain.get(name)
      return row && { catchAll: textOf(row['catch_all']) }
    },
    domains(limit: number): DomainListing[] {
      return domains.all(limit).map(row => ({
        name: String(row['name']),
        catchAll: textOf(row['catch_all']),
        at: Number(row['at']),
        quota: rootOf(row, ''),
        each: { maxBytes: limitOf(row['each_bytes']), maxMails: limitOf(row['each_mails']) },
      }))
    },
    account(address: string): { id: number; address: string; hash: string } | undefined {
      const row = account.get(address)
      return row && { id: Number(row['id']), address: String(row['address']), hash: String(row['hash']) }
    },
    /** Those that were set for this account itself. */
    accountLimits(id: number): Pick<QuotaRoot, 'maxBytes' | 'maxMails'> {
      const row = ownLimits.get(id)
      return { maxBytes: limitOf(row?.['max_bytes']), maxMails: limitOf(row?.['max_mails']) }
    },
    /** The account that was made first, in this domain or, without one, of all. */
    firstAccount(of: string | undefined): { id: number; address: string } | undefined {
      const row = firstAccount.get(of === undefined ? '%' : `%@${of.replace(/[\\%_]/g, '\\$&')}`)
      return row && { id: Number(row['id']), address: String(row['address']) }
    },
    accounts(limit: number): AccountListing[] {
      return accounts.all(limit).map(row => ({
        id: Number(row['id']),
        address: String(row['address']),
        at: Number(row['at']),
        quota: rootOf(row, ''),
      }))
    },
    alias(address: string): readonly string[] | undefined {
      const row = alias.get(address)
      return row && JSON.parse(String(row['targets']))
    },
    aliases(limit: number): { address: string; targets: readonly string[]; at: number }[] {
      return aliases.all(limit).map(row => ({
        address: String(row['address']),
        targets: JSON.parse(String(row['targets'])),
        at: Number(row['at']),
      }))
    },
    /** What is in a mailbox of an account after this UID; nothing where there is no such mailbox. */
    mails(accountId: number, afterUid: number, limit: number, mailbox = 'INBOX'): MailListing[] {
      return mails.all(accountId, mailbox, afterUid, limit).map(row => ({
        uid: Number(row['uid']),
        message: Number(row['message']),
        at: Number(row['at']),
        head: String(row['head']),
        size: Number(row['size']),
        sender: String(row['sender']),
      }))
    },
    /** An import has put it there, and it may be gone again. */
    isImported(mailbox: number, fingerprint: Uint8Array): boolean {
      return imported.get(mailbox, fingerprint) !== undefined
    },
    /** The events of a message or session, JSON, in order. */
    timeline(subject: Id): string[] {
      return timeline.all(subject).flatMap(row => String(row['events']).split('\n'))
    },
    /** Messages and sessions whose events hold this text, the newest first. A scan. */
    search(text: string, before: Id, limit: number): Id[] {
      const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`
      return [...new Set(searchTimeline.all(before, pattern, limit).map(row => Number(row['subject'])))]
    },
    close(): void {
      database.close()
    },
  }
}

export type StorageReader = ReturnType<typeof openStorageReader>

export interface StoredMessage {
  readonly id: Id
  readonly at: number
  readonly size: number
  readonly sender: string
  readonly source: string
  readonly envelope: Envelope
}

export interface QueueListing extends Entry {
  readonly state: EntryState
  readonly at: number
  readonly size: number
  readonly sender: string
}

export interface AccountListing {
  readonly id: number
  readonly address: string
  readonly at: number
  /** The account's own limits, or those of its domain for each. */
  readonly quota: QuotaRoot
}

export interface DomainListing {
  readonly name: string
  readonly catchAll: string | undefined
  readonly at: number
  /** Of all its accounts together. */
  readonly quota: QuotaRoot
  /** For each account without limits of its own. */
  readonly each: Pick<QuotaRoot, 'maxBytes' | 'maxMails'>
}

export interface MailListing {
  readonly uid: number
  readonly message: Id
  readonly at: number
  /** Return-Path and Delivered-To, before the content. */
  readonly head: string
  /** Bytes, with `head`. */
  readonly size: number
  readonly sender: string
}

type Row = Record<string, SQLOutputValue>

const textOf = (value: SQLOutputValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

function stateOf(row: Row): EntryState {
  const state = row['state']
  return state === 'leased' || state === 'ready' || state === 'waiting' ? state : 'held'
}

function summary(row: Row): { at: number; size: number; sender: string } {
  return { at: Number(row['at']), size: Number(row['size']), sender: String(row['sender']) }
}

function messageOf(row: Row): StoredMessage {
  const envelope: Envelope = JSON.parse(String(row['envelope']))
  return { id: Number(row['id']), ...summary(row), source: String(row['source']), envelope }
}

/** Removes the body files that no message names; at the start, before anything is received. Answers how many. */
export function sweep(data: string): number {
  const database = openReader(data)
  const known = database.prepare('SELECT 1 FROM message WHERE id = ?')
  const removed = sweepBodies(data, id => known.get(id) !== undefined)
  database.close()
  return removed
}

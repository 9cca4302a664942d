import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'

/**
 * What a transaction counts: UIDs, MODSEQs, mails and bytes of mailboxes, usage of accounts and domains. A mailbox that a hundred deliveries
 * of one commit go into is read once and written once. Nothing here outlives its transaction.
 */

/** The account was removed while its mail was under way. */
export class NoSuchAccount extends Error {}

/** A mailbox, as this transaction leaves it. */
export interface BoxState {
  readonly id: number
  readonly account: number
  readonly name: string
  readonly uidValidity: number
  uidNext: number
  /** HIGHESTMODSEQ */
  modseq: number
  mails: number
  unseen: number
  deleted: number
  bytes: number
  /** Rows of the table. */
  vanished: number
  /** What vanished up to this MODSEQ is not known any more. */
  lost: number
  /** Mails that changed or vanished since `repack` was set last: see `packed.ts`. */
  unpacked: number
  /** What was packed before this MODSEQ is to be packed anew; 0: nothing. */
  repack: number
}

interface Usage {
  mails: number
  bytes: number
  readonly maxMails: number | undefined
  readonly maxBytes: number | undefined
}

interface AccountUsage extends Usage {
  readonly domain: DomainUsage | undefined
}

interface DomainUsage extends Usage {
  readonly name: string
}

/** RFC 9051 §2.3.1.1: UIDs have 32 bits. */
const MAX_UID = 2 ** 32 - 1

export function openLedger(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql)
  const readMailbox = prepare(
    `SELECT id, account, name, uid_validity, uid_next, modseq, mails, unseen, deleted, bytes, vanished, lost, unpacked, repack
     FROM mailbox WHERE id = ? AND account > 0`,
  )
  const writeMailbox = prepare(
    `UPDATE mailbox SET uid_next = ?, modseq = ?, mails = ?, unseen = ?, deleted = ?, bytes = ?, vanished = ?, lost = ?,
       unpacked = ?, repack = ?
     WHERE id = ?`,
  )
  const readInbox = prepare("SELECT id FROM mailbox WHERE account = ? AND name = 'INBOX'")
  const readAccount = prepare(
    `SELECT account.mails, account.bytes, account.domain, coalesce(account.max_mails, each_mails) AS max_mails,
       coalesce(account.max_bytes, each_bytes) AS max_bytes
     FROM account LEFT JOIN domain ON domain.name = account.domain WHERE account.id = ?`,
  )
  const writeAccount = prepare('UPDATE account SET mails = ?, bytes = ? WHERE id = ?')
  const readDomain = prepare('SELECT mails, bytes, max_mails, max_bytes FROM domain WHERE name = ?')
  const writeDomain = prepare('UPDATE domain SET mails = ?, bytes = ? WHERE name = ?')
  const mailboxes = new Map<number, BoxState>()
  const inboxes = new Map<number, number>()
  const accounts = new Map<number, AccountUsage>()
  const domains = new Map<string, DomainUsage>()

  function domain(name: string): DomainUsage | undefined {
    const known = domains.get(name)
    if (known) return known
    const row = readDomain.get(name)
    if (!row) return undefined
    const usage = { name, ...usageOf(row) }
    domains.set(name, usage)
    return usage
  }

  function account(id: number): AccountUsage | undefined {
    const known = accounts.get(id)
    if (known) return known
    const row = readAccount.get(id)
    if (!row) return undefined
    const usage = { ...usageOf(row), domain: domain(String(row['domain'])) }
    accounts.set(id, usage)
    return usage
  }

  function write(): void {
    for (const box of mailboxes.values()) {
      const { id, uidNext, modseq, mails, unseen, deleted, bytes, vanished, lost, unpacked, repack } = box
      writeMailbox.run(uidNext, modseq, mails, unseen, deleted, bytes, vanished, lost, unpacked, repack, id)
    }
    for (const [id, { mails, bytes }] of accounts) writeAccount.run(mails, bytes, id)
    for (const { name, mails, bytes } of domains.values()) writeDomain.run(mails, bytes, name)
  }

  function forget(): void {
    mailboxes.clear()
    inboxes.clear()
    accounts.clear()
    domains.clear()
  }

  return {
    begin: forget,
    save: write,
    committed: forget,

    /** Before statements that read or write the tables themselves. */
    flush(): void {
      write()
      forget()
    },

    /** undefined: there is none, or nobody's any more. */
    mailbox(id: number): BoxState | undefined {
      const known = mailboxes.get(id)
      if (known) return known
      const row = readMailbox.get(id)
      if (!row) return undefined
      const box = boxOf(row)
      mailboxes.set(id, box)
      return box
    },

    /** undefined: the account has no INBOX. Throws NoSuchAccount. */
    inbox(of: number): BoxState | undefined {
      if (!account(of)) throw new NoSuchAccount(`account ${of} is gone`)
      const id = inboxes.get(of) ?? Number(readInbox.get(of)?.['id'] ?? 0)
      inboxes.set(of, id)
      return this.mailbox(id)
    },

    /** Usage of the account and its domain; to be called for what comes and, with negative numbers, what goes. */
    use(id: number, mails: number, bytes: number): void {
      const usage = account(id)
      if (!usage) return
      for (const one of usage.domain ? [usage, usage.domain] : [usage]) {
        one.mails += mails
        one.bytes += bytes
      }
    },

    /** Whether the account may have so much more; what comes `from` another account of its domain leaves the domain's usage as it is. */
    allows(id: number, mails: number, bytes: number, from: number | undefined): boolean {
      const usage = account(id)
      if (!usage || from === id) return usage !== undefined
      if (!fits(usage, mails, bytes)) return false
      const { domain: whole } = usage
      const stays = whole !== undefined && from !== undefined && account(from)?.domain === whole
      return whole === undefined || stays || fits(whole, mails, bytes)
    },
  }
}

export type Ledger = ReturnType<typeof openLedger>

/** Whether so many more mails get UIDs. */
export function hasUids(box: BoxState, mails: number): boolean {
  return box.uidNext + mails <= MAX_UID
}

/** What takes nothing more is never refused, however full it is. */
function fits(usage: Usage, mails: number, bytes: number): boolean {
  const { maxMails = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = usage
  return (mails <= 0 || usage.mails + mails <= maxMails) && (bytes <= 0 || usage.bytes + bytes <= maxBytes)
}

type Row = Record<string, SQLOutputValue>

function boxOf(row: Row): BoxState {
  return {
    id: Number(row['id']),
    account: Number(row['account']),
    name: String(row['name']),
    uidValidity: Number(row['uid_validity']),
    uidNext: Number(row['uid_next']),
    modseq: Number(row['modseq']),
    mails: Number(row['mails']),
    unseen: Number(row['unseen']),
    deleted: Number(row['deleted']),
    bytes: Number(row['bytes']),
    vanished: Number(row['vanished']),
    lost: Number(row['lost']),
    unpacked: Number(row['unpacked']),
    repack: Number(row['repack']),
  }
}

function usageOf(row: Row): Usage {
  return {
    mails: Number(row['mails']),
    bytes: Number(row['bytes']),
    maxMails: limitOf(row['max_mails']),
    maxBytes: limitOf(row['max_bytes']),
  }
}

/** undefined: none. */
export function limitOf(value: SQLOutputValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { MAX_MAILBOXES, type SpecialUse } from '../mail-operations.ts'
import type { FetchRow, FetchWants, MailboxRow, MailReader, MailRow, QuotaRoot } from '../mail-reader.ts'
import { COLUMNS, columnsOf, openColumns } from './columns.ts'
import { openDescriptionReader } from './description-reader.ts'
import { bytesOf } from './descriptions.ts'
import { limitOf } from './ledger.ts'

/** The reading side of the mailboxes. What may be long comes as one JSON text of numbers out of SQLite and not row by row: see `columns.ts`. */
export function openMailReader(database: DatabaseSync): MailReader {
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  const box = `SELECT mailbox.*, address AS owner FROM mailbox JOIN account ON account.id = mailbox.account`
  const mailboxes = prepare(`${box} WHERE account = ? ORDER BY mailbox.name LIMIT ${MAX_MAILBOXES + 100}`)
  const mailbox = prepare(`${box} WHERE mailbox.id = ?`)
  const mailboxNamed = prepare(`${box} WHERE account = ? AND mailbox.name = ?`)
  const shared = prepare(
    `${box} WHERE mailbox.id IN (SELECT mailbox FROM acl WHERE identifier IN (?, 'anyone', 'authuser')) AND account <> ?
     ORDER BY owner, mailbox.name LIMIT ${MAX_MAILBOXES}`,
  )
  const subscriptions = prepare('SELECT name FROM subscription WHERE account = ? ORDER BY name')
  const keywords = prepare('SELECT place, name FROM keyword WHERE mailbox = ? ORDER BY place')
  const columns = openColumns(database)
  const since = prepare(
    `${COLUMNS} (
       SELECT uid, flags, modseq FROM mail INDEXED BY mail_changed WHERE mailbox = ?1 AND changed = 1 AND modseq > ?2
       UNION ALL
       SELECT uid, flags, modseq FROM mail NOT INDEXED WHERE mailbox = ?1 AND uid >= ?3 AND changed = 0 AND modseq > ?2
       ORDER BY uid)`,
  )
  const gone = prepare('SELECT first, last FROM vanished WHERE mailbox = ? AND modseq > ? ORDER BY first')
  const lost = prepare('SELECT lost FROM mailbox WHERE id = ? AND account > 0')
  const mail = prepare(
    'SELECT uid, message, at, saved, head, size, flags, modseq FROM mail WHERE mailbox = ? AND uid = ?',
  )
  const mailRows = prepare(
    `SELECT uid, message, at, saved, head, size, flags, modseq FROM mail NOT INDEXED
     WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`,
  )
  mailRows.setReturnArrays(true)
  const copies = prepare('SELECT uid FROM mail INDEXED BY mail_message WHERE mailbox = ? AND message = ? ORDER BY uid')
  const acl = prepare('SELECT identifier, rights FROM acl WHERE mailbox = ? ORDER BY identifier')
  const metadata = prepare('SELECT name, value FROM metadata WHERE mailbox = ? AND account = ? ORDER BY name')
  const quota = prepare(
    `SELECT account.bytes, account.mails, coalesce(account.max_bytes, each_bytes) AS max_bytes,
       coalesce(account.max_mails, each_mails) AS max_mails, domain.bytes AS domain_bytes, domain.mails AS domain_mails,
       domain.max_bytes AS domain_max_bytes, domain.max_mails AS domain_max_mails
     FROM account LEFT JOIN domain ON domain.name = account.domain WHERE account.id = ?`,
  )
  const [begin, commit] = ['BEGIN', 'COMMIT'].map(prepare)
  const searches = new Map<string, StatementSync>()

  /** Prepared when it is first asked for. */
  function search(sql: string): StatementSync {
    const known = searches.get(sql) ?? prepare(sql)
    searches.set(sql, known)
    return known
  }

  let reading = false

  function atOnce<Value>(read: () => Value): Value {
    if (reading) return read()
    begin?.run()
    reading = true
    try {
      return read()
    } finally {
      reading = false
      commit?.run()
    }
  }

  function vanished(id: number, modseq: number): readonly number[] | undefined {
    const row = lost.get(id)
    if (!row || modseq < Number(row['lost'])) return undefined
    const uids: number[] = []
    for (const { first, last } of gone.all(id, modseq)) {
      for (let uid = Number(first); uid <= Number(last); uid++) uids.push(uid)
    }
    return uids
  }

  return {
    atOnce,
    mailboxes: account => mailboxes.all(account).map(mailboxOf),
    mailbox: id => optional(mailbox.get(id), mailboxOf),
    mailboxNamed: (account, name) => optional(mailboxNamed.get(account, name), mailboxOf),
    shared: (account, address) => shared.all(address, account).map(mailboxOf),
    subscriptions: account => subscriptions.all(account).map(row => String(row['name'])),
    keywords: id => keywords.all(id).map(row => [Number(row['place']), String(row['name'])] as const),
    mails: id => atOnce(() => columns.mails(id)),
    changes: (id, modseq, uidNext) =>
      atOnce(() => ({ mails: columnsOf(since.get(id, modseq, uidNext)), vanished: vanished(id, modseq) })),
    vanished: (id, modseq) => atOnce(() => vanished(id, modseq)),
    mail: (id, uid) => optional(mail.get(id, uid), mailOf),
    mailRows: (id, [first, last], limit) => mailRows.all(id, first, last, limit).map(listedMailOf),
    fetchRows(id, [first, last], limit, wants) {
      const statement = search(fetchSql(wants))
      statement.setReturnArrays(true)
      return statement.all(id, first, last, limit).map(fetchRowOf)
    },
    copies: (id, message) => copies.all(id, message).map(row => Number(row['uid'])),
    ...openDescriptionReader(database),
    column(id, name, [first, last]) {
      const sql = `SELECT json_group_array(json_array(uid, ${valueOf(name)})) AS json
        FROM (SELECT * FROM mail NOT INDEXED WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid)`
      return JSON.parse(jsonText(search(sql), id, first, last))
    },
    where(id, name, is, value) {
      const sql = `SELECT json_group_array(uid) AS json
        FROM (SELECT uid FROM mail NOT INDEXED WHERE mailbox = ? AND ${valueOf(name)} ${is} ? ORDER BY uid)`
      return JSON.parse(jsonText(search(sql), id, value))
    },
    acl: id => acl.all(id).map(row => ({ identifier: String(row['identifier']), rights: String(row['rights']) })),
    metadata: (account, id) =>
      metadata
        .all(id ?? 0, account)
        .map(row => ({ name: String(row['name']), value: bytesOf(row['value']) ?? new Uint8Array(0) })),
    quota(account) {
      const row = quota.get(account)
      return { account: rootOf(row, ''), domain: rootOf(row, 'domain_') }
    },
  }
}

type Row = Record<string, SQLOutputValue>

function optional<T>(row: Row | undefined, of: (row: Row) => T): T | undefined {
  return row && of(row)
}

/** RFC 5256 §2.2: without a usable Date the internal date stands for it. */
function valueOf(name: 'at' | 'sent' | 'saved' | 'size'): string {
  return name === 'sent' ? 'coalesce(sent, at)' : name
}

/** A list that SQLite wrote. */
function jsonText(statement: StatementSync, ...values: SQLInputValue[]): string {
  return String(statement.get(...values)?.['json'])
}

const USES: readonly SpecialUse[] = ['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash']

function mailboxOf(row: Row): MailboxRow {
  const uses = row['special_use'] === '' ? [] : String(row['special_use']).split(' ')
  return {
    id: Number(row['id']),
    account: Number(row['account']),
    owner: String(row['owner']),
    name: String(row['name']),
    uidValidity: Number(row['uid_validity']),
    uidNext: Number(row['uid_next']),
    modseq: Number(row['modseq']),
    exists: Number(row['mails']),
    unseen: Number(row['unseen']),
    deleted: Number(row['deleted']),
    size: Number(row['bytes']),
    recentFrom: Number(row['recent_from']),
    specialUse: USES.filter(use => uses.includes(use)),
  }
}

function mailOf(row: Row): MailRow {
  return {
    uid: Number(row['uid']),
    message: Number(row['message']),
    at: Number(row['at']),
    saved: Number(row['saved']),
    head: String(row['head']),
    size: Number(row['size']),
    flags: Number(row['flags']),
    modseq: Number(row['modseq']),
  }
}

/** The same, of the columns in their order. */
function listedMailOf(row: Row): MailRow {
  return {
    uid: Number(row[0]),
    message: Number(row[1]),
    at: Number(row[2]),
    saved: Number(row[3]),
    head: String(row[4]),
    size: Number(row[5]),
    flags: Number(row[6]),
    modseq: Number(row[7]),
  }
}

function fetchSql({ envelope, body, structure, content }: FetchWants): string {
  const wanted = [
    envelope ? 'description.envelope' : 'NULL',
    body ? 'description.body' : 'NULL',
    structure ? 'description.structure' : 'NULL',
    content ? 'CASE message.file WHEN 0 THEN message.bytes END' : 'NULL',
  ]
  const described = envelope || body || structure
  return `SELECT mail.uid, mail.message, mail.at, mail.saved, mail.head, mail.size, mail.flags, mail.modseq, ${wanted.join(', ')} FROM mail NOT INDEXED
    ${described ? 'LEFT JOIN description ON description.message = mail.message' : ''}
    ${content ? 'LEFT JOIN message ON message.id = mail.message' : ''}
    WHERE mail.mailbox = ? AND mail.uid BETWEEN ? AND ? ORDER BY mail.uid LIMIT ?`
}

function fetchRowOf(row: Row): FetchRow {
  return {
    ...listedMailOf(row),
    envelope: bytesOf(row[8]),
    body: bytesOf(row[9]),
    structure: bytesOf(row[10]),
    content: bytesOf(row[11]),
  }
}

/** Used and allowed, of the columns with this prefix. */
export function rootOf(row: Row | undefined, prefix: '' | 'domain_'): QuotaRoot {
  return {
    usedBytes: Number(row?.[`${prefix}bytes`] ?? 0),
    usedMails: Number(row?.[`${prefix}mails`] ?? 0),
    maxBytes: limitOf(row?.[`${prefix}max_bytes`]),
    maxMails: limitOf(row?.[`${prefix}max_mails`]),
  }
}

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { formatId, type Id, parseId, timeOfId } from '../../mail/id.ts'
import { bodyPath } from '../bodies.ts'
import { checkMailbox } from './check-mailbox.ts'
import { openReader } from './database.ts'

/**
 * Looks whether the data agree with themselves, beside a running server too: each question is a read of one moment, and short, so that the
 * log can be written back meanwhile (but for SQLite's own check of the pages).
 */

export interface CheckOptions {
  readonly data: string
  /** Nobody else writes: then every body file without a message is one too many; otherwise it may be on its way in. */
  readonly alone: boolean
  /** ms since 1970 */
  readonly now: number
  /** What is looked at, and how far it is, 0 to 1. */
  readonly progress: (what: string, done: number) => void
}

export interface Checked {
  /** What is wrong, a line each; at most MOST. */
  readonly problems: readonly string[]
  readonly mailboxes: number
  readonly mails: number
  readonly messages: number
}

/** Lines that are told; behind them only that there are more. */
const MOST = 1000
/** Messages in one question. */
const STEP = 2000
/** ms that a message may take to come in. */
const RECEPTION = 86_400_000

/** Throws when the database cannot be read at all. */
export function checkStorage({ data, alone, now, progress }: CheckOptions): Checked {
  const database = openReader(data)
  const problems: string[] = []
  let left = 0
  const say = (problem: string): void => {
    if (problems.length < MOST) problems.push(problem)
    else left++
  }
  try {
    progress('database', 0)
    checkDatabase(database, say)
    const { mailboxes, mails } = checkMailboxes(database, say, done => progress('mailboxes', done))
    checkUsage(database, say)
    const messages = checkMessages(database, data, say, done => progress('messages', done))
    progress('files', 0)
    checkFiles(database, data, alone ? now : now - RECEPTION, say)
    if (left > 0) problems.push(`and ${left} more`)
    return { problems, mailboxes, mails, messages }
  } finally {
    database.close()
  }
}

export type Say = (problem: string) => void

function checkDatabase(database: DatabaseSync, say: Say): void {
  for (const row of database.prepare(`PRAGMA integrity_check(${MOST})`).all()) {
    const text = String(row['integrity_check'])
    if (text !== 'ok') say(`the database is damaged: ${text}`)
  }
  for (const table of ['mail', 'keyword', 'vanished', 'acl', 'imported', 'search_block', 'packed']) {
    const sql = `SELECT DISTINCT mailbox FROM ${table} WHERE mailbox NOT IN (SELECT id FROM mailbox) LIMIT ${MOST}`
    for (const { mailbox } of database.prepare(sql).all())
      say(`there are rows of ${table} for a mailbox ${String(mailbox)} that is not there`)
  }
  const rows = database.prepare(
    `SELECT DISTINCT id / 4096 AS block FROM search_row WHERE id / 4096 NOT IN (SELECT id FROM search_block) LIMIT ${MOST}`,
  )
  for (const { block } of rows.all())
    say(`there are rows of the search index for a block ${String(block)} that is not there`)
}

function checkMailboxes(
  database: DatabaseSync,
  say: Say,
  progress: (done: number) => void,
): { mailboxes: number; mails: number } {
  const ids = database.prepare('SELECT id FROM mailbox WHERE account > 0 ORDER BY id').all()
  const check = checkMailbox(database)
  let mails = 0
  ids.forEach(({ id }, i) => {
    progress(i / ids.length)
    mails += atOnce(database, () => check(Number(id), say))
  })
  return { mailboxes: ids.length, mails }
}

/** One moment for several questions. */
function atOnce<T>(database: DatabaseSync, look: () => T): T {
  database.exec('BEGIN')
  try {
    return look()
  } finally {
    database.exec('COMMIT')
  }
}

function checkUsage(database: DatabaseSync, say: Say): void {
  const sums = [
    `SELECT address AS name, mails, bytes,
       (SELECT coalesce(sum(mails), 0) FROM mailbox WHERE account = account.id) AS counted,
       (SELECT coalesce(sum(bytes), 0) FROM mailbox WHERE account = account.id) AS summed FROM account`,
    `SELECT name, mails, bytes, coalesce(counted, 0) AS counted, coalesce(summed, 0) AS summed FROM domain LEFT JOIN
       (SELECT domain AS of, sum(mails) AS counted, sum(bytes) AS summed FROM account GROUP BY domain) ON of = name`,
  ]
  for (const sql of sums) {
    for (const { name, mails, bytes, counted, summed } of database.prepare(sql).all()) {
      if (mails === counted && bytes === summed) continue
      say(
        `${String(name)} is counted with ${String(mails)} mails of ${String(bytes)} bytes, and has ${String(counted)} of ${String(summed)}`,
      )
    }
  }
  const strangers = database.prepare(
    `SELECT id, name FROM mailbox WHERE account > 0 AND account NOT IN (SELECT id FROM account) LIMIT ${MOST}`,
  )
  for (const { id, name } of strangers.all()) say(`mailbox ${String(id)}, ${String(name)}, belongs to no account`)
}

/** Each with what is said of it; in order, in steps. */
const OF_MESSAGES: readonly (readonly [sql: string, problem: string])[] = [
  [
    `SELECT id FROM message WHERE NOT EXISTS (SELECT 1 FROM entry WHERE message = id)
     AND NOT EXISTS (SELECT 1 FROM mail WHERE message = id) AND NOT EXISTS (SELECT 1 FROM unreferenced WHERE message = id)`,
    'is in no mailbox and not in the queue',
  ],
  [
    `SELECT id FROM message WHERE EXISTS (SELECT 1 FROM mail WHERE message = id)
     AND NOT EXISTS (SELECT 1 FROM description WHERE message = id) AND NOT EXISTS (SELECT 1 FROM undescribed WHERE message = id)`,
    'has no description, and waits for none',
  ],
]

/** What refers to a message that is not there. */
const TO_MESSAGES: readonly (readonly [sql: string, problem: string])[] = [
  ['SELECT message FROM description WHERE message NOT IN (SELECT id FROM message)', 'has a description, but is gone'],
  [
    'SELECT message FROM undescribed WHERE message NOT IN (SELECT id FROM message)',
    'waits for a description, but is gone',
  ],
  [
    'SELECT message FROM undescribed WHERE message IN (SELECT message FROM description)',
    'waits for the description that it has',
  ],
  ['SELECT message FROM entry WHERE message NOT IN (SELECT id FROM message)', 'is in the queue, but is gone'],
]

function checkMessages(database: DatabaseSync, data: string, say: Say, progress: (done: number) => void): number {
  const some = database.prepare(
    `SELECT id, size, file, length(bytes) AS bytes FROM message WHERE id > ? ORDER BY id LIMIT ${STEP}`,
  )
  const still = database.prepare('SELECT 1 FROM message WHERE id = ?')
  const total = Math.max(1, Number(database.prepare('SELECT count(*) AS n FROM message').get()?.['n']))
  const ofRange = OF_MESSAGES.map(
    ([sql, problem]) => [database.prepare(`${sql} AND id > ? AND id <= ?`), problem] as const,
  )
  let after: Id = -1
  let seen = 0
  for (let rows = some.all(after); rows.length > 0; rows = some.all(after)) {
    const last = Number(rows.at(-1)?.['id'])
    for (const [statement, problem] of ofRange)
      for (const { id } of statement.all(after, last)) say(`message ${formatId(Number(id))} ${problem}`)
    for (const row of rows) {
      const wrong = sizeProblem(data, Number(row['id']), row['file'] === 1, Number(row['bytes']), Number(row['size']))
      if (wrong !== undefined && still.get(Number(row['id']))) say(wrong)
    }
    after = last
    seen += rows.length
    progress(Math.min(1, seen / total))
  }
  for (const [sql, problem] of TO_MESSAGES)
    for (const { message } of database.prepare(`${sql} LIMIT ${MOST}`).all())
      say(`message ${formatId(Number(message))} ${problem}`)
  return seen
}

/** undefined: what is stored is as large as it should be. */
function sizeProblem(data: string, id: Id, file: boolean, bytes: number, size: number): string | undefined {
  const name = formatId(id)
  if (!file) return bytes === size ? undefined : `message ${name} has ${bytes} bytes instead of ${size}`
  const found = statSync(bodyPath(data, id), { throwIfNoEntry: false })
  if (!found) return `message ${name} has lost its file bodies/${name}`
  const whole = bytes + found.size
  return whole === size ? undefined : `message ${name} has ${whole} bytes instead of ${size} with bodies/${name}`
}

/** `before`, ms since 1970: what began to come in later may still be coming. */
function checkFiles(database: DatabaseSync, data: string, before: number, say: Say): void {
  const known = database.prepare('SELECT 1 FROM message WHERE id = ? AND file = 1')
  for (const name of readdirSync(join(data, 'bodies'))) {
    const id = parseId(name)
    if (id === undefined) say(`bodies/${name} is not a file of ours`)
    else if (timeOfId(id) <= before && !known.get(id)) say(`bodies/${name} belongs to no message`)
  }
}

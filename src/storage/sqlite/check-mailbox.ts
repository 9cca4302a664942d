import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { FIRST_KEYWORD, hasBit, MAX_KEYWORDS, union } from '../../mail/flags.ts'
import { openColumns } from './columns.ts'
import { BLOCK, bytesOf } from './descriptions.ts'
import { unpack } from './packing.ts'

/** UIDs and the like that are named of one kind. */
const SOME = 10

/** What a mailbox counts, and what is counted in it: [column, what it is called]. */
const COUNTERS = [
  ['mails', 'mails'],
  ['unseen', 'unseen mails'],
  ['deleted', 'deleted mails'],
  ['bytes', 'bytes'],
  ['vanished', 'rows of what vanished'],
] as const

type Row = Record<string, SQLOutputValue>

/** Looks at one mailbox; inside the caller's transaction. Answers how many mails it has. */
export function checkMailbox(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql)
  const kept = prepare('SELECT * FROM mailbox WHERE id = ? AND account > 0')
  const counted = prepare(
    `SELECT count(*) AS mails, count(*) FILTER (WHERE flags & 1 = 0) AS unseen, count(*) FILTER (WHERE flags & 8 <> 0) AS deleted,
       coalesce(sum(size), 0) AS bytes, coalesce(max(uid), 0) AS uid, coalesce(max(modseq), 0) AS modseq,
       (SELECT count(*) FROM vanished WHERE mailbox = ?1) AS vanished,
       (SELECT coalesce(max(modseq), 0) FROM vanished WHERE mailbox = ?1) AS vanished_modseq,
       (SELECT coalesce(max(last), 0) FROM vanished WHERE mailbox = ?1) AS vanished_uid
     FROM mail WHERE mailbox = ?1`,
  )
  const flags = prepare('SELECT DISTINCT flags FROM mail WHERE mailbox = ?')
  const places = prepare('SELECT place FROM keyword WHERE mailbox = ?')
  const lists = [
    [
      `SELECT uid FROM mail WHERE mailbox = ? AND NOT EXISTS (SELECT 1 FROM message WHERE id = mail.message)`,
      'have lost their message',
    ],
    [
      `SELECT uid FROM mail JOIN message ON message.id = mail.message
       WHERE mailbox = ? AND mail.size <> message.size + octet_length(head)`,
      'have another size than their message',
    ],
    [
      `SELECT uid FROM mail JOIN description ON description.message = mail.message
       WHERE mailbox = ? AND mail.sent IS NOT description.sent`,
      'have another date than their description',
    ],
    [
      `SELECT uid FROM vanished JOIN mail ON mail.mailbox = vanished.mailbox AND uid BETWEEN first AND last
       WHERE vanished.mailbox = ?`,
      'are there, although they vanished',
    ],
  ].map(([sql, problem]) => [prepare(`${sql} LIMIT ${SOME}`), problem] as const)
  const blocks = prepare(
    `SELECT block, rows, (SELECT count(*) FROM search_row WHERE id >= search_block.id * 4096 AND id < (search_block.id + 1) * 4096) AS there
     FROM search_block WHERE mailbox = ?`,
  )
  const packed = prepare('SELECT block, bytes FROM packed WHERE mailbox = ? AND modseq > 0')
  const columns = openColumns(database)
  const parent = prepare('SELECT 1 FROM mailbox WHERE account = ? AND name = ?')

  function checkRow(row: Row, count: Row, say: (problem: string) => void): void {
    for (const [column, name] of COUNTERS)
      if (row[column] !== count[column])
        say(`is said to have ${String(row[column])} ${name}, and has ${String(count[column])}`)
    const uid = Math.max(Number(count['uid']), Number(count['vanished_uid']))
    if (Number(row['uid_next']) <= uid) say(`would give the UID ${String(row['uid_next'])} next, but ${uid} is used`)
    const modseq = Math.max(Number(count['modseq']), Number(count['vanished_modseq']))
    if (Number(row['modseq']) < modseq) say(`has the MODSEQ ${String(row['modseq'])}, but ${modseq} in it`)
    const [above] = /^.*(?=\/)/.exec(String(row['name'])) ?? []
    if (above !== undefined && !parent.get(Number(row['account']), above)) say('has no mailbox above it')
  }

  function checkKeywords(mailbox: number, say: (problem: string) => void): void {
    let bits = 0
    for (const row of flags.all(mailbox)) bits = union(bits, Number(row['flags']))
    const named = new Set(places.all(mailbox).map(row => Number(row['place'])))
    for (let place = FIRST_KEYWORD; place < FIRST_KEYWORD + MAX_KEYWORDS; place++)
      if (hasBit(bits, place) && !named.has(place)) say(`uses a keyword at place ${place} that has no name`)
  }

  function checkBlocks(mailbox: number, row: Row, say: (problem: string) => void): void {
    const whole = new Set<number>()
    for (const { block, rows, there } of blocks.all(mailbox)) {
      if (rows !== there)
        say(`has ${String(there)} of ${String(rows)} rows in block ${String(block)} of the search index`)
      if ((Number(block) + 1) * BLOCK > Number(row['uid_next']))
        say(`has block ${String(block)} in the search index, which is not full`)
      whole.add(Number(block))
    }
    if (whole.has(Number(row['indexed'])))
      say(`has block ${String(row['indexed'])} in the search index, and does not know it`)
  }

  /** What is read packed, with what changed since, is what the rows say. */
  function checkPacked(mailbox: number, say: (problem: string) => void): void {
    for (const { block, bytes } of packed.all(mailbox))
      if (!unpack(bytesOf(bytes) ?? new Uint8Array(0)))
        say(`has packed columns that are damaged, of block ${String(block)}`)
    const [read, right] = [columns.mails(mailbox), columns.rows(mailbox)]
    const other = right.uids.findIndex(
      (uid, i) => read.uids[i] !== uid || read.flags[i] !== right.flags[i] || read.modseqs[i] !== right.modseqs[i],
    )
    const uid = right.uids[other] ?? read.uids[right.uids.length]
    if (uid !== undefined) say(`has packed columns that are not those of its mails, from UID ${uid} on`)
  }

  return (mailbox: number, say: (problem: string) => void): number => {
    const [row, count] = [kept.get(mailbox), counted.get(mailbox)]
    if (!row || !count) return 0
    const sayOf = (problem: string): void => say(`mailbox ${mailbox}, ${String(row['name'])}, ${problem}`)
    checkRow(row, count, sayOf)
    checkKeywords(mailbox, sayOf)
    checkBlocks(mailbox, row, sayOf)
    checkPacked(mailbox, sayOf)
    for (const [statement, problem] of lists) {
      const uids = statement.all(mailbox).map(({ uid }) => uid)
      if (uids.length > 0) sayOf(`has mails that ${problem}: UID ${uids.join(', ')}${uids.length === SOME ? ' …' : ''}`)
    }
    return Number(count['mails'])
  }
}

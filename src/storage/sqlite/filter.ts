import type { QueueFilter } from '../operations.ts'

/** A condition on the table `entry`, with its values. */
export function where(filter: QueueFilter, now: number): { sql: string; values: (string | number)[] } {
  const parts: string[] = ['1']
  const values: (string | number)[] = []
  const add = (sql: string, value: string | number | undefined): void => {
    if (value === undefined) return
    parts.push(sql)
    values.push(value)
  }
  add('message = ?', filter.id)
  add('state = ?', filter.state)
  add("recipient LIKE ? ESCAPE '\\'", contains(filter.recipient))
  add("recipient LIKE ? ESCAPE '\\'", filter.domain === undefined ? undefined : `%@${escape(filter.domain)}`)
  add("reply LIKE ? ESCAPE '\\'", contains(filter.reply))
  add("message IN (SELECT id FROM message WHERE sender LIKE ? ESCAPE '\\')", contains(filter.sender))
  add(
    'message IN (SELECT id FROM message WHERE at <= ?)',
    filter.olderThan === undefined ? undefined : now - filter.olderThan,
  )
  return { sql: parts.join(' AND '), values }
}

const escape = (text: string): string => text.replace(/[\\%_]/g, '\\$&')
const contains = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : `%${escape(text)}%`

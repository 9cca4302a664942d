/**
 * Names of mailboxes: levels with `/` between them, in Unicode. What is legal here can be made into a path of folders by any exporter without
 * leaving the place where it began, and is written by IMAP without surprises.
 */

declare const checked: unique symbol
/** Legal and in its one form. Only `parseMailboxName` makes one. */
export type MailboxName = string & { readonly [checked]: 'MailboxName' }

/** Between levels. */
export const SEPARATOR = '/'
/** RFC 9051 §5.1: in any case it means the same. */
export const INBOX = 'INBOX'

const MAX_LEVELS = 20
/** Of the whole name, in UTF-8. */
const MAX_BYTES = 1000
// RFC 5198 §2: no control characters; line and paragraph separators neither; what isn't a character cannot be written. RFC 9051 §6.3.9: * and % are
// wildcards, a mailbox of such a name could not be asked for alone.
const ILLEGAL = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u2028\u2029%*]/u

/** The name in the form in which names are kept and compared: NFC, INBOX in capitals as the first level. It may still be illegal. */
export function canonicalName(text: string): string {
  const name = text.normalize('NFC') // RFC 9051 §5.1: Net-Unicode
  const first = name.split(SEPARATOR, 1)[0] ?? ''
  return first.toUpperCase() === INBOX ? INBOX + name.slice(first.length) : name
}

/** undefined: no mailbox may have this name. */
export function parseMailboxName(text: string): MailboxName | undefined {
  if (text.length > MAX_BYTES) return undefined
  const name = canonicalName(text)
  return isLegal(name) ? name : undefined
}

function isLegal(name: string): name is MailboxName {
  if (Buffer.byteLength(name) > MAX_BYTES || ILLEGAL.test(name)) return false
  const levels = name.split(SEPARATOR)
  return levels.length <= MAX_LEVELS && levels.every(isLegalLevel)
}

/** `.` and `..` mean other folders to every file system. */
function isLegalLevel(level: string): boolean {
  return level !== '' && level !== '.' && level !== '..' && level.trim() === level
}

/** undefined: it stands at the top. */
export function parentOf(name: string): string | undefined {
  const end = name.lastIndexOf(SEPARATOR)
  return end < 0 ? undefined : name.slice(0, end)
}

/** All that it stands below, the nearest first. */
export function parentsOf(name: string): string[] {
  const parents: string[] = []
  for (let parent = parentOf(name); parent !== undefined; parent = parentOf(parent)) parents.push(parent)
  return parents
}

/** Children, and their children. */
export function isBelow(name: string, parent: string): boolean {
  return name.length > parent.length && name.startsWith(parent) && name[parent.length] === SEPARATOR
}

/** Parents stand before what is below them, and all of that before the next name: `a`, `a/b`, `a b`. */
export function inOrder(names: Iterable<string>): string[] {
  const keyed = [...names].map(name => [name.replaceAll(SEPARATOR, '\0'), name] as const)
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name)
}

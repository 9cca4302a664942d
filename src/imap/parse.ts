/** RFC 9051 §9: command = tag SP … Each command is a row of COMMANDS and a file of `commands/`. */
import type { Command } from './command.ts'
import { ofIdentifier, setAcl } from './commands/acl.ts'
import { append, replace } from './commands/append.ts'
import { copy } from './commands/copy.ts'
import { compress, enable } from './commands/enable.ts'
import { uidExpunge } from './commands/expunge.ts'
import { fetch } from './commands/fetch.ts'
import { id } from './commands/id.ts'
import { list, lsub } from './commands/list.ts'
import { authenticate, login } from './commands/login.ts'
import { create, oneMailbox, rename } from './commands/mailbox.ts'
import { getMetadata, setMetadata } from './commands/metadata.ts'
import { notify } from './commands/notify.ts'
import { plain } from './commands/plain.ts'
import { getQuota, setQuota } from './commands/quota.ts'
import { search } from './commands/search.ts'
import { select } from './commands/select.ts'
import { sort, thread } from './commands/sort.ts'
import { status } from './commands/status.ts'
import { store } from './commands/store.ts'
import { atEnd, bad, type Cursor, expected, match, openCursor } from './parser.ts'
import { MAX_TAG, type RawCommand, readTag } from './raw-command.ts'

export type Parsed =
  | { readonly is: 'command'; readonly tag: string; readonly command: Command }
  /** `tag`: '*' when there is none. `text`: for people. */
  | { readonly is: 'bad'; readonly tag: string; readonly text: string }
  /** `code`: without brackets. */
  | { readonly is: 'no'; readonly tag: string; readonly code: string; readonly text: string }

const COMMANDS: ReadonlyMap<string, (c: Cursor) => Command> = new Map<string, (c: Cursor) => Command>([
  ['CAPABILITY', plain('CAPABILITY')],
  ['NOOP', plain('NOOP')],
  ['LOGOUT', plain('LOGOUT')],
  ['ID', id],
  ['STARTTLS', plain('STARTTLS')],
  ['AUTHENTICATE', authenticate],
  ['LOGIN', login],
  ['ENABLE', enable],
  ['COMPRESS', compress],
  ['UNAUTHENTICATE', plain('UNAUTHENTICATE')],
  ['NAMESPACE', plain('NAMESPACE')],
  ['SELECT', select('SELECT')],
  ['EXAMINE', select('EXAMINE')],
  ['CREATE', create],
  ['DELETE', oneMailbox('DELETE')],
  ['RENAME', rename],
  ['SUBSCRIBE', oneMailbox('SUBSCRIBE')],
  ['UNSUBSCRIBE', oneMailbox('UNSUBSCRIBE')],
  ['LIST', list],
  ['LSUB', lsub],
  ['STATUS', status],
  ['APPEND', append],
  ['IDLE', plain('IDLE')],
  ['NOTIFY', notify],
  ['CHECK', plain('CHECK')],
  ['CLOSE', plain('CLOSE')],
  ['UNSELECT', plain('UNSELECT')],
  ['EXPUNGE', plain('EXPUNGE')],
  ['UID EXPUNGE', uidExpunge],
  ['SEARCH', search(false)],
  ['UID SEARCH', search(true)],
  ['SORT', sort(false)],
  ['UID SORT', sort(true)],
  ['THREAD', thread(false)],
  ['UID THREAD', thread(true)],
  ['FETCH', fetch(false)],
  ['UID FETCH', fetch(true)],
  ['STORE', store(false)],
  ['UID STORE', store(true)],
  ['COPY', copy('COPY', false)],
  ['UID COPY', copy('COPY', true)],
  ['MOVE', copy('MOVE', false)],
  ['UID MOVE', copy('MOVE', true)],
  ['REPLACE', replace(false)],
  ['UID REPLACE', replace(true)],
  ['GETQUOTA', getQuota],
  ['GETQUOTAROOT', oneMailbox('GETQUOTAROOT')],
  ['SETQUOTA', setQuota],
  ['GETACL', oneMailbox('GETACL')],
  ['SETACL', setAcl],
  ['DELETEACL', ofIdentifier('DELETEACL')],
  ['LISTRIGHTS', ofIdentifier('LISTRIGHTS')],
  ['MYRIGHTS', oneMailbox('MYRIGHTS')],
  ['GETMETADATA', getMetadata],
  ['SETMETADATA', setMetadata],
])

/** `utf8`: names of mailboxes are UTF-8, because IMAP4rev2 or UTF8=ACCEPT is enabled; otherwise modified UTF-7. */
export function parseCommand(raw: RawCommand, context: { readonly utf8: boolean }): Parsed {
  const c = openCursor(raw, context.utf8)
  const tag = readTag(c.text)
  if (tag === undefined) return { is: 'bad', tag: '*', text: 'A tag is expected, and then a command' }
  c.at = tag.length
  const command = readCommand(c)
  if (c.failure?.is === 'bad') return { is: 'bad', tag, text: c.failure.text }
  if (c.failure) return { is: 'no', tag, code: c.failure.code, text: c.failure.text }
  return command ? { is: 'command', tag, command } : { is: 'bad', tag, text: 'Unknown command' }
}

const NAME = / (?:UID )?[A-Z]+/iy

/** undefined: there is no such command. */
function readCommand(c: Cursor): Command | undefined {
  const name = match(c, NAME).slice(1).toUpperCase()
  const read = COMMANDS.get(name)
  if (!read) {
    if (name === '') bad(c, 'A command is expected after the tag')
    return undefined
  }
  c.name = name
  c.arguments = c.at
  const command = read(c)
  match(c, / +/y) // some clients leave a space there
  if (!atEnd(c)) expected(c, 'Nothing more')
  return command
}

// RFC 9051 §6.3.12, RFC 8508 §4: a literal before which the mailbox is named already.
const MESSAGE = /^[^ ]+ (?:APPEND|(?:UID )?REPLACE [^ ]+) [^ ]/i
/** Octets within which the mailbox has begun. */
const MESSAGE_BEGINS = MAX_TAG + 40

/**
 * Whether the literal that was just announced is the content of a message, which is streamed, and not the name of a mailbox. `before`: what
 * the command said so far.
 */
export function messageLiteral(before: Buffer): boolean {
  return MESSAGE.test(before.toString('latin1', 0, MESSAGE_BEGINS))
}

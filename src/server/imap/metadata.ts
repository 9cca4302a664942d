/**
 * RFC 5464. What is private is each account's own, of its own mailboxes and of those of others; what is shared stays with the mailbox's owner.
 * Of the server an account has private entries; the shared ones are ours, and cannot be set.
 */
import { mailboxName, quotedOrLiteral } from '../../imap/response.ts'
import { MAX_METADATA_VALUE } from '../../storage/mail-operations.ts'
import { bad, change, no, ok } from './answers.ts'
import { accountOf, type Found, noRight, resolveMailbox } from './names.ts'
import { NONEXISTENT } from './answers.ts'
import type { ImapSession, Tagged } from './session.ts'

const MAX_NAME = 1000
/** RFC 5464 §3.2: an entry is named in ASCII, in levels, without wildcards. */
const ENTRY = /^(?:\/[!-$&-)+-.0-~]+){2,}$/
/** RFC 6154 §4: what a mailbox is for. */
const SPECIAL_USE = '/private/specialuse'

interface Annotation {
  readonly name: string
  readonly value: Uint8Array
}

interface Asked {
  readonly mailbox: string
  readonly maxSize: number | undefined
  readonly depth: 0 | 1 | 'infinity'
  readonly entries: readonly string[]
}

export async function getMetadata({ mailbox, maxSize, depth, entries }: Asked, session: ImapSession): Promise<Tagged> {
  const asked = entries.map(entry => entry.toLowerCase()) // RFC 5464 §3.2: without regard to case
  const wrong = asked.find(entry => !isEntry(entry, true))
  if (wrong !== undefined) return bad('That is no name of an entry')
  const found = holder(session, mailbox, (rights: string) => /[rswip]/.test(rights))
  if (found && 'is' in found) return found
  const chosen = choose(annotationsOf(session, found), asked, depth)
  const fitting = chosen.filter(({ value }) => (value?.length ?? 0) <= (maxSize ?? Infinity))
  write(session, mailbox, fitting)
  // RFC 5464 §4.2.1: how large the largest is of what was left out.
  const longest = chosen.reduce((length, { value }) => Math.max(length, value?.length ?? 0), 0)
  return fitting.length === chosen.length ? ok('Done') : ok('Done', `METADATA LONGENTRIES ${longest}`)
}

interface Given {
  readonly mailbox: string
  readonly entries: readonly { readonly name: string; readonly value: Uint8Array | undefined }[]
}

export async function setMetadata({ mailbox, entries }: Given, session: ImapSession): Promise<Tagged> {
  const given = entries.map(({ name, value }) => ({ name: name.toLowerCase(), value }))
  if (given.some(({ name }) => !isEntry(name, false))) return bad('That is no name of an entry')
  const shares = given.some(({ name }) => isShared(name))
  const may = (rights: string): boolean => (shares ? rights.includes('w') : /[rswip]/.test(rights))
  const found = holder(session, mailbox, may)
  if (found && 'is' in found) return found
  if (!found && shares) return no('NOPERM', 'What is said of the server is not yours')
  if (given.some(({ name }) => name === SPECIAL_USE)) return no('USEATTR', 'A use is given when a mailbox is created')
  if (given.some(({ value }) => (value?.length ?? 0) > MAX_METADATA_VALUE)) {
    return no(`METADATA MAXSIZE ${MAX_METADATA_VALUE}`, 'That value is too long')
  }
  return keep(session, found, given)
}

async function keep(session: ImapSession, found: Found | undefined, entries: Given['entries']): Promise<Tagged> {
  const own = accountOf(session).id
  const owner = found?.row.account ?? own
  const parts = [
    { account: own, entries: entries.filter(({ name }) => owner === own || !isShared(name)) },
    { account: owner, entries: entries.filter(({ name }) => owner !== own && isShared(name)) },
  ].filter(part => part.entries.length > 0)
  const answers = await Promise.all(
    parts.map(part => change(session, { is: 'metadata', mailbox: found?.row.id, ...part })),
  )
  const refusal = answers.find(answer => typeof answer === 'object')
  if (refusal?.code === 'LIMIT') return no('METADATA TOOMANY', 'There are too many entries')
  return refusal ?? ok('Done')
}

/** Who has the entries: a mailbox, undefined the server. RFC 5464 §3.3: the right l, and one of others. */
function holder(session: ImapSession, mailbox: string, may: (rights: string) => boolean): Found | undefined | Tagged {
  if (mailbox === '') return undefined
  const found = resolveMailbox(session, mailbox)
  if (!found) return NONEXISTENT
  return found.rights.includes('l') && may(found.rights) ? found : noRight(found)
}

/** `parent`: also `/private` and `/shared` alone, below which one can look. */
function isEntry(name: string, parent: boolean): boolean {
  if (name.length > MAX_NAME) return false
  if (parent && (name === '/private' || name === '/shared')) return true
  return ENTRY.test(name) && (name.startsWith('/private/') || isShared(name))
}

const isShared = (name: string): boolean => name.startsWith('/shared/')

/** All that this account may read of a mailbox, or (undefined) of the server. */
export function annotationsOf(session: ImapSession, found: Found | undefined): readonly Annotation[] {
  const { reader } = session.services
  const own = accountOf(session).id
  if (!found) return [...reader.metadata(own, undefined), ...serverAnnotations(session)]
  const { row } = found
  const mine = reader.metadata(own, row.id)
  if (row.account !== own) {
    return [
      ...mine.filter(({ name }) => !isShared(name)),
      ...reader.metadata(row.account, row.id).filter(({ name }) => isShared(name)),
    ]
  }
  const use = row.specialUse.join(' ')
  return use === '' ? mine : [...mine, { name: SPECIAL_USE, value: Buffer.from(use) }]
}

/** RFC 5464 §6.2.1 */
function serverAnnotations(session: ImapSession): Annotation[] {
  const { address } = accountOf(session)
  return [
    { name: '/shared/comment', value: Buffer.from(`Staffetta at ${session.services.hostname}`) },
    { name: '/shared/admin', value: Buffer.from(`mailto:postmaster@${address.slice(address.lastIndexOf('@') + 1)}`) },
  ]
}

interface Told {
  readonly name: string
  readonly value: Uint8Array | undefined
}

/** RFC 5464 §4.2.2: what was asked for, NIL where there is nothing, and to the depth what is below it. */
function choose(annotations: readonly Annotation[], asked: readonly string[], depth: Asked['depth']): Told[] {
  const chosen = new Map<string, Told>()
  for (const entry of asked) {
    const exact = annotations.find(({ name }) => name === entry)
    if (exact ?? depth === 0) chosen.set(entry, { name: entry, value: exact?.value })
    if (depth === 0) continue
    for (const annotation of annotations) {
      if (!annotation.name.startsWith(`${entry}/`)) continue
      const deep = annotation.name.indexOf('/', entry.length + 1) >= 0
      if (depth === 'infinity' || !deep) chosen.set(annotation.name, annotation)
    }
  }
  return [...chosen.values()]
}

/** LIST-METADATA: the entries asked for, of one mailbox. */
export function writeMetadata(session: ImapSession, name: string, found: Found, entries: readonly string[]): void {
  const asked = entries.map(entry => entry.toLowerCase()).filter(entry => isEntry(entry, false))
  const may = found.rights.includes('l') && /[rswip]/.test(found.rights)
  if (may) write(session, name, choose(annotationsOf(session, found), asked, 0))
}

/** RFC 5464 §4.4.1 */
function write(session: ImapSession, mailbox: string, entries: readonly Told[]): void {
  if (entries.length === 0) return
  session.write(`* METADATA ${mailbox === '' ? '""' : mailboxName(mailbox, session.utf8)} (`)
  for (const [i, { name, value }] of entries.entries()) {
    session.write(`${i > 0 ? ' ' : ''}${name} `)
    writeValue(session, value)
  }
  session.write(')\r\n')
}

/** RFC 5464 §5: value = nstring / literal8 */
function writeValue(session: ImapSession, value: Uint8Array | undefined): void {
  if (value === undefined) {
    session.write('NIL')
    return
  }
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
  if (/^[ -~]{0,1000}$/.test(text)) session.write(quotedOrLiteral(text, false))
  else {
    session.write(`${value.includes(0) ? '~' : ''}{${value.length}}\r\n`)
    session.write(value)
  }
}

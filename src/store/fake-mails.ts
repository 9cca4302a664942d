/** For tests: a mailbox in memory, as `MailScope` reads it, with a view on it. */
import type { Description, SortKeys } from '../mail/description.ts'
import type { MailRow } from '../storage/mail-reader.ts'
import type { MailScope } from './mail-scope.ts'
import { search, type Version, type View } from './view.ts'

export interface FakeMail {
  readonly uid: number
  readonly message?: number
  readonly at?: number
  readonly saved?: number
  readonly size?: number
  readonly flags?: number
  readonly modseq?: number
  /** The Date field as it is written. */
  readonly date?: string
  readonly sent?: number
  readonly sort?: Partial<SortKeys>
  readonly undescribed?: boolean
}

const NO_KEYS: SortKeys = {
  subject: '',
  answer: false,
  from: '',
  to: '',
  cc: '',
  displayFrom: '',
  displayTo: '',
  messageId: '',
  references: [],
}

/** In order of UID. What is undescribed is described from `content`, which has nothing but the Date field. */
export function fakeMailbox(mails: readonly FakeMail[]): { readonly scope: MailScope; readonly version: Version } {
  const byUid = new Map(mails.map(mail => [mail.uid, mail]))
  const byMessage = new Map(mails.map(mail => [messageOf(mail), mail]))
  const inRange = ([first, last]: readonly [number, number]): FakeMail[] => {
    const found: FakeMail[] = []
    // As a key of the database: no more is looked at than there is.
    for (const uid of byUid.keys()) if (uid >= first && uid <= last) found.push(byUid.get(uid) ?? { uid })
    return found
  }
  const valueOf = (mail: FakeMail, name: 'at' | 'sent' | 'saved' | 'size'): number =>
    name === 'sent' && mail.undescribed === true
      ? (mail.at ?? 0)
      : (mail[name] ?? (name === 'sent' ? (mail.at ?? 0) : 0))
  const uids = Uint32Array.from(byUid.keys())
  const scope: MailScope = {
    mailbox: 1,
    breathe: () => undefined,
    content: message => {
      const date = byMessage.get(message)?.date
      return { in: 'memory', bytes: Buffer.from(`${date === undefined ? '' : `Date: ${date}\r\n`}\r\n`) }
    },
    reader: {
      mail: (_, uid) => rowOf(byUid.get(uid)),
      description: message => descriptionOf(byMessage.get(message)),
      envelope: message => descriptionOf(byMessage.get(message))?.envelope,
      copies: (_, message) => mails.filter(mail => messageOf(mail) === message).map(({ uid }) => uid),
      undescribedUids: (_, range) => inRange(range).flatMap(mail => (mail.undescribed === true ? [mail.uid] : [])),
      sortKeys: (_, range) =>
        inRange(range).flatMap(mail => (mail.undescribed === true ? [] : [[mail.uid, { ...NO_KEYS, ...mail.sort }]])),
      column: (_, name, range) => inRange(range).map(mail => [mail.uid, valueOf(mail, name)]),
      where: (_, name, is, value) => mails.filter(mail => holds(valueOf(mail, name), is, value)).map(({ uid }) => uid),
    },
  }
  return { scope, version: { uids, exists: uids.length, vanished: 0 } }
}

/** A view that knows these mails now. */
export function fakeView(mails: readonly FakeMail[], keywords: ReadonlyMap<number, string>): View {
  const uids = Uint32Array.from(mails, ({ uid }) => uid)
  return {
    mailbox: 1,
    row: {
      id: 1,
      account: 1,
      owner: 'a@example.org',
      name: 'INBOX',
      uidValidity: 1,
      uidNext: (uids.at(-1) ?? 0) + 1,
      modseq: 1,
      exists: mails.length,
      unseen: 0,
      deleted: 0,
      size: 0,
      recentFrom: 1,
      specialUse: [],
    },
    keywords,
    version: { uids, exists: uids.length, vanished: 0 },
    gone: false,
    refresh: () => undefined,
    indexOf: uid => search(uids, uids.length, uid),
    flagsAt: index => mails[index]?.flags ?? 0,
    modseqAt: index => mails[index]?.modseq ?? 1,
    changedSince: () => [],
  }
}

const messageOf = ({ uid, message }: FakeMail): number => message ?? uid + 1000

function holds(a: number, is: '<' | '>=' | '>' | '=', b: number): boolean {
  return { '<': a < b, '>=': a >= b, '>': a > b, '=': a === b }[is]
}

function rowOf(mail: FakeMail | undefined): MailRow | undefined {
  if (!mail) return undefined
  const { uid, at = 0, saved = 0, size = 0, flags = 0, modseq = 1 } = mail
  return { uid, message: messageOf(mail), at, saved, head: '', size, flags, modseq }
}

const NOTHING = new Uint8Array(0)

function descriptionOf(mail: FakeMail | undefined): Description | undefined {
  if (!mail || mail.undescribed === true) return undefined
  const date = mail.date === undefined ? 'NIL' : `"${mail.date.replaceAll(/["\\]/g, '\\$&')}"`
  return {
    header: 0,
    envelope: Buffer.from(`(${date} NIL NIL NIL NIL NIL NIL NIL NIL NIL)`),
    body: NOTHING,
    structure: NOTHING,
    part: {
      type: 'text/plain',
      charset: undefined,
      encoding: 'identity',
      start: 0,
      body: 0,
      end: 0,
      lines: 0,
      parts: [],
    },
    sent: mail.sent,
    sort: { ...NO_KEYS, ...mail.sort },
    preview: '',
    signature: undefined,
  }
}

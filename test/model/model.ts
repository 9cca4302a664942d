/** The mailboxes of one account as plain objects: what the RFCs say, done without any thought of speed. */

/** A message that was made up, with what is asked of it. */
export interface Message {
  /** Header and body, Latin-1. */
  readonly content: string
  /** Header fields by name in lower case. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
  /** Without `re:`. */
  readonly subject: string
  /** Local part, and display name. */
  readonly from: string
  readonly fromName: string
  /** ms since 1970, of the Date field. */
  readonly sent: number
}

export interface Mail {
  readonly uid: number
  readonly message: Message
  /** Before the content, in this copy. */
  readonly head: string
  /** ms since 1970: INTERNALDATE, SAVEDATE. */
  readonly at: number
  readonly saved: number
  /** In lower case. */
  readonly flags: ReadonlySet<string>
  readonly modseq: number
}

export interface Box {
  name: string
  uidNext: number
  modseq: number
  mails: Mail[]
  readonly vanished: { readonly uid: number; readonly modseq: number }[]
  deleted: boolean
  specialUse: string
  /** As first heard by a client; always the same. */
  uidValidity: number | undefined
  mailboxId: string | undefined
}

export type NewMail = Pick<Mail, 'message' | 'head' | 'at' | 'flags'>

export interface Moved {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

export interface Stored {
  readonly changed: readonly number[]
  readonly modified: readonly number[]
}

export interface Model {
  readonly boxes: Map<string, Box>
  readonly subscribed: Set<string>
  /** Counts what was changed. */
  changes: number
  box(name: string): Box | undefined
  add(box: Box, mails: readonly NewMail[], now: number): readonly number[] | 'limit'
  store(
    box: Box,
    uids: readonly number[],
    how: 'set' | 'add' | 'remove',
    flags: ReadonlySet<string>,
    unchangedSince: number | undefined,
  ): Stored | 'limit'
  expunge(box: Box, uids: readonly number[]): readonly number[]
  copy(how: 'copy' | 'move', from: Box, to: Box, uids: readonly number[], now: number): Moved | 'limit'
  create(name: string, specialUse: string): 'done' | 'exists' | 'use'
  remove(name: string): 'done' | 'missing' | 'has-children' | 'inbox'
  rename(from: string, to: string, now: number): 'done' | 'missing' | 'exists' | 'below'
}

export const sizeOf = ({ head, message }: Mail): number => head.length + message.content.length
export const textOf = ({ head, message }: Mail): string => head + message.content
export const mailOf = (box: Box, uid: number): Mail | undefined => box.mails.find(mail => mail.uid === uid)
export const uidsOf = ({ mails }: Box): number[] => mails.map(({ uid }) => uid)

export function sameFlags(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every(flag => b.has(flag))
}

/** `src/mail/flags.ts`: of one mailbox. */
const MAX_KEYWORDS = 48

const isKeyword = (flag: string): boolean => !flag.startsWith('\\')

/** What an account has from the beginning. */
const FIRST: readonly (readonly [name: string, use: string])[] = [
  ['INBOX', ''],
  ['Archive', '\\Archive'],
  ['Drafts', '\\Drafts'],
  ['Junk', '\\Junk'],
  ['Sent', '\\Sent'],
  ['Trash', '\\Trash'],
]

function newBox(name: string, specialUse: string): Box {
  return {
    name,
    uidNext: 1,
    modseq: 1,
    mails: [],
    vanished: [],
    deleted: false,
    specialUse,
    uidValidity: undefined,
    mailboxId: undefined,
  }
}

export function newModel(): Model {
  const boxes = new Map(FIRST.map(([name, use]) => [name, newBox(name, use)]))
  const subscribed = new Set(boxes.keys())

  function parentsOf(name: string): string[] {
    const levels = name.split('/')
    return levels.slice(1).map((_, i) => levels.slice(0, i + 1).join('/'))
  }

  function makeParents(name: string): void {
    for (const parent of parentsOf(name)) if (!boxes.has(parent)) boxes.set(parent, newBox(parent, ''))
  }

  function fits(box: Box, flags: readonly ReadonlySet<string>[]): boolean {
    const used = box.mails.map(mail => mail.flags)
    return new Set([...used, ...flags].flatMap(all => [...all].filter(isKeyword))).size <= MAX_KEYWORDS
  }

  function put(box: Box, mails: readonly NewMail[], now: number): number[] {
    box.modseq++
    return mails.map(mail => {
      const uid = box.uidNext++
      box.mails.push({ ...mail, uid, saved: now, modseq: box.modseq })
      return uid
    })
  }

  function take(box: Box, uids: readonly number[]): void {
    box.modseq++
    box.mails = box.mails.filter(({ uid }) => !uids.includes(uid))
    for (const uid of uids) box.vanished.push({ uid, modseq: box.modseq })
  }

  const there = (box: Box, uids: readonly number[]): Mail[] => box.mails.filter(({ uid }) => uids.includes(uid))

  const model: Model = {
    boxes,
    subscribed,
    changes: 0,
    box: name => boxes.get(name),
    add(box, mails, now) {
      if (
        !fits(
          box,
          mails.map(({ flags }) => flags),
        )
      )
        return 'limit'
      model.changes++
      return put(box, mails, now)
    },
    store(box, uids, how, flags, unchangedSince = Number.POSITIVE_INFINITY) {
      const wanted = there(box, uids)
      if (how !== 'remove' && wanted.length > 0 && !fits(box, [flags])) return 'limit'
      const next = (old: ReadonlySet<string>): ReadonlySet<string> => {
        if (how === 'set') return flags
        return how === 'add' ? new Set([...old, ...flags]) : new Set([...old].filter(flag => !flags.has(flag)))
      }
      const allowed = wanted.filter(({ modseq }) => modseq <= unchangedSince)
      const changed = allowed.filter(mail => !sameFlags(mail.flags, next(mail.flags)))
      const modified = wanted.filter(({ modseq }) => modseq > unchangedSince).map(({ uid }) => uid)
      if (changed.length > 0) {
        model.changes++
        box.modseq++
        const { modseq } = box
        box.mails = box.mails.map(mail =>
          changed.includes(mail) ? { ...mail, flags: next(mail.flags), modseq } : mail,
        )
      }
      return { changed: changed.map(({ uid }) => uid), modified }
    },
    expunge(box, uids) {
      const gone = there(box, uids).map(({ uid }) => uid)
      if (gone.length > 0) {
        model.changes++
        take(box, gone)
      }
      return gone
    },
    copy(how, from, to, uids, now) {
      const mails = there(from, uids)
      if (mails.length === 0) return { from: [], to: [] }
      if (
        !fits(
          to,
          mails.map(({ flags }) => flags),
        )
      )
        return 'limit'
      model.changes++
      const moved = { from: mails.map(({ uid }) => uid), to: put(to, mails, now) }
      if (how === 'move') take(from, moved.from)
      return moved
    },
    create(name, specialUse) {
      if (boxes.has(name)) return 'exists'
      const given = [...boxes.values()].some(box => box.specialUse === specialUse)
      if (specialUse !== '' && given) return 'use'
      model.changes++
      makeParents(name)
      boxes.set(name, newBox(name, specialUse))
      return 'done'
    },
    remove(name) {
      const box = boxes.get(name)
      if (!box) return 'missing'
      if (name === 'INBOX') return 'inbox'
      if ([...boxes.keys()].some(other => other.startsWith(`${name}/`))) return 'has-children'
      model.changes++
      boxes.delete(name)
      box.deleted = true
      box.mails = []
      return 'done'
    },
    rename(from, to, now) {
      const box = boxes.get(from)
      if (!box) return 'missing'
      if (from !== 'INBOX' && to.startsWith(`${from}/`)) return 'below'
      if (boxes.has(to)) return 'exists'
      model.changes++
      makeParents(to)
      if (from === 'INBOX') {
        const into = newBox(to, '')
        boxes.set(to, into)
        if (box.mails.length === 0) return 'done'
        // They keep their UIDs, under another UIDVALIDITY.
        into.modseq++
        into.mails = box.mails.map(mail => ({ ...mail, modseq: into.modseq, saved: now }))
        into.uidNext = box.uidNext
        take(box, uidsOf(box))
        return 'done'
      }
      for (const moved of [...boxes.values()].filter(({ name }) => `${name}/`.startsWith(`${from}/`))) {
        boxes.delete(moved.name)
        moved.name = to + moved.name.slice(from.length)
        boxes.set(moved.name, moved)
      }
      return 'done'
    },
  }
  return model
}

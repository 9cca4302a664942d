/**
 * FETCH and UID FETCH (RFC 9051 §6.4.5). The mails are walked one after the other; of each only what the items need is read, written, and
 * forgotten, and the session is asked for room in between: memory does not grow with the mailbox, nor with a message.
 */
import type { Fetch } from '../../imap/command.ts'
import type { FetchItem } from '../../imap/fetch-item.ts'
import { formatRanges } from '../../imap/sequence-set.ts'
import { NO_FLAGS, SEEN } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { View } from '../../store/view.ts'
import { bad, no, ok } from './answers.ts'
import { useCondstore } from './condstore.ts'
import { hasUnknownEncoding } from './fetch-binary.ts'
import { itemWriters, marksSeen, needsOf } from './fetch-items.ts'
import type { ItemWriter } from './fetch-body.ts'
import { type FetchedMail, mailLoader } from './fetched-mail.ts'
import { inSlices, type MailCursor, mailsIn, OPERATION, partOf } from './mails.ts'
import { type ResponseWriter, responseWriter } from './response-writer.ts'
import type { Executor, ImapSession, Selected, Tagged } from './session.ts'
import { askedUids, vanishedSince } from './vanished.ts'

export const fetch: Executor<'FETCH'> = async (command, session) => {
  const { selected } = session
  if (!selected) return bad('Select a mailbox first')
  const { uid, set, items, modifiers } = command
  const { changedSince = 0, vanished } = modifiers
  // RFC 7162 §3.2.6
  if (vanished && !(uid && modifiers.changedSince !== undefined))
    return bad('VANISHED goes with UID FETCH and CHANGEDSINCE')
  if (vanished && !session.enabled.has('QRESYNC')) return bad('QRESYNC has to be enabled first')
  const all = selected.resolve(set, uid, session.savedResult)
  if (!all) return bad('There is no message of that number')
  if (modifiers.changedSince !== undefined || items.some(({ item }) => item === 'MODSEQ'))
    useCondstore(session, selected)
  if (vanished) writeVanished(askedUids(set, session.savedResult), changedSince, selected, session)
  // RFC 9394 §3.3: first the places, then what changed of them.
  const ranges = modifiers.partial ? partOf(selected.version, all, modifiers.partial) : all
  const seen = items.some(marksSeen) ? await markSeen(ranges, changedSince, selected, session) : NOTHING
  const fetching = { items: allItems(command, selected), changedSince, seen }
  return ANSWERS[await fetchMails(session, selected, ranges, fetching)]
}

interface Fetching {
  readonly items: readonly FetchItem[]
  /** RFC 7162 §3.1.4.1: only what has a larger MODSEQ; each has one larger than 0. */
  readonly changedSince: number
  /** MODSEQs of changes that the command itself made: their flags are told with what was asked for. */
  readonly seen: ReadonlySet<number>
}

type Fetched = 'done' | 'expunged' | 'unreadable' | 'unknown-cte'

const ANSWERS: Readonly<Record<Fetched, Tagged>> = {
  done: ok('Fetched'),
  // RFC 5530 §3; not NO, which many clients take for an answer without any message.
  expunged: ok('Some of the messages are gone', 'EXPUNGEISSUED'),
  // RFC 5530 §3: the others were sent, so that one lost file does not keep the client from its mailbox.
  unreadable: no('CORRUPTION', 'A message could not be read from the disk; the others were sent'),
  'unknown-cte': no('UNKNOWN-CTE', 'A part is encoded in a way that is not known here'), // RFC 3516 §4.3
}

const NOTHING: ReadonlySet<number> = new Set()

/** Writes a FETCH response for each mail of the client in these ranges (ascending, disjoint). */
async function fetchMails(
  session: ImapSession,
  selected: Selected,
  ranges: readonly UidRange[],
  fetching: Fetching,
): Promise<Fetched> {
  const { view, version } = selected
  const out = responseWriter(session)
  const loader = mailLoader(view.mailbox, needsOf(fetching.items), session.services, out)
  const { mail } = loader
  const write = responseOf(fetching, selected, out)
  const binary = fetching.items.filter(item => item.item === 'BINARY[]' || item.item === 'BINARY.SIZE[]')
  const mails = mailsIn(version, ranges)
  let outcome: Fetched = 'done'
  try {
    while (mails.next() && !out.gone) {
      const found = stand(mail, mails, view, view.version === version)
      if (found && mail.modseq <= fetching.changedSince) continue
      const loading = found ? loader.load(mails.last) : 'gone'
      const loaded = loading instanceof Promise ? await loading : loading
      if (loaded !== 'there') {
        if (outcome !== 'unreadable') outcome = loaded === 'gone' ? 'expunged' : 'unreadable'
        continue
      }
      if (binary.length > 0 && hasUnknownEncoding(mail, binary)) return 'unknown-cte'
      const writing = write(mail)
      if (writing) await writing
      const closing = loader.unload()
      if (closing) await closing
      const room = out.room()
      if (room) await room
    }
  } finally {
    await loader.unload()
    out.flush()
    await loader.end()
  }
  return outcome
}

/** false: it is not in the mailbox any more. `same`: nothing changed places since the client heard of it. */
function stand(mail: FetchedMail, { seq, uid }: MailCursor, view: View, same: boolean): boolean {
  const index = same ? seq - 1 : view.indexOf(uid)
  mail.seq = seq
  mail.uid = uid
  mail.flags = view.flagsAt(index)
  mail.modseq = view.modseqAt(index)
  return index >= 0
}

/** What writes one whole response. */
function responseOf({ items, seen }: Fetching, selected: Selected, out: ResponseWriter): ItemWriter {
  const writers = itemWriters(items, ' FETCH (', selected, out)
  const changed = itemWriters(flagsToo(items, selected.condstore), ' ', selected, out)

  function end(mail: FetchedMail): undefined {
    if (seen.size > 0 && seen.has(mail.modseq)) for (const write of changed) void write(mail)
    out.text(')\r\n')
  }

  function writeFrom(first: number, mail: FetchedMail): Promise<void> | undefined {
    for (let n = first; n < writers.length; n++) {
      const waiting = writers[n]?.(mail) ?? out.room()
      if (waiting) return waiting.then(() => writeFrom(n + 1, mail))
    }
    return end(mail)
  }

  return mail => {
    out.text('* ')
    out.number(mail.seq)
    return writeFrom(0, mail)
  }
}

/** RFC 9051 §6.4.5: that a message became \Seen by being fetched is told in the same response. */
function flagsToo(items: readonly FetchItem[], condstore: boolean): FetchItem[] {
  const told: FetchItem[] = condstore ? [{ item: 'FLAGS' }, { item: 'MODSEQ' }] : [{ item: 'FLAGS' }]
  return told.filter(({ item }) => !items.some(other => other.item === item))
}

/** What was asked for, and what has to stand beside it. */
function allItems({ uid, items, modifiers }: Fetch, { condstore }: Selected): FetchItem[] {
  const has = (name: FetchItem['item']): boolean => items.some(({ item }) => item === name)
  const all = [...items]
  // RFC 9051 §6.4.9
  if (uid && !has('UID')) all.unshift({ item: 'UID' })
  // RFC 7162 §3.1.4.1; and once CONDSTORE is in use, wherever flags are told.
  if (!has('MODSEQ') && (modifiers.changedSince !== undefined || (condstore && has('FLAGS'))))
    all.push({ item: 'MODSEQ' })
  return all
}

/** RFC 9051 §6.4.5: before they are sent. Answers the MODSEQs of the changes. Where it cannot be written, the messages are sent all the same. */
async function markSeen(
  ranges: readonly UidRange[],
  changedSince: number,
  selected: Selected,
  { services }: ImapSession,
): Promise<ReadonlySet<number>> {
  const { view, version, readOnly, rights } = selected
  // RFC 4314 §4: without the right s it is left as it is.
  if (readOnly || !rights.includes('s')) return NOTHING
  view.refresh() // others may have taken \Seen away
  const modseqs = new Set<number>()
  const isUnseen = (uid: number): boolean => {
    const index = view.indexOf(uid)
    return index >= 0 && (view.flagsAt(index) & SEEN) === 0 && view.modseqAt(index) > changedSince
  }
  for (const uids of inSlices(version, ranges, OPERATION, isUnseen)) {
    const flags = { ...NO_FLAGS, system: SEEN }
    const input = { mailbox: view.mailbox, uids, how: 'add', flags, unchangedSince: undefined } as const
    const result = await services.storage.ask('store', input)
    if ('failed' in result || result.ok.is !== 'stored' || result.ok.changed.length === 0) continue
    modseqs.add(result.ok.modseq)
    selected.told(result.ok.modseq)
  }
  view.refresh()
  return modseqs
}

/** RFC 7162 §3.2.6 */
function writeVanished(
  asked: readonly UidRange[],
  changedSince: number,
  selected: Selected,
  session: ImapSession,
): void {
  const vanished = vanishedSince(selected, changedSince, asked, 1, session)
  if (vanished.length > 0) session.write(`* VANISHED (EARLIER) ${formatRanges(vanished)}\r\n`)
}

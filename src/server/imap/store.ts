/** STORE and UID STORE (RFC 9051 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3). */
import type { Store } from '../../imap/command.ts'
import { codes } from '../../imap/response.ts'
import { type Flags, NO_FLAGS, union, without } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { Stored, StoreFlags } from '../../storage/mail-operations.ts'
import { bad, failed, impossible, no, ok } from './answers.ts'
import { useCondstore } from './condstore.ts'
import { type Changeable, changeable, isAll, permitted } from './flag-rights.ts'
import { inSlices, mailsIn, OPERATION } from './mails.ts'
import { type ResponseWriter, responseWriter } from './response-writer.ts'
import type { Executor, ImapSession, Selected, Tagged } from './session.ts'

export const store: Executor<'STORE'> = async (command, session) => {
  const { selected } = session
  if (!selected) return bad('Select a mailbox first')
  if (selected.readOnly) return no('READ-ONLY', 'The mailbox was opened for reading only')
  const ranges = selected.resolve(command.set, command.uid, session.savedResult)
  if (!ranges) return bad('There is no message of that number')
  const may = changeable(selected.rights)
  // RFC 4314 §4: refused only where nothing of it may be done.
  if (!maySome(command, may)) return no('NOPERM', 'You may not change these flags here')
  if (command.unchangedSince !== undefined) useCondstore(session, selected)
  const out = responseWriter(session)
  const modified: number[] = []
  let missing = false
  for (const uids of inSlices(selected.version, ranges, OPERATION)) {
    const hides = watchOthers(command, uids, may, selected)
    const stored = await change(command, uids, may, selected, session)
    if ('text' in stored) return stored
    for (const uid of stored.modified) modified.push(uid)
    missing = (await tell(command, uids, stored, hides, selected, session, out)) || missing
  }
  return answer(command, modified, missing, selected)
}

function maySome({ flags, how }: Store, may: Changeable): boolean {
  const some = may.system !== 0 || may.keywords
  const { system, keywords } = permitted(flags, may)
  const wanted = flags.system !== 0 || flags.keywords.length > 0
  return some && (how === 'set' || !wanted || system !== 0 || keywords.length > 0)
}

/** What became of one operation; or why it was not done. */
async function change(
  { how, flags, unchangedSince }: Store,
  uids: readonly UidRange[],
  may: Changeable,
  selected: Selected,
  session: ImapSession,
): Promise<Stored | Tagged> {
  const { mailbox } = selected.view
  const given = permitted(flags, may)
  if (how !== 'set' || isAll(may)) return ask(session, { mailbox, uids, how, flags: given, unchangedSince })
  // RFC 4314 §4: who may not change all flags replaces only his: the others stay.
  const added = await ask(session, { mailbox, uids, how: 'add', flags: given, unchangedSince })
  if ('text' in added) return added
  const rest = othersOf(given, may, selected)
  const input = {
    mailbox,
    uids: outside(uids, added.modified),
    how: 'remove',
    flags: rest,
    unchangedSince: undefined,
  } as const
  const removed = await ask(session, input)
  if ('text' in removed) return removed
  if (added.changed.length > 0) selected.told(added.modseq)
  const changed = [...new Set([...added.changed, ...removed.changed])].sort((a, b) => a - b)
  return { ...removed, changed, modified: added.modified }
}

async function ask(session: ImapSession, input: StoreFlags): Promise<Stored | Tagged> {
  const result = await session.services.storage.ask('store', input)
  if ('failed' in result) return failed(result.failed)
  return result.ok.is === 'stored' ? result.ok : impossible(result.ok)
}

/** All flags that may be changed, but for these. */
function othersOf({ system, keywords }: Flags, may: Changeable, { view }: Selected): Flags {
  const kept = new Set(keywords.map(keyword => keyword.toLowerCase()))
  const known = may.keywords ? [...view.keywords.values()] : NO_FLAGS.keywords
  return { system: may.system & ~system, keywords: known.filter(keyword => !kept.has(keyword.toLowerCase())) }
}

/** The ranges without these UIDs (ascending). */
function outside(ranges: readonly UidRange[], uids: readonly number[]): UidRange[] {
  const rest: UidRange[] = []
  let n = 0
  for (const [first, last] of ranges) {
    let from = first
    for (; n < uids.length && (uids[n] ?? 0) <= last; n++) {
      const uid = uids[n] ?? 0
      if (uid > from) rest.push([from, uid - 1])
      from = Math.max(from, uid + 1)
    }
    if (from <= last) rest.push([from, last])
  }
  return rest
}

/**
 * RFC 9051 §6.4.6: what somebody else changed is told also with .SILENT. Answers which mails have, after the command, flags that the client
 * cannot work out: it was not told of an earlier change, or something changed that was no part of the command.
 */
function watchOthers(
  { how, silent, flags }: Store,
  uids: readonly UidRange[],
  may: Changeable,
  selected: Selected,
): (uid: number) => boolean {
  if (!silent) return () => false
  if (how === 'set') return () => !isAll(may)
  const { view, version } = selected
  const before = new Map<number, number>()
  for (const mails = mailsIn(version, uids); mails.next(); ) {
    if (!selected.isUntold(mails.uid)) before.set(mails.uid, view.flagsAt(view.indexOf(mails.uid)))
  }
  const given = permitted(flags, may)
  return uid => {
    const old = before.get(uid)
    const bits = bitsOf(given, view)
    const expected = old === undefined ? undefined : how === 'add' ? union(old, bits) : without(old, bits)
    return view.flagsAt(view.indexOf(uid)) !== expected
  }
}

function bitsOf({ system, keywords }: Flags, { keywords: places }: Selected['view']): number {
  const names = new Set(keywords.map(keyword => keyword.toLowerCase()))
  let bits = system
  for (const [place, name] of places) if (names.has(name.toLowerCase())) bits = union(bits, 2 ** place)
  return bits
}

/** Tells the client of what it changed. Answers whether a mail was gone. */
async function tell(
  { uid, silent, unchangedSince }: Store,
  uids: readonly UidRange[],
  stored: Stored,
  hides: (uid: number) => boolean,
  selected: Selected,
  session: ImapSession,
  out: ResponseWriter,
): Promise<boolean> {
  const { view, version, condstore } = selected
  view.refresh()
  // With nothing changed it is the MODSEQ of somebody else's change, which is still to be told.
  if (stored.changed.length > 0) selected.told(stored.modseq)
  const changed = new Set(stored.changed)
  const failing = new Set(stored.modified)
  const withUid = uid || session.enabled.has('QRESYNC')
  let missing = false
  for (const mails = mailsIn(version, uids); mails.next(); ) {
    const flags = selected.flagsText(mails.uid)
    missing ||= flags === undefined
    // RFC 7162 §3.1.3: what passed UNCHANGEDSINCE is told also where nothing became different.
    const due = changed.has(mails.uid) || (unchangedSince !== undefined && !failing.has(mails.uid))
    if (!due || flags === undefined) continue
    const showsFlags = !silent || hides(mails.uid)
    if (!showsFlags && !condstore) continue
    out.text('* ')
    out.number(mails.seq)
    out.text(' FETCH (')
    const items: string[] = []
    if (withUid) items.push(`UID ${mails.uid}`)
    if (showsFlags) items.push(`FLAGS ${flags}`)
    // RFC 7162 §3.1.3: also with .SILENT
    if (condstore) items.push(`MODSEQ (${view.modseqAt(view.indexOf(mails.uid))})`)
    out.text(items.join(' '))
    out.text(')\r\n')
    const room = out.room()
    if (room) await room
  }
  out.flush()
  return missing
}

function answer({ uid }: Store, modified: readonly number[], missing: boolean, selected: Selected): Tagged {
  if (modified.length > 0) {
    const numbers = uid ? modified : modified.map(each => selected.seqOf(each)).filter(seq => seq > 0)
    return ok('Some were changed by others meanwhile', codes.modified(numbers)) // RFC 7162 §3.1.3
  }
  return missing ? ok('Some of the messages are gone', 'EXPUNGEISSUED') : ok('Stored')
}

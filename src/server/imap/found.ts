/** What SEARCH, SORT and THREAD share: how mails are found, and how the answer leaves. */
import { parseEmailId } from '../../imap/object-id.ts'
import type { SearchProgram } from '../../mail/search-key.ts'
import type { SeqRange, SequenceSet } from '../../mail/sequence-set.ts'
import type { MailScope } from '../../store/mail-scope.ts'
import { search } from '../../store/search.ts'
import { openTextSearch } from '../../store/text-search.ts'
import { bad } from './answers.ts'
import type { ImapSession, Selected, Tagged } from './session.ts'

/** The client is gone: nobody waits for what is being looked for. */
class Abandoned extends Error {}

/** Does the work in the mailbox that is selected. A long search ends when its client leaves. */
export async function inMailbox(
  session: ImapSession,
  work: (selected: Selected, scope: MailScope) => Promise<Tagged>,
): Promise<Tagged> {
  const { selected, services } = session
  if (!selected) return bad('Select a mailbox first')
  try {
    return await work(selected, {
      mailbox: selected.view.mailbox,
      reader: services.reader,
      content: services.content,
      breathe: () => (session.gone ? Promise.reject(new Abandoned()) : session.room()),
    })
  } catch (error) {
    if (error instanceof Abandoned) return bad('You left')
    throw error
  }
}

/** UIDs of the mails that fit, ascending. */
export function find(
  { key }: SearchProgram,
  session: ImapSession,
  selected: Selected,
  scope: MailScope,
): Promise<Uint32Array> {
  const { view, version, recentFrom } = selected
  const saved = session.savedResult
  const text = openTextSearch({ ...scope, reader: session.services.reader })
  return search(key, {
    ...scope,
    view,
    version,
    recentFrom,
    resolve: (set, uid) => selected.resolve(uid ? set : present(set, version.exists), uid, saved) ?? [],
    parseEmailId,
    find: (keys, among) => text.findAll(scope.mailbox, keys, among),
    now: session.services.now(),
  })
}

/**
 * RFC 9051 §9 would have a sequence number that is too large refused. Clients search for `1:*` in an empty mailbox and for what was
 * expunged a moment ago; such a number is that of no mail, which is all that a search wants to know.
 */
function present(set: SequenceSet, exists: number): SequenceSet {
  if (set === '$') return set
  const ranges: SeqRange[] = []
  for (const [a, b] of set) {
    const first = Math.min(a === '*' ? exists : a, b === '*' ? exists : b)
    const last = Math.min(Math.max(a === '*' ? exists : a, b === '*' ? exists : b), exists)
    if (first > 0 && first <= last) ranges.push([first, last])
  }
  return ranges
}

/** The client's sequence numbers of these mails, in their order; 0 stays 0. */
export function sequenceNumbers(found: Uint32Array, selected: Selected): Uint32Array {
  const { uids, exists } = selected.version
  let before = 0
  return found.map(uid => {
    // Most come right behind the one before, so it is looked there first.
    before = before < exists && uids[before] === uid ? before + 1 : selected.seqOf(uid)
    return before
  })
}

/** Writes an answer that may be long. */
export async function respond(parts: Iterable<string | Uint8Array>, session: ImapSession): Promise<void> {
  for (const part of parts) {
    session.write(part)
    await session.room()
    if (session.gone) return
  }
}

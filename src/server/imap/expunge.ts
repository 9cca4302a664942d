/** EXPUNGE (RFC 9051 §6.4.3), UID EXPUNGE (§6.4.9) and what CLOSE does. What went is told by the loop. */
import { codes } from '../../imap/response.ts'
import { DELETED } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import { bad, failed, impossible, no, ok } from './answers.ts'
import { inSlices, OPERATION } from './mails.ts'
import type { Executor, ImapSession, Selected, Tagged } from './session.ts'

/** RFC 9051 §9: of a UID; every mail is in it, also one that the client has not heard of. */
const ALL: readonly UidRange[] = [[1, 2 ** 32 - 1]]

export const expunge: Executor<'EXPUNGE'> = (_, session) => {
  const { selected } = session
  return selected ? expungeIn(session, selected, ALL) : bad('Select a mailbox first')
}

export const uidExpunge: Executor<'UID EXPUNGE'> = ({ set }, session) => {
  const { selected } = session
  if (!selected) return bad('Select a mailbox first')
  const ranges = selected.resolve(set, true, session.savedResult)
  return ranges ? expungeIn(session, selected, ranges) : bad('A set of UIDs is expected')
}

async function expungeIn(session: ImapSession, selected: Selected, ranges: readonly UidRange[]): Promise<Tagged> {
  if (selected.readOnly) return no('READ-ONLY', 'The mailbox was opened for reading only')
  // RFC 4314 §4: the right e.
  if (!selected.rights.includes('e')) return no('NOPERM', 'You may not expunge here')
  const modseq = await expungeDeleted(session, selected, ranges)
  if (typeof modseq !== 'number') return modseq
  // RFC 7162 §3.2.7
  return modseq > 0 && selected.condstore ? ok('Expunged', codes.highestModSeq(modseq)) : ok('Expunged')
}

/** Removes what is \Deleted, in these UIDs. Answers the MODSEQ of the last removal (0: there was nothing), or why it could not be done. */
export async function expungeDeleted(
  { services }: Pick<ImapSession, 'services'>,
  { view }: Pick<Selected, 'view'>,
  ranges: readonly UidRange[] = ALL,
): Promise<number | Tagged> {
  view.refresh()
  const isDeleted = (uid: number): boolean => (view.flagsAt(view.indexOf(uid)) & DELETED) !== 0
  let modseq = 0
  for (const uids of inSlices(view.version, ranges, OPERATION, isDeleted)) {
    const input = { mailbox: view.mailbox, uids, which: 'deleted' } as const
    const result = await services.storage.ask('expunge', input)
    if ('failed' in result) return failed(result.failed)
    if (result.ok.is !== 'expunged') return impossible(result.ok)
    if (result.ok.uids.length > 0) modseq = result.ok.modseq
  }
  return modseq
}

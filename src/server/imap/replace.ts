import type { Append } from '../../imap/command.ts'
import { bad, no } from './answers.ts'
import type { ImapSession, Selected, Tagged } from './session.ts'

/** The mail that goes at the moment when the new one comes. */
export interface Replaced {
  readonly mailbox: number
  readonly uid: number
}

/** RFC 8508 §3: which mail a REPLACE means, or why it cannot be replaced. undefined: the command is an APPEND. */
export function replacedBy({ replaces }: Append, { selected }: ImapSession): Replaced | Tagged | undefined {
  if (!replaces) return undefined
  if (!selected) return bad('Select a mailbox first')
  if (selected.readOnly) return no('READ-ONLY', 'The mailbox was opened for reading only')
  // RFC 8508 §3.2: the rights that EXPUNGE, and setting \Deleted before it, would need.
  if (!selected.rights.includes('t') || !selected.rights.includes('e')) {
    return no('NOPERM', 'You may not take messages out of this mailbox')
  }
  const uid = uidOf(replaces, selected)
  if (uid > 0) return { mailbox: selected.view.mailbox, uid }
  return replaces.uid ? no('NONEXISTENT', 'There is no message of that UID') : bad('There is no message of that number')
}

/** 0: the client has no such message. */
function uidOf({ uid, seq }: NonNullable<Append['replaces']>, selected: Selected): number {
  if (seq === '*') return selected.uidOf(selected.version.exists)
  if (!uid) return selected.uidOf(seq)
  return selected.seqOf(seq) > 0 ? seq : 0
}

/** SELECT and EXAMINE (RFC 9051 §6.3.2), with CONDSTORE and QRESYNC (RFC 7162); CLOSE and UNSELECT. */
import type { Select } from '../../imap/command.ts'
import { formatRanges } from '../../imap/sequence-set.ts'
import { mailboxName } from '../../imap/response.ts'
import { mailboxId } from '../../imap/object-id.ts'
import { SEEN } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import { expungeDeleted } from './expunge.ts'
import { mailsIn } from './mails.ts'
import { resolveMailbox } from './names.ts'
import type { Executor, ImapSession, Selected, Tagged } from './session.ts'
import { askedUids, vanishedSince } from './vanished.ts'

const NONEXISTENT: Tagged = { is: 'NO', code: 'NONEXISTENT', text: 'There is no such mailbox' } // RFC 5530 §3

export const select: Executor<'SELECT' | 'EXAMINE'> = async (command, session) => {
  const found = resolveMailbox(session, command.mailbox)
  const hadOne = session.selected !== undefined
  if (command.qresync && !session.enabled.has('QRESYNC')) {
    return { is: 'BAD', text: 'QRESYNC has to be enabled first' } // RFC 7162 §3.2.5
  }
  session.unselect() // RFC 9051 §6.3.2: also when this one fails
  if (hadOne) session.write('* OK [CLOSED] The mailbox before is closed\r\n')
  if (!found?.rights.includes('r')) return NONEXISTENT
  const view = session.services.views.open(found.row.id)
  if (!view) return NONEXISTENT
  // RFC 4314 §4: without the right to change anything it is read-only.
  const readOnly = command.name === 'EXAMINE' || !/[swtei]/.test(found.rights)
  if (command.condstore || command.qresync) session.enable('CONDSTORE')
  const selected = session.select(view, { name: command.mailbox, readOnly, rights: found.rights })
  describe(selected, session)
  if (command.qresync) await resynchronise(command.qresync, selected, session)
  return {
    is: 'OK',
    code: readOnly ? 'READ-ONLY' : 'READ-WRITE',
    text: command.name === 'SELECT' ? 'Selected' : 'Examined',
  }
}

function describe(selected: Selected, session: ImapSession): void {
  const { view, readOnly, rights } = selected
  const { row } = view
  const rev2 = session.enabled.has('IMAP4REV2')
  const mayFlag = !readOnly && /[swt]/.test(rights)
  session.write(`* FLAGS ${selected.allFlags(false)}\r\n`)
  session.write(
    `* OK [PERMANENTFLAGS ${mayFlag ? selected.allFlags(rights.includes('w')) : '()'}] Flags that are kept\r\n`,
  )
  session.write(`* ${selected.version.exists} EXISTS\r\n`)
  if (!rev2) {
    session.write(`* ${selected.recent()} RECENT\r\n`)
    const unseen = firstUnseen(selected, row.unseen)
    if (unseen > 0) session.write(`* OK [UNSEEN ${unseen}] The first that was not read\r\n`)
  }
  session.write(`* OK [UIDVALIDITY ${row.uidValidity}] UIDs are valid\r\n`)
  session.write(`* OK [UIDNEXT ${row.uidNext}] The next UID\r\n`)
  session.write(`* OK [HIGHESTMODSEQ ${row.modseq}] The highest so far\r\n`)
  session.write(`* OK [MAILBOXID (${mailboxId(row.id)})] Its own id\r\n`) // RFC 8474 §4.1
  if (rev2) session.write(`* LIST () "/" ${mailboxName(selected.name, session.utf8)}\r\n`)
}

/** RFC 3501 §6.3.1: its number; 0: there is none. */
function firstUnseen({ view, version }: Selected, unseen: number): number {
  if (unseen === 0) return 0
  for (let seq = 1; seq <= version.exists; seq++) if ((view.flagsAt(seq - 1) & SEEN) === 0) return seq
  return 0
}

/** RFC 7162 §3.2.5: what went and what changed since the client was here. */
async function resynchronise(
  { uidValidity, modseq, knownUids, match }: NonNullable<Select['qresync']>,
  selected: Selected,
  session: ImapSession,
): Promise<void> {
  const { view } = selected
  if (uidValidity !== view.row.uidValidity) return
  const known = knownUids ? askedUids(knownUids, []) : ALL
  const from = match ? lastMatch(match, selected) : 0
  const vanished = vanishedSince(selected, modseq, known, from + 1, session)
  if (vanished.length > 0) session.write(`* VANISHED (EARLIER) ${formatRanges(vanished)}\r\n`)
  for (const mails = mailsIn(selected.version, known); mails.next(); ) {
    const { seq, uid } = mails
    const index = view.indexOf(uid)
    const flags = selected.flagsText(uid)
    if (flags === undefined || view.modseqAt(index) <= modseq) continue
    session.write(`* ${seq} FETCH (UID ${uid} FLAGS ${flags} MODSEQ (${view.modseqAt(index)}))\r\n`)
    const room = session.room()
    if (room) await room
  }
}

const ALL: readonly UidRange[] = [[1, 2 ** 32 - 1]]

/** RFC 7162 §3.2.5.2: up to this UID the client's numbers are ours, so nothing went before it. */
function lastMatch({ seqs, uids }: NonNullable<NonNullable<Select['qresync']>['match']>, selected: Selected): number {
  const numbers = expand(seqs)
  const matching = expand(uids)
  let last = 0
  for (let i = 0; i < Math.min(numbers.length, matching.length); i++) {
    const [seq = 0, uid = 0] = [numbers[i], matching[i]]
    if (selected.uidOf(seq) !== uid) break
    last = uid
  }
  return last
}

/** Numbers that are looked at. */
const MATCHES = 10_000

function expand(ranges: readonly (readonly [number | '*', number | '*'])[]): number[] {
  const numbers: number[] = []
  for (const [a, b] of ranges) {
    if (a === '*' || b === '*') break
    for (let n = Math.min(a, b); n <= Math.max(a, b) && numbers.length < MATCHES; n++) numbers.push(n)
  }
  return numbers
}

/** RFC 9051 §6.4.1: what is \Deleted goes, and nobody hears of it. */
export const close: Executor<'CLOSE'> = async (_, session) => {
  const { selected } = session
  if (selected && !selected.readOnly && selected.rights.includes('e')) await expungeDeleted(session, selected)
  session.unselect()
  return { is: 'OK', text: 'Closed' }
}

/** RFC 9051 §6.4.2 */
export const unselect: Executor<'UNSELECT'> = (_, session) => {
  session.unselect()
  return { is: 'OK', text: 'Closed' }
}

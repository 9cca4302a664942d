/** COPY and UID COPY (RFC 9051 §6.4.7), MOVE and UID MOVE (§6.4.8). */
import { codes } from '../../imap/response.ts'
import { SYSTEM_FLAGS } from '../../mail/flags.ts'
import type { UidRange } from '../../mail/sequence-set.ts'
import type { Copied } from '../../storage/mail-operations.ts'
import { bad, failed, impossible, no, ok } from './answers.ts'
import { changeable, isAll } from './flag-rights.ts'
import { inSlices, OPERATION } from './mails.ts'
import { noRight, type Target, targetMailbox } from './names.ts'
import type { Executor, ImapSession, Selected, Tagged } from './session.ts'

// RFC 9051 §7.1: the client may make it and try again.
const TRYCREATE = no('TRYCREATE', 'There is no such mailbox')

export const copy: Executor<'COPY' | 'MOVE'> = (command, session) => {
  const { selected } = session
  if (!selected) return bad('Select a mailbox first')
  const { name, set, uid, mailbox } = command
  const ranges = selected.resolve(set, uid, session.savedResult)
  if (!ranges) return bad('There is no message of that number')
  const refusal = name === 'MOVE' ? mayNotRemove(selected) : undefined
  if (refusal) return refusal
  const target = targetMailbox(session, mailbox)
  if (!target) return TRYCREATE
  if (!target.rights.includes('i')) return noRight(target) // RFC 4314 §4
  return name === 'COPY' ? copyTo(target, ranges, selected, session) : moveTo(target, ranges, selected, session)
}

/** RFC 6851 §4.4: the rights t and e. */
function mayNotRemove({ readOnly, rights }: Selected): Tagged | undefined {
  if (readOnly) return no('READ-ONLY', 'The mailbox was opened for reading only')
  if (rights.includes('t') && rights.includes('e')) return undefined
  return no('NOPERM', 'You may not take messages out of this mailbox')
}

/** RFC 9051 §6.4.7: all of them or none, so in one operation however many there are. */
async function copyTo(
  target: Target,
  ranges: readonly UidRange[],
  selected: Selected,
  session: ImapSession,
): Promise<Tagged> {
  const [uids] = inSlices(selected.version, ranges, Number.POSITIVE_INFINITY)
  if (!uids) return ok('There was nothing to copy')
  const copied = await transfer('copy', target, uids, selected, session)
  if ('text' in copied) return copied
  // RFC 5530 §3
  if (copied.from.length === 0) return no('EXPUNGEISSUED', 'The messages are gone')
  return ok('Copied', codeOf(copied))
}

/** RFC 6851 §3.3: in parts, each of which is moved as a whole. */
async function moveTo(
  target: Target,
  ranges: readonly UidRange[],
  selected: Selected,
  session: ImapSession,
): Promise<Tagged> {
  let moved = 0
  let wanted = false
  for (const uids of inSlices(selected.version, ranges, OPERATION)) {
    wanted = true
    const copied = await transfer('move', target, uids, selected, session)
    if ('text' in copied) return copied
    // RFC 6851 §4.3: COPYUID comes before the EXPUNGEs, which the loop tells.
    if (copied.from.length > 0) session.write(`* OK [${codeOf(copied)}] Moved\r\n`)
    moved += copied.from.length
  }
  if (!wanted) return ok('There was nothing to move')
  return moved > 0 ? ok('Moved') : no('EXPUNGEISSUED', 'The messages are gone')
}

async function transfer(
  how: 'copy' | 'move',
  target: Target,
  uids: readonly UidRange[],
  { view }: Selected,
  session: ImapSession,
): Promise<Copied | Tagged> {
  const input = { how, from: view.mailbox, to: target.row.id, uids } as const
  const result = await session.services.storage.ask('copy', input)
  if ('failed' in result) return failed(result.failed)
  if (result.ok.is === 'missing') return TRYCREATE
  if (result.ok.is !== 'copied') return impossible(result.ok)
  await dropFlags(target, result.ok, session)
  return result.ok
}

/** RFC 4314 §4: a copy keeps only the flags that its maker may set there. */
async function dropFlags(target: Target, { to }: Copied, { services }: ImapSession): Promise<void> {
  const may = changeable(target.rights)
  if (isAll(may) || to.length === 0) return
  const system = SYSTEM_FLAGS.reduce((bits, [bit]) => bits | bit, 0) & ~may.system
  const keywords = may.keywords ? [] : services.reader.keywords(target.row.id).map(([, name]) => name)
  await services.storage.ask('store', {
    mailbox: target.row.id,
    uids: to.map(uid => [uid, uid] as const),
    how: 'remove',
    flags: { system, keywords },
    unchangedSince: undefined,
  })
}

function codeOf({ uidValidity, from, to }: Copied): string {
  return codes.copyUid(uidValidity, from, to)
}

import type { ImapSession, Selected } from './session.ts'

/** RFC 7162 §3.1: a command that speaks of MODSEQ turns CONDSTORE on; the first one in a mailbox hears its HIGHESTMODSEQ. */
export function useCondstore(session: ImapSession, selected: Selected): void {
  session.enable('CONDSTORE')
  if (selected.condstore) return
  selected.condstore = true
  session.write(`* OK [HIGHESTMODSEQ ${selected.view.row.modseq}] The highest so far\r\n`)
}

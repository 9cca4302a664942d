import { SEPARATOR } from '../../store/mailbox-name.ts'
import { ok } from './answers.ts'
import { OTHERS } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** RFC 9051 §6.3.10: own mailboxes, those of others, and none that belong to nobody. */
export function namespace(_: unknown, session: ImapSession): Tagged {
  session.write(`* NAMESPACE (("" "${SEPARATOR}")) (("${OTHERS}${SEPARATOR}" "${SEPARATOR}")) NIL\r\n`)
  return ok('Done')
}

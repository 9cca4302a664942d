import { capabilities } from '../../imap/capabilities.ts'
import type { Executor, ImapSession } from './session.ts'

type Announcing = Pick<ImapSession, 'account' | 'tls' | 'mayLogIn' | 'compressed' | 'services'>

/** RFC 9051 §7.2.2, without the word. */
export function announced({ account, tls, mayLogIn, compressed, services }: Announcing): string {
  return capabilities({
    loggedIn: account !== undefined,
    startTls: !tls && services.tlsPossible(),
    mayLogIn,
    messageSize: services.limits.messageSize,
    compressed,
  })
}

/** RFC 9051 §6.1.1 */
export const capability: Executor<'CAPABILITY'> = (_, session) => {
  session.write(`* CAPABILITY ${announced(session)}\r\n`)
  return { is: 'OK', text: 'That is what we can do' }
}

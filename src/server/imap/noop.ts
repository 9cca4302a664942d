/** Commands that do little more than hear what changed. */
import type { Executor, Tagged } from './session.ts'

const DONE: Tagged = { is: 'OK', text: 'Done' }

/** RFC 9051 §6.1.2; RFC 3501 §6.4.1: there is nothing that a CHECK could save, everything is on disk. */
export const noop: Executor<'NOOP' | 'CHECK'> = () => DONE

/** RFC 9051 §6.1.3 */
export const logout: Executor<'LOGOUT'> = (_, session) => {
  session.unselect()
  session.write('* BYE Until next time\r\n')
  session.afterwards('close')
  return DONE
}

/** RFC 9051 §6.2.1 */
export const starttls: Executor<'STARTTLS'> = (_, session) => {
  if (session.tls) return { is: 'BAD', text: 'TLS is on already' }
  if (!session.services.tlsPossible()) return { is: 'NO', code: 'UNAVAILABLE', text: 'There is no certificate' }
  session.afterwards('starttls')
  return { is: 'OK', text: 'Begin TLS now' }
}

/** RFC 4978 §3 */
export const compress: Executor<'COMPRESS'> = ({ mechanism }, session) => {
  if (mechanism.toUpperCase() !== 'DEFLATE') return { is: 'NO', code: 'CANNOT', text: 'Only DEFLATE is known here' }
  if (session.compressed) return { is: 'NO', code: 'COMPRESSIONACTIVE', text: 'Compression is on already' }
  session.afterwards('compress')
  return { is: 'OK', text: 'Compressed from here on' }
}

import type { Executor } from './session.ts'

/** RFC 9051 §6.3.13: the client is silent, and hears of every change as it comes. */
export const idle: Executor<'IDLE'> = (_, session) => {
  const { views } = session.services
  const mailbox = session.selected?.view.mailbox
  const stop = mailbox === undefined ? undefined : views.listen({ mailbox }, () => session.tellNow())
  session.write('+ We tell you what comes\r\n')
  session.idle(true)
  session.tellNow() // what came before we listened
  // Not an async function: what one keeps while it waits is twice as much, and sessions wait here by the thousand.
  return session.line().then(line => {
    session.idle(false)
    stop?.()
    return line !== undefined && /^DONE$/i.test(line.toString('latin1'))
      ? { is: 'OK', text: 'Done' }
      : { is: 'BAD', text: 'DONE is expected' }
  })
}

import { threadResponse } from '../../imap/esearch.ts'
import { threadByReferences, threadBySubject } from '../../store/thread.ts'
import { find, inMailbox, respond, sequenceNumbers } from './found.ts'
import type { Executor } from './session.ts'

const ALGORITHMS = { ORDEREDSUBJECT: threadBySubject, REFERENCES: threadByReferences }

/** RFC 5256 §3 */
export const thread: Executor<'THREAD'> = ({ program, uid, algorithm }, session) =>
  inMailbox(session, async (selected, scope) => {
    const found = await find(program, session, selected, scope)
    const tree = await ALGORITHMS[algorithm](found, scope)
    const numbers = uid ? tree.numbers : sequenceNumbers(tree.numbers, selected)
    await respond(threadResponse({ ...tree, numbers }), session)
    return { is: 'OK', text: 'Done' }
  })

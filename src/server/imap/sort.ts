import { sort as sorted } from '../../store/sort.ts'
import { find, inMailbox } from './found.ts'
import { answer } from './search.ts'
import type { Executor } from './session.ts'

/** RFC 5256 §3; with RETURN, RFC 5267 §3. */
export const sort: Executor<'SORT'> = (command, session) =>
  inMailbox(session, async (selected, scope) => {
    const found = await find(command.program, session, selected, scope)
    return answer(command, await sorted(found, command.keys, scope), session, selected)
  })

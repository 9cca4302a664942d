/** RFC 9051 §3: which command may be given when. */
import type { CommandName } from './command.ts'

export type State = 'not-authenticated' | 'authenticated' | 'selected'

/** RFC 9051 §6.1 */
const ALWAYS: readonly CommandName[] = ['CAPABILITY', 'NOOP', 'LOGOUT', 'ID']
/** RFC 9051 §6.2 */
const BEFORE: readonly CommandName[] = ['STARTTLS', 'AUTHENTICATE', 'LOGIN']
/** RFC 9051 §6.4, RFC 5256 §3, RFC 8508 §3 */
const SELECTED: readonly CommandName[] = [
  'CHECK',
  'CLOSE',
  'UNSELECT',
  'EXPUNGE',
  'UID EXPUNGE',
  'SEARCH',
  'SORT',
  'THREAD',
  'FETCH',
  'STORE',
  'COPY',
  'MOVE',
]

const WHEN = new Map<CommandName, 'always' | 'before' | 'selected'>([
  ...ALWAYS.map(name => [name, 'always'] as const),
  ...BEFORE.map(name => [name, 'before'] as const),
  ...SELECTED.map(name => [name, 'selected'] as const),
])

/** Why a command may not be given now, for people; undefined: it may. */
export function notNow(name: CommandName, state: State): string | undefined {
  const when = WHEN.get(name) ?? 'authenticated'
  if (when === 'always') return undefined
  if (when === 'before') return state === 'not-authenticated' ? undefined : 'You are logged in already'
  if (state === 'not-authenticated') return 'Log in first'
  return when === 'selected' && state !== 'selected' ? 'Select a mailbox first' : undefined
}

/**
 * RFC 9051 §7.5.1: no EXPUNGE while these are answered, because the client's sequence numbers must stay what they are. With UID the same
 * commands allow it (RFC 9051 §7.5.1, RFC 7162 §3.2.10.2).
 */
const KEEPS_NUMBERS: ReadonlySet<CommandName> = new Set(['FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD'])

export function mayExpunge(command: { readonly name: CommandName; readonly uid?: boolean }): boolean {
  return command.uid === true || !KEEPS_NUMBERS.has(command.name)
}

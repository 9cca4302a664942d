import type { Command } from '../command.ts'

type Plain =
  | 'CAPABILITY'
  | 'NOOP'
  | 'LOGOUT'
  | 'STARTTLS'
  | 'CHECK'
  | 'CLOSE'
  | 'UNSELECT'
  | 'IDLE'
  | 'NAMESPACE'
  | 'UNAUTHENTICATE'
  | 'EXPUNGE'

/** Commands without arguments. */
export function plain(name: Plain): () => Command {
  const command: Command = { name }
  return () => command
}

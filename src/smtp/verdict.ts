import type { Reply } from '../mail/reply.ts'

/** What policy, or a handler of the library's user, says of one step of a session. */
export type Verdict =
  | { readonly is: 'accept' }
  | { readonly is: 'refuse'; readonly reply: Reply }
  /** Refuse and hang up: 421, or 554 in the greeting. */
  | { readonly is: 'disconnect'; readonly reply: Reply }

export const ACCEPT: Verdict = { is: 'accept' }

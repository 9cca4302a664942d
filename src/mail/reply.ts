/** RFC 5321 §4.2: a reply, from us or from a peer. `text` has at least one line; no line contains CR or LF. */
export interface Reply {
  readonly code: number
  /** RFC 3463, '5.1.1'; undefined where there is none (greeting, EHLO, 354, or a peer that gave none). */
  readonly status: string | undefined
  readonly text: readonly string[]
}

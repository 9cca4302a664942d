/** A command as it came in: its text, without the line ends, cut where literals stood in it. */
export interface RawCommand {
  /** First and last is text (which may be ''), and between two texts is one literal. */
  readonly pieces: readonly Piece[]
}

/** Text has one character for each octet. */
export type Piece = string | Literal

export interface Literal {
  /** Its place among the literals of the command, from 0. */
  readonly number: number
  readonly size: number
  readonly kind: LiteralKind
  /** undefined: it was streamed. */
  readonly bytes: Buffer | undefined
}

/** RFC 3516 §4.4: literal8, `~{…}`; RFC 6855 §4: `UTF8 (~{…})`. */
export type LiteralKind = 'plain' | 'literal8' | 'utf8'

/** Characters of a tag. */
export const MAX_TAG = 200

const TAG = /^[^(){ %*"\\+\x00-\x1f\x7f-\xff]+(?= |$)/

/** RFC 9051 §9: tag = 1*<any ASTRING-CHAR except "+">, at the start of a command; undefined: there is none, or one that is too long. */
export function readTag(text: string): string | undefined {
  const tag = TAG.exec(text.slice(0, MAX_TAG + 1))?.[0]
  return tag !== undefined && tag.length <= MAX_TAG ? tag : undefined
}

/**
 * RFC 9051 §4.3: strings as IMAP sends them, legal for every client: what is not ASCII stands in a literal. Texts here are bytes as Latin-1
 * characters, so that what came in goes out as it was; a whole answer becomes bytes at once, by `Buffer.from(text, 'latin1')`.
 */

/** RFC 9051 §9: a quoted string has no CR, LF, NUL and nothing of eight bits. */
const UNQUOTABLE = /[\0\r\n\x80-\xff]/
const SPECIAL = /["\\]/
const HUMAN = /^ | $| {2}|[\t\r\n]/
/** U+FFFD: RFC 9051 §9: not even a literal may have a NUL. */
const REPLACEMENT = '\xef\xbf\xbd'

/** A quoted string, or a literal. */
export function imapString(text: string): string {
  if (UNQUOTABLE.test(text)) {
    const bytes = text.replaceAll('\0', REPLACEMENT)
    return `{${bytes.length}}\r\n${bytes}`
  }
  return SPECIAL.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

/** RFC 9051 §9: nstring = string / nil */
export function imapNstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : imapString(text)
}

/** What people read (subjects, names): white space is one space, and none at the ends. */
export function imapHumanString(text: string): string {
  return imapString(HUMAN.test(text) ? text.replace(/[ \t\r\n]+/g, ' ').trim() : text)
}

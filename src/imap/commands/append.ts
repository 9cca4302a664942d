import { dateTime, flagList, mailbox } from '../arguments.ts'
import type { Append, AppendMessage } from '../command.ts'
import { NO_FLAGS } from '../../mail/flags.ts'
import { bad, type Cursor, expected, nzNumber, peek, space, take, takeLiteral } from '../parser.ts'

/** RFC 9051 §6.3.12, RFC 3502 §6.3.11: APPEND SP mailbox 1*append-message */
export function append(c: Cursor): Append {
  space(c)
  const to = mailbox(c)
  const messages: AppendMessage[] = []
  space(c)
  do messages.push(message(c))
  while (take(c, ' '))
  return { name: 'APPEND', mailbox: to, replaces: undefined, messages }
}

/** RFC 8508 §4: REPLACE SP seq-number SP mailbox append-message */
export function replace(uid: boolean): (c: Cursor) => Append {
  return c => {
    space(c)
    const seq = take(c, '*') ? '*' : nzNumber(c, 'A message number')
    space(c)
    const to = mailbox(c)
    space(c)
    return { name: 'REPLACE', mailbox: to, replaces: { uid, seq }, messages: [message(c)] }
  }
}

/** RFC 9051 §9: append-message = [SP flag-list] [SP date-time] SP append-data; the first space was read. */
function message(c: Cursor): AppendMessage {
  let flags = NO_FLAGS
  let date: number | undefined
  if (peek(c) === '(') {
    flags = flagList(c)
    space(c)
  }
  if (peek(c) === '"') {
    date = dateTime(c)
    space(c)
  }
  return { flags, date, ...content(c) }
}

/** RFC 9051 §9: append-data = literal / literal8; RFC 6855 §4: "UTF8" SP "(" literal8 ")" */
function content(c: Cursor): Pick<AppendMessage, 'literal' | 'kind'> {
  const utf8 = take(c, 'UTF8 (')
  const literal = takeLiteral(c)
  if (!literal) expected(c, 'A message as literal')
  else if (utf8 !== (literal.kind === 'utf8')) bad(c, 'UTF8 needs a literal8')
  else if (utf8 && !take(c, ')')) expected(c, 'A closing parenthesis')
  return { literal: literal?.number ?? 0, kind: literal?.kind ?? 'plain' }
}

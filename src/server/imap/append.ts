/** APPEND of one or several messages (RFC 9051 §6.3.12, RFC 3502), and REPLACE (RFC 8508). */
import { basename } from 'node:path'
import type { Append, AppendMessage } from '../../imap/command.ts'
import { codes } from '../../imap/response.ts'
import { contentSize, type Content } from '../../mail/content.ts'
import { parseId } from '../../mail/id.ts'
import type { Appended, Appending } from '../../storage/mail-operations.ts'
import { describeContent } from '../../store/describe-content.ts'
import { failed, impossible, no, ok } from './answers.ts'
import { changeable, permitted } from './flag-rights.ts'
import { noRight, type Target, targetMailbox } from './names.ts'
import { type Replaced, replacedBy } from './replace.ts'
import type { Executor, ImapSession, Tagged } from './session.ts'

export const append: Executor<'APPEND' | 'REPLACE'> = async (command, session) => {
  const target = targetMailbox(session, command.mailbox)
  // RFC 9051 §6.3.12: the client may make it and try again.
  if (!target) return no('TRYCREATE', 'There is no such mailbox')
  if (!target.rights.includes('i')) return noRight(target) // RFC 4314 §4
  const replaced = replacedBy(command, session)
  if (replaced && 'text' in replaced) return replaced
  const messages = await messagesOf(command, target, session)
  if ('text' in messages) return messages
  const appended = await ask(target, messages, replaced, session)
  return 'text' in appended ? appended : answer(command, appended, target, session)
}

/** What is to be stored; or why one of them, and so none, can be. */
async function messagesOf(command: Append, target: Target, session: ImapSession): Promise<Appending[] | Tagged> {
  const may = changeable(target.rights)
  const messages: Appending[] = []
  for (const message of command.messages) {
    const content = contentOf(message, session)
    if ('text' in content) return content
    messages.push({
      id: idOf(content, session),
      at: message.date ?? session.services.now(),
      content,
      description: await describeContent(content),
      flags: permitted(message.flags, may),
    })
    const room = session.room()
    if (room) await room
  }
  return messages
}

function contentOf({ literal, kind }: AppendMessage, session: ImapSession): Content | Tagged {
  const { messageSize } = session.services.limits
  const content = session.literal(literal)
  if (!content) return no('UNAVAILABLE', 'There is no room for the message')
  const size = contentSize(content)
  // RFC 3502 §6.3.11: an empty literal is how a client takes everything back.
  if (size === 0) return { is: 'NO', text: 'An empty message is not stored' }
  if (size > messageSize) return no('TOOBIG', `A message may have ${messageSize} octets`) // RFC 7889 §4
  // RFC 6855 §4
  if (kind === 'utf8' && !session.utf8) return no('CANNOT', 'UTF8=ACCEPT has to be enabled first')
  return content
}

/** A file has the name of its message already. */
function idOf(content: Content, { services }: ImapSession): number {
  return (content.in === 'file' ? parseId(basename(content.path)) : undefined) ?? services.nextId()
}

async function ask(
  { row }: Target,
  messages: readonly Appending[],
  replaces: Replaced | undefined,
  { services }: ImapSession,
): Promise<Appended | Tagged> {
  const result = await services.storage.ask('append', { mailbox: row.id, owner: services.owner, messages, replaces })
  if ('failed' in result) return failed(result.failed)
  if (result.ok.is === 'appended') return result.ok
  if (result.ok.is !== 'missing') return impossible(result.ok)
  return replaces
    ? no('NONEXISTENT', 'The message or the mailbox is gone')
    : no('TRYCREATE', 'There is no such mailbox')
}

function answer({ name }: Append, { uidValidity, uids }: Appended, { rights }: Target, session: ImapSession): Tagged {
  const text = name === 'APPEND' ? 'Stored' : 'Replaced'
  // RFC 4315 §3: who may not open the mailbox hears nothing of what is in it.
  if (!rights.includes('r')) return ok(text)
  const code = codes.appendUid(uidValidity, uids)
  if (name === 'APPEND') return ok(text, code)
  session.write(`* OK [${code}] ${text}\r\n`) // RFC 8508 §3.3: before the EXPUNGE
  return ok(text)
}

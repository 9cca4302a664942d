/** RFC 5256 §2.1, §3, RFC 5957: what SORT and THREAD compare of a message. */
import type { ListedAddress } from './address-list.ts'
import { baseSubject } from './base-subject.ts'
import { foldCase } from './case-fold.ts'
import { decodeCharset } from './charset.ts'
import type { SortKeys } from './description.ts'
import { decodeWords } from './encoded-word.ts'
import { type EntityFields, lastField } from './entity-fields.ts'
import type { MessageEnvelope } from './envelope-text.ts'
import { cursorOf, peek, readQuoted, skipCfws } from './structured-field.ts'

const MAX_REFERENCES = 100
/** Characters; RFC 5322 §2.1.1: no line is longer. */
const MAX_MESSAGE_ID = 998
/** Bytes of a subject that are decoded. */
const MAX_SUBJECT = 10_000
/** Characters of a key: more do not change the order. */
const MAX_KEY = 500

export function sortKeysOf(envelope: MessageEnvelope, fields: EntityFields): SortKeys {
  const subject = baseSubject(decodedText((envelope.subject ?? '').slice(0, MAX_SUBJECT)))
  const [from, to, cc] = [envelope.from[0], envelope.to[0], envelope.cc[0]]
  return {
    subject: foldCase(subject.text.slice(0, MAX_KEY)),
    answer: subject.answer,
    from: mailboxKey(from),
    to: mailboxKey(to),
    cc: mailboxKey(cc),
    displayFrom: displayKey(from),
    displayTo: displayKey(to),
    messageId: messageIds(envelope.messageId ?? '')[0] ?? '',
    references: referencesOf(fields),
  }
}

/** RFC 5256 §3: THREAD: References, or the first identifier of In-Reply-To. */
function referencesOf(fields: EntityFields): readonly string[] {
  const references = messageIds((fields.get('references') ?? []).join(' '))
  if (references.length > 0) return references.slice(-MAX_REFERENCES)
  return messageIds(lastField(fields, 'in-reply-to') ?? '').slice(0, 1)
}

/** RFC 5256 §3: identifiers without their brackets and quotes, so that equal ones are equal strings. */
function messageIds(value: string): string[] {
  const ids: string[] = []
  for (const cursor = cursorOf(value); skipCfws(cursor) && cursor.at < value.length; ) {
    const next = peek(cursor)
    if (next === '"') readQuoted(cursor)
    else if (next !== '<') cursor.at++
    else {
      const end = value.indexOf('>', cursor.at)
      if (end === -1) break
      const id = normalId(value.slice(cursor.at + 1, Math.min(end, cursor.at + MAX_MESSAGE_ID)))
      if (id !== undefined) ids.push(id)
      cursor.at = end + 1
    }
  }
  return ids
}

/** RFC 5322 §3.6.4: id-left "@" id-right. undefined: not that. */
function normalId(text: string): string | undefined {
  const quoted = /^\s*"((?:[^"\\]|\\.)+)"\s*@(.+)$/.exec(text)
  const id = (quoted?.[2] ?? text).replace(/[ \t]+/g, '')
  if (quoted) return `${(quoted[1] ?? '').replace(/\\(.)/g, '$1')}@${id}`
  const at = id.lastIndexOf('@')
  return at > 0 && at < id.length - 1 ? id : undefined
}

/** RFC 5256 §3: the addr-mailbox of the first address. */
function mailboxKey(address: ListedAddress | undefined): string {
  return foldCase(decodedText(address?.mailbox ?? '').slice(0, MAX_KEY))
}

/** RFC 5957 §3: the name, decoded; else mailbox@host; of a group its name. */
function displayKey(address: ListedAddress | undefined): string {
  const { name, mailbox = '', domain = '' } = address ?? {}
  const text = name === undefined || name === '' ? (domain === '' ? mailbox : `${mailbox}@${domain}`) : name
  return foldCase(decodedText(text).trim().slice(0, MAX_KEY))
}

const BEYOND_ASCII = /[\x80-\xff]/

/** Bytes as Latin-1 characters, decoded: UTF-8 or what it may be, and encoded words. */
function decodedText(bytes: string): string {
  return decodeWords(BEYOND_ASCII.test(bytes) ? decodeCharset(Buffer.from(bytes, 'latin1'), undefined) : bytes)
}

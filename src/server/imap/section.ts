/** RFC 9051 §6.4.5.1: what a section of a message means, as a range of bytes. */
import type { Section } from '../../imap/fetch-item.ts'
import type { Part } from '../../mail/description.ts'

/** [from, to) of the whole: the copy's head, then the content. */
export type Span = readonly [from: number, to: number]

/** A message as it is indexed: see `Description`. */
export interface Parts {
  readonly header: number
  readonly part: Part
}

/** `head`: bytes before the content. `size`: of all. `parts`: not needed for the whole. undefined: there is no such part. */
export function spanOf(
  { part: numbers, text }: Section,
  parts: Parts | undefined,
  head: number,
  size: number,
): Span | undefined {
  if (numbers.length === 0 && text.is === 'all') return [0, size]
  if (!parts) return undefined
  const { header, part } = parts
  if (numbers.length === 0) {
    if (text.is === 'MIME') return undefined
    return text.is === 'TEXT' ? [head + header, size] : [0, head + header]
  }
  const found = findPart(part, numbers)
  if (!found) return undefined
  if (text.is === 'all') return [head + found.body, head + found.end]
  if (text.is === 'MIME') return [head + found.start, head + found.body]
  // RFC 9051 §6.4.5.1: HEADER and TEXT of a part are those of the message in it.
  const message = messageIn(found)
  if (!message) return undefined
  return text.is === 'TEXT' ? [head + message.body, head + message.end] : [head + message.start, head + message.body]
}

/** undefined: there is no such part. No number is the message itself. */
export function findPart(message: Part, numbers: readonly number[]): Part | undefined {
  let part: Part | undefined = message
  for (const [depth, number] of numbers.entries()) {
    const within: Part | undefined = depth === 0 || isMultipart(part) ? part : messageIn(part)
    if (!within) return undefined
    // RFC 9051 §6.4.5.1: every message has at least one part; where it is no multipart, its body is part 1.
    if (isMultipart(within)) part = within.parts[number - 1]
    else part = number === 1 ? within : undefined
    if (!part) return undefined
  }
  return part
}

export function isMultipart({ type }: Part): boolean {
  return type.startsWith('multipart/')
}

/** RFC 2046 §5.2.1, RFC 6532 §3.7 */
export function messageIn({ type, parts }: Part): Part | undefined {
  return type === 'message/rfc822' || type === 'message/global' ? parts[0] : undefined
}

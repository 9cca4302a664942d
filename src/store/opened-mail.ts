/** One mail that is looked at by a search: of its content only what is needed is read and decoded. */
import { foldBoundary, foldCase } from '../mail/case-fold.ts'
import { charsetDecoder } from '../mail/charset.ts'
import type { Content } from '../mail/content.ts'
import type { Part } from '../mail/description.ts'
import { HEADER_MAX } from '../mail/header.ts'
import type { Id } from '../mail/id.ts'
import { headerValues, textOfRange, type TextRange, textRanges } from '../mail/message-text.ts'
import { transferDecoder } from '../mail/transfer-encoding.ts'
import type { MailReader } from '../storage/mail-reader.ts'
import { contentRanges, Unreadable } from './content-ranges.ts'
import { describeContent } from './describe-content.ts'

export interface OpenedMail {
  /** Whether a field of that name (in lower case) of the message's own header holds the folded text. */
  headerHolds(field: string, folded: string): Promise<boolean>
  /** RFC 9051 §6.4.4: TEXT is header fields and bodies, BODY has no header fields. */
  textHolds(of: 'TEXT' | 'BODY', folded: string): Promise<boolean>
  close(): Promise<void> | undefined
}

/** Bytes of a text that is decoded as a whole; a larger one goes through in pieces. */
const WHOLE = 4 * 1024 * 1024
const PIECE = 256 * 1024

/** A message that was removed meanwhile, or cannot be read, holds nothing. */
export function openedMail(
  message: Id,
  content: Content,
  reader: Pick<MailReader, 'parts'>,
  breathe: () => Promise<void> | undefined,
): OpenedMail {
  const ranges = contentRanges(content)
  let known: Part | undefined

  async function described(): Promise<Part> {
    const part = known ?? reader.parts(message)?.part ?? (await describeContent(content)).part
    known = part
    return part
  }

  async function headerHolds(field: string, folded: string): Promise<boolean> {
    const values = headerValues(await ranges.read(0, HEADER_MAX), field)
    return values.some(value => foldCase(value).includes(folded))
  }

  async function textHolds(of: 'TEXT' | 'BODY', folded: string): Promise<boolean> {
    for (const range of textRanges(await described())) {
      if (of === 'BODY' && range.is === 'header') continue
      if (await (range.end - range.start > WHOLE ? largeHolds(range, folded) : wholeHolds(range, folded))) return true
      await breathe()
    }
    return false
  }

  async function wholeHolds(range: TextRange, folded: string): Promise<boolean> {
    const bytes = await ranges.read(range.start, range.end)
    return foldCase(textOfRange(range, bytes)).includes(folded)
  }

  async function largeHolds({ part, start, end }: TextRange, folded: string): Promise<boolean> {
    const transfer = transferDecoder(part.encoding)
    const charset = charsetDecoder(part.charset)
    let text = ''
    let last = ''
    for (let at = start; at < end; at += PIECE) {
      text += charset.feed(transfer.feed(await ranges.read(at, Math.min(end, at + PIECE))))
      const cut = foldBoundary(text)
      const piece = last + foldCase(text.slice(0, cut))
      if (piece.includes(folded)) return true
      last = piece.slice(Math.max(0, piece.length - folded.length + 1))
      text = text.slice(cut)
      await breathe()
    }
    const rest = text + charset.feed(transfer.end()) + charset.end()
    return (last + foldCase(rest)).includes(folded)
  }

  return {
    headerHolds: (field, folded) => orUnreadable(headerHolds(field, folded)),
    textHolds: (of, folded) => orUnreadable(textHolds(of, folded)),
    close: () => ranges.close(),
  }
}

async function orUnreadable(holds: Promise<boolean>): Promise<boolean> {
  try {
    return await holds
  } catch (error) {
    if (error instanceof Unreadable) return false
    throw error
  }
}

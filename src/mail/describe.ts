/**
 * A message's description, made once, when it arrives: its bytes pass through the indexer (`structure.ts`), and of the structure that comes
 * out the answers of FETCH are written, as they will be sent (`envelope-text.ts`, `structure-text.ts`). Then its texts are read, for the
 * preview and the signature. A message that is not in memory goes the same way, only that somebody reads those ranges for us.
 */
import { parameterOf, parseDisposition, parseMechanism } from './content-fields.ts'
import { parseDate } from './date.ts'
import type { Description, Part } from './description.ts'
import { firstField } from './entity-fields.ts'
import type { Entity } from './entity-stack.ts'
import { envelopeOf, envelopeText, MAX_ADDRESSES } from './envelope-text.ts'
import { type TextRange, textOfRange, textRanges } from './message-text.ts'
import { PREVIEW_BYTES, previewOf } from './preview.ts'
import { signatureBuilder } from './signature.ts'
import { sortKeysOf } from './sort-keys.ts'
import { indexer } from './structure.ts'
import { structureTexts } from './structure-text.ts'

/** What has to be read of a message again, after its structure is known. */
export interface Reading {
  readonly part: Part
  /** The text that the preview is made of, at most PREVIEW_BYTES. */
  readonly preview: { readonly part: Part; readonly start: number; readonly end: number } | undefined
  /** All that a search looks at; undefined: more than the signature is made of. */
  readonly texts: readonly TextRange[] | undefined
}

/** Characters that a signature is made of at most. */
const MAX_TEXT = 1024 * 1024
/** Bytes that are decoded for it: quoted-printable has three for one. */
const MAX_RAW_TEXT = 3 * MAX_TEXT

/** Of a whole message: header and body. Any bytes have a description. */
export function describe(content: Uint8Array): Description {
  const index = indexer()
  index.add(content)
  const message = index.done()
  return describeEntity(message, readingOf(message), ({ start, end }) => content.subarray(start, end))
}

export function readingOf(message: Entity): Reading {
  const part = partOf(message)
  const found = previewText(message, part)
  const preview = found && { part: found, start: found.body, end: Math.min(found.end, found.body + PREVIEW_BYTES) }
  const texts = textRanges(part)
  const raw = texts.reduce((sum, { start, end }) => sum + end - start, 0)
  return { part, preview, texts: raw > MAX_RAW_TEXT ? undefined : texts }
}

/** `bytesOf` a range that `reading` asks for. */
export function describeEntity(
  message: Entity,
  { part, preview, texts }: Reading,
  bytesOf: (range: { readonly start: number; readonly end: number }) => Uint8Array,
): Description {
  const envelope = envelopeOf(message.fields, { left: MAX_ADDRESSES })
  const { body, structure } = structureTexts(message)
  return {
    header: message.body,
    ...inOneBuffer(envelopeText(envelope), body, structure, texts && signatureOf(texts, bytesOf)),
    part,
    sent: envelope.date === undefined ? undefined : parseDate(envelope.date),
    sort: sortKeysOf(envelope, message.fields),
    preview: preview ? previewOf(preview.part, bytesOf(preview)) : '',
  }
}

/**
 * Texts in Latin-1 characters as bytes. Of their own and nobody else's: a description is sent to another thread, and with a range of a
 * buffer goes all of it, which of Node's common one is 64 KB.
 */
function inOneBuffer(
  envelope: string,
  body: string,
  structure: string,
  signature: Uint8Array | undefined,
): Pick<Description, 'envelope' | 'body' | 'structure' | 'signature'> {
  const all = Buffer.allocUnsafeSlow(envelope.length + body.length + structure.length + (signature?.length ?? 0))
  let end = 0
  const put = (text: string): Buffer => all.subarray(end, (end += all.write(text, end, 'latin1')))
  const written = { envelope: put(envelope), body: put(body), structure: put(structure) }
  if (signature) all.set(signature, end)
  return { ...written, signature: signature && all.subarray(end) }
}

function signatureOf(texts: readonly TextRange[], bytesOf: (range: TextRange) => Uint8Array): Uint8Array | undefined {
  const signature = signatureBuilder()
  let characters = 0
  for (const range of texts) {
    const text = textOfRange(range, bytesOf(range))
    characters += text.length
    if (characters > MAX_TEXT) return undefined
    signature.add(text, range.is)
  }
  return signature.done()
}

function partOf(entity: Entity): Part {
  const { media, kind, start, body, end, lines } = entity
  const type = media ? `${media.type}/${media.subtype}` : kind === 'message' ? 'message/rfc822' : 'text/plain'
  const charset = parameterOf(media?.parameters ?? [], 'charset')
  return {
    type: type.toLowerCase(),
    charset: charset === undefined || charset === '' ? undefined : charset.toLowerCase(),
    encoding: kind === 'multipart' ? 'identity' : encodingOf(entity), // RFC 2045 §6.4
    start,
    body,
    end,
    lines,
    parts: entity.parts.map(partOf),
  }
}

function encodingOf({ fields }: Entity): Part['encoding'] {
  const mechanism = parseMechanism(firstField(fields, 'content-transfer-encoding') ?? '')?.toLowerCase() ?? '7bit'
  switch (mechanism) {
    case '7bit':
    case '8bit':
    case 'binary':
      return 'identity'
    case 'base64':
    case 'quoted-printable':
      return mechanism
    default:
      return 'other'
  }
}

/** The first text that is no attachment; a plain one before others. Messages within the message are not looked into. */
function previewText(entity: Entity, part: Part): Part | undefined {
  if (entity.kind === 'text') return isAttachment(entity) ? undefined : part
  if (entity.kind !== 'multipart') return undefined
  let best: Part | undefined
  for (const [place, child] of entity.parts.entries()) {
    const childPart = part.parts[place]
    const found = childPart && previewText(child, childPart)
    if (found?.type === 'text/plain') return found
    best ??= found
  }
  return best
}

function isAttachment({ fields }: Entity): boolean {
  return parseDisposition(firstField(fields, 'content-disposition') ?? '')?.kind.toLowerCase() === 'attachment'
}

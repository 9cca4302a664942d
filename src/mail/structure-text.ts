/** RFC 9051 §7.5.2: BODY and BODYSTRUCTURE, as they are sent: bytes in Latin-1 characters. */
import { type Parameters, parseDisposition, parseLanguages, parseMechanism } from './content-fields.ts'
import { firstField } from './entity-fields.ts'
import { type AddressBudget, envelopeOf, envelopeText, MAX_ADDRESSES } from './envelope-text.ts'
import { imapNstring, imapString } from './imap-string.ts'
import type { Entity } from './entity-stack.ts'

export interface StructureTexts {
  /** Without extension data. */
  readonly body: string
  readonly structure: string
}

/** Recursion goes as deep as entities do (MAX_NESTING). */
export function structureTexts(message: Entity): StructureTexts {
  return textsOf(message, { left: MAX_ADDRESSES })
}

function textsOf(entity: Entity, budget: AddressBudget): StructureTexts {
  return entity.kind === 'multipart' ? multipart(entity, budget) : onePart(entity, budget)
}

// A multipart must have a part: where there is none, it is an empty text.
const EMPTY_BODY = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'
const EMPTY: StructureTexts = { body: EMPTY_BODY, structure: `${EMPTY_BODY.slice(0, -1)} NIL NIL NIL NIL)` }

/** RFC 9051 §9: body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart] */
function multipart(entity: Entity, budget: AddressBudget): StructureTexts {
  const parts = entity.parts.length === 0 ? [EMPTY] : entity.parts.map(part => textsOf(part, budget))
  const subtype = imapString(entity.media?.subtype ?? 'mixed')
  const parameters = parametersText(entity.media?.parameters ?? [])
  const bodies = parts.map(({ body }) => body).join('')
  const structures = parts.map(({ structure }) => structure).join('')
  return {
    body: `(${bodies} ${subtype})`,
    structure: `(${structures} ${subtype} ${parameters} ${commonExtension(entity)})`,
  }
}

/** RFC 9051 §9: body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part] */
function onePart(entity: Entity, budget: AddressBudget): StructureTexts {
  const start = `(${mediaText(entity)} ${fieldsText(entity)}`
  const extension = `${imapNstring(field(entity, 'content-md5'))} ${commonExtension(entity)}`
  if (entity.kind === 'text') {
    const all = `${start} ${entity.lines}`
    return { body: `${all})`, structure: `${all} ${extension})` }
  }
  const [message] = entity.parts
  if (entity.kind !== 'message' || !message) return { body: `${start})`, structure: `${start} ${extension})` }
  const envelope = envelopeText(envelopeOf(message.fields, budget))
  const inner = textsOf(message, budget)
  return {
    body: `${start} ${envelope} ${inner.body} ${entity.lines})`,
    structure: `${start} ${envelope} ${inner.structure} ${entity.lines} ${extension})`,
  }
}

/** RFC 9051 §9: media-basic / media-message / media-text SP body-fld-param */
function mediaText({ kind, media }: Entity): string {
  // What could not be taken apart is no multipart to a client, which would look for its parts.
  if (kind === 'deep') return '"application" "octet-stream" NIL'
  if (kind === 'message') {
    return `"message" ${media ? imapString(media.subtype.toLowerCase()) : '"rfc822"'} ${parametersText(media?.parameters ?? [])}`
  }
  if (!media) return '"text" "plain" ("charset" "us-ascii")'
  const { type, subtype, parameters } = media
  // RFC 2045 §5.2: a text without a charset is US-ASCII.
  const charset = kind === 'text' && !parameters.some(([name]) => name.toLowerCase() === 'charset')
  const all: Parameters = charset ? [...parameters, ['charset', 'us-ascii']] : parameters
  return `${imapString(type)} ${imapString(subtype)} ${parametersText(all)}`
}

/** RFC 9051 §9: body-fields, behind the parameters: id, description, encoding, octets. */
function fieldsText(entity: Entity): string {
  const encoding = parseMechanism(field(entity, 'content-transfer-encoding') ?? '') ?? '7bit'
  const [id, description] = [field(entity, 'content-id'), field(entity, 'content-description')]
  return `${imapNstring(id)} ${imapNstring(description)} ${imapString(encoding)} ${entity.end - entity.body}`
}

/** RFC 9051 §9: body-fld-dsp SP body-fld-lang SP body-fld-loc */
function commonExtension(entity: Entity): string {
  if (entity.fields.size === 0) return 'NIL NIL NIL'
  const disposition = parseDisposition(field(entity, 'content-disposition') ?? '')
  const dispositionText = disposition
    ? `(${imapString(disposition.kind)} ${parametersText(disposition.parameters)})`
    : 'NIL'
  const languages = parseLanguages(field(entity, 'content-language') ?? '')
  const languageText = languages.length > 0 ? `(${languages.map(imapString).join(' ')})` : 'NIL'
  return `${dispositionText} ${languageText} ${imapNstring(field(entity, 'content-location'))}`
}

function parametersText(parameters: Parameters): string {
  if (parameters.length === 0) return 'NIL'
  return `(${parameters.map(([name, value]) => `${imapString(name)} ${imapString(value)}`).join(' ')})`
}

/** The first one; an empty field counts as none. */
function field(entity: Entity, name: string): string | undefined {
  const value = firstField(entity.fields, name)
  return value === '' ? undefined : value
}

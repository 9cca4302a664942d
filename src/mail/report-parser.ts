/** Reads the delivery status notifications (RFC 3464, RFC 6533) that other mail systems send to us. */
import { isUtf8 } from 'node:buffer'
import { parseDate } from './date.ts'
import { type ContentType, findFields, parseContentType, splitEntity, splitMultipart, view } from './entity.ts'
import type { OriginalRecipient } from './envelope.ts'
import { fieldText, fieldValue } from './header.ts'
import type { Action } from './notice.ts'
import { decodeQuotedPrintable } from './quoted-printable.ts'
import { decodeUtf8Addr } from './xtext.ts'

/** All texts are the reporter's: one line each, bounded, and no more to be trusted than the reporter. Times in ms since 1970. */
export interface Report {
  readonly envelopeId: string | undefined
  readonly reportingMta: string | undefined
  readonly arrival: number | undefined
  readonly recipients: readonly ReportedRecipient[]
  /** The message it is about, as far as it came back. */
  readonly original: { readonly is: 'whole' | 'header'; readonly bytes: Uint8Array } | undefined
}

/** RFC 3464 §2.3 */
export interface ReportedRecipient {
  readonly original: OriginalRecipient | undefined
  readonly final: OriginalRecipient
  readonly action: Action
  /** RFC 3463; '5.0.0' and the like where the reporter gave none. */
  readonly status: string
  readonly remoteMta: string | undefined
  /** RFC 3464 §2.3.6; for type 'smtp' the text begins with the reply code. */
  readonly diagnostic: { readonly type: string; readonly text: string } | undefined
  readonly lastAttempt: number | undefined
  readonly retryUntil: number | undefined
}

const MAX_DEPTH = 8
const MAX_PARTS = 50
const MAX_RECIPIENTS = 1000
/** Bytes of the status part that are read. */
const MAX_STATUS = 1024 * 1024
/** Characters of one field. */
const MAX_VALUE = 2000

/** undefined: not a report in the form of RFC 3464, or one that names no recipient. */
export function parseReport(bytes: Uint8Array): Report | undefined {
  const parts = reportParts(view(bytes), 0)
  const at = parts?.findIndex(part => STATUS_TYPE.test(part.type)) ?? -1
  const status = parts?.[at]
  if (parts === undefined || status === undefined) return undefined
  const groups = fieldGroups(decoded(status).subarray(0, MAX_STATUS))
  const recipients = groups.map(readRecipient).filter(recipient => recipient !== undefined)
  if (recipients.length === 0) return undefined
  const about = groups[0] ?? new Map<string, string>()
  return {
    envelopeId: about.get('original-envelope-id'),
    reportingMta: readTyped(about.get('reporting-mta'), 'dns')?.text,
    arrival: readDate(about.get('arrival-date')),
    recipients: recipients.slice(0, MAX_RECIPIENTS),
    original: readOriginal(parts.slice(at + 1)),
  }
}

interface Part {
  readonly type: string
  readonly encoding: string
  readonly body: Buffer
}

const STATUS_TYPE = /^message\/(?:global-)?delivery-status$/

/** The parts of the first multipart/report; some gateways wrap it in further multiparts. Messages in the message are not looked into. */
function reportParts(entity: Buffer, depth: number): Part[] | undefined {
  const contentType = typeOf(entity)
  if (depth > MAX_DEPTH || contentType?.type.startsWith('multipart/') !== true) return undefined
  const body = entity.subarray(splitEntity(entity).body)
  const ranges = splitMultipart(body, contentType.parameters.get('boundary'), MAX_PARTS)?.parts
  const entities = ranges?.map(({ start, end }) => body.subarray(start, end)) ?? []
  if (contentType.type === 'multipart/report') return entities.map(readPart)
  for (const child of entities) {
    const found = reportParts(child, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

function typeOf(entity: Buffer): ContentType | undefined {
  const [field] = findFields(entity, 'content-type')
  return field === undefined ? undefined : parseContentType(fieldText(entity, field))
}

function readPart(entity: Buffer): Part {
  return {
    type: typeOf(entity)?.type ?? 'text/plain',
    encoding: fieldValue(entity, 'content-transfer-encoding')?.toLowerCase() ?? '7bit',
    body: entity.subarray(splitEntity(entity).body),
  }
}

function decoded({ encoding, body }: Part): Uint8Array {
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(body)
  return encoding === 'base64' ? Buffer.from(body.toString('latin1'), 'base64') : body
}

/** RFC 6522 §3: the third part; message/global is of RFC 6532 §3.7, message/global-headers of RFC 6533 §6.3. */
function readOriginal(parts: readonly Part[]): Report['original'] {
  for (const part of parts) {
    if (/^message\/(?:rfc822|global)$/.test(part.type)) return { is: 'whole', bytes: decoded(part) }
    if (/^(?:text\/rfc822-headers?|message\/global-headers)$/.test(part.type))
      return { is: 'header', bytes: decoded(part) }
  }
  return undefined
}

/** RFC 3464 §2.1: groups of fields with empty lines between them; names in lower case, the first field of a name counts. */
function fieldGroups(bytes: Uint8Array): Map<string, string>[] {
  const text = view(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1')
  const groups: Map<string, string>[] = []
  for (const block of text.split(/\r?\n(?:[ \t]*\r?\n)+/, MAX_RECIPIENTS + 2)) {
    const fields = new Map<string, string>()
    for (const line of block.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
      const match = /^([!-9;-~]{1,100})[ \t]*:(.*)$/.exec(line)
      const name = match?.[1]?.toLowerCase()
      if (name !== undefined && !fields.has(name)) fields.set(name, oneLine(match?.[2] ?? ''))
    }
    if (fields.size > 0) groups.push(fields)
  }
  return groups
}

function oneLine(text: string): string {
  return text
    .slice(0, MAX_VALUE)
    .replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
    .trim()
}

function readRecipient(fields: ReadonlyMap<string, string>): ReportedRecipient | undefined {
  const final = readAddress(fields.get('final-recipient'))
  const action = ACTIONS.find(name => name === withoutComments(fields.get('action') ?? '').toLowerCase())
  if (final === undefined || action === undefined) return undefined
  return {
    original: readAddress(fields.get('original-recipient')),
    final,
    action,
    status:
      /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])/.exec(fields.get('status') ?? '')?.[0] ?? DEFAULT_STATUS[action],
    remoteMta: readTyped(fields.get('remote-mta'), 'dns')?.text,
    diagnostic: readTyped(fields.get('diagnostic-code'), 'smtp'),
    lastAttempt: readDate(fields.get('last-attempt-date')),
    retryUntil: readDate(fields.get('will-retry-until')),
  }
}

const ACTIONS: readonly Action[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

const DEFAULT_STATUS: Readonly<Record<Action, string>> = {
  failed: '5.0.0',
  delayed: '4.0.0',
  delivered: '2.0.0',
  relayed: '2.0.0',
  expanded: '2.0.0',
}

/** RFC 3464 §2.1.2: type ";" text; without the type, as some write it, the `usual` one is meant. */
function readTyped(value: string | undefined, usual: string): { type: string; text: string } | undefined {
  if (value === undefined || value === '') return undefined
  const match = /^([A-Za-z0-9-]{1,32})[ \t]*;[ \t]*(.*)$/.exec(value)
  const typed = { type: match?.[1]?.toLowerCase() ?? usual, text: match?.[2] ?? value }
  return typed.text === '' ? undefined : typed
}

function readAddress(value: string | undefined): OriginalRecipient | undefined {
  const typed = readTyped(value, 'rfc822')
  if (typed === undefined) return undefined
  const address = /^<(.+)>$/.exec(typed.text)?.[1] ?? typed.text
  // RFC 6533 §3: the type utf-8 may be quoted.
  return { type: typed.type, address: typed.type === 'utf-8' ? (decodeUtf8Addr(address) ?? address) : address }
}

function readDate(value: string | undefined): number | undefined {
  return value === undefined ? undefined : parseDate(value)
}

function withoutComments(value: string): string {
  return value.replace(/\([^()]*\)/g, '').trim()
}

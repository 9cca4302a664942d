/** The parameters of MAIL and RCPT (RFC 5321 §4.1.2: Mail-parameters, Rcpt-parameters). A parameter is a row of its table. */
import type { BodyType, Envelope, Notify, OriginalRecipient } from '../mail/envelope.ts'
import { decodeUtf8Addr, decodeUtf8Xtext, decodeXtext } from '../mail/xtext.ts'
import { type OwnReply, replies } from './replies.ts'

export interface MailParameters {
  /** RFC 1870 §6: bytes, as declared. */
  readonly size: number | undefined
  readonly body: BodyType
  readonly smtputf8: boolean
  readonly ret: Envelope['ret']
  readonly envid: string | undefined
  readonly hold: Hold | undefined
}

/** RFC 4865: in ms from now, or ms since 1970. */
export type Hold = { readonly for: number } | { readonly until: number }

export interface RcptParameters {
  readonly notify: readonly Notify[] | undefined
  readonly original: OriginalRecipient | undefined
}

type Draft<Parameters> = { -readonly [Name in keyof Parameters]: Parameters[Name] }
/** Puts a value into the draft; false: it is none that the parameter can have. `undefined`: the keyword stands alone. */
type Row<Parameters> = (draft: Draft<Parameters>, value: string | undefined) => boolean

const MAX_ENVID = 100 // RFC 3461 §4.4: characters, encoded
const MAX_ORCPT = 500 // RFC 3461 §4.2: characters, encoded
const BODY_TYPES: readonly BodyType[] = ['7BIT', '8BITMIME', 'BINARYMIME']
const NOTIFIES: readonly Notify[] = ['SUCCESS', 'FAILURE', 'DELAY']

const MAIL = new Map<string, Row<MailParameters>>([
  ['SIZE', (draft, value) => (draft.size = readNumber(value, 20)) !== undefined], // RFC 1870: 1*20DIGIT
  [
    'BODY', // RFC 6152 §2, RFC 3030 §3
    (draft, value) => {
      const body = BODY_TYPES.find(type => type === value?.toUpperCase())
      draft.body = body ?? '7BIT'
      return body !== undefined
    },
  ],
  ['SMTPUTF8', (draft, value) => (draft.smtputf8 = value === undefined)], // RFC 6531 §3.4: no value
  [
    'RET', // RFC 3461 §4.3
    (draft, value) => {
      const ret = value?.toUpperCase()
      if (ret !== 'FULL' && ret !== 'HDRS') return false
      draft.ret = ret
      return true
    },
  ],
  ['ENVID', (draft, value) => (draft.envid = readXtext(value, MAX_ENVID)) !== undefined], // RFC 3461 §4.4
  // RFC 4954 §5: whom the submitter was; checked, and then believed of nobody, as it is there said.
  ['AUTH', (_, value) => value === '<>' || readXtext(value, MAX_ORCPT) !== undefined],
  ['HOLDFOR', (draft, value) => setHold(draft, readInterval(value))], // RFC 4865
  ['HOLDUNTIL', (draft, value) => setHold(draft, readDateTime(value))], // RFC 4865
])

const RCPT = new Map<string, Row<RcptParameters>>([
  ['NOTIFY', (draft, value) => (draft.notify = readNotify(value)) !== undefined], // RFC 3461 §4.1
  ['ORCPT', (draft, value) => (draft.original = readOriginal(value)) !== undefined], // RFC 3461 §4.2
])

const NO_MAIL_PARAMETERS: MailParameters = {
  size: undefined,
  body: '7BIT',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  hold: undefined,
}
const NO_RCPT_PARAMETERS: RcptParameters = { notify: undefined, original: undefined }

/** `text`: all that follows the path, with the space before it. Otherwise the reply that it deserves. */
export function readMailParameters(text: string): MailParameters | OwnReply {
  return readParameters(text, NO_MAIL_PARAMETERS, MAIL)
}

export function readRcptParameters(text: string): RcptParameters | OwnReply {
  return readParameters(text, NO_RCPT_PARAMETERS, RCPT)
}

function readParameters<Parameters extends object>(
  text: string,
  none: Parameters,
  rows: ReadonlyMap<string, Row<Parameters>>,
): Parameters | OwnReply {
  if (text === '') return none
  const draft = { ...none }
  const seen = new Set<string>()
  for (const parameter of text.split(' ')) {
    if (parameter === '') continue
    const equals = parameter.indexOf('=')
    const keyword = (equals === -1 ? parameter : parameter.slice(0, equals)).toUpperCase()
    const row = rows.get(keyword)
    if (row === undefined) return replies.unknownParameter
    if (seen.has(keyword)) return replies.repeatedParameter
    seen.add(keyword)
    if (!row(draft, equals === -1 ? undefined : parameter.slice(equals + 1))) return replies.badParameter
  }
  return draft
}

function readNumber(value: string | undefined, digits: number): number | undefined {
  return value !== undefined && value.length <= digits && /^\d+$/.test(value) ? Number(value) : undefined
}

function readXtext(value: string | undefined, max: number): string | undefined {
  return value === undefined || value === '' || value.length > max ? undefined : decodeXtext(value)
}

/** One of the two, once. */
function setHold(draft: Draft<MailParameters>, hold: Hold | undefined): boolean {
  if (draft.hold !== undefined) return false
  draft.hold = hold
  return hold !== undefined
}

/** RFC 4865: future-release-integer = 1*9DIGIT, seconds, not 0. */
function readInterval(value: string | undefined): Hold | undefined {
  const seconds = readNumber(value, 9)
  return seconds === undefined || seconds === 0 ? undefined : { for: seconds * 1000 }
}

/** RFC 4865: date-time of RFC 3339 §5.6. */
function readDateTime(value: string | undefined): Hold | undefined {
  const written = value?.toUpperCase() ?? ''
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(written)) return undefined
  const until = Date.parse(written)
  return Number.isNaN(until) ? undefined : { until }
}

/** RFC 3461 §4.1: NEVER alone, or a list. */
function readNotify(value: string | undefined): readonly Notify[] | undefined {
  if (value === undefined) return undefined
  const words = value.toUpperCase().split(',', NOTIFIES.length + 1)
  if (words.length === 1 && words[0] === 'NEVER') return []
  const notify = NOTIFIES.filter(word => words.includes(word))
  return notify.length === words.length ? notify : undefined
}

/** RFC 3461 §4.2: addr-type ";" xtext; RFC 6533 §3 for the type utf-8. */
function readOriginal(value: string | undefined): OriginalRecipient | undefined {
  if (value === undefined || value.length > MAX_ORCPT) return undefined
  const match = /^([A-Za-z0-9-]+);(.+)$/.exec(value)
  const [type, written] = [match?.[1]?.toLowerCase(), match?.[2]]
  if (type === undefined || written === undefined) return undefined
  const address = type === 'utf-8' ? decodeUtf8Addr(written) : decodeXtext(written)
  if (address !== undefined) return { type, address }
  const international = type === 'rfc822' ? decodeUtf8Xtext(written) : undefined
  return international === undefined ? undefined : { type: 'utf-8', address: international }
}

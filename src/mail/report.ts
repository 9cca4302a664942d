/**
 * Delivery status notifications (RFC 3461, RFC 3464, RFC 6533): what the sender of a message hears of it. `reportsDue` says whether one is
 * to be sent, `buildReport` makes the message: a multipart/report (RFC 6522) of a text for people, the same for programs, and the
 * original or its header. `report-parser.ts` reads those of others.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { formatAddress } from './address.ts'
import { formatDate } from './date.ts'
import { splitEntity, view } from './entity.ts'
import type { Envelope, Notify, OriginalRecipient, Recipient, ReversePath } from './envelope.ts'
import { fieldValue } from './header.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import type { Action, Notice, ReportFacts } from './notice.ts'
import { encodeQuotedPrintable } from './quoted-printable.ts'
import { clean, replyLines, reportText, subjectOf } from './report-text.ts'
import { hasNonAsciiHeader, needs } from './seven-bit.ts'
import { encodeUtf8AddrXtext } from './xtext.ts'

/** RFC 3461 §4.1: which NOTIFY asks for it. */
const NOTIFY_OF: Readonly<Record<Action, Notify>> = {
  failed: 'FAILURE',
  delayed: 'DELAY',
  delivered: 'SUCCESS',
  relayed: 'SUCCESS',
  expanded: 'SUCCESS',
}

/** Bytes of a message that is returned though nobody asked for it (no RET). */
const MAX_UNASKED = 50 * 1024
/** Bytes of a message that is returned on RET=FULL: RFC 3461 §4.3 makes it a request, and a report must fit through where it goes. */
const MAX_FULL = 10 * 1024 * 1024
/** Bytes of a field of the report: with its name, below the 998 of RFC 5322 §2.1.1. */
const MAX_FIELD = 900

/** Whether the sender is to hear of this: by NOTIFY, and never when there is none to tell. */
export function reportsDue(recipient: Recipient, action: Action, returnPath: ReversePath): boolean {
  if (returnPath === '<>') return false // RFC 3461 §6.1, RFC 5321 §6.1: no report on a report
  const notify = recipient.notify ?? ['FAILURE', 'DELAY'] // RFC 3461 §4.1
  return notify.includes(NOTIFY_OF[action])
}

/** Whether a report on these notices returns the whole message, `size` in bytes, if its bytes allow it. */
export function returnsContent(envelope: Envelope, notices: readonly Notice[], size: number): boolean {
  // RFC 3461 §4.3: RET is for reports of failure; with none in it, only the header is returned.
  if (!notices.some(notice => notice.action === 'failed')) return false
  if (envelope.ret === undefined) return size <= MAX_UNASKED
  return envelope.ret === 'FULL' && size <= MAX_FULL
}

/**
 * The report, header and body, with CRLF. What it asks of a transport, `needs` and `hasNonAsciiHeader` tell; it is to be sent from `<>`
 * with NOTIFY=NEVER (RFC 3461 §6.1). Throws when there is nobody or nothing to tell: that is for `reportsDue` to find out.
 */
export function buildReport(facts: ReportFacts): Uint8Array {
  const { returnPath } = facts.envelope
  if (returnPath === '<>' || facts.notices.length === 0 || facts.random.length < 16) {
    throw new Error('a report needs a return path, a notice and 16 random bytes')
  }
  const returned = returnedPart(facts)
  const parts = [textPart(facts, returned.whole), statusPart(facts), returned]
  const boundary = freeBoundary(facts.random, parts)
  const chunks: Uint8Array[] = [Buffer.from(reportHeader(facts, formatAddress(returnPath), boundary, parts))]
  for (const part of parts) {
    chunks.push(Buffer.from(`\r\n--${boundary}\r\n${partHeader(part)}\r\n`), part.body)
  }
  return Buffer.concat([...chunks, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

interface Part {
  readonly type: string
  readonly description: string
  readonly encoding: '7bit' | '8bit' | 'quoted-printable'
  readonly body: Uint8Array
}

function partHeader(part: Part): string {
  const encoding = part.encoding === '7bit' ? '' : `Content-Transfer-Encoding: ${part.encoding}\r\n`
  return `Content-Type: ${part.type}\r\nContent-Description: ${part.description}\r\n${encoding}`
}

function reportHeader(facts: ReportFacts, to: string, boundary: string, parts: readonly Part[]): string {
  const { hostname } = facts
  const messageId = parseMessageId(fieldValue(facts.original.bytes, 'message-id') ?? '')
  const thread = messageId !== undefined && /^[!-~]{1,250}$/.test(messageId) ? messageId : undefined
  const lines = [
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: ${to}`,
    `Subject: ${subjectOf(facts.notices)}`,
    `Date: ${formatDate(facts.now)}`,
    `Message-ID: ${formatMessageId(facts.random, hostname)}`,
    ...(thread === undefined ? [] : [`In-Reply-To: ${thread}`, `References: ${thread}`]), // RFC 3834 §3.1.5
    'Auto-Submitted: auto-replied', // RFC 3834 §5
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`, // RFC 6522 §3
    // RFC 2045 §6.4: the label of a multipart covers its parts
    ...(parts.some(part => part.encoding === '8bit') ? ['Content-Transfer-Encoding: 8bit'] : []),
  ]
  return `${lines.join('\r\n')}\r\n`
}

/** RFC 2046 §5.1.1: a boundary occurs in no part. Each round of the loop uses up bytes of the parts, so it ends. */
function freeBoundary(random: Uint8Array, parts: readonly Part[]): string {
  const id = view(random).toString('hex', 0, 16)
  for (let round = 0; ; round++) {
    const boundary = `=_report_${id}_${round}`
    if (!parts.some(part => view(part.body).includes(boundary))) return boundary
  }
}

function textPart(facts: ReportFacts, whole: boolean): Part {
  const text = Buffer.from(reportText(facts, whole))
  const description = 'Notification'
  return isAscii(text)
    ? { type: 'text/plain; charset=us-ascii', description, encoding: '7bit', body: text }
    : {
        type: 'text/plain; charset=utf-8',
        description,
        encoding: 'quoted-printable',
        body: encodeQuotedPrintable(text),
      }
}

/** RFC 6533 §4: whether the report may speak UTF-8: the sender did, and has something to say in it. */
function isGlobal(facts: ReportFacts): boolean {
  const { envelope, notices, original } = facts
  if (!envelope.smtputf8) return false
  const addresses = notices.flatMap(({ recipient }) => [recipient.address.local, recipient.original?.address ?? ''])
  const sender = envelope.returnPath === '<>' ? '' : envelope.returnPath.local
  return hasNonAsciiHeader(original.bytes) || !isAscii(Buffer.from([sender, ...addresses].join('')))
}

/** RFC 3464 §2.1, RFC 6533 §4 */
function statusPart(facts: ReportFacts): Part {
  const global = isGlobal(facts)
  const groups = [messageFields(facts), ...facts.notices.map(notice => recipientFields(notice, global))]
  const text = groups.map(fields => fields.map(field => `${field}\r\n`).join('')).join('\r\n')
  const body = Buffer.from(text)
  return {
    type: global ? 'message/global-delivery-status' : 'message/delivery-status',
    description: 'Delivery report',
    encoding: isAscii(body) ? '7bit' : '8bit',
    body,
  }
}

/** RFC 3464 §2.2 */
function messageFields(facts: ReportFacts): string[] {
  const envid = clean(facts.envelope.envid ?? '', MAX_FIELD, 'ascii')
  return [
    ...(envid === '' ? [] : [`Original-Envelope-Id: ${envid}`]), // RFC 3461 §6.3: as the sender gave it, not in xtext
    `Reporting-MTA: dns; ${facts.hostname}`,
    `Arrival-Date: ${formatDate(facts.arrival)}`,
  ]
}

/** RFC 3464 §2.3 */
function recipientFields(notice: Notice, global: boolean): string[] {
  const { original, address } = notice.recipient
  const charset = global ? 'utf-8' : 'ascii'
  const remote = clean(notice.remote ?? '', 255, 'ascii')
  const originalRecipient = original === undefined ? undefined : typedAddress(original, global)
  const final = typedAddress({ type: 'rfc822', address: formatAddress(address) }, global)
  return [
    ...(originalRecipient === undefined ? [] : [`Original-Recipient: ${originalRecipient}`]), // RFC 3461 §6.3
    `Final-Recipient: ${final ?? 'rfc822; unknown'}`,
    `Action: ${notice.action}`,
    `Status: ${statusOf(notice)}`,
    ...(remote === '' ? [] : [`Remote-MTA: dns; ${remote}`]),
    ...diagnosticCode(notice, charset),
    ...(notice.lastAttempt === undefined ? [] : [`Last-Attempt-Date: ${formatDate(notice.lastAttempt)}`]),
    ...(notice.action === 'delayed' ? [`Will-Retry-Until: ${formatDate(notice.retryUntil)}`] : []), // RFC 3464 §2.3.9: delayed only
  ]
}

/** RFC 3464 §2.3.1 and §2.3.2: address-type ";" generic-address. undefined: not one, so the field is left out. */
function typedAddress(recipient: OriginalRecipient, global: boolean): string | undefined {
  const { type, address } = recipient
  if (!/^[A-Za-z0-9-]{1,32}$/.test(type)) return undefined
  if (isAscii(Buffer.from(address))) return `${type}; ${clean(address, MAX_FIELD, 'ascii')}`
  // RFC 6533 §3: the type utf-8; outside message/global-delivery-status in its 7-bit form.
  const encoded = global ? address : encodeUtf8AddrXtext(address)
  return encoded === undefined || Buffer.byteLength(encoded) > MAX_FIELD
    ? undefined
    : `utf-8; ${clean(encoded, MAX_FIELD, 'utf-8')}`
}

/** RFC 3464 §2.3.4. A failure may be of class 4 (given up after persistent transient trouble); the other actions have one class. */
function statusOf(notice: Notice): string {
  const classes = { failed: '45', delayed: '4', delivered: '2', relayed: '2', expanded: '2' }[notice.action]
  const valid = /^\d\.\d{1,3}\.\d{1,3}$/.test(notice.status) && classes.includes(notice.status.charAt(0))
  return valid ? notice.status : `${classes.at(-1)}.0.0`
}

/** RFC 3464 §2.3.6: the peer's words as type smtp; where nobody said anything, ours under our own type. */
function diagnosticCode(notice: Notice, charset: 'ascii' | 'utf-8'): string[] {
  if (notice.reply !== undefined) {
    return [`Diagnostic-Code: smtp; ${replyLines(notice.reply, charset).join('\r\n ')}`]
  }
  const reason = clean(notice.reason, MAX_FIELD, charset)
  return reason === '' ? [] : [`Diagnostic-Code: X-Staffetta; ${reason}`]
}

/** RFC 6522 §3, third part: the whole message where that is wanted and can be done, else its header. */
function returnedPart(facts: ReportFacts): Part & { readonly whole: boolean } {
  const original = view(facts.original.bytes)
  const header = original.subarray(0, splitEntity(original).header)
  const utf8 = facts.envelope.smtputf8 && !isAscii(header) && isUtf8(header)
  const transport = facts.original.is === 'whole' ? needs(original) : 'binary'
  const wanted = returnsContent(facts.envelope, facts.notices, original.length)
  // RFC 2046 §5.2.1: a message in a message is not encoded, so binary content and 8-bit headers cannot be in one.
  if (wanted && transport !== 'binary' && (isAscii(header) || utf8)) {
    const type = utf8 ? 'message/global' : 'message/rfc822' // RFC 6532 §3.7
    return { type, description: 'Original message', encoding: transport, body: original, whole: true }
  }
  return { ...headerPart(header, utf8), whole: false }
}

/** RFC 6522 §4: text/rfc822-headers, quoted-printable where the header is not legal 7-bit; RFC 6533 §6.3: message/global-headers. */
function headerPart(header: Buffer, utf8: boolean): Part {
  const transport = needs(header)
  const plain = transport === '7bit' || (utf8 && transport === '8bit')
  return {
    type: utf8 ? 'message/global-headers' : 'text/rfc822-headers',
    description: 'Header of the original message',
    encoding: plain ? transport : 'quoted-printable',
    body: plain ? header : encodeQuotedPrintable(header),
  }
}

/** RFC 9051 §6.4.5, §7.5.2: what FETCH can be asked for, each item as its name and what writes its value. */
import type { FetchItem } from '../../imap/fetch-item.ts'
import { emailId } from '../../imap/object-id.ts'
import { internalDate, nstring } from '../../imap/response.ts'
import { binaryName, binaryWriter } from './fetch-binary.ts'
import { type BodyItem, bodyName, bodyWriter, type ItemWriter } from './fetch-body.ts'
import type { Needs } from './fetched-mail.ts'
import type { ResponseWriter } from './response-writer.ts'
import type { Selected } from './session.ts'

/** Flags texts that are kept as bytes. */
const TEXTS = 1000

/** RFC 9051 §6.4.5: whether it makes a message \Seen. */
export function marksSeen(item: FetchItem): boolean {
  if (item.item === 'BODY[]' || item.item === 'BINARY[]') return !item.peek
  return item.item === 'RFC822' || item.item === 'RFC822.TEXT'
}

export function needsOf(items: readonly FetchItem[]): Needs {
  const has = (...names: readonly FetchItem['item'][]): boolean => items.some(({ item }) => names.includes(item))
  const previews = items.filter(item => item.item === 'PREVIEW')
  const content = has('BODY[]', 'BINARY[]', 'BINARY.SIZE[]', 'RFC822', 'RFC822.HEADER', 'RFC822.TEXT')
  return {
    row: items.some(({ item }) => !['FLAGS', 'UID', 'MODSEQ', 'THREADID'].includes(item)),
    envelope: has('ENVELOPE'),
    body: has('BODY'),
    structure: has('BODYSTRUCTURE'),
    // RFC 8970 §3.1: LAZY is for what is there already.
    preview: previews.length === 0 ? 'no' : previews.every(({ lazy }) => lazy) ? 'lazy' : 'yes',
    parts: items.some(needsParts),
    content,
  }
}

/** The whole message is what it is without being looked at. */
function needsParts(item: FetchItem): boolean {
  if (item.item === 'BODY[]') return item.section.part.length > 0 || item.section.text.is !== 'all'
  if (item.item === 'BINARY[]' || item.item === 'BINARY.SIZE[]') return item.part.length > 0
  return item.item === 'RFC822.HEADER' || item.item === 'RFC822.TEXT'
}

/** What stands between the parentheses: names with their values, in the order of the items. `before`: what stands before the first. */
export function itemWriters(
  items: readonly FetchItem[],
  before: string,
  selected: Selected,
  out: ResponseWriter,
): ItemWriter[] {
  return items.map((item, n) => {
    const name = (n === 0 ? before : ' ') + nameOf(item)
    const write = writerOf(item, selected, out)
    return mail => {
      out.text(name)
      return write(mail)
    }
  })
}

function nameOf(item: FetchItem): string {
  if (item.item === 'BODY[]') return bodyName(item)
  return item.item === 'BINARY[]' || item.item === 'BINARY.SIZE[]' ? binaryName(item) : `${item.item} `
}

function writerOf(item: FetchItem, selected: Selected, out: ResponseWriter): ItemWriter {
  switch (item.item) {
    case 'UID':
      return mail => out.number(mail.uid)
    case 'FLAGS':
      return flagsWriter(selected, out)
    case 'MODSEQ':
      return mail => {
        out.text('(')
        out.number(mail.modseq)
        return out.text(')')
      }
    case 'THREADID':
      return () => out.text('NIL') // RFC 8474 §5.2: we keep no threads
    case 'BODY[]':
      return bodyWriter(item, out)
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      return bodyWriter(RFC822[item.item], out)
    case 'BINARY[]':
    case 'BINARY.SIZE[]':
      return binaryWriter(item, selected, out)
    case 'ENVELOPE':
      return mail => writeIndexed(mail.envelope, out)
    case 'BODY':
      return mail => writeIndexed(mail.body, out)
    case 'BODYSTRUCTURE':
      return mail => writeIndexed(mail.structure, out)
    case 'PREVIEW':
      return mail => out.bytes(Buffer.from(nstring(mail.preview, false)))
    case 'INTERNALDATE':
      return mail => out.text(internalDate(mail.row?.at ?? 0))
    case 'SAVEDATE':
      return mail => out.text(internalDate(mail.row?.saved ?? 0))
    case 'RFC822.SIZE':
      return mail => out.number(mail.row?.size ?? 0)
    case 'EMAILID':
      return mail => out.text(`(${emailId(mail.row?.message ?? 0)})`)
  }
}

/** RFC 3501 §6.4.5: RFC822 is BODY[], RFC822.HEADER is BODY.PEEK[HEADER], RFC822.TEXT is BODY[TEXT], but for their names. */
const RFC822: Readonly<Record<'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT', BodyItem>> = {
  RFC822: whole('all'),
  'RFC822.HEADER': whole('HEADER'),
  'RFC822.TEXT': whole('TEXT'),
}

function whole(is: 'all' | 'HEADER' | 'TEXT'): BodyItem {
  return { item: 'BODY[]', section: { part: [], text: { is } }, peek: false, partial: undefined }
}

function writeIndexed(bytes: Uint8Array | undefined, out: ResponseWriter): undefined {
  return bytes ? out.bytes(bytes) : out.text('NIL')
}

/** The same few combinations of flags come again and again: each is put into words once. */
function flagsWriter(selected: Selected, out: ResponseWriter): ItemWriter {
  const { view, recentFrom } = selected
  const texts = new Map<number, Buffer>()
  let last = Number.NaN
  let lastText: Uint8Array = new Uint8Array(0)
  return ({ uid, flags }) => {
    const key = uid >= recentFrom ? -1 - flags : flags
    if (key === last) return out.bytes(lastText)
    const known = texts.get(key)
    if (known) {
      last = key
      lastText = known
      return out.bytes(known)
    }
    const text = Buffer.from(selected.flagsText(uid) ?? '()', 'latin1')
    if (texts.size >= TEXTS) texts.clear()
    // While a body before it was sent, they may have become others.
    if (view.flagsAt(view.indexOf(uid)) === flags) texts.set(key, text)
    return out.bytes(text)
  }
}

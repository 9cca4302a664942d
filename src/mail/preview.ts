/** RFC 8970 §3: the beginning of what a message says, for lists: of its first text, without markup, quotes and the signature under it. */
import type { Part } from './description.ts'
import { htmlText } from './html-text.ts'
import { textOf } from './message-text.ts'

/** Characters. */
const MAX_PREVIEW = 200
/** Bytes of a body that are looked at. */
export const PREVIEW_BYTES = 16 * 1024

// Marks without width, which senders fill their previews with; those within emoji stay.
const INVISIBLE = /(?!\u200d|\ufe0f)\p{Default_Ignorable_Code_Point}/gu
const CONTROLS = /[\0-\x1f\x7f-\x9f\s]+/g

/** Bytes that are mostly enough, so that the rest is not decoded in vain. */
const MOSTLY_ENOUGH = 512

/** `body`: the first PREVIEW_BYTES of the body of a text, as it stands in the message. */
export function previewOf(part: Part, body: Uint8Array): string {
  if (part.type === 'text/html') {
    const html = textOf(part, body)
    return line(htmlText(html, { quotes: false })) || line(htmlText(html, { quotes: true }))
  }
  const beginning = line(withoutQuotes(textOf(part, body.subarray(0, MOSTLY_ENOUGH))))
  if (beginning.length >= MAX_PREVIEW - 1) return beginning
  const text = textOf(part, body)
  return line(withoutQuotes(text)) || line(text.replace(/^[> ]+/gm, ''))
}

/** One line of at most so many characters (UTF-16 units); none is cut in two. */
function line(text: string): string {
  const visible = Buffer.byteLength(text) === text.length ? text : text.replace(INVISIBLE, '').toWellFormed()
  const flat = visible.replace(CONTROLS, ' ').trim()
  if (flat.length <= MAX_PREVIEW) return flat
  const cut = /[\ud800-\udbff]/.test(flat.charAt(MAX_PREVIEW - 1)) ? MAX_PREVIEW - 1 : MAX_PREVIEW
  return flat.slice(0, cut).trimEnd()
}

/** Without lines that quote, the line that says whom they quote, and the signature (RFC 3676 §4.3). */
function withoutQuotes(text: string): string {
  const kept: string[] = []
  let wasQuote = false
  for (const line of text.split(/\r?\n/)) {
    if (line === '-- ') break
    const isQuote = line.startsWith('>')
    if (isQuote && !wasQuote) dropAttribution(kept)
    if (!isQuote) kept.push(line)
    wasQuote = isQuote
  }
  return kept.join('\n')
}

/** `On Tue, A wrote:`, on one or two lines, right before a quote. */
function dropAttribution(kept: string[]): void {
  while (kept.at(-1)?.trim() === '') kept.pop()
  if (kept.at(-1)?.trimEnd().endsWith(':') !== true) return
  kept.pop()
  if (/^On .*[^.!?]$/.test(kept.at(-1)?.trimEnd() ?? '')) kept.pop()
}

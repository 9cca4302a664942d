/** The words of an HTML document, for previews: markup goes, entities become characters. One pass; nothing is trusted, nothing is loaded. */

export interface HtmlOptions {
  /** With what stands in `blockquote`. */
  readonly quotes: boolean
}

/** Elements whose content is not read. */
const UNREAD = new Set(['head', 'script', 'style', 'title', 'template', 'noscript', 'svg', 'object'])
/** Elements that do not part words. */
const INLINE = new Set([
  'a',
  'abbr',
  'b',
  'big',
  'code',
  'em',
  'font',
  'i',
  'ins',
  'mark',
  'q',
  's',
  'small',
  'span',
  'strong',
  'sub',
  'sup',
  'tt',
  'u',
  'wbr',
])
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['zwnj', ''],
  ['zwj', ''],
  ['shy', ''],
  ['ndash', '–'],
  ['mdash', '—'],
  ['hellip', '…'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['bull', '•'],
  ['middot', '·'],
  ['copy', '©'],
  ['reg', '®'],
  ['trade', '™'],
  ['euro', '€'],
  ['auml', 'ä'],
  ['ouml', 'ö'],
  ['uuml', 'ü'],
  ['Auml', 'Ä'],
  ['Ouml', 'Ö'],
  ['Uuml', 'Ü'],
  ['szlig', 'ß'],
  ['eacute', 'é'],
  ['egrave', 'è'],
  ['agrave', 'à'],
  ['ccedil', 'ç'],
])
const TAG = /<(\/?)([a-z][a-z0-9]*)/iy

export function htmlText(html: string, options: HtmlOptions): string {
  let text = ''
  let quoted = 0
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    const end = open === -1 ? html.length : open
    if (options.quotes || quoted === 0) text += withoutEntities(html.slice(at, end))
    if (open === -1) break
    const tag = tagAt(html, open)
    if (tag.name === 'blockquote') quoted = Math.max(0, quoted + (tag.closes ? -1 : 1))
    if (!INLINE.has(tag.name)) text += tag.name === '<' ? '<' : ' '
    at = tag.end
  }
  return text
}

/** `name`: in lower case; '<' where it is only that, '' for comments and declarations. What is not closed goes to the end. */
function tagAt(html: string, open: number): { readonly name: string; readonly closes: boolean; readonly end: number } {
  if (html.startsWith('<!--', open)) return { name: '', closes: false, end: after(html, '-->', open + 4) }
  TAG.lastIndex = open
  const match = TAG.exec(html)
  if (!match) {
    const declaration = html[open + 1] === '!' || html[open + 1] === '?' || html[open + 1] === '/'
    return declaration
      ? { name: '', closes: false, end: after(html, '>', open) }
      : { name: '<', closes: false, end: open + 1 }
  }
  const name = (match[2] ?? '').toLowerCase()
  const closes = match[1] === '/'
  const end = after(html, '>', open)
  return {
    name,
    closes,
    end: !closes && UNREAD.has(name) && html[end - 2] !== '/' ? afterElement(html, name, end) : end,
  }
}

function after(html: string, what: string, from: number): number {
  const found = html.indexOf(what, from)
  return found === -1 ? html.length : found + what.length
}

function afterElement(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}\\b[^>]*>?`, 'ig')
  close.lastIndex = from
  return close.test(html) ? close.lastIndex : html.length
}

function withoutEntities(text: string): string {
  return text.includes('&') ? text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,8});?/gi, entity) : text
}

function entity(whole: string, name: string): string {
  if (!name.startsWith('#')) return ENTITIES.get(name) ?? ENTITIES.get(name.toLowerCase()) ?? whole
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
}

/** Maildir (cr.yp.to/proto/maildir.html, and Maildir++ as Dovecot has it): what the name of a file says of its message. */
import { ANSWERED, DELETED, DRAFT, type Flags, FLAGGED, SEEN } from '../mail/flags.ts'

const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['D', DRAFT],
  ['F', FLAGGED],
  ['R', ANSWERED],
  ['S', SEEN],
  ['T', DELETED],
]
/** RFC 5788: what P, passed, is called in IMAP. Dovecot knows only the keyword, others only the letter: both are written. */
export const FORWARDED = '$Forwarded'
/** `a` to `z` are the keywords of the folder's file `dovecot-keywords`, by their numbers in it. */
const MOST_KEYWORDS = 26
export const KEYWORDS_FILE = 'dovecot-keywords'

/** The part of a file name that stays the same whatever becomes of its flags. */
export function maildirBase(name: string): string {
  return name.replace(/[:;!]2,[^:;!]*$/, '')
}

/** `keywords`: by number, as `parseKeywords` gives them. Letters without a meaning are overlooked. */
export function maildirFlags(name: string, keywords: ReadonlyMap<number, string>): Flags {
  const letters = /[:;!]2,([^:;!]*)$/.exec(name)?.[1] ?? ''
  let system = 0
  const named: string[] = []
  for (const letter of new Set(letters.replace(/,.*/s, ''))) {
    const known = LETTERS.find(([one]) => one === letter)
    const keyword = letter === 'P' ? FORWARDED : keywords.get(letter.charCodeAt(0) - 97)
    if (known) system += known[1]
    else if (keyword !== undefined) named.push(keyword)
  }
  return { system, keywords: [...new Set(named)] }
}

/** `:2,FS` with letters in their order; and the keywords for which there is none. `keywords` grows. */
export function maildirInfo(flags: Flags, keywords: string[]): { readonly info: string; readonly left: number } {
  const letters = LETTERS.filter(([, bit]) => (flags.system & bit) !== 0).map(([letter]) => letter)
  let left = 0
  for (const name of flags.keywords) {
    const number = numberOf(name, keywords)
    if (name === FORWARDED) letters.push('P')
    if (number !== undefined) letters.push(String.fromCharCode(97 + number))
    else if (name !== FORWARDED) left++
  }
  return { info: `:2,${letters.sort().join('')}`, left }
}

function numberOf(name: string, keywords: string[]): number | undefined {
  const known = keywords.indexOf(name)
  if (known >= 0) return known
  return keywords.length < MOST_KEYWORDS ? keywords.push(name) - 1 : undefined
}

/** `0 $Junk`, one a line. What is no such line is overlooked. */
export function parseKeywords(text: string): ReadonlyMap<number, string> {
  const lines = text.split('\n').map(line => /^(\d{1,2}) (\S+)$/.exec(line.trimEnd()))
  return new Map(
    lines
      .flatMap(match => (match ? [[Number(match[1]), match[2] ?? ''] as const] : []))
      .filter(([n]) => n < MOST_KEYWORDS),
  )
}

/** By number; '' where there is none. */
export function formatKeywords(keywords: readonly string[]): string {
  return keywords.map((name, number) => (name === '' ? '' : `${number} ${name}\n`)).join('')
}

/** As numbers where there are some: `1.M99P7.host` comes before `1.M100P7.host`. */
const { compare } = new Intl.Collator('en', { numeric: true })

/** Messages in the order in which they came: their names begin with the time, and go on with parts of it. */
export function inMaildirOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => compare(a, b) || (a < b ? -1 : 1))
}

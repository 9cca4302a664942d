/** Which mailbox of an account takes what comes from which mailbox of a source. */
import type { SpecialUse } from '../storage/mail-operations.ts'
import { INBOX, type MailboxName, parseMailboxName, SEPARATOR } from '../store/mailbox-name.ts'
import type { SourceMailbox } from './import-source.ts'

export interface Target {
  readonly source: SourceMailbox
  /** undefined: there can be none of a name like that of the source. */
  readonly name: MailboxName | undefined
  /** The account's mailbox of this use, whatever it is called, takes it; it is made with that use where there is none. */
  readonly use: SpecialUse | undefined
}

/** Names in lower case, under which such mailboxes are known to mail programs and providers; the first is ours. */
const NAMES: readonly (readonly [use: SpecialUse, names: readonly string[]])[] = [
  ['\\Archive', ['archive', 'archives', 'archiv', 'all mail', 'alle nachrichten']],
  ['\\Drafts', ['drafts', 'draft', 'entwürfe', 'brouillons', 'borradores', 'bozze']],
  ['\\Junk', ['junk', 'spam', 'junk e-mail', 'junk email', 'junk mail', 'bulk mail', 'courrier indésirable']],
  [
    '\\Sent',
    [
      'sent',
      'sent items',
      'sent mail',
      'sent messages',
      'sent-mail',
      'gesendet',
      'gesendete objekte',
      'gesendete elemente',
    ],
  ],
  [
    '\\Trash',
    [
      'trash',
      'deleted items',
      'deleted messages',
      'bin',
      'deleted',
      'papierkorb',
      'gelöschte objekte',
      'gelöschte elemente',
    ],
  ],
]
/** Levels under which some servers have all their mailboxes of special use. */
const WRAPPERS = new Set(['[gmail]', '[google mail]'])
/** What the names of others' mailboxes begin with (docs/decisions/040). */
const OTHERS = 'user'

/** `into`: INBOX goes into this mailbox, the others below it, under the names that they have. */
export function targetsOf(sources: readonly SourceMailbox[], into: MailboxName | undefined): Target[] {
  if (into !== undefined) {
    return sources.map(source => ({
      source,
      name: nameOf(isInbox(source) ? [into] : [into, ...source.levels]),
      use: undefined,
    }))
  }
  const takers = takersOf(sources)
  return sources.map(source => ({ source, name: nameOf(source.levels), use: takers.get(source) }))
}

function isInbox({ levels }: SourceMailbox): boolean {
  return levels.length === 1 && levels[0]?.toUpperCase() === INBOX
}

/** One mailbox for each use: the one that says so, or the one of the first name that is there. The others stay what they are. */
function takersOf(sources: readonly SourceMailbox[]): ReadonlyMap<SourceMailbox, SpecialUse> {
  const takers = new Map<SourceMailbox, SpecialUse>()
  for (const [use, names] of NAMES) {
    const said = sources.find(source => source.specialUse?.toLowerCase() === use.toLowerCase())
    const named = names.flatMap(name => sources.find(source => usualName(source) === name && !takers.has(source)) ?? [])
    const taker =
      said ??
      named.find(source => source.specialUse === undefined) ??
      (use === '\\Archive' ? allMail(sources) : undefined)
    if (taker) takers.set(taker, use)
  }
  return takers
}

function allMail(sources: readonly SourceMailbox[]): SourceMailbox | undefined {
  return sources.find(({ specialUse }) => specialUse === '\\All')
}

/** Of a mailbox at the top, or below a wrapper. */
function usualName({ levels }: SourceMailbox): string | undefined {
  const [first = '', ...others] = levels.map(level => level.normalize('NFC').toLowerCase())
  if (others.length === 0) return first
  return others.length === 1 && WRAPPERS.has(first) ? others[0] : undefined
}

/** With what no name may have replaced. */
function nameOf(levels: readonly string[]): MailboxName | undefined {
  const legal = levels.map(level => {
    const text = level.replaceAll(/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u2028\u2029%*]/gu, '_').trim()
    return text === '' || text === '.' || text === '..' ? '_' : text
  })
  if (legal[0] === OTHERS) legal[0] = `${OTHERS}_`
  return parseMailboxName(legal.join(SEPARATOR))
}

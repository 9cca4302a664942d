/** The mailboxes that an import fills: found or made, with what was seen of their messages. */
import { createHash } from 'node:crypto'
import { type Flags, MAX_KEYWORD, MAX_KEYWORDS } from '../mail/flags.ts'
import type { MailboxRow } from '../storage/mail-reader.ts'
import type { SpecialUse } from '../storage/mail-operations.ts'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import type { MailboxName } from '../store/mailbox-name.ts'
import type { Target } from './import-targets.ts'
import type { MailWriter } from './mail-writer.ts'

export interface OpenMailbox {
  /** undefined: a dry run, and it is not there. */
  readonly id: number | undefined
  readonly name: string
  /** Of a message with this hash: the second that is the same has another. They have to come in the same order each time. */
  fingerprintOf(digest: Buffer): Uint8Array
  /** Without keywords that it cannot have. */
  permitted(flags: Flags): Flags
}

export interface ImportMailboxesOptions {
  readonly account: number
  readonly reader: StorageReader
  readonly writer: MailWriter | undefined
}

export function importMailboxes({ account, reader, writer }: ImportMailboxesOptions) {
  const opened = new Map<string, OpenMailbox>()
  let keywordsLeft = 0

  /** undefined: there is none yet. */
  function find(name: MailboxName, use: SpecialUse | undefined): MailboxRow | undefined {
    const used = use && reader.mail.mailboxes(account).find(({ specialUse }) => specialUse.includes(use))
    return used ?? reader.mail.mailboxNamed(account, name)
  }

  /** Its id, or why it cannot be made. */
  async function make(name: MailboxName, use: SpecialUse | undefined, to: MailWriter): Promise<number | string> {
    const made = await to.change({ is: 'create', account, name, specialUse: use ? [use] : [] })
    if (made.is === 'missing') return 'the account was removed'
    if (made.is !== 'done')
      return `there can be no mailbox ${name}: ${made.is === 'limit' ? 'there are too many' : made.is}`
    await to.change({ is: 'subscribe', account, name, on: true })
    return made.mailbox
  }

  function openMailbox(id: number | undefined, name: string): OpenMailbox {
    const known = opened.get(name)
    if (known) return known
    const seen = new Map<number, number>()
    const keywords = new Set(
      id === undefined ? [] : reader.mail.keywords(id).map(([, keyword]) => keyword.toLowerCase()),
    )

    function isPermitted(keyword: string): boolean {
      const key = keyword.toLowerCase()
      const permitted = isKeyword(keyword) && (keywords.has(key) || keywords.size < MAX_KEYWORDS)
      if (permitted) keywords.add(key)
      else keywordsLeft++
      return permitted
    }

    const mailbox: OpenMailbox = {
      id,
      name,
      fingerprintOf(digest) {
        const short = digest.readUIntBE(0, 6)
        const before = seen.get(short) ?? 0
        seen.set(short, before + 1)
        return before === 0 ? digest : createHash('sha256').update(digest).update(String(before)).digest()
      },
      permitted: ({ system, keywords: names }) => ({ system, keywords: names.filter(isPermitted) }),
    }
    opened.set(name, mailbox)
    return mailbox
  }

  return {
    get keywordsLeft() {
      return keywordsLeft
    },
    /** Or why there is none. */
    async open({ name, use }: Target): Promise<OpenMailbox | string> {
      if (name === undefined) return 'no mailbox can have a name like that'
      const row = find(name, use)
      if (row || !writer) return openMailbox(row?.id, row?.name ?? name)
      const made = await make(name, use, writer)
      return typeof made === 'string' ? made : openMailbox(made, name)
    },
  }
}

/** RFC 9051 §9: flag-keyword = atom */
function isKeyword(name: string): boolean {
  return name.length <= MAX_KEYWORD && /^[^\0-\x20(){%*"\\\]\x7f-\uffff]+$/.test(name)
}

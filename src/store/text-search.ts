/**
 * SEARCH TEXT, BODY and HEADER (RFC 9051 §6.4.4): the mails of a mailbox that hold a text, exactly by the substring rule. On the way to it
 * each step keeps away what cannot hold it: the index blocks, the signature of each mail that is left, and then the look at the mail
 * itself. What has no block or no signature yet is looked at; nothing is missed.
 */
import { foldCase } from '../mail/case-fold.ts'
import type { Content } from '../mail/content.ts'
import type { Id } from '../mail/id.ts'
import { headerText, headerValues } from '../mail/message-text.ts'
import type { SearchKey } from '../mail/search-key.ts'
import { mayHold, needleHashes } from '../mail/signature.ts'
import type { MailReader } from '../storage/mail-reader.ts'
import { openedMail } from './opened-mail.ts'
import { BLOCK, candidates } from './search-index.ts'

export type TextKey = Extract<SearchKey, { readonly is: 'TEXT' | 'BODY' | 'HEADER' }>

export interface TextSearchOptions {
  readonly reader: MailReader
  /** undefined: there is no such message. */
  readonly content: (message: Id) => Content | undefined
  /** Asked after each step, all of which are short: undefined: go on; otherwise others get their turn first. */
  readonly breathe: () => Promise<void> | undefined
}

export interface TextSearch {
  /** Of these UIDs (ascending), those whose mails fit the key. Mails that vanish meanwhile are left out. */
  find(mailbox: number, key: TextKey, among: Uint32Array): Promise<Uint32Array>
  /** Those that fit all of the keys: each mail is read once. */
  findAll(mailbox: number, keys: readonly TextKey[], among: Uint32Array): Promise<Uint32Array>
}

/** What is looked for. */
interface Needle {
  readonly key: TextKey
  /** Folded. */
  readonly text: string
  /** Bits that the signature of each mail that holds it has; none for a text that is too short. */
  readonly hashes: readonly number[]
}

/** Mails whose signatures are read at once, and UIDs between two of them for which it is worth it. */
const GROUP = 64
const GAP = 8

export function openTextSearch({ reader, content, breathe }: TextSearchOptions): TextSearch {
  async function findAll(mailbox: number, keys: readonly TextKey[], among: Uint32Array): Promise<Uint32Array> {
    // Every text holds the empty one.
    const needles = keys.map(needleOf).filter(({ key, text }) => key.is === 'HEADER' || text !== '')
    if (needles.length === 0 || among.length === 0) return among
    const hashes = [...new Set(needles.flatMap(needle => needle.hashes))]
    const indexed = new Set(hashes.length === 0 ? [] : reader.indexBlocks(mailbox))
    const found = new Uint32Array(among.length)
    let length = 0
    for (const uids of blocksOf(among)) {
      const block = Math.floor((uids[0] ?? 0) / BLOCK)
      const left = indexed.has(block) ? candidates(reader, mailbox, uids, hashes) : uids
      await breathe()
      for (const group of groupsOf(left)) {
        for (const [uid, message, head] of signed(mailbox, group, needles)) {
          if (await holdsAll(message, head, needles)) found[length++] = uid
          await breathe()
        }
        await breathe()
      }
    }
    return found.slice(0, length)
  }

  /** Of a group of mails, those whose signatures don't exclude it. */
  function signed(mailbox: number, group: Uint32Array, needles: readonly Needle[]): [number, Id, Buffer][] {
    const [first = 0, last = first] = [group[0], group[group.length - 1]]
    const left: [number, Id, Buffer][] = []
    let at = 0
    for (const [uid, message, signature, text] of reader.signatures(mailbox, [first, last])) {
      while ((group[at] ?? last) < uid) at++
      if (group[at] !== uid) continue
      const head = Buffer.from(text)
      const may = needles.every(needle => !signature || mayHold(signature, needle.hashes) || inHead(head, needle))
      if (may) left.push([uid, message, head])
    }
    return left
  }

  async function holdsAll(message: Id, head: Buffer, needles: readonly Needle[]): Promise<boolean> {
    const open = needles.filter(needle => !inHead(head, needle))
    if (open.length === 0) return true
    const of = content(message)
    if (!of) return false
    const mail = openedMail(message, of, reader, breathe)
    try {
      for (const { key, text } of open) {
        const holds = key.is === 'HEADER' ? mail.headerHolds(key.field, text) : mail.textHolds(key.is, text)
        if (!(await holds)) return false
      }
      return true
    } finally {
      await mail.close()
    }
  }

  return { findAll, find: (mailbox, key, among) => findAll(mailbox, [key], among) }
}

function needleOf(key: TextKey): Needle {
  const text = foldCase(key.text)
  if (key.is !== 'HEADER') return { key, text, hashes: needleHashes(text) }
  // The name stands in the header as well.
  const name = key.field.toLowerCase()
  return { key: { ...key, field: name }, text, hashes: [...needleHashes(text, name), ...needleHashes(name)] }
}

/** What the client reads begins with the copy's own lines. */
function inHead(head: Buffer, { key, text }: Needle): boolean {
  if (head.length === 0) return false
  switch (key.is) {
    case 'BODY':
      return false
    case 'TEXT':
      return foldCase(headerText(head)).includes(text)
    case 'HEADER':
      return headerValues(head, key.field).some(value => foldCase(value).includes(text))
  }
}

/** Ascending UIDs, block by block. */
function* blocksOf(uids: Uint32Array): Generator<Uint32Array> {
  for (let start = 0; start < uids.length; ) {
    const limit = (Math.floor((uids[start] ?? 0) / BLOCK) + 1) * BLOCK
    let end = start + 1
    while (end < uids.length && (uids[end] ?? 0) < limit) end++
    yield uids.subarray(start, end)
    start = end
  }
}

/** Ascending UIDs, those together that are close to each other. */
function* groupsOf(uids: Uint32Array): Generator<Uint32Array> {
  for (let start = 0; start < uids.length; ) {
    let end = start + 1
    while (end < uids.length && end - start < GROUP && (uids[end] ?? 0) - (uids[end - 1] ?? 0) <= GAP) end++
    yield uids.subarray(start, end)
    start = end
  }
}

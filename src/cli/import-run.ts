/**
 * An import, mailbox by mailbox: each message is read, known again by its fingerprint, and appended with others in one transaction, which
 * also notes the fingerprints. So a run that was cut off anywhere loses nothing and doubles nothing: the next one goes on where it was.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { parseId } from '../mail/id.ts'
import { type Flags, NO_FLAGS } from '../mail/flags.ts'
import type { Appended, Appending, Impossible } from '../storage/mail-operations.ts'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import { describeContent } from '../store/describe-content.ts'
import { CommandError } from './access.ts'
import { importContent, type ImportedContent } from './import-content.ts'
import { importMailboxes, type OpenMailbox } from './import-mailboxes.ts'
import type { SourceMessage } from './import-source.ts'
import type { Target } from './import-targets.ts'
import type { MailWriter } from './mail-writer.ts'
import type { Progress } from './progress.ts'

export interface ImportOptions {
  readonly account: number
  readonly targets: readonly Target[]
  readonly reader: StorageReader
  /** undefined: a dry run. */
  readonly writer: MailWriter | undefined
  readonly progress: Progress
  /** ms since 1970 */
  readonly now: () => number
}

export interface Imported {
  readonly mailboxes: readonly { readonly name: string; readonly imported: number; readonly already: number }[]
  readonly imported: number
  readonly bytes: number
  /** What an earlier run has put there. */
  readonly already: number
  readonly failed: number
  /** The first MAX_FAILURES of those that failed. */
  readonly failures: readonly { readonly where: string; readonly reason: string }[]
  /** Keywords that a mailbox had no room for, or that IMAP doesn't allow, over all messages. */
  readonly keywordsLeft: number
  /** Why it did not come to its end. */
  readonly stopped: CommandError | undefined
}

const MAX_FAILURES = 1000
/** Messages, and bytes, of one transaction. */
const BATCH = 100
const BATCH_BYTES = 8 * 1024 * 1024
/** RFC 9051 §9: date-year = 4DIGIT */
const LAST_DATE = Date.UTC(9999, 11, 31)

interface Waiting {
  readonly where: string
  readonly content: ImportedContent
  readonly appending: Appending
}

/** Ends early, with the reason in `stopped`, when nothing more can be stored or fetched. */
export async function importAll(options: ImportOptions): Promise<Imported> {
  const { reader, writer, progress } = options
  const mailboxes = importMailboxes(options)
  const counted = new Map<string, { name: string; imported: number; already: number }>()
  const failures: { where: string; reason: string }[] = []
  let failed = 0
  let bytes = 0
  let looked = 0
  let lookedBytes = 0
  let batch: Waiting[] = []
  let batchBytes = 0

  function fail(where: string, error: unknown): void {
    failed++
    const reason = typeof error === 'string' ? error : error instanceof Error ? error.message : String(error)
    if (failures.length < MAX_FAILURES) failures.push({ where, reason })
  }

  function countOf({ name }: OpenMailbox): { imported: number; already: number } {
    const known = counted.get(name) ?? { name, imported: 0, already: 0 }
    counted.set(name, known)
    return known
  }

  function done(mailbox: OpenMailbox, size: number): void {
    countOf(mailbox).imported++
    bytes += size
  }

  async function flush(mailbox: OpenMailbox): Promise<void> {
    const waiting = batch
    batch = []
    batchBytes = 0
    if (waiting.length === 0 || !writer) return
    const answer = await append(mailbox, waiting)
    if (answer.is === 'appended') for (const { content } of waiting) done(mailbox, content.size)
    // Some of them may have room.
    else if (answer.is === 'over-quota' && waiting.length > 1) for (const one of waiting) await flushOne(mailbox, one)
    else await refused(mailbox, waiting, answer)
  }

  async function flushOne(mailbox: OpenMailbox, one: Waiting): Promise<void> {
    batch = [one]
    await flush(mailbox)
  }

  async function append({ id }: OpenMailbox, waiting: readonly Waiting[]): Promise<Appended | Impossible> {
    if (!writer || id === undefined) throw new Error('a dry run stores nothing')
    return writer.append({ mailbox: id, messages: waiting.map(({ appending }) => appending) })
  }

  async function refused({ name }: OpenMailbox, waiting: readonly Waiting[], { is }: Impossible): Promise<void> {
    for (const { content } of waiting) await content.discard()
    if (is === 'over-quota') {
      const advice = 'raise its limit (staffetta account quota, staffetta domain quota) and run this again'
      throw new CommandError(`the account is full; ${advice}`)
    }
    const reason = is === 'missing' ? `${name} was deleted meanwhile` : `${name} takes no more`
    for (const { where } of waiting) fail(where, reason)
  }

  async function take(message: SourceMessage, mailbox: OpenMailbox): Promise<void> {
    const content = await importContent(message, writer)
    progress.show(++looked, (lookedBytes += content.size), mailbox.name)
    if (content.size === 0) return fail(message.where, 'it is empty')
    const fingerprint =
      message.key === undefined ? mailbox.fingerprintOf(content.digest) : fingerprintOfKey(message.key)
    if (isImported(mailbox, fingerprint)) {
      countOf(mailbox).already++
      return content.discard()
    }
    if (!writer) return done(mailbox, content.size)
    const flags = mailbox.permitted(message.flags ?? content.flags ?? NO_FLAGS)
    const appending = await prepare(message, content, flags, fingerprint, writer)
    batch.push({ where: message.where, content, appending })
    batchBytes += appending.content.in === 'memory' ? content.size : 0
    if (batch.length >= BATCH || batchBytes >= BATCH_BYTES) await flush(mailbox)
  }

  async function prepare(
    { at }: SourceMessage,
    imported: ImportedContent,
    flags: Flags,
    fingerprint: Uint8Array,
    to: MailWriter,
  ): Promise<Appending> {
    const content = await imported.finish()
    const description = await describeContent(content)
    // A file has the name of its message already.
    const id = (content.in === 'file' ? parseId(basename(content.path)) : undefined) ?? (await to.nextId())
    const date = [at, description.sent].find(isDate) ?? options.now()
    return { id, at: Math.round(date), content, description, flags, fingerprint }
  }

  function isImported({ id }: OpenMailbox, fingerprint: Uint8Array): boolean {
    return id !== undefined && reader.isImported(id, fingerprint)
  }

  async function takeMailbox({ source }: Target, mailbox: OpenMailbox): Promise<void> {
    countOf(mailbox)
    const wanted = (key: string): boolean => {
      if (!isImported(mailbox, fingerprintOfKey(key))) return true
      countOf(mailbox).already++
      progress.show(++looked, lookedBytes, mailbox.name)
      return false
    }
    for await (const message of source.messages(wanted)) {
      try {
        await take(message, mailbox)
      } catch (error) {
        if (error instanceof CommandError) throw error
        fail(message.where, error)
      }
    }
  }

  async function takeTarget(target: Target): Promise<void> {
    const where = target.source.levels.join('/')
    const mailbox = await mailboxes.open(target)
    if (typeof mailbox === 'string') return fail(where, mailbox)
    try {
      await takeMailbox(target, mailbox)
    } catch (error) {
      if (error instanceof CommandError) throw error
      fail(where, error)
    }
    await flush(mailbox)
  }

  let stopped: CommandError | undefined
  try {
    for (const target of options.targets) await takeTarget(target)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    stopped = error
  }
  progress.end()
  const all = [...counted.values()]
  const sum = (of: 'imported' | 'already'): number => all.reduce((total, each) => total + each[of], 0)
  const { keywordsLeft } = mailboxes
  return {
    mailboxes: all,
    imported: sum('imported'),
    bytes,
    already: sum('already'),
    failed,
    failures,
    keywordsLeft,
    stopped,
  }
}

function isDate(at: number | undefined): at is number {
  return at !== undefined && at >= 0 && at < LAST_DATE
}

function fingerprintOfKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

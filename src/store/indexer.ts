/**
 * Work of one thread in the background: what arrived without a description gets one, and what is searched gets its index blocks. In small
 * portions with pauses in between, so that neither the sessions of this thread nor the storage feel it.
 */
import type { Content } from '../mail/content.ts'
import type { Description } from '../mail/description.ts'
import type { Id } from '../mail/id.ts'
import type { MailReader } from '../storage/mail-reader.ts'
import type { Described } from '../storage/mail-operations.ts'
import type { Storage } from '../storage/storage.ts'
import { Unreadable } from './content-ranges.ts'
import { describeContent } from './describe-content.ts'
import { BLOCK, blockBuilder } from './search-index.ts'

export interface IndexerOptions {
  readonly reader: Pick<MailReader, 'undescribed' | 'unindexed' | 'signatures'>
  readonly storage: Pick<Storage, 'ask'>
  /** undefined: there is no such message. */
  readonly content: (message: Id) => Content | undefined
  readonly sleep: (ms: number) => Promise<void>
  /** ms since 1970 */
  readonly now: () => number
}

export interface IndexerService {
  /** There may be work: at the start, and when the storage says so. */
  wake(): void
  /** Begins nothing new, and reads nothing any more. */
  stop(): void
}

/** Messages that are described before the storage hears of them. */
const BATCH = 32
const MAX_LOST = 10_000
/** UIDs of a block that are read at once. */
const STRETCH = 128
/** ms of work without a pause, and of the pause. */
const SLICE = 5
const PAUSE = 5
/** ms until it is tried again after the storage could not take it, which twice as many follow up to the last. */
const RETRY = 1000
const LAST_RETRY = 5 * 60 * 1000

/** Nothing is done until it is woken. */
export function startIndexer({ reader, storage, content, sleep, now }: IndexerOptions): IndexerService {
  let at: 'idle' | 'working' | 'stopped' = 'idle'
  let again = false
  let began = 0
  /** Their content cannot be read any more, though they are there. */
  const lost = new Set<Id>()
  const isStopped = (): boolean => at === 'stopped'

  /** After a little work: a pause when it was enough. */
  async function breathe(): Promise<void> {
    if (now() - began < SLICE) return
    await sleep(PAUSE)
    began = now()
  }

  /** Answers false when the storage failed: later. */
  async function describeAll(): Promise<boolean> {
    let last: Id | undefined
    while (!isStopped()) {
      const waiting = reader.undescribed(BATCH + lost.size).filter(message => !lost.has(message))
      if (lost.size > MAX_LOST) lost.clear()
      if (waiting.length === 0) return true
      // The same again: the storage said that it has it, and has not.
      if (waiting[0] === last) return false
      last = waiting[0]
      const described = await describe(waiting)
      if (described.length > 0 && 'failed' in (await storage.ask('describe', described))) return false
    }
    return true
  }

  async function describe(messages: readonly Id[]): Promise<readonly Described[]> {
    const described: Described[] = []
    for (const message of messages) {
      if (isStopped()) return []
      const description = await descriptionOf(message)
      if (description) described.push({ message, description })
      else lost.add(message)
      await breathe()
    }
    return described
  }

  /** undefined: it is gone, or its file cannot be read. */
  async function descriptionOf(message: Id): Promise<Description | undefined> {
    const of = content(message)
    if (!of) return undefined
    try {
      return await describeContent(of)
    } catch (error) {
      if (error instanceof Unreadable) return undefined
      throw error
    }
  }

  async function indexAll(): Promise<boolean> {
    let last = ''
    while (!isStopped()) {
      const [next] = reader.unindexed(1)
      if (next === undefined) return true
      const key = `${next.mailbox} ${next.block}`
      if (key === last) return false
      last = key
      if (!(await indexBlock(next.mailbox, next.block))) return false
    }
    return true
  }

  async function indexBlock(mailbox: number, block: number): Promise<boolean> {
    const builder = blockBuilder()
    for (let uid = block * BLOCK; uid < (block + 1) * BLOCK; uid += STRETCH) {
      if (isStopped()) return true
      for (const [of, , signature, head] of reader.signatures(mailbox, [uid, uid + STRETCH - 1])) {
        builder.add(of, signature, head)
      }
      await breathe()
    }
    return 'ok' in (await storage.ask('index', { mailbox, block, rows: builder.rows() }))
  }

  async function work(): Promise<void> {
    let retry = RETRY
    while (again && !isStopped()) {
      again = false
      began = now()
      // A block is made of descriptions: those first.
      if ((await describeAll()) && (await indexAll())) continue
      again = true
      await sleep(retry)
      retry = Math.min(LAST_RETRY, retry * 2)
    }
    if (!isStopped()) at = 'idle'
  }

  return {
    wake() {
      again = true
      if (at !== 'idle') return
      at = 'working'
      void work()
    },
    stop() {
      at = 'stopped'
    },
  }
}

/** The content of a message that is being imported: with CRLF, in memory or in a file, and known again by its hash. */
import { createHash } from 'node:crypto'
import type { Content } from '../mail/content.ts'
import type { Flags } from '../mail/flags.ts'
import { HEADER_MAX } from '../mail/header.ts'
import type { Id } from '../mail/id.ts'
import type { BodyFile } from '../storage/bodies.ts'
import { withCrlf } from '../store/line-ends.ts'
import { readStatusFields } from '../store/status-fields.ts'
import type { SourceMessage } from './import-source.ts'

/** Bytes up to which a content stays in memory (DESIGN: 256 KB). */
const SMALL = 256 * 1024

export interface ImportedContent {
  /** Bytes. */
  readonly size: number
  /** SHA-256, without what changes with the flags. */
  readonly digest: Buffer
  /** What its header says of them. */
  readonly flags: Flags | undefined
  /** Synced, where it is a file. Rejects with the error of the file system. */
  finish(): Promise<Content>
  discard(): Promise<void>
}

/** Where large contents go; undefined: nothing is kept, only looked at. */
export type BodyMaker = { nextId(): Promise<Id>; createBody(id: Id): Promise<BodyFile> } | undefined

/** Reads the message. Rejects when it can't be read or written. */
export async function importContent(message: SourceMessage, maker: BodyMaker): Promise<ImportedContent> {
  const hash = createHash('sha256')
  const ends = withCrlf()
  const sink = contentSink(maker)
  let header: Buffer | undefined = Buffer.alloc(0)
  let flags: Flags | undefined

  async function endHeader(whole: Buffer): Promise<void> {
    const end = headerLength(whole)
    const fields = readStatusFields(whole.subarray(0, end))
    flags = fields.flags
    header = undefined
    hash.update(fields.lasting).update(whole.subarray(end))
    await sink.take(message.statusFields === 'strip' ? fields.header : whole.subarray(0, end))
    await sink.take(whole.subarray(end))
  }

  try {
    for await (const part of message.parts()) {
      const bytes = ends.feed(part)
      if (header === undefined) {
        hash.update(bytes)
        await sink.take(bytes)
        continue
      }
      header = Buffer.concat([header, bytes])
      if (header.length >= HEADER_MAX || headerLength(header) < header.length) await endHeader(header)
    }
    if (header !== undefined) await endHeader(header)
  } catch (error) {
    await sink.discard()
    throw error
  }
  return { size: sink.size(), digest: hash.digest(), flags, finish: () => sink.finish(), discard: () => sink.discard() }
}

/** With its empty line; all of it where there is none yet. */
function headerLength(bytes: Buffer): number {
  if (bytes[0] === 0x0d && bytes[1] === 0x0a) return 2
  const end = bytes.indexOf('\r\n\r\n')
  return end < 0 ? bytes.length : end + 4
}

function contentSink(maker: BodyMaker) {
  let parts: Uint8Array[] = []
  let size = 0
  let body: BodyFile | undefined

  return {
    size: () => size,
    async take(bytes: Uint8Array): Promise<void> {
      size += bytes.length
      if (!maker || bytes.length === 0) return
      parts.push(bytes)
      if (size <= SMALL) return
      body ??= await maker.createBody(await maker.nextId())
      const written = parts
      parts = []
      await body.write(written)
    },
    async finish(): Promise<Content> {
      if (!body) return { in: 'memory', bytes: Buffer.concat(parts, size) }
      await body.finish()
      return { in: 'file', path: body.path, head: new Uint8Array(0), size }
    },
    async discard(): Promise<void> {
      await body?.discard()
    },
  }
}

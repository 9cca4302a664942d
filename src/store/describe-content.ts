/** The description of a content wherever it is: in memory at once; of a file in two passes, of which neither holds more than a window of it and its texts. */
import type { Content } from '../mail/content.ts'
import { describe, describeEntity, readingOf } from '../mail/describe.ts'
import type { Description } from '../mail/description.ts'
import { indexer } from '../mail/structure.ts'
import { type ContentRanges, contentRanges } from './content-ranges.ts'

/** Bytes that pass through the indexer at once. */
const CHUNK = 256 * 1024
const NOTHING = new Uint8Array(0)

interface Range {
  readonly start: number
  readonly end: number
}

/** Any content has a description. Rejects when its file cannot be read, or is shorter than it was said to be. */
export function describeContent(content: Content): Description | Promise<Description> {
  return content.in === 'memory' ? describe(content.bytes) : describeFile(content)
}

async function describeFile(content: Content): Promise<Description> {
  const bytes = contentRanges(content)
  try {
    const index = indexer()
    for (let at = 0; at < bytes.size; ) {
      const end = Math.min(bytes.size, at + CHUNK)
      index.add(await bytes.read(at, end))
      at = end
    }
    const message = index.done()
    const reading = readingOf(message)
    const { preview, texts = [] } = reading
    const found = await copies(bytes, preview ? [preview, ...texts] : texts)
    return describeEntity(message, reading, range => found.get(keyOf(range)) ?? NOTHING)
  } finally {
    await bytes.close()
  }
}

function keyOf({ start, end }: Range): string {
  return `${start} ${end}`
}

async function copies(bytes: ContentRanges, ranges: readonly Range[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const range of ranges) found.set(keyOf(range), Buffer.from(await bytes.read(range.start, range.end)))
  return found
}

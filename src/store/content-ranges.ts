/** Ranges of a content, wherever it is. */
import { type FileHandle, open } from 'node:fs/promises'
import { type Content, contentSize } from '../mail/content.ts'

/** Bytes that are read of a file at once, so that many small ranges are not many reads. */
const WINDOW = 256 * 1024

/** Why reading a content fails: its file is gone, because the message was removed meanwhile, or it cannot be read, or it ends too early. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

export interface ContentRanges {
  readonly size: number
  /** The bytes [start, end) as far as the content goes, at once for what is in memory. Valid until the next call. Rejects with Unreadable. */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>
  close(): Promise<void> | undefined
}

/** Files are opened when they are first read. */
export function contentRanges(content: Content): ContentRanges {
  if (content.in === 'memory') {
    const { bytes } = content
    return { size: bytes.length, read: (start, end) => bytes.subarray(start, end), close: () => undefined }
  }
  return fileRanges(content)
}

/** The stamped head, then the bytes of the file. */
function fileRanges(content: Extract<Content, { readonly in: 'file' }>): ContentRanges {
  const { head, path } = content
  const size = contentSize(content)
  let file: FileHandle | undefined
  let window: Uint8Array = head.subarray(0, 0)
  let windowStart = 0

  async function fill(start: number, end: number): Promise<void> {
    file ??= await open(path, 'r')
    const bytes = Buffer.allocUnsafe(Math.min(size, Math.max(end, start + WINDOW)) - start)
    let length = Math.max(0, Math.min(bytes.length, head.length - start))
    bytes.set(head.subarray(start, start + length))
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, start + length - head.length)
      if (bytesRead === 0) throw new Error(`${path} is shorter than it was`)
      length += bytesRead
    }
    window = bytes
    windowStart = start
  }

  return {
    size,
    async read(from, to) {
      const start = Math.min(from, size)
      const end = Math.min(to, size)
      if (start < windowStart || end > windowStart + window.length) {
        try {
          await fill(start, end)
        } catch (cause) {
          throw new Unreadable('a content could not be read', { cause })
        }
      }
      return window.subarray(start - windowStart, end - windowStart)
    },
    close: () => file?.close(),
  }
}

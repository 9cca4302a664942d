import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { type Content, contentSize } from '../mail/content.ts'
import { headerEnd } from '../mail/header.ts'
import { CommandError } from './access.ts'

/** As it is, no faster than it is taken. */
export async function writeContent(to: Writable, content: Content): Promise<void> {
  if (content.in === 'memory') return write(to, content.bytes)
  await write(to, content.head)
  const length = content.size - content.head.length
  if (length === 0) return
  try {
    for await (const chunk of createReadStream(content.path, { end: length - 1 })) await write(to, Buffer.from(chunk))
  } catch (error) {
    throw new CommandError(`the message cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function write(to: Writable, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, error => (error ? reject(error) : resolve()))
  })
}

/** Bytes of a message in which its header is looked for. */
const HEADER_MOST = 256 * 1024

/** The header with its empty line; of one that is longer than is looked at, the beginning. */
export async function headerOf(content: Content): Promise<Uint8Array> {
  const bytes = await beginningOf(content, HEADER_MOST)
  return bytes.subarray(0, headerEnd(bytes))
}

/** The first bytes, fewer where there are no more. What can't be read is left out. */
export async function beginningOf(content: Content, most: number): Promise<Uint8Array> {
  if (content.in === 'memory') return content.bytes.subarray(0, most)
  const rest = Math.max(0, Math.min(most, contentSize(content)) - content.head.length)
  const buffer = Buffer.alloc(rest)
  try {
    await using file = await open(content.path, 'r')
    const { bytesRead } = await file.read(buffer, 0, rest, 0)
    return Buffer.concat([content.head, buffer.subarray(0, bytesRead)])
  } catch {
    return content.head
  }
}

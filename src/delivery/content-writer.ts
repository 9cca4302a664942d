import { type FileHandle, open } from 'node:fs/promises'
import type { Content } from '../mail/content.ts'
import { type Connection, HIGH_WATER } from '../net/connection.ts'
import { endOfData, type LineEnd, stuffDots } from '../mail/stuffing.ts'

/** `bytes`: as they are (BDAT); `dots`: dot-stuffed and with the final dot (DATA). */
export type Framing = 'bytes' | 'dots'

export function writeMemory(connection: Connection, bytes: Uint8Array, framing: Framing): void {
  if (framing === 'bytes') {
    connection.write(bytes)
    return
  }
  const end = stuffDots(asBuffer(bytes), 'crlf', part => connection.write(part))
  connection.write(endOfData(end))
}

/** A file content that is open, so that it can be read whatever happens to its name. */
export interface OpenContent {
  readonly content: Content & { in: 'file' }
  readonly file: FileHandle
}

export async function openContent(content: Content & { in: 'file' }): Promise<OpenContent | undefined> {
  try {
    return { content, file: await open(content.path) }
  } catch {
    return undefined
  }
}

/** ms for one chunk to go out; RFC 5321 §4.5.3.2.5. */
const CHUNK_PATIENCE = 3 * 60_000
/** Bytes */
const CHUNK = 64 * 1024

/**
 * Writes no faster than the peer takes. `drained` waits until it has taken; false: there is nobody any more. `short`: the file is not as
 * long as it was said to be, so what was written must not be ended properly.
 */
export async function streamFile(
  connection: Connection,
  { content, file }: OpenContent,
  framing: Framing,
  drained: () => Promise<boolean>,
): Promise<'written' | 'gone' | 'short'> {
  let end: LineEnd = 'crlf'
  const put = (chunk: Buffer): void => {
    if (framing === 'bytes') connection.write(chunk)
    else end = stuffDots(chunk, end, part => connection.write(part))
  }
  put(asBuffer(content.head))
  const length = content.size - content.head.length
  for (let at = 0; at < length; ) {
    connection.deadline(CHUNK_PATIENCE)
    const chunk = await readAt(file, at, Math.min(CHUNK, length - at))
    if (chunk === undefined) return 'short'
    at += chunk.length
    put(chunk)
    if (connection.unsent > HIGH_WATER && !(await drained())) return 'gone'
  }
  if (framing === 'dots') connection.write(endOfData(end))
  return 'written'
}

/** A buffer of its own each time, because the connection keeps it. undefined: unreadable, or at its end. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  try {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, position)
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead)
  } catch {
    return undefined
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

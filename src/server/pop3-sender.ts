/** A message on its way to a client of POP3: dot-stuffed, whole or only its top, and with the line with the dot (RFC 1939 §3, §5, §7). */
import { type FileHandle, open } from 'node:fs/promises'
import type { Content } from '../mail/content.ts'
import { endOfData, type LineEnd, stuffDots } from '../mail/stuffing.ts'
import { type Connection, HIGH_WATER } from '../net/connection.ts'
import { newTopScan, scanTop } from '../pop3/top.ts'

/** `first`: the reply and the head of the copy, as it stands before the content. `lines`: of the body; undefined: all of it. */
export interface Sending {
  readonly connection: Connection
  readonly first: string
  readonly lines: number | undefined
}

type FileContent = Extract<Content, { readonly in: 'file' }>

export function sendMemory({ connection, first, lines }: Sending, bytes: Uint8Array): void {
  connection.write(first)
  const writer = stuffer(connection, lines)
  writer.write(asBuffer(bytes))
  connection.write(endOfData(writer.end))
}

/** Bytes of a file that are read at once. */
const CHUNK = 64 * 1024

/**
 * Writes no faster than the client takes it. `drained` waits until it has taken; false: there is nobody any more. `unreadable`: nothing was
 * written. `broken`: the file is not as long as it was said to be, so what was written must not be ended properly.
 */
export async function sendFile(
  sending: Sending,
  content: FileContent,
  drained: () => Promise<boolean>,
): Promise<'sent' | 'unreadable' | 'broken' | 'nobody'> {
  const file = await open(content.path).catch(() => undefined)
  if (file === undefined) return 'unreadable'
  try {
    return await stream(sending, content, file, drained)
  } finally {
    await file.close().catch(() => undefined)
  }
}

async function stream(
  { connection, first, lines }: Sending,
  content: FileContent,
  file: FileHandle,
  drained: () => Promise<boolean>,
): Promise<'sent' | 'broken' | 'nobody'> {
  connection.write(first)
  const writer = stuffer(connection, lines)
  let more = writer.write(asBuffer(content.head))
  const length = content.size - content.head.length
  for (let at = 0; more && at < length; ) {
    if (connection.unsent > HIGH_WATER && !(await drained())) return 'nobody'
    const chunk = await readAt(file, at, Math.min(CHUNK, length - at))
    if (chunk === undefined) return 'broken'
    at += chunk.length
    more = writer.write(chunk)
  }
  connection.write(endOfData(writer.end))
  return 'sent'
}

/** `write` answers whether more is wanted. */
function stuffer(connection: Connection, lines: number | undefined) {
  const top = lines === undefined ? undefined : newTopScan(lines)
  const put = (part: Uint8Array): void => connection.write(part)
  let end: LineEnd = 'crlf'
  return {
    get end() {
      return end
    },
    write(chunk: Buffer): boolean {
      const cut = top ? scanTop(top, chunk) : -1
      end = stuffDots(cut === -1 ? chunk : chunk.subarray(0, cut), end, put)
      return cut === -1
    },
  }
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

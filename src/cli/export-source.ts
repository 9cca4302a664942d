/** Mail as it is exported: what a client would read of it, in pieces. */
import { createReadStream } from 'node:fs'
import { type Content, contentSize } from '../mail/content.ts'
import { type Flags, FIRST_KEYWORD, hasBit } from '../mail/flags.ts'
import type { MailRow } from '../storage/mail-reader.ts'

export interface ExportedMail {
  readonly uid: number
  /** ms since 1970: INTERNALDATE */
  readonly at: number
  /** Bytes, with CRLF. */
  readonly size: number
  readonly flags: Flags
  /** The address of its return path; '': none is known. */
  readonly sender: string
  /** The whole of it, as often as it is called. Rejects when the file of its content cannot be read. */
  parts(): AsyncIterable<Buffer>
}

/** Where mail goes: one for each format. */
export interface ExportFormat {
  /** Mails that may be written at the same time. */
  readonly parallel: number
  /** Or why that mailbox can't be written. */
  open(mailbox: ExportedMailbox): Promise<MailboxWriter | string>
}

export interface ExportedMailbox {
  readonly name: string
  readonly uidValidity: number
}

export interface MailboxWriter {
  /** An earlier export has written it. */
  has(uid: number): boolean
  /** Answers how many of its keywords have no place in that format. Rejects with the error of the file system. */
  write(mail: ExportedMail): Promise<number>
  /** Everything is on disk. */
  end(): Promise<void>
  /** What is begun and was not ended is removed. */
  abandon(): Promise<void>
}

/** Bytes that are read at once. */
const CHUNK = 256 * 1024

/** `keywords`: of the mailbox, by the places of their bits. */
export function exportedMail(row: MailRow, content: Content, keywords: ReadonlyMap<number, string>): ExportedMail {
  const { uid, at, size, head } = row
  return {
    uid,
    at,
    size,
    flags: flagsOf(row.flags, keywords),
    sender: /^Return-Path: <(.*)>\r\n/.exec(head)?.[1] ?? '',
    async *parts() {
      if (head !== '') yield Buffer.from(head)
      const bytes = content.in === 'memory' ? content.bytes : content.head
      if (bytes.length > 0) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      const rest = contentSize(content) - bytes.length
      if (content.in === 'file' && rest > 0)
        yield* createReadStream(content.path, { end: rest - 1, highWaterMark: CHUNK })
    },
  }
}

function flagsOf(bits: number, keywords: ReadonlyMap<number, string>): Flags {
  const named = [...keywords].filter(([place]) => hasBit(bits, place)).map(([, name]) => name)
  return { system: bits % 2 ** FIRST_KEYWORD, keywords: named }
}

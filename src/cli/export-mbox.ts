/** Export into mbox files, one for each mailbox: `Name.mbox`, and what is below it in a folder `Name`. */
import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HEADER_MAX, headerEnd } from '../mail/header.ts'
import { mboxQuoting, separatorLine } from '../store/mbox.ts'
import { formatStatusFields, hasEmptyLine } from '../store/status-fields.ts'
import { withLf } from '../store/line-ends.ts'
import { isLfExact, syncFolder } from './export-file.ts'
import type { ExportedMail, ExportFormat, MailboxWriter } from './export-source.ts'
import { fileName } from './folder-names.ts'

/** `alone`: the one mailbox is the file itself. */
export function mboxFormat(target: string, alone: boolean): ExportFormat {
  return {
    parallel: 1,
    async open({ name }) {
      const levels = alone ? [] : name.split('/').map(fileName)
      if (levels.includes(undefined)) return 'its name is too long for a file; export it with --mailbox'
      const path = alone ? target : `${join(target, ...levels.filter(level => level !== undefined))}.mbox`
      if (existsSync(path))
        return `${path} is there already, and nothing is added to an mbox file; choose another place`
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      return mboxFile(path)
    },
  }
}

/** Under its name when it is whole. */
async function mboxFile(path: string): Promise<MailboxWriter> {
  const part = `${path}.part`
  await unlink(part).catch(() => undefined) // an export that was cut off left it
  const file = await open(part, 'ax', 0o600)
  return {
    has: () => false,
    async write(mail) {
      await writeMail(file, mail)
      return 0
    },
    async end() {
      await file.datasync()
      await file.close()
      await rename(part, path)
      await syncFolder(dirname(path))
    },
    async abandon() {
      await file.close()
      await unlink(part).catch(() => undefined)
    },
  }
}

/** Bytes that are written at once. */
const CHUNK = 256 * 1024

/** With the fields that say its flags, quoted, and with an empty line behind it. When that fails the file is as it was before. */
async function writeMail(file: FileHandle, mail: ExportedMail): Promise<void> {
  const { size } = await file.stat()
  let waiting: Uint8Array[] = [Buffer.from(separatorLine(mail.sender, mail.at))]
  let bytes = 0

  async function flush(): Promise<void> {
    const all = Buffer.concat(waiting)
    waiting = []
    bytes = 0
    await file.appendFile(all)
  }

  try {
    for await (const part of mboxParts(mail)) {
      waiting.push(part)
      bytes += part.length
      if (bytes >= CHUNK) await flush()
    }
    await flush()
  } catch (error) {
    await file.truncate(size)
    throw error
  }
}

async function* mboxParts(mail: ExportedMail): AsyncGenerator<Uint8Array> {
  const quoting = mboxQuoting()
  const lf = (await isLfExact(mail)) ? withLf() : undefined
  let last = 0x0a
  for await (const part of partsWithFields(mail)) {
    const quoted = quoting.feed(bufferOf(lf ? lf.feed(part) : part))
    last = quoted.at(-1) ?? last
    yield quoted
  }
  const rest = Buffer.concat([lf ? quoting.feed(bufferOf(lf.end())) : NOTHING, quoting.end()])
  yield rest
  // RFC 4155: the file has lines; the last one of a message has an end there, whatever it was.
  yield Buffer.from((rest.at(-1) ?? last) === 0x0a ? '\n' : '\n\n')
}

const NOTHING = Buffer.alloc(0)

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The fields stand at the end of the header; where it has no end, nowhere. */
async function* partsWithFields(mail: ExportedMail): AsyncGenerator<Uint8Array> {
  let header: Buffer | undefined = NOTHING
  for await (const part of mail.parts()) {
    if (header === undefined) yield part
    else {
      header = Buffer.concat([header, part])
      if (header.length < HEADER_MAX && !hasEmptyLine(header, headerEnd(header))) continue
      yield withFields(header, mail)
      header = undefined
    }
  }
  if (header !== undefined) yield withFields(header, mail)
}

function withFields(beginning: Buffer, { flags, uid }: ExportedMail): Buffer {
  const end = headerEnd(beginning)
  if (!hasEmptyLine(beginning, end)) return beginning
  const fields = Buffer.from(formatStatusFields(flags, uid, '\r\n'))
  return Buffer.concat([beginning.subarray(0, end - 2), fields, beginning.subarray(end - 2)])
}

/** Files of one message each: whole and synced before they have their names, so that one that is there is whole. */
import { open, readdir, rename, unlink, utimes } from 'node:fs/promises'
import { lfCheck, withLf } from '../store/line-ends.ts'
import type { ExportedMail } from './export-source.ts'

export interface WrittenFile {
  /** Bytes in the file. */
  readonly size: number
}

/**
 * `place`: the name it gets, when it is written under `path`. With LF where that can be read back (`lineEnds`), otherwise as it is. Its time is that
 * of the mail. Rejects with the error of the file system, and leaves nothing behind.
 */
export async function writeMessageFile(
  mail: ExportedMail,
  path: string,
  lineEnds: 'lf' | 'crlf',
  place: (written: WrittenFile) => string,
): Promise<void> {
  try {
    const size = await writeParts(path, lineEnds === 'lf' && (await isLfExact(mail)) ? lfParts(mail) : mail.parts())
    await utimes(path, mail.at / 1000, mail.at / 1000)
    await rename(path, place({ size }))
  } catch (error) {
    await unlink(path).catch(() => undefined)
    throw error
  }
}

async function writeParts(path: string, parts: AsyncIterable<Uint8Array>): Promise<number> {
  await using file = await open(path, 'w', 0o600)
  let size = 0
  for await (const part of parts) {
    await file.appendFile(part)
    size += part.length
  }
  await file.datasync()
  return size
}

/** Whether a reader that makes CRLF of LF has the message as it is. */
export async function isLfExact(mail: ExportedMail): Promise<boolean> {
  const check = lfCheck()
  for await (const part of mail.parts()) check.feed(part)
  return check.exact
}

export async function* lfParts(mail: ExportedMail): AsyncGenerator<Uint8Array> {
  const ends = withLf()
  for await (const part of mail.parts()) yield ends.feed(part)
  yield ends.end()
}

/** UIDs of the files `UIDVALIDITY.UID.…` in these folders. */
export async function uidsIn(folders: readonly string[], uidValidity: number): Promise<Set<number>> {
  const uids = new Set<number>()
  const beginning = `${uidValidity}.`
  for (const folder of folders) {
    for (const name of await readdir(folder)) {
      const uid = name.startsWith(beginning) ? /^(\d{1,10})\./.exec(name.slice(beginning.length))?.[1] : undefined
      if (uid !== undefined) uids.add(Number(uid))
    }
  }
  return uids
}

/** Names are on disk. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}

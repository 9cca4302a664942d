import { type FileHandle, open, statfs, unlink } from 'node:fs/promises'
import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { formatId, type Id, parseId } from '../mail/id.ts'

/** Bytes that must stay free on the disk: below, nothing new is accepted, and what is under way can still be settled. */
export const RESERVE = 16 * 1024 * 1024

/** Contents over 256 KB are files of their own: `bodies/ID`. The database names them by the message's id, after they are synced. */
export function bodyPath(data: string, id: Id): string {
  return join(data, 'bodies', formatId(id))
}

/** A content on its way to the disk. */
export interface BodyFile {
  readonly path: string
  /** One at a time; rejects with the error of the file system (ENOSPC and the like). */
  write(parts: readonly Uint8Array[]): Promise<void>
  /** Synced, the file and its folder: from here on the database may name it. */
  finish(): Promise<void>
  /** Removes it. Never rejects. */
  discard(): Promise<void>
}

/** Bytes of a file after which the room on the disk is looked up again. */
const LOOK_AGAIN = 4 * 1024 * 1024

/** Rejects with the error of the file system. */
export async function createBody(data: string, id: Id): Promise<BodyFile> {
  const path = bodyPath(data, id)
  const file = await open(path, 'wx', 0o600)
  let unlooked = LOOK_AGAIN

  async function look(): Promise<void> {
    const { bavail, bsize } = await statfs(data)
    if (bavail * bsize - unlooked < RESERVE) throw new Error('ENOSPC: what is left is for the queue')
    unlooked = 0
  }

  return {
    path,
    async write(parts) {
      unlooked += parts.reduce((sum, part) => sum + part.length, 0)
      if (unlooked >= LOOK_AGAIN) await look()
      for (let rest = parts; rest.length > 0; ) rest = after(rest, (await file.writev(rest)).bytesWritten)
    },
    async finish() {
      await file.datasync()
      await file.close()
      await syncFolder(join(data, 'bodies'))
    },
    async discard() {
      await file.close().catch(() => undefined)
      await unlink(path).catch(() => undefined)
    },
  }
}

/** What is left of the parts after so many bytes. */
function after(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes
  let first = 0
  for (let part = parts[first]; part && skip >= part.length; part = parts[first]) {
    skip -= part.length
    first++
  }
  const [cut, ...others] = parts.slice(first)
  return cut === undefined ? [] : [cut.subarray(skip), ...others]
}

/** The next sync of a folder, for all who ask while one is under way. */
const nextSync = new Map<string, { readonly running: Promise<void>; waiting: Promise<void> | undefined }>()

/** Of those who come while a sync is under way, all share the next one: theirs may have missed the running one. */
function syncFolder(path: string): Promise<void> {
  const under = nextSync.get(path)
  if (under) return (under.waiting ??= under.running.catch(() => undefined).then(() => syncFolder(path)))
  const running = syncNow(path).finally(() => nextSync.delete(path))
  nextSync.set(path, { running, waiting: undefined })
  return running
}

async function syncNow(path: string): Promise<void> {
  const folder: FileHandle = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Removes the files that no message names: those of receptions that a crash cut off. Only while nothing is being received. Answers how many. */
export function sweepBodies(data: string, isKnown: (id: Id) => boolean): number {
  let removed = 0
  for (const name of readdirSync(join(data, 'bodies'))) {
    const id = parseId(name)
    if (id === undefined || isKnown(id)) continue
    unlinkSync(join(data, 'bodies', name))
    removed++
  }
  return removed
}

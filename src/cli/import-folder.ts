/** Mail in files: mbox files, Maildirs and folders of .eml files, also one within the other. Links are not followed. */
import { createReadStream, type Dirent } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MAX_MAILBOXES } from '../storage/mail-operations.ts'
import { isMbox, mboxReader } from '../store/mbox.ts'
import { inMaildirOrder, KEYWORDS_FILE, maildirFlags, parseKeywords } from '../store/maildir.ts'
import { CommandError } from './access.ts'
import { type EmlFlags, FLAGS_FILE, readEmlFlags } from './eml-flags.ts'
import { levelOfFile, levelsOfMaildir } from './folder-names.ts'
import type { SourceMailbox, SourceMessage } from './import-source.ts'

export type SourceFormat = 'mbox' | 'maildir' | 'eml'

const MAX_DEPTH = 20
/** Bytes that are read at once, and of a file that is read whole. */
const CHUNK = 256 * 1024

/** `format`: nothing else is looked for. Throws CommandError for what cannot be read. */
export async function folderSource(path: string, format: SourceFormat | undefined): Promise<SourceMailbox[]> {
  const found: SourceMailbox[] = []
  if ((await stat(path)).isFile()) {
    if (await isMboxFile(path)) return [mboxMailbox(path, ['INBOX'])]
    return [emlMailbox(join(path, '..'), ['INBOX'], [basename(path)])]
  }
  await walk(path, [], format, found)
  return found
}

async function walk(
  folder: string,
  levels: readonly string[],
  format: SourceFormat | undefined,
  found: SourceMailbox[],
): Promise<void> {
  if (levels.length > MAX_DEPTH) return
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const folders = entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  const isMaildir = isWanted('maildir', format) && folders.includes('cur') && folders.includes('new')
  if (isMaildir) found.push(maildirMailbox(folder, orInbox(levels)))
  else found.push(...(await mailboxesOfFiles(folder, levels, entries, format)))
  if (found.length > MAX_MAILBOXES) throw new CommandError(`there are more than ${MAX_MAILBOXES} mailboxes in it`)
  for (const name of folders) {
    const below = levelsBelow(name, isMaildir)
    if (below) await walk(join(folder, name), [...levels, ...below], format, found)
  }
}

/** undefined: it holds no mailboxes. */
function levelsBelow(name: string, inMaildir: boolean): string[] | undefined {
  if (inMaildir && name.startsWith('.')) return levelsOfMaildir(name)
  if (name.startsWith('.') || (inMaildir && /^(?:cur|new|tmp)$/.test(name))) return undefined
  return [levelOfFile(name.replace(/\.(?:sbd|mbox)$/i, ''))] // Thunderbird's folders below one; Apple's for each mailbox
}

async function mailboxesOfFiles(
  folder: string,
  levels: readonly string[],
  entries: readonly Dirent[],
  format: SourceFormat | undefined,
): Promise<SourceMailbox[]> {
  const files = entries.filter(entry => entry.isFile() && !entry.name.startsWith('.')).map(entry => entry.name)
  const found: SourceMailbox[] = []
  const emls = files.filter(name => /\.eml$/i.test(name))
  if (isWanted('eml', format) && (emls.length > 0 || files.includes(FLAGS_FILE))) {
    found.push(emlMailbox(folder, orInbox(levels), emls))
  }
  if (!isWanted('mbox', format)) return found
  for (const name of files) {
    if (emls.includes(name) || !(await isMboxFile(join(folder, name)))) continue
    const own = name === 'mbox' ? [] : [levelOfFile(name.replace(/\.mbox$/i, ''))]
    found.push(mboxMailbox(join(folder, name), orInbox([...levels, ...own])))
  }
  return found
}

function isWanted(one: SourceFormat, format: SourceFormat | undefined): boolean {
  return format === undefined || format === one
}

function orInbox(levels: readonly string[]): readonly string[] {
  return levels.length > 0 ? levels : ['INBOX']
}

/** One without messages is empty. */
async function isMboxFile(path: string): Promise<boolean> {
  await using file = await open(path, 'r')
  const { bytesRead, buffer } = await file.read(Buffer.alloc(5), 0, 5, 0)
  return bytesRead === 0 ? /\.mbox$/i.test(path) : isMbox(buffer)
}

function maildirMailbox(folder: string, levels: readonly string[]): SourceMailbox {
  return {
    levels,
    specialUse: undefined,
    async *messages() {
      const keywords = parseKeywords(await readFile(join(folder, KEYWORDS_FILE), 'latin1').catch(() => ''))
      const folderOf = new Map<string, string>()
      for (const part of ['cur', 'new']) for (const name of await filesIn(join(folder, part))) folderOf.set(name, part)
      for (const name of inMaildirOrder([...folderOf.keys()])) {
        const path = join(folder, folderOf.get(name) ?? 'cur', name)
        yield await fileMessage(path, maildirFlags(name, keywords))
      }
    },
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter(entry => entry.isFile() && !entry.name.startsWith('.')).map(entry => entry.name)
}

function emlMailbox(folder: string, levels: readonly string[], names: readonly string[]): SourceMailbox {
  return {
    levels,
    specialUse: undefined,
    async *messages() {
      const flags: EmlFlags = await readEmlFlags(folder)
      const { compare } = new Intl.Collator('en', { numeric: true })
      for (const name of names.toSorted(compare)) yield await fileMessage(join(folder, name), flags.get(name))
    },
  }
}

/** Its last change is when it came (as Maildir has it). */
async function fileMessage(path: string, flags: SourceMessage['flags']): Promise<SourceMessage> {
  const about = await stat(path).catch(() => undefined)
  return {
    where: path,
    key: undefined,
    at: about?.mtimeMs,
    flags,
    statusFields: 'keep',
    async *parts() {
      if (about && about.size <= CHUNK) yield await readFile(path)
      else yield* createReadStream(path, { highWaterMark: CHUNK })
    },
  }
}

function mboxMailbox(path: string, levels: readonly string[]): SourceMailbox {
  return {
    levels,
    specialUse: undefined,
    async *messages() {
      const events = mboxEvents(path)
      let next = await events.next()
      for (let number = 1; next.done !== true; number++) {
        const first = next.value
        const parts = async function* (): AsyncGenerator<Uint8Array> {
          for (next = await events.next(); next.done !== true; next = await events.next()) {
            if (next.value.is === 'message') return
            yield next.value.bytes
          }
        }
        const at = first.is === 'message' ? first.at : undefined
        yield {
          where: `${path}, message ${number}`,
          key: undefined,
          at,
          flags: undefined,
          statusFields: 'strip',
          parts,
        }
        // Whoever read it may have given up in the middle.
        while (next.done !== true && (next.value === first || next.value.is === 'part')) next = await events.next()
      }
    },
  }
}

async function* mboxEvents(path: string) {
  const reader = mboxReader()
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) yield* reader.feed(chunk)
  yield* reader.end()
}

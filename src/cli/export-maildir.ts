/** Export into a Maildir++: INBOX is the folder itself, the others are `.Name` in it. What is there already stays as it is. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatKeywords, KEYWORDS_FILE, maildirInfo, parseKeywords } from '../store/maildir.ts'
import { syncFolder, uidsIn, writeMessageFile } from './export-file.ts'
import type { ExportedMailbox, ExportFormat, MailboxWriter } from './export-source.ts'
import { maildirFolder } from './folder-names.ts'

/** `alone`: the one mailbox is the folder itself. */
export function maildirFormat(target: string, alone: boolean): ExportFormat {
  return {
    parallel: 32,
    async open(mailbox) {
      const name = alone ? '' : maildirFolder(mailbox.name)
      return name === undefined
        ? 'its name is too long for a folder; export it with --mailbox'
        : openMaildir(join(target, name), name, mailbox)
    },
  }
}

async function openMaildir(folder: string, name: string, { uidValidity }: ExportedMailbox): Promise<MailboxWriter> {
  const [cur, , tmp] = ['cur', 'new', 'tmp'].map(part => join(folder, part))
  for (const part of ['cur', 'new', 'tmp']) await mkdir(join(folder, part), { recursive: true, mode: 0o700 })
  if (name !== '') await writeFile(join(folder, 'maildirfolder'), '', { flag: 'a', mode: 0o600 }) // Maildir++: it belongs to the one above
  const there = await uidsIn([join(folder, 'cur'), join(folder, 'new')], uidValidity)
  const keywords = keywordsIn(folder)
  let written = keywords.length

  return {
    has: uid => there.has(uid),
    async write(mail) {
      // The numbers have one length, so that files in the order of their names are in that of the mails.
      const base = `${uidValidity}.${String(mail.uid).padStart(10, '0')}.staffetta`
      const { info, left } = maildirInfo(mail.flags, keywords)
      if (keywords.length > written) {
        written = keywords.length
        writeFileSync(join(folder, KEYWORDS_FILE), formatKeywords(keywords), { mode: 0o600 })
      }
      await writeMessageFile(mail, join(tmp ?? '', base), 'lf', ({ size }) =>
        join(cur ?? '', `${base},S=${size},W=${mail.size}${info}`),
      )
      return left
    },
    end: () => syncFolder(join(folder, 'cur')),
    abandon: async () => undefined,
  }
}

/** By number. */
function keywordsIn(folder: string): string[] {
  const keywords: string[] = []
  for (const [number, name] of parseKeywords(textOf(join(folder, KEYWORDS_FILE)))) {
    while (keywords.length < number) keywords.push('')
    keywords[number] = name
  }
  return keywords
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

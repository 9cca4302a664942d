/** Export into folders of .eml files, byte for byte, with the flags in a file beside them. What is there already stays as it is. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { emlFlagsLine, FLAGS_FILE } from './eml-flags.ts'
import { syncFolder, uidsIn, writeMessageFile } from './export-file.ts'
import type { ExportFormat } from './export-source.ts'
import { fileName } from './folder-names.ts'

/** `alone`: the one mailbox is the folder itself. */
export function emlFormat(target: string, alone: boolean): ExportFormat {
  return {
    parallel: 32,
    async open({ name, uidValidity }) {
      const levels = alone ? [] : name.split('/').map(fileName)
      if (levels.includes(undefined)) return 'its name is too long for a folder; export it with --mailbox'
      const folder = join(target, ...levels.filter(level => level !== undefined))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const there = await uidsIn([folder], uidValidity)
      const flags = await open(join(folder, FLAGS_FILE), 'a', 0o600)
      return {
        has: uid => there.has(uid),
        async write(mail) {
          const own = `${uidValidity}.${mail.uid}.eml`
          await flags.appendFile(emlFlagsLine(own, mail.flags))
          await writeMessageFile(mail, join(folder, `.${own}`), 'crlf', () => join(folder, own))
          return 0
        },
        async end() {
          await flags.datasync()
          await flags.close()
          await syncFolder(folder)
        },
        abandon: () => flags.close(),
      }
    },
  }
}

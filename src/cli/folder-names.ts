/** Names of mailboxes as names of files and folders, and back. */
import { decodeUtf7, encodeUtf7 } from '../imap/utf7.ts'

/** Bytes of one name that every file system takes, with room for an ending. */
const MAX_NAME = 240

/** Folders that mean something else, and endings of what is not a folder of mailboxes. */
const TAKEN = /^(?:cur|new|tmp|mbox)$|\.(?:mbox|eml|sbd|tsv)$/i

/** As a file or a folder that every system can have. `%` is in no name of ours, so what is written as %2E was that. undefined: too long. */
export function fileName(level: string): string | undefined {
  const safe = level.replaceAll(/^\.|\.$|[\\:"<>|?]/g, escaped)
  const name = TAKEN.test(safe) ? safe.replace(/.(?=[^.]*$)/s, escaped) : safe
  return Buffer.byteLength(name) <= MAX_NAME ? name : undefined
}

function escaped(character: string): string {
  return Array.from(Buffer.from(character), byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

export function levelOfFile(name: string): string {
  return name.replaceAll(/%([2-7][0-9A-F])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/**
 * Maildir++: all levels in one name, with a dot before each, in modified UTF-7; a dot in a level is `\2e`, as Dovecot's listescape writes it.
 * '': INBOX, which is the folder itself. undefined: too long.
 */
export function maildirFolder(name: string): string | undefined {
  if (name === 'INBOX') return ''
  const levels = name.split('/').map(level => encodeUtf7(level.replaceAll(/[.\\]|^~/g, hexEscaped)))
  const folder = `.${levels.join('.')}`
  return folder.length <= MAX_NAME ? folder : undefined
}

function hexEscaped(character: string): string {
  return `\\${character.charCodeAt(0).toString(16)}`
}

export function levelsOfMaildir(folder: string): string[] {
  return folder
    .slice(1)
    .split('.')
    .map(level =>
      (decodeUtf7(level) ?? level).replaceAll(/\\([2-7][0-9a-f])/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    )
}

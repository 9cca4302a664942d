import { pino } from 'pino'
import { forPeople } from './people.ts'

/** Where the JSON lines go: a file, or the standard output, there also in a form for people. `silent` writes nothing. */
export type LogTarget =
  | { readonly to: 'stdout' }
  | { readonly to: 'people' }
  | { readonly to: 'file'; readonly path: string }
  | { readonly to: 'silent' }

/** Bytes collected before a write, and ms after which what was collected is written anyway. */
const COLLECT = 8192
const FLUSH = 500

export interface LogLines {
  write(lines: readonly string[]): void
  /** After a rotation, when the file was renamed. */
  reopen(): void
  /** Writes what is left, at once. */
  end(): void
}

/** Lines that are JSON already (events) on their way out. A log that can't be written never stops the mail. */
export function openLog(target: LogTarget): LogLines {
  if (target.to === 'silent') return { write: () => undefined, reopen: () => undefined, end: () => undefined }
  const destination = pino.destination({
    dest: target.to === 'file' ? target.path : 1,
    append: true,
    mkdir: true,
    sync: false,
    minLength: target.to === 'people' ? 0 : COLLECT,
    maxLength: 16 * 1024 * 1024,
    periodicFlush: FLUSH,
  })
  destination.on('error', () => undefined)
  return {
    write: lines => {
      const shown = target.to === 'people' ? lines.map(forPeople) : lines
      destination.write(`${shown.join('\n')}\n`)
    },
    reopen: () => {
      if (target.to === 'file') destination.reopen()
    },
    end: () => {
      try {
        destination.flushSync()
      } catch {
        // Nothing is there to write to.
      }
    },
  }
}

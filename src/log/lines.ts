import { pino } from 'pino'
import { forPeople } from './people.ts'

/** Where the JSON lines go: a file, or the standard output, there also in a form for people. `silent` writes nothing. */
export type LogTarget =
  | { readonly to: 'stdout' }
  | { readonly to: 'people' }
  | { readonly to: 'file'; readonly path: string }
  | { readonly to: 'silent' }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** As pino numbers them. */
const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: Infinity }

/** How every line begins (`eventLine`); one that begins otherwise is written whatever the level. */
const LEVEL = '{"level":'

/** Bytes collected before a write, and ms after which what was collected is written anyway. */
const COLLECT = 8192
const FLUSH = 500

/** ms between two complaints about a log that can't be written. */
const SILENCE = 60_000

export interface LogLines {
  write(lines: readonly string[]): void
  /** After a rotation, when the file was renamed. */
  reopen(): void
  /** Writes what is left, at once. */
  end(): void
}

/** Lines that are JSON already (events) on their way out. A log that can't be written never stops the mail. `level`: less important lines are left out. */
export function openLog(target: LogTarget, level: LogLevel): LogLines {
  if (target.to === 'silent' || level === 'silent')
    return { write: () => undefined, reopen: () => undefined, end: () => undefined }
  const destination = pino.destination({
    dest: target.to === 'file' ? target.path : 1,
    append: true,
    mkdir: true,
    sync: false,
    minLength: target.to === 'people' ? 0 : COLLECT,
    maxLength: 16 * 1024 * 1024,
    periodicFlush: FLUSH,
  })
  let complained = Number.NEGATIVE_INFINITY
  destination.on('error', (error: Error) => {
    if (performance.now() - complained < SILENCE) return
    complained = performance.now()
    console.error(`staffetta: the log cannot be written: ${error.message}`)
  })
  const least = LEVELS[level]
  const isWanted = (line: string): boolean =>
    !line.startsWith(LEVEL) || Number.parseInt(line.slice(LEVEL.length), 10) >= least
  return {
    write: lines => {
      const wanted = least <= LEVELS.info ? lines : lines.filter(isWanted)
      if (wanted.length === 0) return
      const shown = target.to === 'people' ? wanted.map(forPeople) : wanted
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

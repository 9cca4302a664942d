import { mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
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

/** Bytes that may wait to be written; what is more is lost. */
const MEMORY = 16 * 1024 * 1024
/** ms between two complaints about a log that can't be written. */
const SILENCE = 60_000

export interface LogLines {
  write(lines: readonly string[]): void
  /** After a rotation, when the file was renamed. */
  reopen(): void
  /** Writes what is left, at once. */
  end(): void
}

/** Lines that are JSON already (events) on their way out. `level`: less important lines are left out. */
export function openLog(target: LogTarget, level: LogLevel): LogLines {
  if (target.to === 'silent' || level === 'silent')
    return { write: () => undefined, reopen: () => undefined, end: () => undefined }
  const sink = openSink(target.to === 'file' ? target.path : 1, target.to === 'people' ? 0 : COLLECT)
  const least = LEVELS[level]
  const isWanted = (line: string): boolean =>
    !line.startsWith(LEVEL) || Number.parseInt(line.slice(LEVEL.length), 10) >= least
  return {
    write: lines => {
      const wanted = least <= LEVELS.info ? lines : lines.filter(isWanted)
      if (wanted.length === 0) return
      const shown = target.to === 'people' ? wanted.map(forPeople) : wanted
      sink.write(`${shown.join('\n')}\n`)
    },
    reopen: () => {
      if (target.to === 'file') sink.reopen()
    },
    end: () => sink.end(),
  }
}

interface Sink {
  write(text: string): void
  reopen(): void
  end(): void
}

/** A file (or a descriptor) that is tried again when it could not be opened. A log that can't be written never stops the mail. */
function openSink(dest: string | number, minLength: number): Sink {
  let complained = Number.NEGATIVE_INFINITY
  let destination = open()

  function open() {
    try {
      const fd = typeof dest === 'string' ? openFile(dest) : dest
      const opened = pino.destination({ dest: fd, sync: false, minLength, maxLength: MEMORY, periodicFlush: FLUSH })
      return opened.on('error', complain)
    } catch (error) {
      complain(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }

  function complain(error: Error): void {
    if (performance.now() - complained < SILENCE) return
    complained = performance.now()
    console.error(`staffetta: the log cannot be written: ${error.message}`)
  }

  return {
    write(text) {
      if (!destination && performance.now() - complained >= SILENCE) destination = open()
      destination?.write(text)
    },
    reopen() {
      const fresh = open()
      if (!fresh) return // what there is goes on
      destination?.end() // writes what it has, and closes its file
      destination = fresh
    },
    end() {
      try {
        destination?.flushSync()
      } catch {
        // Nothing is there to write to.
      }
    },
  }
}

function openFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a')
}

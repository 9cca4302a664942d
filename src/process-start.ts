/**
 * What the C library and V8 read only when a process begins. The server begins once more with it, as the same process (execve), which takes
 * a tenth of a second and saves some 6 MB with 2,000 sessions (docs/decisions/052):
 *
 * - glibc gives what is free at the end of a thread's heap back to the system, and goes on doing so: by itself it stops when a large block was
 *   freed once.
 * - V8 has no more helpers than there are cores. Each keeps what its largest task took.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Bytes, glibc's own default: that it is said makes it stay. */
const TRIM = { MALLOC_TRIM_THRESHOLD_: '131072' }

/** As many as V8 has in Node by default. */
const MOST_HELPERS = 4

export interface Begun {
  readonly platform: string
  readonly execPath: string
  readonly execArgv: readonly string[]
  /** From the program's name on. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of the machine. */
  readonly cores: number
}

/** How the server is to begin again; undefined: it has, or somebody else decided, or this system knows nothing of it. */
export function secondStart({ platform, execPath, execArgv, argv, env, cores }: Begun) {
  if (platform !== 'linux' || Object.keys(TRIM).some(name => env[name] !== undefined)) return undefined
  const helpers = `--v8-pool-size=${Math.min(MOST_HELPERS, cores)}`
  // What the person said comes later, and counts.
  return { args: [execPath, helpers, ...execArgv, ...argv], env: { ...env, ...TRIM } }
}

/** Does not come back when it begins again. */
export function startAgain(): void {
  const { platform, execPath, execArgv, argv, env } = process
  const again = secondStart({ platform, execPath, execArgv, argv: argv.slice(1), env, cores: availableParallelism() })
  // Where it fails the process would be gone: as after an update that took the file away.
  if (again && process.execve && existsSync(execPath)) process.execve(execPath, again.args, again.env)
}

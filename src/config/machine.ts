/** The machine and the folder a configuration is read on: what the schema asks of the world. Tests hand in their own. */
import { readFileSync, statSync } from 'node:fs'
import { availableParallelism, hostname, networkInterfaces } from 'node:os'
import { resolve } from 'node:path'

export interface Machine {
  /** What the machine calls itself; not always a full name. */
  readonly hostname: string
  readonly cores: number
  /** Whether it can listen on IPv6. */
  readonly ipv6: boolean
  /** A path of the configuration, which is relative to the file that it stands in, as an absolute one. */
  absolute(path: string): string
  /** The text of a small file (an absolute path), or why it cannot be read. */
  read(path: string): { readonly ok: string } | { readonly wrong: string }
}

/** Bytes: a certificate chain has a few thousand. */
const MAX_FILE = 1024 * 1024

export function thisMachine(folder: string): Machine {
  return {
    hostname: hostname(),
    cores: availableParallelism(),
    ipv6: Object.values(networkInterfaces()).some(addresses => addresses?.some(({ family }) => family === 'IPv6')),
    absolute: path => resolve(folder, path),
    read: readSmall,
  }
}

/** At most 1 MB of UTF-8 text. */
export function readSmall(path: string): { readonly ok: string } | { readonly wrong: string } {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return { wrong: 'is not a file' }
    if (stat.size > MAX_FILE) return { wrong: 'is larger than 1 MB' }
    return { ok: readFileSync(path, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return { wrong: 'does not exist' }
    if (code === 'EACCES' || code === 'EPERM') return { wrong: 'may not be read by this user' }
    return { wrong: `cannot be read (${String(code ?? error)})` }
  }
}

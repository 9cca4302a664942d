/** A small disk that can be filled: a tmpfs, which needs the rights of root. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** Why there can be none here; where CI=true that is a failure. */
export function whyNoSmallDisk(): string | false {
  const reason = process.getuid?.() === 0 ? triedMount() : 'a small tmpfs needs the rights of root'
  if (reason !== false && process.env['CI'] === 'true') test('a small disk can be made', () => assert.fail(reason))
  return reason
}

function triedMount(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-mount-'))
  try {
    mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    unmount(folder)
    return false
  } catch (error) {
    return `nothing can be mounted here: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function mount(args: readonly string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' })
}

/** `mount`; false: it is busy in this moment, because somebody has a file open to write. */
export function mountUnlessBusy(args: readonly string[]): boolean {
  try {
    mount(args)
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('busy')) return false
    throw error
  }
}

export function unmount(folder: string): void {
  execFileSync('umount', ['-R', folder], { stdio: 'pipe' })
}

/** To the last byte: not even the end of a delivery can be written down. Answers the file that makes room when it is removed. */
export function fillUp(folder: string): string {
  const ballast = join(folder, 'ballast')
  execFileSync('sh', ['-c', `cat /dev/zero > '${ballast}' || true`], { stdio: 'ignore' })
  return ballast
}
